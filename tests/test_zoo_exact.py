"""The hand-set models do what their docstrings say, seen through plain hooks."""

from itertools import combinations

import pytest
import torch

from probelang.runtime.zoo import exact, zoo_path
from probelang.runtime.zoo.checkpoint import load

torch.set_num_threads(1)


def ids(tokenizer, text):
    return torch.tensor([tokenizer(text)["input_ids"]])


def residuals(model, tokens):
    """Return what each block puts out: a list of [tokens, width]."""
    kept = []
    hooks = [
        block.register_forward_hook(lambda _, __, out: kept.append((out[0] if isinstance(out, tuple) else out)[0]))
        for block in model.model.layers
    ]
    model(tokens)
    for hook in hooks:
        hook.remove()
    return kept


def logits_with(model, tokens, edits):
    """Return the last token's logits while `edits` {layer: function of [1, tokens, width]} change block outputs."""

    def editing(edit):
        def hook(_, __, out):
            return (edit(out[0]), *out[1:]) if isinstance(out, tuple) else edit(out)

        return hook

    hooks = [model.model.layers[layer].register_forward_hook(editing(edit)) for layer, edit in edits.items()]
    logits = model(tokens).logits[0, -1]
    for hook in hooks:
        hook.remove()
    return logits


def logit(model, tokens, word=" yes"):
    return model(tokens).logits[0, -1, exact.TOKENS.index(word)].item()


def test_identity_has_a_constant_lens():
    model, tokenizer = exact.identity()
    tokens = ids(tokenizer, "a b c")
    final = model(tokens).logits[0]
    for residual in residuals(model, tokens):
        assert torch.equal(model.lm_head(model.model.norm(residual)), final)


def test_planted_direction_separates_by_its_norm_and_reads_out_linearly():
    model, tokenizer = exact.planted_direction()
    plus, minus = ids(tokenizer, "plus a"), ids(tokenizer, "minus a")
    distance = [
        (one[-1] - other[-1]).norm().item()
        for one, other in zip(residuals(model, plus), residuals(model, minus), strict=True)
    ]
    assert distance == pytest.approx([0, 2, 2, 4, 4, 4])
    assert logit(model, plus) == pytest.approx(4)
    assert logit(model, minus) == pytest.approx(0, abs=1e-5)
    assert logit(model, ids(tokenizer, "a")) == 2
    assert logit(model, ids(tokenizer, "b")) == -2


@pytest.mark.parametrize("alpha", [0.5, 1.0, 20.0])
def test_projecting_the_planted_direction_out_has_its_closed_form(alpha):
    model, tokenizer = exact.planted_direction()
    tokens = ids(tokenizer, "plus a")
    direction = torch.zeros(exact.WIDTH)
    for dimension, value in exact.PLANTED.items():
        direction[dimension] = value
    edit = {4: lambda h: h - alpha * (h @ direction)[..., None] * direction}
    changed = logits_with(model, tokens, edit)[exact.TOKENS.index(" yes")].item()
    # (h·d)(r·d) is 2·1 at layer 4
    assert changed - logit(model, tokens) == pytest.approx(-2 * alpha, rel=1e-5)


@pytest.mark.parametrize(("name", "one", "both"), [("and-gate", 0, 5), ("or-gate", 5, 5), ("add-gate", 5, 10)])
def test_gates_have_their_truth_table_and_no_other_hot_cell(name, one, both):
    model, tokenizer = exact.EXACT[name]()
    source = residuals(model, ids(tokenizer, "give."))
    tokens = ids(tokenizer, "a b")
    yes = exact.TOKENS.index(" yes")

    def patched(layers):
        def at(layer):
            def edit(h):
                h = h.clone()
                h[0, 1] = source[layer][-1]
                return h

            return edit

        return logits_with(model, tokens, {layer: at(layer) for layer in layers})[yes].item()

    bits = {exact.FIRST_LAYER, exact.SECOND_LAYER}
    assert logit(model, tokens) == 0
    assert logit(model, ids(tokenizer, "give. a b")) == both
    for size in (1, 2):
        for layers in combinations(range(exact.LAYERS), size):
            assert patched(layers) == {0: 0, 1: one, 2: both}[len(bits & set(layers))], layers


def test_gates_do_not_depend_on_length():
    model, tokenizer = exact.and_gate()
    assert logit(model, ids(tokenizer, "a b c give. d e f a b")) == 5
    assert logit(model, ids(tokenizer, "a b c give d e. f a b")) == 5
    assert logit(model, ids(tokenizer, "a b c. d e give f a b")) == 0


def test_induction_copies_what_followed():
    model, tokenizer = exact.induction()
    for text, following in (("a b c a", " b"), ("a b c d e f g h a b c d e f g h a b c", " d"), ("b a b a", " b")):
        tokens = ids(tokenizer, text)
        assert model(tokens).logits[0, -1].argmax().item() == exact.TOKENS.index(following)
        assert logit(model, tokens, following) == pytest.approx(exact.INDUCTION_LOGIT, abs=1e-4)
    assert logit(model, ids(tokenizer, "a b c d"), " a") == 0


def test_induction_attends_as_it_says():
    model, tokenizer = exact.induction()
    model.config._attn_implementation = "eager"
    patterns = model(ids(tokenizer, "a b c a"), output_attentions=True).attentions
    assert torch.allclose(patterns[0][0, 0, 1:].diagonal(), torch.ones(4), atol=1e-6)
    assert patterns[1][0, 0, 4, 2].item() == pytest.approx(1)


def test_exact_models_are_written_in_hub_layout(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBELANG_ZOO", str(tmp_path))
    folder = zoo_path("exact/and-gate")
    model, tokenizer = load(folder)
    assert logit(model, ids(tokenizer, "give. a b")) == 5
    assert zoo_path("exact/and-gate") == folder
    assert tokenizer.decode(tokenizer("give. a b", add_special_tokens=False)["input_ids"]) == "give. a b"


@pytest.mark.parametrize(
    ("name", "logit_of_fact"),
    [("forgetful", 0), ("enrichment", 10), ("recall", 10), ("enrichment-or-recall", 20), ("enrichment-and-recall", 10)],
)
def test_models_of_facts_know_what_is_four_letters_on(name, logit_of_fact):
    model, tokenizer = exact.EXACT[name]()
    for place, letter in enumerate(exact.LETTERS):
        for text in (f"{letter} plus", f"give {letter} minus", f"{letter}."):
            last = model(ids(tokenizer, text)).logits[0, -1]
            wanted = torch.zeros_like(last)
            wanted[exact.TOKENS.index(f" {exact.LETTERS[(place + 4) % 8]}")] = logit_of_fact
            torch.testing.assert_close(last, wanted, rtol=0, atol=1e-4)
