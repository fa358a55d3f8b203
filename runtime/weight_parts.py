"""What each tensor of a saved model is: attention query of layer 3, a norm, the embedding. Knows tensor names only.

Parts are attn.q, attn.k, attn.v, attn.o, mlp.gate, mlp.up, mlp.down, norms, embed, unembed, and, where a model has
them, positions (learned position embeddings) and biases (of projections). Buffers that are no weights have no part.
"""

import re
from dataclasses import dataclass
from typing import Literal

LLAMA = (
    (r"self_attn\.([qkvo])_proj\.weight", r"attn.\1"),
    (r"mlp\.(gate|up|down)_proj\.weight", r"mlp.\1"),
    (r"(self_attn|mlp)\.[a-z]+_proj\.bias", "biases"),
    (r"norm\.(weight|bias)", "norms"),
    (r"mlp\.act_fn\.\w+", "biases"),
    (r"embed_tokens\.weight", "embed"),
    (r"lm_head\.weight", "unembed"),
)
PARTS = {
    "gpt2": (
        (r"attn\.c_attn\.weight", "attn.qkv"),
        (r"attn\.c_proj\.weight", "attn.o"),
        (r"mlp\.c_fc\.weight", "mlp.up"),
        (r"mlp\.c_proj\.weight", "mlp.down"),
        (r"\.c_\w+\.bias", "biases"),
        (r"ln_\w+\.(weight|bias)", "norms"),
        (r"wte\.weight", "embed"),
        (r"wpe\.weight", "positions"),
        (r"lm_head\.weight", "unembed"),
    ),
    "gpt_neox": (
        (r"attention\.query_key_value\.weight", "attn.qkv"),
        (r"attention\.dense\.weight", "attn.o"),
        (r"mlp\.dense_h_to_4h\.weight", "mlp.up"),
        (r"mlp\.dense_4h_to_h\.weight", "mlp.down"),
        (r"(attention|mlp)\.\w+\.bias", "biases"),
        (r"norm\.(weight|bias)", "norms"),
        (r"embed_in\.weight", "embed"),
        (r"(lm_head|embed_out)\.weight", "unembed"),
    ),
}
NOT_WEIGHTS = re.compile(r"inv_freq$|masked_bias$|(^|\.)(attn|attention)\.bias$")
# Files of a bare model, without its unembedding, lack this prefix.
PREFIX = re.compile(r"^(model|transformer|gpt_neox)\.")
LAYER = re.compile(r"(?:^|\.)(?:layers|h)\.(\d+)\.")
VOCABULARY = ("embed", "unembed")
FUSED: dict[str, Literal["columns", "per_head_rows"]] = {"gpt2": "columns", "gpt_neox": "per_head_rows"}


@dataclass(frozen=True)
class WeightPart:
    """Say that a tensor belongs to `part` of `layer` (None outside the blocks); `attn.qkv` is yet to be sliced."""

    part: str
    layer: int | None


def weight_part(name: str, arch: str) -> WeightPart | None:
    """Return the part that the tensor called `name` belongs to, None for a buffer; KeyError if it is not known."""
    if NOT_WEIGHTS.search(name):
        return None
    for pattern, part in PARTS.get(arch, LLAMA):
        if found := re.search(pattern + "$", name):
            layer = LAYER.search(name)
            return WeightPart(found.expand(part), int(layer[1]) if layer else None)
    raise KeyError(name)
