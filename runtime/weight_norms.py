"""`norm` of weights, and of differences of weights, streamed from the files of the models."""

from __future__ import annotations

import math
from functools import lru_cache

from ..compiler.graph import Node
from .binding.bindings import Bindings
from .cube import Cube, scalar
from .errors import ProbeError
from .evaluate import Evaluator
from .weights import part_diff_norms, part_norms


def weight_norm(bindings: Bindings, evaluator: Evaluator, node: Node) -> Cube:
    """Frobenius norm of a part's weights, or of the difference of two models' parts, pooled over its matrices.

    Pooled: the root of the sum of squares over all layers and matrices of the part. With a layer, of that layer alone.
    """
    import numpy as np

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
    name = str(a.input("part").param("name"))
    squares = sums(bindings, a, b)
    layer = a.input("layer")
    if layer is None:
        return scalar(math.sqrt(sum(v for (part, _), v in squares.items() if belongs(part, name))))
    label = evaluator.at_home(node).cube(layer)
    values = [
        math.sqrt(sum(v for (part, at), v in squares.items() if belongs(part, name) and at == int(want)))
        for want in label.values.reshape(-1)
    ]
    return Cube(label.axes, np.array(values).reshape(label.shape))


def belongs(part: str, name: str) -> bool:
    return part == name or part.startswith(name + ".")


def sums(bindings: Bindings, a: Node, b: Node | None) -> dict:
    first = bindings.folder(a.input("model"))
    if b is None:
        return _norms(str(first))
    return {k: v[0] for k, v in _differences(str(first), str(bindings.folder(b.input("model")))).items()}


@lru_cache(maxsize=32)
def _norms(folder: str) -> dict:
    from pathlib import Path

    return part_norms(Path(folder))


@lru_cache(maxsize=32)
def _differences(a: str, b: str) -> dict:
    from pathlib import Path

    return part_diff_norms(Path(a), Path(b))
