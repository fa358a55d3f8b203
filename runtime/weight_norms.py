"""`norm` of weights, and of differences of weights, streamed from the files of the models."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..compiler.graph import Node
from .binding.bindings import Bindings
from .cube import Cube, scalar
from .errors import ProbeError
from .evaluate import Evaluator
from .weights import part_diff_norms, part_norms


def weight_norm(bindings: Bindings, evaluator: Evaluator, node: Node) -> Cube:
    """Frobenius norm of a part's weights, or of the difference of two models' parts, pooled over its matrices.

    Pooled: the root of the sum of squares over all layers and matrices of the part. With a layer, of that layer alone.
    Missing where the model has no such part.
    """
    inner = node.input("x")
    if inner.op == "binary" and inner.param("operator") == "-":
        a, b = inner.input("left"), inner.input("right")
    else:
        a, b = inner, None
    for part in (a, b):
        if part is not None and part.op != "weights":
            raise ProbeError("weights-only", "norm takes the weights of one model, or the difference of two")
    if b is not None and a.input("part").key != b.input("part").key:
        raise ProbeError("weights-only", "the two sides of a difference of weights are different parts")
    if b is not None and key_of(a.input("layer")) != key_of(b.input("layer")):
        message = "the two sides of a difference of weights are of different layers"
        raise ProbeError("weights-only", message, "compare a layer of one model with the same layer of another")
    name = str(a.input("part").param("name"))
    squares = sums(bindings, a, b)
    layer = a.input("layer")
    label = scalar(None) if layer is None else evaluator.at_home(node).cube(layer)
    where = [None if layer is None else int(want) for want in label.values.reshape(-1)]
    found = [norm_of(squares, name, at, anywhere=layer is None) for at in where]
    values = np.array([0.0 if v is None else v for v in found]).reshape(label.shape)
    if None not in found:
        return Cube(label.axes, values)
    said = bindings.source(a.input("model"))
    reasons = [None if v is not None else lacks(str(said), name, at) for v, at in zip(found, where, strict=True)]
    return Cube(label.axes, values, np.array(reasons, dtype=object).reshape(label.shape))


def key_of(node: Node | None) -> str | None:
    return None if node is None else node.key


def norm_of(squares: dict, name: str, layer: int | None, anywhere: bool) -> float | None:
    """The norm of a part in a layer, or `anywhere`; None where the model has no such part.

    A tied unembedding is the embedding.
    """
    own = [v for (part, at), v in squares.items() if belongs(part, name) and (anywhere or at == layer)]
    if not own and name == "unembed" and anywhere:
        own = [v for (part, _), v in squares.items() if part == "embed"]
    return math.sqrt(sum(own)) if own else None


def lacks(model: str, name: str, layer: int | None) -> str:
    return f"{model} has no weights {name}" + ("" if layer is None else f" in layer {layer}")


def belongs(part: str, name: str) -> bool:
    return part == name or part.startswith(name + ".")


def sums(bindings: Bindings, a: Node, b: Node | None) -> dict:
    """Sums of squares by part and layer: of the weights of a, or of their difference to those of b."""
    first = files(bindings, a)
    if b is None:
        return _norms(first)
    return {k: v[0] for k, v in _differences(first, files(bindings, b)).items()}


Files = tuple[Path, tuple[Path, ...], str]


def files(bindings: Bindings, weights: Node) -> Files:
    """The folder of a model, those of the adapters merged into it, and the fingerprint of what they hold now."""
    model = weights.input("model")
    return bindings.folder(model), bindings.adapters(model), bindings.fingerprint(model)


@lru_cache(maxsize=32)
def _norms(model: Files) -> dict:
    return part_norms(*model[:2])


@lru_cache(maxsize=32)
def _differences(a: Files, b: Files) -> dict:
    return part_diff_norms(a[0], b[0], a[1], b[1])
