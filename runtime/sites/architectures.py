"""Where each architecture keeps its sites, as data. Knows module names only; a new architecture is one entry here.

Paths are relative to one block, but for `embed`, `blocks`, `final_norm` and `unembed`. Layouts say how the heads of q
and k lie in a module's output: `flat` is [batch, token, heads * d_head], `token_head` [batch, token, heads, d_head],
`head_token` [batch, heads, token, d_head]. Fused projections give q, k and v as columns of one output: `qkv` is all q,
then all k, then all v; `per_head_qkv` has q, k, v of head 0, then those of head 1, and so on. `v_first`: the norms of q
and k run after all three projections, so v is there before them.
"""

from dataclasses import dataclass, replace
from typing import Literal

from ..errors import ProbeError

Layout = Literal["flat", "token_head", "head_token", "qkv", "per_head_qkv"]


@dataclass(frozen=True)
class Architecture:
    """Describe one `model_type`: module paths of its sites, and what its norms are called in its weights."""

    embed: str
    blocks: str
    final_norm: str
    unembed: str
    q: str
    k: str
    v: str
    attn_raw: str
    attn: str
    resid_mid: str
    neurons: str
    mlp_raw: str
    mlp: str
    qk_layout: Layout = "flat"
    v_layout: Layout = "flat"
    v_first: bool = False
    attention: str | None = None


LLAMA = Architecture(
    embed="model.embed_tokens",
    blocks="model.layers",
    final_norm="model.norm",
    unembed="lm_head",
    q="self_attn.q_proj",
    k="self_attn.k_proj",
    v="self_attn.v_proj",
    attn_raw="self_attn.o_proj",
    attn="self_attn.o_proj",
    resid_mid="post_attention_layernorm",
    neurons="mlp.down_proj",
    mlp_raw="mlp",
    mlp="mlp",
)
NORMED_QK = dict(q="self_attn.q_norm", k="self_attn.k_norm")
OLMO2 = replace(LLAMA, **NORMED_QK, attn="post_attention_layernorm", resid_mid="mlp", mlp="post_feedforward_layernorm")
# Gemma's cap on attention scores is only in transformers' eager attention.
GEMMA2 = replace(
    LLAMA,
    attn="post_attention_layernorm",
    resid_mid="pre_feedforward_layernorm",
    mlp="post_feedforward_layernorm",
    attention="eager",
)

ARCHITECTURES: dict[str, Architecture] = {
    "llama": LLAMA,
    "mistral": LLAMA,
    "qwen2": LLAMA,
    "olmo": LLAMA,
    "gemma": LLAMA,
    "qwen3": replace(LLAMA, **NORMED_QK, qk_layout="token_head"),
    "apertus": replace(LLAMA, **NORMED_QK, qk_layout="head_token", v_first=True, resid_mid="feedforward_layernorm"),
    "olmo2": OLMO2,
    "olmo3": OLMO2,
    "gemma2": GEMMA2,
    "gemma3_text": replace(GEMMA2, **NORMED_QK, qk_layout="head_token", v_first=True, attention=None),
    "gpt2": Architecture(
        embed="transformer.drop",
        blocks="transformer.h",
        final_norm="transformer.ln_f",
        unembed="lm_head",
        q="attn.c_attn",
        k="attn.c_attn",
        v="attn.c_attn",
        attn_raw="attn.c_proj",
        attn="attn.c_proj",
        resid_mid="ln_2",
        neurons="mlp.c_proj",
        mlp_raw="mlp",
        mlp="mlp",
        qk_layout="qkv",
        v_layout="qkv",
    ),
    "gpt_neox": Architecture(
        embed="gpt_neox.emb_dropout",
        blocks="gpt_neox.layers",
        final_norm="gpt_neox.final_layer_norm",
        unembed="lm_head",
        q="attention.query_key_value",
        k="attention.query_key_value",
        v="attention.query_key_value",
        attn_raw="attention.dense",
        attn="attention.dense",
        resid_mid="post_attention_layernorm",
        neurons="mlp.dense_4h_to_h",
        mlp_raw="mlp",
        mlp="mlp",
        qk_layout="per_head_qkv",
        v_layout="per_head_qkv",
    ),
}


def architecture(name: str) -> Architecture:
    """Return the entry for a config's `model_type`, or say how to add one (`unknown-architecture`)."""
    if name not in ARCHITECTURES:
        raise ProbeError(
            "unknown-architecture",
            f"no sites are known for models of type {name!r}; known are {', '.join(sorted(ARCHITECTURES))}",
            "add an entry to ARCHITECTURES in runtime/sites/architectures.py (module paths, as for `llama`)",
        )
    return ARCHITECTURES[name]
