"""What the codes of sites and interventions mean, up to what the engine refuses."""

from __future__ import annotations

EDITS: dict[str, tuple[str, str]] = {
    "component-out-of-range": (
        "a clamp names a component that the vector does not have",
        "Components count from 0 to the width less one.",
    ),
    "donor-differs": (
        "weights of one model cannot stand in for those of another",
        "A graft runs one model's blocks inside of another, so both need one shape, and the same settings of norms and"
        " activations. Where embeddings or unembeddings are grafted, tokens have to mean the same too.",
    ),
    "gate-of-another-model": (
        "a gate is given a model that is not this one with an adapter",
        "A gate switches an adapter on and off, token by token. Weights of another model are put in by `graft`.",
    ),
    "no-edge-left": (
        "a knockout leaves a token nothing that it sees",
        "Attention shares out a whole among the tokens that are left, and of none there is no such share. Leave each"
        " token one at least: its own, or the first.",
    ),
    "no-layers": (
        "no block lies at the depths that are named",
        "`layers(0.5..1)` are the blocks of the second half; a narrow range may fall between two blocks.",
    ),
    "no-other-item": (
        "resampling has no other item to take an activation from",
        "Each item gets the activation of another one, drawn by the seed. Two items are the least.",
    ),
    "no-site": (
        "an intervention is not told at which site its direction lives",
        "A direction that was read knows its site. One from a file, or drawn at random, does not:"
        " `site=resid_post[…]`.",
    ),
    "no-such-row": (
        "a tensor of a file has no row of this number, or no rows",
        "Rows count from 0.",
    ),
    "no-such-tensor": ("a file has no tensor of this name", "The message lists some that it has."),
    "not-one-vector": (
        "a tensor of a file is no single vector",
        "A direction is one vector: name a row of the tensor by `index=`.",
    ),
    "not-whole": (
        "a layer or head is computed, and is no whole number",
        "`round(…)` gives one. What lies between two layers is no layer.",
    ),
    "position-out-of-range": (
        "a position lies outside of its row",
        "Specs name tokens, which are found in each prompt, so that this is a mistake of the caller of the engine.",
    ),
    "ragged-places": (
        "lists that go together have different lengths",
        "The engine takes a row, a position and a value for each place. No spec leads here.",
    ),
    "repeated-key": (
        "two reads of one batch have one name",
        "One of the two would be lost. No spec leads here.",
    ),
    "repeated-place": (
        "one edit names a token twice",
        "It would act once or twice, as it happens. No spec leads here.",
    ),
    "row-out-of-range": (
        "a row is named that the batch does not have",
        "No spec leads here.",
    ),
    "self-check-failed": (
        "patching a run with its own activations has changed its logits",
        "Every run tests the engine like this once for each model. Nothing that follows could be trusted, so"
        " it ends the run. It is a mistake of this program or of the machine: please report it.",
    ),
    "several-layers": (
        "a set of layers or heads stands where one is needed",
        "Reading takes them one at a time: walk them, `for layer`.",
    ),
    "site-needs-head": ("a site is kept apart by heads, and none is named", "Write `pattern[3, 0]`."),
    "site-needs-layer": ("a site is in every block, and none is named", "Write `resid_post[3]`."),
    "site-not-editable": (
        "an intervention cannot act at this site",
        "Some sites can be read and not be changed; `probe sites` says which.",
    ),
    "site-takes-no-index": (
        "a site is given a layer or a head that it does not have",
        "`embed` and `logits` are there once; most sites have layers, and some have heads.",
    ),
    "unknown-site": ("there is no site of this name", "`probe sites` lists them, with where they lie in a model."),
    "wrong-width": (
        "a vector that is put into a site has another width than the site",
        "It was read at another site, or in another model.",
    ),
}
