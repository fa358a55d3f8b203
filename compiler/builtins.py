"""Names that every spec has: sites, parts of a model, axes and values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SiteInfo:
    """A site of the residual stream or inside a block.

    `indices` are the axes it is indexed by; `width` names the size of its vectors, for the check of what may meet;
    `order` is its place inside a block, in execution order.
    """

    name: str
    indices: tuple[str, ...]
    width: str
    order: int
    doc: str


SITES: dict[str, SiteInfo] = {
    s.name: s
    for s in (
        SiteInfo("embed", (), "d_model", 0, "token embeddings, as they enter block 0"),
        SiteInfo("resid_pre", ("layer",), "d_model", 1, "residual stream before block l"),
        SiteInfo("q", ("layer", "head"), "d_head", 2, "queries of a head, before rotary embedding"),
        SiteInfo("k", ("layer", "head"), "d_head", 3, "keys of a key-value head, before rotary embedding"),
        SiteInfo("v", ("layer", "head"), "d_head", 4, "values of a key-value head"),
        SiteInfo("pattern", ("layer", "head"), "tokens", 5, "attention probabilities of a head, from each query token"),
        SiteInfo("head", ("layer", "head"), "d_head", 6, "output of a head, before the output projection"),
        SiteInfo("attn_raw", ("layer",), "d_model", 7, "output of the attention module, before a norm of it"),
        SiteInfo("attn", ("layer",), "d_model", 8, "what attention adds to the residual stream"),
        SiteInfo("resid_mid", ("layer",), "d_model", 9, "residual stream between attention and MLP"),
        SiteInfo("neurons", ("layer",), "d_mlp", 10, "input of the MLP's output projection"),
        SiteInfo("mlp_raw", ("layer",), "d_model", 11, "output of the MLP module, before a norm of it"),
        SiteInfo("mlp", ("layer",), "d_model", 12, "what the MLP adds to the residual stream"),
        SiteInfo("resid_post", ("layer",), "d_model", 13, "residual stream after block l"),
        SiteInfo("final_norm", (), "d_model", 14, "output of the final norm; the unembedding makes logits of it"),
        SiteInfo("logits", (), "vocab", 15, "next-token logits"),
    )
}

# Parts of a model's weights: `weights[attn.q]`, `graft(parts=[attn.o, mlp])`.
PARTS = (
    "attn", "mlp", "attn.q", "attn.k", "attn.v", "attn.o", "mlp.gate", "mlp.up", "mlp.down",
    "norms", "embed", "unembed",
)  # fmt: skip

AXES = {"layer": "model", "head": "model"}
VALUES = ("all_layers", "all_heads", "none", "default", "empty", "norms", "unembed", "weights", "previous")
MODES = ("default", "empty", "none")

BUILTINS: frozenset[str] = frozenset([*SITES, *AXES, *VALUES])

# Words that `p.<word>` means something by; a segment may not be called so.
RESERVED_SEGMENTS = frozenset("first last mean max sum all tokens bos template response".split())
POOLS = ("mean", "max", "sum")
ROLES = ("system", "user", "assistant", "tool")
SIDES = ("positive", "negative")
TARGETS = ("answer", "wrong")  # segments that measures look for; not part of the prompt
