"""A model's shape as numbers, and what follows from it: weights, matrix FLOPs, bytes of activations. Knows no model.

A multiplication with an addition is two FLOPs. Norms, rotations, softmax and activations are not counted: a matrix
product of width d does d times as much for each number that it makes.
"""

from __future__ import annotations

from dataclasses import dataclass

BYTES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True)
class ModelShape:
    """Widths are in numbers. `gated`: the MLP has three matrices, not two. `tied`: the unembedding is the embedding.

    `scores`: attention probabilities are made whole (eager attention). `itemsize` is that of a weight, in bytes.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    mlp_width: int
    vocabulary: int
    gated: bool = True
    tied: bool = False
    scores: bool = False
    itemsize: int = 4

    @property
    def block_weights(self) -> int:
        """Numbers in the matrices of one block: q, k, v, o, and the MLP's."""
        attention = 2 * self.width * self.head_width * (self.heads + self.kv_heads)
        return attention + (3 if self.gated else 2) * self.width * self.mlp_width

    @property
    def weights(self) -> int:
        """Numbers in all matrices of the model; norms, biases and learned positions are left out."""
        vocabulary = self.vocabulary * self.width * (1 if self.tied else 2)
        return self.layers * self.block_weights + vocabulary

    @property
    def weight_bytes(self) -> int:
        return self.weights * self.itemsize

    def block_flops(self, rows: int, queries: int, keys: int) -> int:
        """FLOPs of one block for `rows` sequences of `queries` tokens that attend to `keys` tokens, masked ones too."""
        return rows * queries * (2 * self.block_weights + 4 * self.heads * self.head_width * keys)

    def projection_flops(self, rows: int, tokens: int) -> int:
        """FLOPs of the queries, keys and values of one block for `rows` sequences of `tokens` tokens."""
        return rows * tokens * 2 * self.width * self.head_width * (self.heads + 2 * self.kv_heads)

    @property
    def head_flops(self) -> int:
        """FLOPs of the unembedding at one position."""
        return 2 * self.width * self.vocabulary

    @property
    def cache_bytes(self) -> int:
        """Bytes of the keys and values of one token in all layers."""
        return 2 * self.layers * self.kv_heads * self.head_width * self.itemsize

    @property
    def repeated_bytes(self) -> int:
        """Bytes that a token's keys and values of one layer take once they are repeated for the query heads."""
        return 2 * self.heads * self.head_width * self.itemsize if self.kv_heads < self.heads else 0

    def block_bytes(self, keys: int) -> int:
        """Bytes that one token takes at the peak of a block: the residual stream, and its widest sublayer."""
        inner, kept = self.heads * self.head_width, self.kv_heads * self.head_width
        # Queries and keys before and after rotation, values, and keys and values repeated for the query heads.
        attention = 3 * inner + 3 * kept + (2 * inner if kept < inner else 0)
        if self.scores:
            attention += 3 * self.heads * keys
        mlp = 4 * self.mlp_width
        return (4 * self.width + max(attention, mlp)) * self.itemsize
