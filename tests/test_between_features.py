"""What happens between features: selections of families and random vectors, missing values, lists that meet."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.results import Run
from tests.helpers_models import build
from tests.helpers_tables import inline
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

DATA = '''probe 1
dataset d = rows("""noun,opp,n,flag,tag
cat,hot,1,true,a
dog,cold,2,false,b
Tom,big,3,true,a
Rome,down,4,false,b
Ann,up,6,true,b
Bob,bad,9,true,b""", key=noun)
'''
MODEL = """model m = path("m")
prompts p from d { a: "the {noun}" b: " is not {opp}" answer: " {opp}" wrong: " red" }
prompts q { a: "Ann was" b: " hot" answer: " cat" wrong: " dog" }
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("between")
    build("llama", folder / "m")
    return folder


def run(text: str, root: Path, **options) -> Run:
    spec = checked(text, root)
    assert not spec.errors, [(d.code, d.message) for d in spec.errors]
    return execute(spec, root=root, options=RunOptions(**{"replicates": 20, **options}))


def same(text: str, root: Path) -> Run:
    """Run a spec; every value is the interpreter's."""
    found = run(text, root)
    assert compare_run(interpret(checked(text, root).spec, root), found) == []
    return found


def value(found: Run, name: str) -> list:
    return next(r.frame for r in found.results if r.name == name)["value"].to_list()


# **** selections ****


@pytest.mark.parametrize("test", ["sign_flip({})", "sign_test({} + 0.5)", "t_test({}, popmean=0.5)"])
def test_a_selection_leaves_the_family_of_its_test_whole(test: str) -> None:
    """The corrected p of one cell is that of the table, on whatever way it is reached."""
    call = test.format("(d.n * l - 1)")
    found = run(f"""{DATA}statistic t = {call} for l in [0, 1, 2, 3]
let again(l) = {call}
statistic adjusted = t.adjusted
statistic inline = {call}.adjusted for l in [0, 1, 2, 3]
statistic a = t.adjusted[l=1]
statistic b = t[l=1].adjusted
statistic c = adjusted[l=1]
statistic e = inline[l=1]
statistic f = adjusted[l=k] for k in [1]
statistic g = 2 * adjusted
statistic h = g[l=1] / 2
""", Path("."))  # fmt: skip
    table = next(r.frame for r in found.results if r.name == "t")
    wanted = table["adjusted"][1]
    assert wanted > table["p"][1]
    assert [value(found, name)[0] for name in "abcefh"] == pytest.approx([wanted] * 6, abs=0)


def test_a_selection_leaves_what_is_equivalent_whole() -> None:
    found = run(f"{DATA}statistic t = equivalent(d.n * l - 4, 1.8).value for l in [1, 0.9, 0.8]\n"
                "statistic a = t[l=1]\n", Path("."))  # fmt: skip
    assert value(found, "a") == value(found, "t")[:1]


def test_a_random_vector_is_the_same_one_selected_and_walked_to(root: Path) -> None:
    found = same(f"""{DATA}{MODEL}direction e = mean(resid_post[l] at p.last) for l in [0, 2]
direction r = random_unit(like=e, seed=s) for s in 1..2
direction g = random_gaussian(like=e, seed=3)
statistic dots = dot(g, e)
statistic one = dots[l=2]
statistic two = dot(g[l=2], e[l=2])
statistic walked = dots[l=k] for k in [2]
statistic none_left = norm(r[l=2] - r)
statistic gone = logit(q) under project_out(r)
statistic gone_at = gone[l=2]
statistic gone_by = logit(q) under project_out(r[l=2])
""", root)  # fmt: skip
    assert value(found, "one") == value(found, "two") == value(found, "walked") == value(found, "dots")[1:]
    frames = {r.name: r.frame for r in found.results}
    at = {name: frames[name].filter(frames[name]["l"] == 2)["value"].to_list() for name in ("none_left", "gone")}
    assert at["none_left"] == [0, 0]
    assert value(found, "gone_at") == value(found, "gone_by") == at["gone"]


def test_a_condition_that_no_item_meets_says_so() -> None:
    found = run(f"""{DATA}statistic some = mean(d.n[d.n > k]) for k in [0, 5, 99]
statistic rows = d.n[d.n > k] for k in [5, 99]
statistic few = mean(d.n * k)[k > 1] for k in [1, 2]
statistic nothing = mean(d.n * k)[k > 9] for k in [1, 2]
statistic why = mean(mean(d.n / (k - 2))[k >= 2], over=k) for k in [1, 2]
claim nowhere = mean(d.n[d.n > 99]) > 0
claim no_cell = all(few[k > 5] > 0)
""", Path("."))  # fmt: skip
    frames = {r.name: r.frame for r in found.results}
    assert frames["some"]["k"].to_list() == [0, 5, 99] and "no item" in frames["some"]["reason"][2]
    assert frames["rows"]["n"].to_list() == [2, 0]
    assert next(r.items for r in found.results if r.name == "rows").height == 2
    assert frames["few"]["k"].to_list() == [2]
    assert frames["nothing"].is_empty() and "no cell" in next(r.notes for r in found.results if r.name == "nothing")[0]
    assert frames["why"]["reason"].to_list() == ["division by zero"]
    assert [c.verdict for c in found.claims] == ["not computed"] * 2


# **** values ****


@pytest.mark.parametrize(
    ("condition", "code"),
    [("d.tag == 1", "kinds-differ"), ("d.tag != 1", "kinds-differ"), ('d.flag != "true"', "kinds-differ"),
     ('d.n == "3"', "kinds-differ"), ("d.n != d.tag", "kinds-differ"), ("d.flag == 1", ""), ('d.tag == "a"', ""),
     ("d.flag == true", "")],
)  # fmt: skip
def test_texts_are_not_compared_with_what_is_no_text(condition: str, code: str) -> None:
    found = run(f"{DATA}statistic s = mean(d.n[{condition}])\n", Path("."))
    assert [w["code"] for w in found.warnings if isinstance(w, dict)] == ([code] if code else [])


def test_a_number_of_an_intervention_that_is_missing_leaves_its_row_without_a_value(root: Path) -> None:
    """A rank among logits that are no numbers would be the first."""
    found = same(f"""{DATA}{MODEL}statistic s = rank(p) under scale(resid_post[1] at p.last, 1 / (d.n - 1))
statistic t = logit(p) under clamp(resid_post[1] at p.last, 1 / (d.n - 2), component=3)
statistic u = logit(p) under steer(e, scale=1 / (d.n - 3))
statistic mean_s = mean(s)
direction e = mean(resid_post[1] at p.last)
""", root)  # fmt: skip
    for name, at in (("s", 0), ("t", 1), ("u", 2)):
        items = next(r.items for r in found.results if r.name == name)
        assert [i for i, r in enumerate(items["reason"]) if r == "division by zero"] == [at]
    assert value(found, "mean_s") == value(found, "s") != [None]


def test_a_layer_or_head_that_is_missing_leaves_its_row_without_a_value(root: Path) -> None:
    found = same(f"""{DATA}{MODEL}statistic size = norm(resid_post[layer] at p.last) / (d.n - 1) for layer
statistic best = argmax(size, over=layer)
statistic edited = logit(p) under scale(resid_post[best] at p.last, 2)
statistic read = norm(resid_post[best] at p.last)
statistic cut = logit(p) under knockout(from=p.a.first, to=p.last, layer=best)
statistic of_head = norm(head[1, best] at p.last)
""", root)  # fmt: skip
    for name in ("edited", "read", "cut", "of_head"):
        reasons = next(r.items for r in found.results if r.name == name)["reason"].to_list()
        assert [r is None for r in reasons] == [False] + [True] * 5


@pytest.mark.parametrize(
    ("value", "code"),
    [("logit(p) under ablate(head[1, hs] at p.last) for hs in choose([0, 1, 2], 1..2)", "several-layers"),
     ("norm(resid_post[set] at p.last) for set in choose([0, 1, 2], 2)", "several-layers"),
     ("norm(resid_post[d.half] at p.last)", "not-whole"),
     ("logit(p) under scale(resid_post[d.half] at p.last, 2)", "not-whole")],
)  # fmt: skip
def test_what_is_no_layer_is_said(value: str, code: str, root: Path) -> None:
    with pytest.raises(ProbeError) as caught:
        run(DATA.rstrip() + " with half = n / 2\n" + MODEL + f"statistic s = {value}\n", root)
    assert caught.value.code == code


def test_what_is_no_number_is_missing(tmp_path: Path) -> None:
    """A model whose unembedding overflows gives no rank, no argmax and no share."""
    from safetensors.torch import load_file, save_file

    build("llama", tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    tensors = load_file(weights)
    tensors["lm_head.weight"][5, 0] = float("nan")
    save_file(tensors, weights, metadata={"format": "pt"})
    found = run(f"{DATA}{MODEL}statistic s = rank(p)\nstatistic t = reciprocal_rank(p, max_rank=5)\n"
                "statistic u = prob(p)\nstatistic share = mean(rank(p) == 1)\nstatistic v = norm(logits at p.last)\n"
                "statistic w = norm(resid_post[3] at p.last)\n", tmp_path)  # fmt: skip
    for r in found.results:
        assert r.frame["value"].is_null().all() == (r.name != "w"), r.name


# **** plans ****


def test_a_row_that_runs_later_gives_no_beginning_to_those_before_it(root: Path) -> None:
    """The prompts of an arm are held in a group of their own, and texts behind the same prompts are read before it."""
    found = same(f"""{DATA}{MODEL}direction e = unit(mean(resid_post[1] at p.last))
direction r = random_unit(like=e, seed=seed) for seed in 1..2
statistic s = logit(p) under steer(arm, site=mlp[1], unit="residual_norm") for arm in [none, e, r]
let g = generate(p, samples=2, max_tokens=3, temperature=1.5)
statistic t = norm(resid_pre[l] at g.response.mean) for l in [1, 2]
""", root)  # fmt: skip
    assert found.manifest["counts"]["forwards"] > 0


# **** lists of interventions ****


def meeting(edits: str, root: Path) -> list[str]:
    return [d.code for d in checked(f"{DATA}{MODEL}statistic s = logit(p) under {edits}\n", root).errors]


@pytest.mark.parametrize(
    ("one", "other", "codes"),
    [("p.last", "p.all", ["edits-collide"]), ("p.a", "p.a.first", ["edits-collide"]),
     ("p.b.last", "(p.a + p.b)", ["edits-collide"]), ("p.a", "p.b", []), ("p.a.first", "p.a.last", []),
     ("p.bos", "p.all", []), ("p.all", "p.a.first", ["edits-collide"])],
)  # fmt: skip
def test_edits_that_surely_meet_are_refused(one: str, other: str, codes: list[str], root: Path) -> None:
    edits = f"[scale(mlp[1] at {one}, 2), ablate(mlp[1] at {other})]"
    assert meeting(edits, root) == codes
    assert meeting(edits.replace(", 2)", ", 2, in_order=true)"), root) == []


def test_edits_that_meet_in_some_cells_leave_these_without_a_value(root: Path) -> None:
    found = same(f"""{DATA}{MODEL}direction e = mean(resid_post[1] at p.last)
statistic s = logit(p) under [scale(resid_post[l] at p.last, 2), ablate(resid_post[1] at p.b.last)] for l in [0, 1]
statistic t = logit(p) under [scale(resid_post[l] at p.last, 2, in_order=true), scale(resid_post[1] at p.b.last, 0)]
  for l in [0, 1]
statistic u = logit(p) under [steer(e, tokens=p.last), steer(e, tokens=p.b.last)]
statistic v = logit(p) under [scale(resid_post[1] at tokens(p, "cat"), 2), scale(resid_post[1] at p.a.last, 3)]
""", root)  # fmt: skip
    frames = {r.name: r.frame for r in found.results}
    assert "in_order" in frames["s"]["reason"][1] and frames["s"]["value"].is_null().to_list() == [False, True]
    assert not frames["t"]["value"].is_null().any() and not frames["u"]["value"].is_null().any()
    reasons = next(r.items for r in found.results if r.name == "v")["reason"].to_list()
    assert "in_order" in reasons[0] and "no occurrence" in reasons[1]


@pytest.mark.parametrize("labels", ["[1, 2, 1]", "[1, 1.0]", '["a", "a"]', "[e, none, e]"])
def test_a_label_stands_once_in_a_list(labels: str, root: Path) -> None:
    value = {"[1": "mean(d.n) * x", '["': "mean(logit(p, x))", "[e": "logit(p) under project_out(x)"}[labels[:2]]
    text = f"{DATA}{MODEL}direction e = mean(resid_post[1] at p.last)\nstatistic s = {value} for x in {labels}\n"
    assert [d.code for d in checked(text, root).errors] == ["doubled-label"]


def test_numbers_that_are_too_large_are_missing() -> None:
    found = run(f"""{DATA}statistic s = d.n ** 400
statistic t = (0 - d.n) ** 0.5
statistic u = d.n * 10 ** 300 * 10 ** 300
statistic v = mean(d.n ** 400 > 1)
""", Path("."))  # fmt: skip
    reasons = [next(r.items for r in found.results if r.name == n)["reason"].is_null().sum() for n in "stu"]
    assert reasons == [4, 0, 0]
    assert value(found, "v") == [3 / 4]


def test_items_without_a_cluster_are_not_one_cluster() -> None:
    data = DATA.replace("tag", "group").replace("cat,hot,1,true,a", "cat,hot,1,true,")
    for statistic in ("bootstrap(mean(d.n), cluster=group)", "sign_flip(d.n, cluster=group)"):
        found = run(f"{data}statistic s = {statistic}\n", Path("."))
        assert [w["code"] for w in found.warnings if isinstance(w, dict)] == ["missing-cluster"]


# **** what keys are made of ****


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, "1"), (True, "true"), (1e20, "100000000000000000000")])
def test_data_of_another_type_has_another_hash_and_the_same_key(one: object, other: object) -> None:
    """Prompts spell 1 and 1.0 apart, and conditions tell 1 from "1"."""
    first, second = (inline([{"x": x}]) for x in (one, other))
    assert first.keys == second.keys and first.fingerprint != second.fingerprint


def test_a_file_whose_numbers_are_written_otherwise_is_read_again(root: Path, tmp_path: Path) -> None:
    text = 'probe 1\nmodel m = path("m")\ndataset d = file("d.jsonl")\nprompts p from d { text: "say {x} to" }\n' \
        "statistic s = entropy(p)\n"  # fmt: skip
    counts = []
    for line in ('{"x": 1}', '{"x": 1.0}'):
        (root / "d.jsonl").write_text(line + "\n")
        counts.append(run(text, root, store=tmp_path).manifest["counts"]["forwards"])
        assert value(run(text, root, store=tmp_path), "s") == value(run(text, root), "s")
    assert min(counts) > 0


# **** intervals ****


def test_data_with_the_same_keys_are_drawn_apart() -> None:
    """Values of different data are not paired, whatever their keys: their differences have the width of two means."""
    rows = "\n".join(f"k{i},{i}" for i in range(40))
    found = run(f'''probe 1
dataset one = rows("""key,x
{rows}""", key=key)
dataset two = rows("""key,z
{rows}""", key=key)
dataset all = keep(one, x >= 0)
statistic alone = mean(one.x)
statistic apart = mean(one.x) - mean(two.z)
statistic same = mean(one.x) - mean(all.x)
statistic thrice = (mean(two.z) - mean(one.x)) + (mean(one.x) - mean(two.z))
''', Path("."), replicates=1000)  # fmt: skip
    width = {r.name: (r.frame["high"] - r.frame["low"])[0] for r in found.results}
    assert width["apart"] == pytest.approx(2**0.5 * width["alone"], rel=0.1)
    assert width["same"] == width["thrice"] == 0
