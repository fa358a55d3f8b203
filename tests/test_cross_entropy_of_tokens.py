"""How surprising tokens are behind all that stands before them: against transformers, and against the reference."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import probelang
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.zoo import zoo_path
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)
TEXTS = ["open the door", "close it", "read the letter by the river"]
DATA = 'dataset d = rows("""q\n' + "\n".join(TEXTS) + '\n""")\n'
BY_HAND = f"""probe 1
model m = zoo("sft")
{DATA}
prompts raw from d {{ head: "Request:" body: " {{q}}." tail: " Answer:" }}
prompts chat from d {{ user: "{{q}}?" assistant: "Yes, {{q}}" }}
statistic middle = cross_entropy(raw.body)
statistic column = cross_entropy(raw.q)
statistic first  = cross_entropy(raw.first)
statistic ends   = cross_entropy(raw.head + raw.tail)
statistic whole  = cross_entropy(raw)
statistic every  = cross_entropy(raw.all)
statistic reply  = cross_entropy(chat.assistant)
statistic asked  = cross_entropy(chat.user)
"""
AGAINST_REFERENCE = """probe 1
model m = path("llama")
dataset d = rows(\"\"\"q,a
hot cold,small
in the light is,bad
red,good
red dog,good\"\"\")
prompts p from d { lead: "the red cat" body: " yes {q} is" tail: " up" }
contrast c from d {
  positive: { lead: "an answer : big small , up" body: " yes {q} is" }
  negative: { lead: "an answer : big small , up" body: " no {q} is" }
}
prompts far from d { lead: "a {a}" }
direction v = mean(resid_post[1] at far.last)
let drawn = generate(p, samples=2, max_tokens=4, temperature=1.5)
statistic part    = cross_entropy(p.body)
statistic steered = cross_entropy(p.tail) under steer(v, scale=times) for times in [0, 2]
statistic grouped = cross_entropy(c.body) under scale(mlp[0] at c.lead.last, 3)
statistic single  = cross_entropy(t) for t in p.tokens
statistic dog     = cross_entropy(tokens(p, "dog"))
statistic others  = cross_entropy(not p.body)
statistic said    = cross_entropy(drawn.response)
statistic clean   = cross_entropy((drawn under steer(v, scale=3)).response)
statistic asked   = cross_entropy(drawn.tail)
statistic both    = cross_entropy(drawn)
"""


def values(run, name: str) -> np.ndarray:
    return run.items[name]["value"].to_numpy()


def losses(ids: list[int], model: torch.nn.Module) -> np.ndarray:
    """-log p of each token but the first, at its own position; nan at the first."""
    with torch.no_grad():
        logs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return np.array([np.nan, *(-logs[i - 1, ids[i]].item() for i in range(1, len(ids)))])


def test_tokens_by_hand(tmp_path: Path) -> None:
    (tmp_path / "spec.probe").write_text(BY_HAND)
    run = probelang.run(tmp_path / "spec.probe", replicates=2)
    folder = zoo_path("sft")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()

    def mean_in(text: str, *stretches: tuple[int, int], special: bool) -> float:
        """The mean loss of the tokens whose first visible character stands in one of some stretches of a text."""
        made = tokenizer(text, return_offsets_mapping=True, add_special_tokens=special)
        found = losses(made["input_ids"], model)
        starts = [low + len(text[low:high]) - len(text[low:high].lstrip()) for low, high in made["offset_mapping"]]
        held = [low < high and any(a <= s < b for a, b in stretches) for s, (low, high) in zip(
            starts, made["offset_mapping"], strict=True)]  # fmt: skip
        return float(np.nanmean(found[held]))

    wanted: dict[str, list[float]] = {name: [] for name in run.items}
    for q in TEXTS:
        parts = ["Request:", f" {q}.", " Answer:"]
        text, a, b = "".join(parts), len(parts[0]), len(parts[0]) + len(parts[1])
        wanted["middle"].append(mean_in(text, (a, b), special=True))
        wanted["column"].append(mean_in(text, (a + 1, b - 1), special=True))
        wanted["ends"].append(mean_in(text, (0, a), (b, len(text)), special=True))
        wanted["first"].append(mean_in(text, (0, 1), special=True))
        for name in ("whole", "every"):
            wanted[name].append(mean_in(text, (0, len(text)), special=True))
        turns = [{"role": "user", "content": f"{q}?"}, {"role": "assistant", "content": f"Yes, {q}"}]
        chat = tokenizer.apply_chat_template(turns, tokenize=False)
        at, said = chat.index(turns[0]["content"]), chat.index(turns[1]["content"])
        wanted["asked"].append(mean_in(chat, (at, at + len(turns[0]["content"])), special=False))
        wanted["reply"].append(mean_in(chat, (said, said + len(turns[1]["content"])), special=False))
    for name, numbers in wanted.items():
        np.testing.assert_allclose(values(run, name), numbers, rtol=2e-5, atol=1e-6, err_msg=name)
    assert not np.allclose(values(run, "reply"), values(run, "asked"))
    assert not np.allclose(values(run, "middle"), values(run, "whole"))


@pytest.mark.parametrize("off", [(), ("share-prefixes", "measure-late")])
def test_tokens_as_in_the_reference(off: tuple[str, ...], tmp_path: Path) -> None:
    build("llama", tmp_path / "llama")
    spec = checked(AGAINST_REFERENCE, tmp_path)
    assert not spec.errors, [d.message for d in spec.errors]
    run = execute(spec, root=tmp_path, options=RunOptions(replicates=2, passes_off=off))
    assert compare_run(interpret(spec.spec, tmp_path), run) == []
    items = {r.name: r.items["value"] for r in run.results if r.items is not None}
    assert not np.allclose(items["said"].to_numpy(), items["both"].to_numpy())
    assert items["dog"].null_count() == 3


def test_what_is_no_part_of_one_prompt() -> None:
    head = 'model m = zoo("sft")\nprompts p { a: "x" b: " y" }\nprompts q { a: "x" }\n'
    for bad in ("p.a + q.a", "p.a.mean"):
        assert [d.code for d in checked(head + f"statistic s = cross_entropy({bad})\n").errors] == ["wrong-kind"], bad
    assert [d.code for d in checked(head + "statistic s = cross_entropy(p.b) + cross_entropy(q.a)\n").errors] == []
