"""Directions that a model's own weights, or a file, give."""

from __future__ import annotations

from ....compiler.kinds import Direction, Integer, Site, Text
from ...registry import operation


@operation(work="run", open_model=True, axes="none")
def unembedding(word: Text) -> Direction:
    """Row of the unembedding for a word that is one token: the direction at `final_norm` that raises its logit."""


@operation("vector", work="data", axes="none")
def vector(path: Text, name: Text, *, site: Site, index: Integer | None = None) -> Direction:
    """Direction read from a safetensors file: tensor `name`, of shape [d], or [k, d] with `index`.

    `site` says where it lives, e.g. `resid_post[15]`. A path is relative to the spec and stays under its folder.
    """
