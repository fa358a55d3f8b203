"""Values at the edges of what a run knows: models of several depths, columns with gaps, labels that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.results import Run
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = """probe 1
model m = path("m")
dataset d = file("d.csv")
prompts p from d { text: "the {word} is" answer: "{opposite}" }
prompts ask(name) { text: "{name} said the" answer: "cat" }
"""
ROWS = "word,opposite,n,flag\nhot,cold,1,yes\nbig,small,,no\ngood,bad,3,no\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("values")
    build("llama", folder / "m")
    build("llama", folder / "deep", num_hidden_layers=6)
    (folder / "d.csv").write_text(ROWS)
    return folder


def run(root: Path, text: str) -> Run:
    spec = checked(HEAD + text, root)
    assert not spec.errors
    return execute(spec, root=root, options=RunOptions(replicates=20))


def same(root: Path, text: str) -> Run:
    """Run a spec; every value is the interpreter's."""
    found = run(root, text)
    assert compare_run(interpret(checked(HEAD + text, root).spec, root), found) == []
    return found


def test_layers_are_those_of_the_model_that_a_statement_reads(root: Path) -> None:
    found = run(root, """model deep = path("deep")
statistic x = norm(resid_post[layer] at ask("Tom").last) on m for layer where layer > 2
statistic y = norm(resid_post[layer] at ask("Tom").last) on deep for layer where layer > 2
""")  # fmt: skip
    assert [r.frame["layer"].to_list() for r in found.results] == [[3], [3, 4, 5]]


@pytest.mark.parametrize(
    "value",
    ['prob(ask(name), name)', 'prob(ask(name)) {}where name != "Ann"', 'choice(ask(name), [name], ["Tom"])',
     'norm(resid_post[layer] at ask(name).last) * layer {}, layer where name == "Bob" and layer > 1'],
)  # fmt: skip
def test_a_label_beside_prompts_that_it_made_is_the_same_label(root: Path, value: str) -> None:
    loop = 'for name in ["Ann", "Bob", "Tom"] '
    text = value.format(loop) if "{}" in value else f"{value} {loop}"
    same(root, f"statistic s = {text}\n".replace(" ,", ","))


def test_labels_beside_prompts_multiply(root: Path) -> None:
    same(root, "statistic s = prob(ask(k)) * k for k in [1, 2]\n")


@pytest.mark.parametrize("place", ["resid_post[10]", "resid_post[layer + 1]", "resid_post[layer - 1]"])
def test_a_layer_that_is_not_there_is_said(root: Path, place: str) -> None:
    loop = " for layer" if "layer" in place else ""
    for value in (f"norm({place} at p.last)", f"logit(p) under ablate({place} at p.last)"):
        with pytest.raises(ProbeError) as caught:
            run(root, f"statistic s = {value}{loop}\n")
        assert caught.value.code == "layer-out-of-range"


def test_items_for_which_a_computed_operand_is_missing_say_why(root: Path) -> None:
    found = run(root, """prompts q from d { text: "{opposite} was" }
statistic s = logit(p) under patch(resid_post[2] at p.last, from=2 * (resid_post[2] at tokens(q, "cold").mean))
""")  # fmt: skip
    (items,) = (r.items for r in found.results)
    assert items["value"].is_null().to_list() == [False, True, True]
    assert "no occurrence of 'cold'" in items["reason"][1]
    assert found.results[0].frame["n"].to_list() == [1]


def test_a_direction_at_a_computed_layer_acts_there(root: Path) -> None:
    same(root, """contrast c from d { positive: { text: "the {word} is" } negative: { text: "an {opposite} was" } }
direction v = mean_diff(resid_post[layer] at c.last) for layer
statistic peak = argmax(norm(v), over=layer)
statistic s = logit(p) under steer(v[layer=peak])
""")  # fmt: skip


def test_options_may_be_columns(root: Path) -> None:
    same(root, "statistic s = choice(p, [d.opposite], [d.word])\n")


def test_a_gap_in_a_column_is_a_missing_value(root: Path) -> None:
    found = same(root, """dataset e = keep(d, n != 1)
prompts q from e { text: "the {word} is" answer: "{opposite}" }
statistic plain = mean(d.n)
statistic share = mean(d.n > 1)
statistic kept  = logit(q)
statistic some  = logit(p)[d.n > 1]
statistic times = logit(p) * d.n
""")  # fmt: skip
    by_name = {r.name: r for r in found.results}
    assert by_name["plain"].frame["value"].to_list() == [2.0]
    assert by_name["kept"].frame["n"].to_list() == [1]


@pytest.mark.parametrize(
    ("condition", "code"),
    [("flag", "not-a-condition"), ("word > 3", "not-numbers")],
)
def test_what_is_no_condition_keeps_nothing(root: Path, condition: str, code: str) -> None:
    with pytest.raises(ProbeError) as caught:
        run(root, f'dataset e = keep(d, {condition})\nprompts q from e {{ text: "the {{word}} is" answer: "red" }}\n'
                  "statistic s = logit(q)\n")  # fmt: skip
    assert caught.value.code == code


@pytest.mark.parametrize(("axis", "label"), [("layer in layers(0.3..0.9)", "layer=0"), ("w in d.word", 'w="cat"')])
def test_labels_that_only_the_run_knows_are_checked_by_it(root: Path, axis: str, label: str) -> None:
    value = "norm(resid_post[layer] at p.last)" if "layers" in axis else "logit(p, w)"
    found = run(root, f"statistic x = {value} for {axis}\nstatistic y = x[{label}]\n")
    assert [r.name for r in found.results] == ["x"]
    assert [w["code"] for w in found.warnings if isinstance(w, dict)] == ["label-not-on-axis"]


def test_whole_numbers_neither_wrap_nor_refuse_fractions(root: Path) -> None:
    found = same(root, """statistic large = logit(p) * (10 ** 18 * 100)
statistic halves = mean(logit(p)) * 2 ** (0 - layer) for layer
statistic rest = mean(logit(p)) * (layer % 0) for layer
""")  # fmt: skip
    assert found.results[2].frame["reason"].to_list() == ["division by zero"] * 4


def test_two_edits_of_one_place_act_in_their_order_when_it_is_meant(root: Path) -> None:
    place = "resid_post[1] at p.last"
    found = same(root, f"""prompts q from d {{ text: "{{opposite}} was" }}
statistic first  = logit(p) under [patch({place}, from=q, in_order=true), scale({place}, 2, in_order=true)]
statistic second = logit(p) under [scale({place}, 2, in_order=true), patch({place}, from=q, in_order=true)]
statistic only   = logit(p) under patch({place}, from=q)
""")  # fmt: skip
    first, second, only = (r.items["value"].to_list() for r in found.results)
    assert second == only != first


def test_a_condition_on_an_axis_makes_it_a_column(root: Path) -> None:
    found = same(root, """statistic t = logit(p)
statistic few = mean(t) for k in [-100, 0, 100] where mean(t) > k
statistic each = mean(logit(p)) * layer for layer, k in [1, 2] where layer > k
""")  # fmt: skip
    assert found.results[1].frame["k"].to_list() == [-100] + [0] * (found.results[0].frame["value"][0] > 0)
    assert found.results[2].frame.select("layer", "k").rows() == [(2, 1), (3, 1), (3, 2)]


def test_selections_in_lists_whose_elements_bring_axes(root: Path) -> None:
    found = same(root, """direction seen = resid_post[2] at ask("Tom").last
direction random = random_unit(like=seen, seed=seed) for seed in 1..3
statistic s = mean(logit(p) under steer(arm, scale=3)) for arm in [none, seen, random]
statistic worst = argmax(s[arm=random], over=seed)
statistic one = s[seed=2]
statistic computed = s[seed=worst]
statistic few = s[arm != none]
statistic even = mean(logit(p) under steer(arm)) for arm in [none, seen]
statistic best = even[arm=argmax(even, over=arm)]
claim single = s[seed=2] == s[arm=random][seed=2]
""")  # fmt: skip
    tables = {r.name: r.frame for r in found.results}
    assert tables["one"]["arm"].to_list() == tables["computed"]["arm"].to_list() == ["random"]
    assert tables["best"]["value"][0] == max(tables["even"]["value"])
    assert [c.verdict for c in found.claims] == ["pass"]


def test_a_column_may_be_called_as_a_site_is(root: Path) -> None:
    (root / "sites.csv").write_text("q,head,word\n1,a,hot\n2,b,big\n3,b,good\n")
    found = same(root, """dataset sites = file("sites.csv", columns=["q", "head", "word"]) with k = q * 2
dataset few = keep(sites, q > 1 and head == "b")
prompts s from few { text: "the {word} is" }
statistic x = mean(entropy(s) * 0 + few.k)
""")  # fmt: skip
    assert found.results[0].frame["value"].to_list() == [5]


def test_edits_along_directions_act_in_their_order_and_steering_adds_up(root: Path) -> None:
    found = same(root, """direction a = resid_post[1] at ask("Tom").last
direction b = resid_post[1] at ask("Ann").last
statistic ab = logit(p) under [project_out(a), project_out(b, in_order=true)]
statistic ba = logit(p) under [project_out(b), project_out(a, in_order=true)]
statistic added  = logit(p) under [steer(a), steer(b)]
statistic sum    = logit(p) under steer(a + b)
""")  # fmt: skip
    ab, ba, added, total = (r.items["value"].to_list() for r in found.results[2:])
    assert ab != pytest.approx(ba, abs=1e-3) and added == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize(
    "swept",
    ['ablate(resid_post[2] at p.last, method=k) for k in ["zero", "mean"]',
     'ablate(resid_post[set] at p.last, method="resample", seed=k) for set in choose(all_layers, 1), k in 1..3',
     'steer(v, unit=k) for k in ["raw", "unit", "residual_norm"]'],
)  # fmt: skip
def test_options_of_interventions_may_be_swept(root: Path, swept: str) -> None:
    direction = "direction v = mean(resid_post[2] at p.last)\n" if "steer" in swept else ""
    same(root, f"{direction}statistic s = logit(p) under {swept}\n")


def test_options_of_measures_may_be_swept(root: Path) -> None:
    same(root, "statistic s = reciprocal_rank(p, max_rank=k) for k in [1, 10]\n")


def test_a_selection_along_another_set_of_labels_has_those(root: Path) -> None:
    found = same(root, """direction v = mean(resid_post[layer] at p.last) for layer
statistic x = norm(resid_post[layer] at p.last) for layer in 1..3
statistic few = logit(p) under project_out(v[layer=layer], site=resid_post[l]) for layer in [0, 3], l in [1, 2]
statistic back = mean(x[layer=layer]) for layer in [3, 1]
statistic beyond = mean(x[layer=l]) for l in [0, 1]
""")  # fmt: skip
    by_name = {r.name: r.frame for r in found.results}
    assert by_name["few"]["layer"].to_list() == [0, 0, 3, 3]
    assert by_name["back"]["layer"].to_list() == [3, 1]
    assert by_name["beyond"]["value"].is_null().to_list() == [True, False]


def test_a_binder_beside_an_axis_of_the_same_name_changes_nothing(root: Path) -> None:
    spec = checked(HEAD + "direction v = mean(resid_post[layer] at p.last) for layer\n"
                   "statistic s = logit(p) under project_out(v) for layer in [0, 3]\n", root)  # fmt: skip
    assert "unused-binder" in {d.code for d in spec.problems}
