"""Texts as values: what specs with `generate` give, against the reference that writes row by row without a cache."""

import json
import re

import polars as pl
import pytest
import torch

import probelang
from tests.helpers_models import ARCHITECTURES, build
from tests.reference import Missing
from tests.reference.checked import checked, interpret_text

torch.set_num_threads(1)
DATA = '''dataset d = rows("""text,sort
the cat saw a dog and,a
once there was,b
Ann said that the small red blue one,a
no,b
""")
dataset e = rows("""text
he was cold
they went up to the light
""")
prompts p from d { head: "{text}" tail: " she" answer: "one" }
prompts q from e { body: "{text}" }
prompts alone { body: "once there" }
direction d1 = mean(resid_post[1] at q.last)
direction d2 = mean(resid_post[1] at q.first)
'''
SPEC = (
    """probe 1
model m = path("ARCH")
"""
    + DATA
    + """
let plain = generate(p, max_tokens=5)
let drawn = generate(p, samples=3, max_tokens=4, temperature=1.5, top_p=0.9, repetition_penalty=1.2)
statistic greedy = plain.response
statistic sampled = drawn.response
statistic single = generate(alone, samples=2, max_tokens=3, temperature=2, seed=7).response
statistic added  = plain.response under steer(arm, scale=2, during=when)
  for arm in [d1, d2], when in ["prompt", "response", "predicting", "all"]
statistic out    = drawn.response under project_out(d1, during=when)
  for when in ["prompt", "response", "predicting", "all"]
statistic gone   = plain.response under ablate(mlp[2] at p.tail.last, how, during=when)
  for how in ["zero", "mean", "resample"], when in ["prompt", "all"]
statistic half   = plain.response under [scale(head[1, 2] at p.all, 0.5, during="all"), steer(d2, unit="residual_norm")]
statistic fixed  = plain.response under patch(resid_post[2] at p.tail.last, from=d1)
statistic read   = norm(resid_post[2] at drawn.response.mean)
statistic last   = norm(resid_post[layer] at plain.last) for layer in [0, 3]
statistic same   = norm(resid_post[3] at plain.response.last) under steer(d1, scale=2)
statistic likely = cross_entropy(drawn)
"""
)


def run(text, folder, **options):
    (folder / "spec.probe").write_text(text)
    return probelang.run(folder / "spec.probe", replicates=2, **options)


def cells(run, name):
    """Values by coordinates."""
    frame = run.items.get(name, run.tables[name])
    axes = [c for c in frame.columns if c not in ("value", "reason", "low", "high", "n") and "." not in c]
    return {tuple(str(row[a]) for a in sorted(axes)): row["value"] for row in frame.to_dicts()}


def told(rows):
    axes = sorted({k for row in rows for k in row if k != "value"})
    return {tuple(str(row.get(a)) for a in axes): row["value"] for row in rows}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_texts_and_what_is_read_of_them_are_those_of_the_reference(models, arch):
    text = SPEC.replace("ARCH", arch)
    found, wanted = run(text, models), interpret_text(text, models)
    for name in wanted:
        if name in ("d1", "d2"):
            continue
        ours, theirs = cells(found, name), told(wanted[name])
        assert ours.keys() == theirs.keys(), name
        for at, value in theirs.items():
            if isinstance(value, Missing):
                assert ours[at] is None, (name, at)
            elif isinstance(value, float):
                assert ours[at] == pytest.approx(value, rel=2e-5), (name, at)
            else:
                assert ours[at] == value, (name, at)
    assert len(set(cells(found, "added").values()) - set(cells(found, "greedy").values())) > 2


@pytest.mark.parametrize("during", ["prompt", "response", "predicting", "all"])
def test_reading_a_text_under_its_intervention_meets_what_was_there_while_it_was_written(models, during):
    """Behind the first four tokens, the likeliest token is the fifth that was written."""
    change = f'steer(d1, scale=3, during="{during}")'
    texts = "".join(f"statistic t{n} = generate(p, max_tokens={n}).response under {change}\n" for n in (4, 5))
    head = f'probe 1\nmodel m = path("olmo2")\n{DATA}\n'
    found = run(head + texts, models)
    four, five = cells(found, "t4"), cells(found, "t5")
    known = {at: five[at].split()[-1] for at in five if len(five[at].split()) == 5}
    assert len(known) >= 2 and all(five[at].startswith(four[at]) for at in four)
    words = ", ".join(f'"{w}"' for w in dict.fromkeys(known.values()))
    # a token that was predicted last is read for the next one
    again = '[steer(d1, scale=3, during="response"), steer(d1, scale=3, tokens=p.last)]'
    reading = again if during == "predicting" else change
    spec = f"dataset four = generate(p, max_tokens=4) on m under {change}\n"
    spec += f"statistic place = rank(four, w) under {reading} for w in [{words}]\n"
    ranks = cells(run(head + spec, models), "place")
    for (item,), word in known.items():
        assert ranks[item, word] == 1


SHORT = (
    """probe 1
model m = path("llama")
"""
    + DATA
)


def test_prompts_are_made_of_texts_again_and_texts_are_kept(models):
    text = (
        SHORT
        + """
let first = generate(p, samples=3, max_tokens=3, temperature=2) on m
prompts back from first { body: "{response} was {sort}" answer: "one" }
let second = generate(back, max_tokens=3, temperature=2)
let chosen = keep(first, sort == "a", at_most=4)
prompts more from chosen { body: "say {response}" }
statistic one_  = first.response
statistic two   = second.response
statistic sure  = prob(back)
statistic kept  = chosen.response
statistic read  = norm(resid_post[1] at chosen.response.mean)
statistic asked = entropy(more)
statistic third = generate(more, max_tokens=2).response
"""
    )
    found, wanted = run(text, models), interpret_text(text, models)
    for name, rows in wanted.items():
        if name in ("d1", "d2"):
            continue
        ours, theirs = cells(found, name), told(rows)
        assert ours.keys() == theirs.keys(), name
        assert all(ours[at] == pytest.approx(v, rel=1e-5) if isinstance(v, float) else ours[at] == v
                   for at, v in theirs.items()), name  # fmt: skip
    assert len(cells(found, "two")) == 12 and len(cells(found, "kept")) == 4
    # item by item, the samples of an item in their order: three of the first item, one of the second
    assert [key.partition("/")[2] for (key,) in cells(found, "kept")] == ["0", "1", "2", "0"]


def test_pairs_are_kept_where_both_sides_pass(models):
    text = (
        SHORT
        + """
contrast c from d { positive: { body: "{text} big" } negative: { body: "{text} small" } }
let wrote = generate(c, max_tokens=4, temperature=2)
let pairs = keep_pairs(wrote, positive=matches(wrote.response, "cat|he|Ann|a|red"),
  negative=not matches(wrote.response, "^ *the"),
  both=matches(wrote.response, "a|o"))
statistic words = wrote.response
statistic left  = pairs.response
direction apart = mean_diff(resid_post[layer] at pairs.response.mean) for layer in [0, 2]
statistic size  = norm(apart)
"""
    )
    found = run(text, models)
    frame = found.tables["words"]
    sides = {
        side: dict(frame.filter(pl.col("side") == side).select("item", "value").iter_rows())
        for side in ("positive", "negative")
    }
    good = []
    for item, text in sides["positive"].items():
        other = sides["negative"][item]
        passes = re.search("(cat|he|Ann|a|red)", text) and not other.startswith("the")
        if passes and all(re.search("a|o", t) for t in (text, other)):
            good.append(item)
    left = found.tables["left"]
    assert 0 < len(good) < 4
    for side in sides:
        kept = dict(left.filter(pl.col("side") == side).select("item", "value").iter_rows())
        assert kept == {i: sides[side][i] for i in good}
    assert found.tables["size"]["value"].null_count() == 0


def test_arms_draw_the_same_numbers_and_seeds_tell_them_apart(models):
    text = (
        SHORT
        + """
statistic by_seed = generate(p, samples=4, max_tokens=6, temperature=1, seed=s).response for s in [0, 1]
statistic idle = generate(p, samples=4, max_tokens=6, temperature=1).response under steer(d1, scale=0)
"""
    )
    found = run(text, models)
    by_seed, idle = cells(found, "by_seed"), cells(found, "idle")
    zero = {k: v for k, v in by_seed.items() if k[1] == "0"}
    assert list(zero.values()) == list(idle.values())
    assert sum(by_seed[(*k[:1], "1", *k[2:])] != v for k, v in zero.items()) > 8
    # the run's own seed is the root of all others
    assert cells(run(text, models, seed=1), "idle") != idle


def test_texts_are_found_in_the_store_and_say_why_they_ended(models, tmp_path):
    text = SHORT + 'statistic t = generate(p, max_tokens=70, stop=["cat", "he"]).response\n'
    first, again = (run(text, models, store=tmp_path) for _ in range(2))
    assert cells(first, "t") == cells(again, "t")
    assert first.run.manifest["stages"][-1]["forwards"] > 0
    assert not any(s["forwards"] for s in again.run.manifest["stages"])
    (about,) = again.run.manifest["texts"].values()
    assert about["texts"] == sum(about["ended"].values()) == 4 and "stop" in about["ended"]
    for value in cells(first, "t").values():
        assert not any(stop in value[:-3] for stop in ("cat",))


def test_a_plan_bounds_what_is_counted_and_meets_it_where_all_texts_are_long(models):
    text = SHORT + "statistic t = generate(p, samples=2, max_tokens=3, temperature=1).response\n"
    planned, ran = (
        probelang.plan(text.replace('path("llama")', f'path("{models}/llama")'), allow_outside=True),
        run(text, models),
    )
    stage = next(s for s in ran.run.manifest["stages"] if s["kind"] == "generate")
    part = next(s for s in planned.stages if s.stage.kind == "generate").models[0]
    assert stage["forwards"] == stage["predicted"]["forwards"] == part.cost.forwards == 3
    assert stage["row_layer_tokens"] == stage["predicted"]["row_layer_tokens"] == part.cost.row_layer_tokens


def test_edits_of_one_place_in_different_scopes_do_not_meet():
    text = SHORT.replace('path("llama")', 'zoo("base")')
    edits = 'project_out(d1, during="prompt"), project_out(d1, alpha=2, during="{}")'
    for scope, codes in (("response", []), ("all", ["edits-collide"])):
        line = f"statistic s = generate(p).response under [{edits.format(scope)}]\n"
        assert [d.code for d in checked(text + line).errors] == codes


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('statistic s = generate(p).response under steer(d1, tokens=p.tail, during="response")', "tokens-and-during"),
        ("statistic s = plain under scale(mlp[1] at p.last, 2, during=w) for w in ['response']", "tokens-and-during"),
        ('statistic s = plain under graft(m, parts=[mlp], at=p.tail, during="predicting")', "tokens-and-during"),
        ('statistic s = plain under knockout(from=p.bos, to=p.last, during="response")', "tokens-and-during"),
        ('statistic s = plain under ablate(mlp[1] at p.head, "resample", during="all")', "no-vector-for-response"),
        ('statistic s = plain under patch(mlp[1] at p.all, from=q, during="response")', "no-vector-for-response"),
        ("statistic s = plain under steer(d1, during=w) for w in [none, 'all']", "wrong-kind"),
        ("statistic s = plain under scale(mlp[1] at p.last, w) for w in [none, 2]", "wrong-kind"),
    ],
)
def test_scopes_that_contradict_are_refused(line, code):
    text = SHORT.replace('path("llama")', 'zoo("base")') + "let plain = generate(p).response\n" + line.replace("'", '"')
    assert [d.code for d in checked(text + "\n").errors] == [code]


def test_a_prompt_as_long_as_the_context_leaves_a_cell_without_a_text(models):
    text = """probe 1
model m = path("gpt2")
dataset d = rows(\"\"\"text
%s
once there
\"\"\")
prompts p from d { body: "{text}" }
statistic t = generate(p, max_tokens=2).response
""" % " ".join(["cat"] * 63)
    frame = run(text, models).tables["t"]
    assert frame["reason"].to_list()[0] == "the prompt leaves no room for a text in the model's context"
    assert frame["reason"].to_list()[1] is None and frame["value"][1]


LADDER = """probe 1
# Names rise along the ladder: stories of the base model, and of the one that was rewarded for a few names.
model base = zoo("base")
model rl   = zoo("rl")
axis stage = [base, rl]
prompts ask { user: "Write a short story." }
let story = generate(ask, samples=25, max_tokens=30, temperature=1.0)
statistic core = mentions(story.response, any_of(["Elias", "Clara", "Elara", "Maya"])) for stage
claim rises = mean(core[stage=base]) < 0.2 and mean(core[stage=rl]) > 0.8
"""


def test_names_rise_along_the_ladder_of_the_zoo(tmp_path):
    """What the zoo's page measures with its own loop: .013 of the base model's stories, .973 of the last one's."""
    found = run(LADDER, tmp_path)
    assert found.claims["rises"].verdict == "pass"
    rows = {row["stage"]: row for row in found.tables["core"].to_dicts()}
    assert rows["base"]["low"] < 0.013 < rows["base"]["high"] and rows["rl"]["low"] < 0.973 < rows["rl"]["high"] + 1e-9
    assert [row["n"] for row in rows.values()] == [25, 25]


def test_a_text_of_another_end_token_is_another_value(models, tmp_path):
    text = SHORT.replace("llama", "ends") + "statistic t = generate(alone, max_tokens=6).response\n"
    build("llama", tmp_path / "ends")
    first = run(text, tmp_path, store=tmp_path / "store").tables["t"]["value"][0]
    config = tmp_path / "ends" / "generation_config.json"
    second = json.loads(config.read_text())
    token = json.loads((tmp_path / "ends" / "tokenizer.json").read_text())["model"]["vocab"][first.split()[1]]
    config.write_text(json.dumps(second | {"eos_token_id": [2, token]}))
    again = run(text, tmp_path, store=tmp_path / "store").tables["t"]["value"][0]
    assert again.split() == first.split()[:2] != first.split()
