"""How many bytes of other models' weights the grafts of a stage take. Knows shapes; reads nothing.

As in `ModelShape`, matrices count, and norms, biases and learned positions do not.
"""

from __future__ import annotations

from ..compiler.physical import PhysicalStage
from ..compiler.shape import ModelShape
from .weight_parts import FUSED


def donated_bytes(stage: PhysicalStage, shape: ModelShape, arch: str) -> dict[str, int]:
    """Bytes by donor: each matrix of the parts and layers that are grafted, once. `shape` is the recipient's."""
    matrices: dict[str, set[tuple]] = {}
    for group in stage.edits:
        if group.kind == "graft":
            fused = arch in FUSED and group.site[0] in ("attn.q", "attn.k", "attn.v")
            part = "attn.qkv" if fused else group.site[0]
            matrices.setdefault(group.operand, set()).add((part, group.site[1]))
    return {donor: shape.itemsize * sum(numbers(part, shape) for part, _ in found) for donor, found in matrices.items()}


def numbers(part: str, shape: ModelShape) -> int:
    """How many numbers the matrix of a part has; `logits` is the unembedding."""
    own, other = shape.width * shape.heads * shape.head_width, shape.width * shape.kv_heads * shape.head_width
    known = {
        "attn.q": own, "attn.k": other, "attn.v": other, "attn.o": own, "attn.qkv": own + 2 * other,
        "embed": shape.vocabulary * shape.width, "logits": shape.vocabulary * shape.width,
    }  # fmt: skip
    if part == "mlp.gate" and not shape.gated:
        return 0
    return known.get(part, shape.width * shape.mlp_width if part.startswith("mlp.") else 0)
