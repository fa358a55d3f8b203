"""Two computations share no key: whatever is changed, a run with a store gives what a run without one gives."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.results import Run
from tests.helpers_models import build, write_tokenizer
from tests.reference.checked import checked

torch.set_num_threads(1)

CHAT = "{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}{% if add_generation_prompt %}user{% endif %}"
SPEC = """probe 1
model m = path("m")
model grader = path("judge")
dataset d = file("d.csv", key=id)
dataset words = file("words.csv")
prompts p from d { body: "the {q} is" answer: " {a}" }
prompts chat from d { user: "the {q} is" }
direction way = mean(resid_post[1] at p.last) on m
let text = generate(p, max_tokens=3, temperature=1.5, samples=2, seed=1)
statistic plain = logit(p) on m
statistic asked = entropy(chat) on m
statistic gone = (logit(p) under project_out(way, alpha=0.5)) on m
statistic drawn = text.response on m
statistic said = mean(mentions(text.response, w)) on m for w in words.word
statistic grade = judge(written.response, rubric=file("rubric.md"), scale="0..9", least=0) on grader
statistic read = norm(resid_post[2] at text.response.mean) on m
dataset written = generate(p, max_tokens=3, temperature=1.5, samples=2, seed=1) on m
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the spec needs, and a store that has seen it."""
    root = tmp_path_factory.mktemp("keys")
    for number, name in enumerate(("m", "judge")):
        build("llama", root / name, seed=number)
        digits(root / name)
    (root / "d.csv").write_text("id,q,a,n\n1,big hot,small,1\n2,up down the,bad,2\n3,red,blue,3\n")
    (root / "words.csv").write_text("word\nthe\ncat\n")
    (root / "rubric.md").write_text("Rate the text .")
    run(SPEC, root, store=root / "store")
    return root


def digits(folder: Path) -> None:
    """A tokenizer that has the digits, in the place of the last words."""
    write_tokenizer(folder, chat_template=CHAT)
    path = folder / "tokenizer.json"
    found = json.loads(path.read_text())
    words = sorted(found["model"]["vocab"], key=found["model"]["vocab"].get)
    found["model"]["vocab"] = {w: i for i, w in enumerate([*words[:-10], *map(str, range(10))])}
    path.write_text(json.dumps(found))


def run(text: str, root: Path, **options) -> Run:
    spec = checked(text, root)
    assert not spec.errors, [(d.code, d.message) for d in spec.errors]
    return execute(spec, root=root, options=RunOptions(**{"replicates": 2, **options}))


def tables(found: Run) -> dict[str, dict]:
    return {r.name: (r.frame if r.items is None else r.items).drop("reason").to_dict(as_series=False)
            for r in found.results}  # fmt: skip


def edited(path: str, change: Callable) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        found = json.loads((root / path).read_text())
        change(found)
        (root / path).write_text(json.dumps(found))

    return edit


def written(path: str, old: str, new: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return write


FILES = {
    "a row": written("d.csv", "red,blue", "red,cat"),
    "a number's type": written("d.csv", "3,red,blue,3", "3,red,blue,3.5"),
    "a template": written("m/chat_template.jinja", "{{ m.role }}", "say {{ m.role }}"),
    "no start token": edited("m/tokenizer.json", lambda t: t.update(post_processor=None)),
    "an end token": edited("m/config.json", lambda c: c.update(eos_token_id=14)),
    "end tokens": lambda root: (root / "m" / "generation_config.json").write_text('{"eos_token_id": [14, 15]}'),
    "an epsilon": edited("m/config.json", lambda c: c.update(rms_norm_eps=0.01)),
    "weights": lambda root: build("llama", root / "m", seed=9) and digits(root / "m"),
    "a judge": lambda root: build("llama", root / "judge", seed=9) and digits(root / "judge"),
    "a judge's template": written("judge/chat_template.jinja", "{{ m.role }}", "say {{ m.role }}"),
    "a rubric": written("rubric.md", "Rate the text", "Rate the cat"),
    "a word": written("words.csv", "cat", "a"),
}
SPECS = {
    "a strength": ("alpha=0.5", "alpha=0.25"), "a seed": ("seed=1)", "seed=2)"), "samples": ("samples=2", "samples=3"),
    "a length": ("max_tokens=3", "max_tokens=2"), "a temperature": ("temperature=1.5", "temperature=1.6"),
    "a stop": ("samples=2,", 'samples=2, stop=["the", "a", "is"],'), "a scale": ('"0..9"', '"1..5"'),
    "a nucleus": ("samples=2,", "samples=2, top_p=0.5,"),
    "a penalty": ("samples=2,", "samples=2, repetition_penalty=2,"),
    "a pool": ("response.mean", "response.max"), "a layer": ("resid_post[2]", "resid_post[3]"),
    "a sublayer": ("resid_post[2]", "mlp[2]"), "a dtype": ('path("m")', 'path("m", dtype="bfloat16")'),
    "what a judge gives": ("least=0", 'give="mass"'), "a part": ("key=id)", "key=id, limit=2)"),
}  # fmt: skip
OPTIONS = {
    "a dtype": {"dtype": "bfloat16"}, "the run's seed": {"seed": 3}, "attention": {"attention": "eager"},
    "rounding": {"tf32": True}, "kernels": {"deterministic": False},
}  # fmt: skip


@pytest.fixture
def root(before: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(before, tmp_path / "keys"))


def close(one: object, other: object) -> bool:
    """Whether two tables are equal but for the noise of batching."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(close(a, b) for a, b in zip(one, other, strict=True))
    return one == (pytest.approx(other, rel=2e-5, abs=2e-5) if isinstance(other, float) else other)


def differ(text: str, root: Path, **options) -> bool:
    """Whether something had to be run; a run with the store is one without."""
    found, alone = run(text, root, store=root / "store", **options), run(text, root, **options)
    assert close(tables(found), tables(alone))
    again = run(text, root, store=root / "store", **options)
    assert tables(again) == tables(found) and not again.manifest["counts"]["forwards"]
    return bool(found.manifest["counts"]["forwards"])


def some(names: dict, *quick: str) -> list:
    """The names; all but a few are slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("what", some(FILES, "a template", "end tokens", "a rubric"))
def test_a_changed_file_is_another_computation(what: str, root: Path) -> None:
    FILES[what](root)
    assert differ(SPEC, root) == (what != "a word")


@pytest.mark.parametrize("what", some(SPECS, "a stop"))
def test_a_changed_spec_is_another_computation(what: str, root: Path) -> None:
    old, new = SPECS[what]
    assert old in SPEC
    assert differ(SPEC.replace(old, new), root)


@pytest.mark.parametrize("what", some(OPTIONS, "the run's seed"))
def test_other_numerics_are_another_computation(what: str, root: Path) -> None:
    assert differ(SPEC, root, **OPTIONS[what])


def test_weights_that_change_while_python_goes_on_have_other_norms(tmp_path: Path) -> None:
    text = 'probe 1\nmodel m = path("m")\nstatistic size = norm(weights[mlp])\n'
    found = []
    for seed in (0, 1):
        build("llama", tmp_path / "m", seed=seed)
        found += [run(text, tmp_path, store=store).results[0].frame["value"][0] for store in (tmp_path / "s", None)]
    assert found[0] == found[1] != found[2] == found[3]


def test_weights_that_change_while_a_run_is_on_are_not_taken_for_those_before(tmp_path: Path) -> None:
    text = SPEC.partition("dataset d")[0].replace("grader", "other").replace("judge", "n")
    text += 'dataset d = rows("""q\nbig\n""")\nprompts p from d { body: "the {q} is" }\n'
    text += "statistic first = entropy(p) on m\nstatistic second = entropy(p) on other\n"

    def put(*seeds: int) -> None:
        for name, seed in zip("mn", seeds, strict=True):
            build("llama", tmp_path / name, seed=seed)

    put(1, 2)

    options = RunOptions(replicates=2, store=tmp_path / "store")
    with pytest.raises(ProbeError, match="have changed since the run began"):
        execute(checked(text, tmp_path), root=tmp_path, options=options, progress=lambda *_: put(3, 4))
    found, alone = (run(text, tmp_path, store=store) for store in (tmp_path / "store", None))
    assert tables(found) == tables(alone) and found.manifest["counts"]["forwards"] > 0
    # what the first model had given is that of the files before
    put(1, 2)
    found, alone = (run(text, tmp_path, store=store) for store in (tmp_path / "store", None))
    assert tables(found) == tables(alone)


def test_the_code_beside_a_model_is_in_its_keys_where_it_is_run(root: Path) -> None:
    code = root / "m" / "modeling.py"
    for text, trust, runs in (("a", False, 0), ("a", True, 1), ("b", True, 1), ("b", False, 0), ("a", True, 0)):
        code.write_text(text)
        found = run(SPEC, root, store=root / "store", trust_remote_code=trust)
        assert (found.manifest["counts"]["forwards"] > 0) == runs


def test_other_names_and_another_order_are_the_same_computation(root: Path) -> None:
    other = SPEC.splitlines()
    other = "\n".join([other[0], *reversed(other[1:])])
    names = {"m": "mine", "d": "items", "p": "ask", "chat": "talk", "way": "gloom", "text": "reply", "grader": "critic",
             "written": "replies", "words": "listed", "plain": "first", "w": "word_"}  # fmt: skip
    for old, new in names.items():
        other = re.sub(rf"(?<![\w\"./]){old}(?![\w\"=/:])", new, other)
    spec = checked(other, root)
    assert [s.name for s in spec.program.statements] == "read grade said drawn gone asked first gloom".split()
    found = run(other, root, store=root / "store")
    assert found.manifest["counts"]["forwards"] == 0
    ours, theirs = tables(found), tables(run(SPEC, root))
    for name in ("read", "grade", "drawn", "gone", "asked"):
        assert ours[name] == theirs[name]
