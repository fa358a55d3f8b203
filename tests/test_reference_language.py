"""The interpreter against numbers known in closed form, and against hooks and numpy by hand on a small random model."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from probelang.runtime.errors import ProbeError
from probelang.runtime.zoo import exact
from tests.helpers_models import WORDS, build
from tests.reference import Missing, compare, interpret
from tests.reference.checked import checked
from tests.reference.checked import interpret_text as run

torch.set_num_threads(1)
PAIRS = """
dataset d = rows(\"\"\"
    word,twin,right
    hot,cold,big
    dog,cat,small
    Rome,Paris,dog
\"\"\", key=word)
"""
MODEL = 'probe 1\nmodel m = path("llama")\n' + PAIRS


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("PROBELANG_ZOO", str(tmp_path_factory.mktemp("zoo")))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    build("llama", folder / "llama")
    build("llama", folder / "other", seed=1)
    return folder


@pytest.fixture(scope="module")
def hf(root):
    return AutoModelForCausalLM.from_pretrained(root / "llama", attn_implementation="eager").eval()


def ids(text):
    return torch.tensor([[1, *(WORDS.index(w) for w in text.split())]])


def states(hf, text):
    """Hidden states [layers + 1, tokens, width]; the last is before the final norm, by a hook."""
    kept = []
    handle = hf.model.layers[-1].register_forward_hook(lambda m, a, out: kept.append(out))
    with torch.no_grad():
        found = [h[0] for h in hf(ids(text), output_hidden_states=True).hidden_states]
    handle.remove()
    return torch.stack([*found[:-1], kept[0][0]]).double().numpy()


def value(rows, **at):
    found = [r for r in rows if all(r.get(k) == v for k, v in at.items())]
    assert len(found) == 1, (at, rows)
    return found[0]["value"]


# **** models set by hand ****


def test_and_gate_has_one_hot_cell_and_it_is_the_pair():
    found = run("""probe 1
        model net = zoo("exact/and-gate")
        prompts give { instruction: "give." }
        prompts bare { word: "a" tail: " b" answer: " yes" }
        intervention carry(set) = patch(resid_post[set] at bare.first, from=resid_post[set] at give.last)
        statistic gain = shift(logit(bare) under carry(set)) for set in choose(all_layers, 1..2)
        statistic more = gain[set=[i, j]] - gain[set=[i]] - gain[set=[j]]
          for i in all_layers, j in all_layers where i < j
        claim hot = count(more > 1) == 1""")
    assert len(found["gain"]) == 21
    assert {r["set"]: r["value"] for r in found["gain"] if r["value"]} == {(1, 3): 5.0}
    assert {(r["i"], r["j"]): r["value"] for r in found["more"]} == {
        (i, j): 5.0 * ((i, j) == (1, 3)) for i in range(6) for j in range(i + 1, 6)
    }
    assert found["hot"] == [{"value": True}]


def test_planted_direction_separates_reads_out_and_projects_out_as_its_docstring_says():
    found = run("""probe 1
        model net = zoo("exact/planted-direction")
        dataset d = rows("letter\\na\\nb")
        contrast pair from d {
          positive: { frame: "plus" ask: " {letter}" answer: " yes" }
          negative: { frame: "minus" ask: " {letter}" answer: " yes" }
        }
        statistic apart = norm(mean_diff(resid_post[layer] at pair.last)) for layer
        direction seen = unit(mean_diff(resid_post[4] at pair.last))
        statistic lost = shift(logit(pair.positive) under project_out(arm, alpha=alpha))
          for arm in [none, seen], alpha in [0.5, 1, 20]
        statistic read = logit(pair)""")
    assert [r["value"] for r in found["apart"]] == pytest.approx([0, 2, 2, 4, 4, 4])
    planted = np.zeros(exact.WIDTH)
    planted[list(exact.PLANTED)] = list(exact.PLANTED.values())
    assert found["seen"][0]["value"] == pytest.approx(planted)
    for row in found["lost"]:
        assert row["value"] == pytest.approx(-2 * row.get("alpha", 0), rel=1e-5)
    assert {r.get("alpha") for r in found["lost"] if r["arm"] == "none"} == {None}
    assert {(r["side"], round(r["value"], 4)) for r in found["read"]} == {
        ("positive", 4.0), ("positive", 0.0), ("negative", 0.0), ("negative", -4.0)
    }  # fmt: skip


def test_identity_has_flat_lens_curves_and_an_argmax_that_may_be_anywhere():
    found = run("""probe 1
        model net = zoo("exact/identity")
        prompts p { text: "a b c" }
        statistic curve = prob(lens(depth at p.last), " d") for depth in [embed, resid_post[all_layers]]
        statistic final = prob(p, " d")
        statistic highest = argmax(curve[depth="resid_post[all_layers]"], over=layer)""")
    assert [r.get("layer") for r in found["curve"]] == [None, *range(6)]
    assert [r["value"] for r in found["curve"]] == pytest.approx([found["final"][0]["value"]] * 7, rel=1e-4)
    assert not compare(found["highest"], [{"value": 3}]) and compare(found["highest"], [{"value": 6}])


# **** a random model ****


def test_mean_diff_cosine_and_reductions(root, hf):
    found = run(MODEL + """
        contrast c from d { positive: { a: "the {word} is" } negative: { a: "the {twin} was" } }
        statistic apart = norm(mean_diff(resid_post[layer] at c.last))
          / mean(norm(resid_post[layer] at c.last)) for layer
        direction one = mean_diff(resid_post[2] at c.a.mean)
        statistic like = cosine(one, resid_post[2] at c.last)
        statistic each = projection(resid_post[2] at c.last, onto=one)
        statistic highest = max(apart, over=layer)
        statistic all_tokens = mean(norm(resid_post[1] at c.all), over=token)""", root)  # fmt: skip
    pairs = [("the hot is", "the cold was"), ("the dog is", "the cat was"), ("the Rome is", "the Paris was")]
    held = np.array([[states(hf, side) for side in pair] for pair in pairs])  # items, sides, layers, tokens, width
    off = held[:, 0].mean(0) - held[:, 1].mean(0)
    wanted = [np.linalg.norm(off[k + 1, -1]) / np.linalg.norm(held[:, :, k + 1, -1], axis=-1).mean() for k in range(4)]
    assert [r["value"] for r in found["apart"]] == pytest.approx(wanted, rel=1e-5)
    direction = off[3, 1:].mean(0)
    assert found["one"][0]["value"] == pytest.approx(direction, rel=1e-4, abs=1e-5)
    last = held[1, 1, 3, -1]
    lengths = np.linalg.norm(last) * np.linalg.norm(direction)
    assert value(found["like"], item="dog", side="negative") == pytest.approx(last @ direction / lengths, rel=1e-4)
    assert value(found["each"], item="dog", side="negative") == pytest.approx(
        last @ direction / np.linalg.norm(direction), rel=1e-4
    )
    assert found["highest"][0]["value"] == pytest.approx(max(wanted), rel=1e-5)
    assert value(found["all_tokens"], item="hot", side="positive") == pytest.approx(
        np.linalg.norm(held[0, 0, 2, 1:], axis=-1).mean(), rel=1e-5
    )


def test_measures_are_those_of_the_last_logits(root, hf):
    found = run(MODEL + """
        prompts p from d { a: "the {word} is" answer: " {right}" wrong: " {twin}" }
        statistic p1 = prob(p)
        statistic p2 = log_prob(p, " dog")
        statistic p3 = rank(p)
        statistic p4 = reciprocal_rank(p, max_rank=3, beyond=-1)
        statistic p5 = logit_diff(p)
        statistic p6 = choice(p, [" yes", " no"], [" maybe"])
        statistic p7 = entropy(p)
        statistic p8 = cross_entropy(p)
        statistic p9 = kl(p, p under ablate(resid_post[0] at p.a.last))""", root)  # fmt: skip
    with torch.no_grad():
        logits = hf(ids("the dog is")).logits[0].double()
    logs = logits.log_softmax(-1)
    right, twin = WORDS.index("small"), WORDS.index("cat")
    rank = int((logits[-1] > logits[-1, right]).sum()) + 1
    options = logits[-1, [WORDS.index(w) for w in ("yes", "no", "maybe")]].softmax(-1)
    words = [WORDS.index(w) for w in "the dog is".split()]
    wanted = {
        "p1": logs[-1, right].exp(), "p2": logs[-1, WORDS.index("dog")], "p3": rank,
        "p4": 1 / rank if rank <= 3 else -1, "p5": logits[-1, right] - logits[-1, twin], "p6": options[:2].sum(),
        "p7": -(logs[-1].exp() * logs[-1]).sum(), "p8": -logs[[0, 1, 2], words].mean(),
    }  # fmt: skip
    for name, number in wanted.items():
        assert value(found[name], item="dog") == pytest.approx(float(number), rel=1e-5), name

    def zero(_, __, out):
        out = out.clone()
        out[0, -1] = 0
        return out

    handle = hf.model.layers[0].register_forward_hook(zero)
    with torch.no_grad():
        other = hf(ids("the dog is")).logits[0, -1].double().log_softmax(-1)
    handle.remove()
    gap = (logs[-1].exp() * (logs[-1] - other)).sum()
    assert value(found["p9"], item="dog") == pytest.approx(float(gap), rel=1e-4)


def test_interventions_have_their_formulas(root, hf):
    found = run(MODEL + """
        prompts p from d { a: "the {word}" b: " is" }
        prompts q { a: "said the red cat" }
        direction e = resid_post[1] at q.last
        statistic patched = norm(resid_post[1] at p.last under patch(resid_post[1] at p.last, from=e) - e)
        statistic set = resid_post[layer] at p.last
          under patch(resid_post[[0, 1]] at p.last, from=resid_post[[0, 1]] at q.first) for layer in [0, 1]
        statistic mean_of = resid_post[1] at p.a.last under ablate(resid_post[1] at p.a, "mean")
        statistic steered = resid_post[1] at p.last under steer(e, scale=0.5, unit=unit)
          for unit in ["raw", "unit", "residual_norm"]
        prompts r from d { a: "the {twin}" b: " is" }
        statistic copied = logit(p, " yes") under patch(resid_post[0] at p.all, from=resid_post[0] at r.all)
        statistic other_run = logit(r, " yes")
        statistic less = dot(resid_post[1] at p.last under project_out(e, alpha=alpha), e) for alpha in [0, 1, 2]
        statistic scaled = resid_post[1] at p.last
          under [scale(resid_post[1] at p.last, 3), scale(resid_post[1] at p.a, 0)]
        statistic other = resid_post[1] at p.last
          under ablate(resid_post[1] at p.last, "resample", seed=4)""", root)  # fmt: skip
    e, first = states(hf, "said the red cat")[2, -1], states(hf, "said the red cat")[:, 1]
    held = {w: states(hf, f"the {w} is") for w in ("hot", "dog", "Rome")}
    assert all(r["value"] == pytest.approx(0, abs=1e-6) for r in found["patched"])
    for layer in (0, 1):
        assert value(found["set"], layer=layer, item="hot") == pytest.approx(first[layer + 1], abs=1e-5)
    a_tokens = np.mean([h[2, 1:3].mean(0) for h in held.values()], axis=0)
    assert value(found["mean_of"], item="hot") == pytest.approx(a_tokens, abs=1e-5)
    h, unit = held["dog"][2], e / np.linalg.norm(e)
    size = np.mean([np.linalg.norm(x[2, 1:], axis=-1).mean() for x in held.values()])
    for name, by in (("raw", 0.5 * e), ("unit", 0.5 * unit), ("residual_norm", 0.5 * size * unit)):
        assert value(found["steered"], unit=name, item="dog") == pytest.approx(h[-1] + by, abs=1e-5)
    assert [r["value"] for r in found["copied"]] == pytest.approx([r["value"] for r in found["other_run"]], abs=1e-5)
    for alpha in (0, 1, 2):
        assert value(found["less"], alpha=alpha, item="dog") == pytest.approx((1 - alpha) * (h[-1] @ e), abs=1e-3)
    assert value(found["scaled"], item="dog") == pytest.approx(3 * h[-1], rel=1e-5)
    assert any(value(found["other"], item="dog") == pytest.approx(held[w][2, -1], abs=1e-5) for w in ("hot", "Rome"))


def test_recovery_over_tokens_is_the_patched_share(root, hf):
    found = run(MODEL + """
        contrast c from d {
          positive: { a: "the {word}" b: " is" answer: " yes" wrong: " no" }
          negative: { a: "the {twin}" b: " is" answer: " yes" wrong: " no" }
        }
        statistic back = recovery(logit_diff(c) under patch(resid_pre[layer] at token, from=c.positive))
          for layer in [0, 2], token in c.tokens""", root)  # fmt: skip
    assert sorted({r["token"] for r in found["back"]}) == ["a[0]", "a[1]", "b[0]"]
    clean, corrupt = states(hf, "the dog is"), ids("the cat is")
    yes, no = WORDS.index("yes"), WORDS.index("no")

    def measure(row, layer=None, position=None):
        def patch(_, args):
            h = args[0].clone()
            h[0, position] = torch.tensor(clean[layer, position]).float()
            return (h, *args[1:])

        handle = hf.model.layers[layer].register_forward_pre_hook(patch) if layer is not None else None
        with torch.no_grad():
            logits = hf(row).logits[0, -1]
        if handle:
            handle.remove()
        return float(logits[yes] - logits[no])

    base, top = measure(corrupt), measure(ids("the dog is"))
    for layer in (0, 2):
        for token, position in (("a[0]", 1), ("a[1]", 2), ("b[0]", 3)):
            wanted = (measure(corrupt, layer, position) - base) / (top - base)
            assert value(found["back"], item="dog", layer=layer, token=token) == pytest.approx(wanted, abs=1e-4)


# **** rules ****


def test_flattened_lists_have_further_columns_and_baselines_broadcast(root):
    found = run(MODEL + """
        prompts p from d { a: "the {word} is" answer: " {right}" }
        direction e = mean(resid_post[1] at p.last)
        direction random = random_unit(like=e, seed=seed) for seed in 1..2
        statistic s = logit(p) under project_out(arm) for arm in [none, e, random]
        statistic change = s[arm=random] - s[arm=none]
        statistic same = s[arm=none] - logit(p)
        statistic z = z_score(mean(s[arm=e] - s[arm=none]), null=mean(change))""", root)  # fmt: skip
    assert [(r["arm"], r.get("seed")) for r in found["s"] if r["item"] == "hot"] == [
        ("none", None), ("e", None), ("random", 1), ("random", 2)
    ]  # fmt: skip
    assert {r["seed"] for r in found["change"]} == {1, 2} and len(found["change"]) == 6
    assert all(r["value"] == 0 for r in found["same"])
    nulls = [np.mean([r["value"] for r in found["change"] if r["seed"] == seed]) for seed in (1, 2)]
    arms = [[value(found["s"], arm=arm, item=w) for w in ("hot", "dog", "Rome")] for arm in ("e", "none")]
    effect = np.mean(arms[0]) - np.mean(arms[1])
    assert found["z"][0]["z"] == pytest.approx((effect - np.mean(nulls)) / np.std(nulls), rel=1e-6)


def test_models_are_an_axis_and_on_binds_inside(root):
    found = run(MODEL.replace("model m", "model a") + """
        model b = path("other")
        axis stage = [a, b]
        prompts p from d { a: "the {word} is" answer: " {right}" }
        statistic s = logit(p) for stage
        statistic t = (logit(p) on b) - logit(p) on a
        direction e = mean(resid_post[layer] at p.last) on a for layer in [1, 2]
        statistic u = norm(e[layer=2] + resid_post[1] at p.last) on b
        statistic w = norm(weights[part] on a - weights[part] on b) / norm(weights[part] on b)
          for part in [attn.q, mlp, norms, unembed]""", root)  # fmt: skip
    for item in ("hot", "dog", "Rome"):
        off = value(found["s"], stage="b", item=item) - value(found["s"], stage="a", item=item)
        assert value(found["t"], item=item) == pytest.approx(off)
    assert len(found["e"]) == 2 and len(found["u"]) == 3
    assert {r["part"] for r in found["w"]} == {"attn.q", "mlp", "norms", "unembed"}
    assert all(r["value"] > 0.1 for r in found["w"])


def test_where_is_the_family_and_holm_is_by_hand(root):
    found = run(MODEL + """
        prompts p from d { a: "the {word} is" answer: " {right}" }
        direction e = mean(resid_post[1] at p.last)
        statistic s = sign_flip(shift(logit(p) under steer(e, scale=k * j))) for k in [1, 2], j in [1, 2] where k <= j
        statistic one = s[k=1, j=2].adjusted""", root)  # fmt: skip
    ps = sorted(r["p"] for r in found["s"])
    assert len(ps) == 3
    wanted = np.maximum.accumulate([min(1, 3 * ps[0]), min(1, 2 * ps[1]), ps[2]])
    assert sorted(r["adjusted"] for r in found["s"]) == pytest.approx(wanted)
    assert found["one"][0]["value"] == next(r["adjusted"] for r in found["s"] if (r["k"], r["j"]) == (1, 2))


def test_contrasts_lets_params_and_datasets(root):
    text = (
        MODEL
        + """
        param wanted = "cat"
        dataset fit, test = split(d, 0.67, seed=1)
        dataset more = d with both = word == "hot" or twin == "cat"
        prompts p(ctx) from more { a: "{ctx} {word}" b: " is" answer: " {right}" }
        prompts f from fit { a: "{word}" answer: " {right}" }
        prompts k from keep(more, both == true) { a: "{word}" answer: " {right}" }
        let points(x) = logit(x, wanted)
        statistic s = points(p(ctx)) for ctx in ["the", "a red"]
        statistic n = count(logit(f) > -100)
        statistic o = count(logit(k) > -100)
        statistic t = tokens_norm(p("the"))
        let tokens_norm(x) = norm(resid_post[1] at x.b.last)"""
    )
    found = run(text, root)
    assert len(found["s"]) == 6 and found["n"][0]["value"] == 2 and found["o"][0]["value"] == 2
    other = run(text, root, {"wanted": "dog"})
    assert found["s"] != other["s"] and found["t"] == other["t"]


def test_unpaired_items_and_missing_labels(root):
    text = (
        MODEL
        + """
        prompts p from d { a: "the {word} is" answer: " {right}" }
        statistic s = logit(p) under scale(resid_post[l] at p.last, 2) for l in [0, 1]
        statistic t = mean(s[l=k]) for k in [0, 1, 2]
        statistic u = mean(1 / (s - s))"""
    )
    found = run(text, root)
    assert isinstance(value(found["t"], k=2), Missing) and isinstance(value(found["t"], k=1), float)
    assert found["u"] == [{"l": 0, "value": "division by zero"}, {"l": 1, "value": "division by zero"}]
    two = (
        MODEL
        + """
        dataset e = rows("word\\nhot\\ncold")
        prompts p from d { a: "the {word} is" answer: " {right}" }
        prompts q from e { a: "the {word} is" answer: " dog" }
        statistic s = logit(p) - logit(q)"""
    )
    found = checked(two, root)
    assert "unpaired" in {d.code for d in found.errors}
    with pytest.raises(ProbeError, match="item"):
        interpret(found.spec, root)


def test_comparing_notices_what_differs():
    rows = [{"layer": 0, "value": 1.0}, {"layer": 1, "value": Missing("why")}]
    assert not compare(rows, [{"layer": 0, "value": 1.0 + 5e-6}, {"layer": 1, "value": None, "reason": "so"}])
    assert compare(rows, [{"layer": 0, "value": 1.001}, {"layer": 1, "value": None}])
    assert compare(rows, [{"layer": 0, "value": 1.0}, {"layer": 1, "value": 2.0}])
    assert compare(rows, [{"layer": 0, "value": 1.0}])
    assert compare(rows, [*rows, {"layer": 2, "value": 1.0}])
    assert not compare(rows, [*rows, {"layer": 2, "value": None, "reason": "ragged"}])
