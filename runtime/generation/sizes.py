"""What a batch of texts takes: its passes, and bytes. Knows shapes; nothing of texts or prompts."""

from __future__ import annotations

from ...compiler.shape import ModelShape
from ...compiler.sizes import Shape

DRAWING = 48  # bytes for each token of the vocabulary while one is drawn: probabilities, sorted, summed, in float64


def passes(layers: int, texts: int, prompts: int, tokens: int, limit: int) -> list[Shape]:
    """The passes of texts of `limit` tokens: over their prompts of `tokens` tokens, and one for each further token."""
    steps = [Shape(1, tokens + step, layers, texts * layers, texts, 0, texts) for step in range(1, limit)]
    return [Shape.even(prompts, tokens, layers, 0, prompts), *steps]


def bytes_of(shape: ModelShape, texts: int, prompts: int, tokens: int, limit: int) -> int:
    """Bytes of texts of up to `limit` tokens behind `prompts` of `tokens` tokens, at the most at a time.

    While the prompts are read there are their keys and values and the activations of a block; then those of the texts,
    which have room for all tokens; then the activations of one token for each text, and what it is drawn from.
    """
    keys = tokens + limit - 1
    read, held = prompts * tokens * shape.cache_bytes, texts * keys * shape.cache_bytes
    step = shape.block_bytes(keys) + shape.repeated_bytes * keys
    return max(
        read + prompts * tokens * shape.block_bytes(tokens),
        read + held,
        held + texts * max(step, DRAWING * shape.vocabulary),
    )
