"""Where numbers come from: fingerprints of models and data, numerics, and the two keys of every result."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..compiler.graph import Node, walk
from ..compiler.keys import recipe_key, value_key
from ..compiler.kinds import Dataset
from .errors import ProbeError
from .judges.questions import rubric_path
from .results import Result
from .weight_files import fingerprint

if TYPE_CHECKING:
    from .execute import Prepared

LIBRARIES = ("probelang", "torch", "transformers", "nnsight", "numpy", "tokenizers")
MODELS = ("hub", "path", "zoo")


def numerics(prepared: Prepared) -> dict[str, str]:
    """What changes numbers without changing the spec."""
    options = prepared.options
    found = {
        "device": options.device.split(":")[0],
        "device_map": options.device_map or "none",
        "dtype": options.dtype or "float32",
        "attention": options.attention,
        "seed": str(options.seed),
        "tf32": str(options.tf32),
        "deterministic": str(options.deterministic),
    }
    return found | {name: version(name) for name in LIBRARIES} | {"code": code()}


@cache
def code() -> str:
    """A hash of this package's own sources: numbers of one version of the code are never taken for those of another."""
    here = Path(__file__).parent
    files = sorted(
        path for folder in (here, here.parent / "compiler") for path in folder.rglob("*.py") if "zoo" not in path.parts
    )
    return value_key({str(path.relative_to(here.parent)): path.read_bytes() for path in files})[:12]


def contents(prepared: Prepared) -> dict[str, str]:
    """A hash of the bytes of every model (weights and tokenizer) and dataset that the roots need."""
    found: dict[str, str] = {}
    given = (n.input("rubric") for n in walk(*prepared.roots.values()))
    rubrics = {r.key for r in given if r is not None and r.op == "file"}
    for node in walk(*prepared.roots.values()):
        if node.op in MODELS and not issubclass(node.kind, Dataset):
            found[node.key] = fingerprint(prepared.bindings.folder(node)) + tokenizer_of(prepared, node)
        elif node.key in rubrics:
            found[node.key] = value_key({"rubric": rubric_path(prepared.bindings, node).read_bytes()})
        elif node.op in ("file", "rows") or node.op in MODELS:
            found[node.key] = prepared.bindings.table(node).fingerprint
        elif node.op == "vector":
            vector = np.ascontiguousarray(prepared.evaluator.cube(node).values)
            found[node.key] = value_key({"vector": vector.tobytes()})
    return found


def tokenizer_of(prepared: Prepared, model: Node) -> str:
    try:
        return prepared.bindings.tokenizer(model).fingerprint
    except ProbeError:
        return ""  # weights alone are compared: no tokenizer is needed


def keys(prepared: Prepared, results: tuple[Result, ...]) -> dict[str, dict[str, str]]:
    """The recipe key and the value key of each result, by name."""
    settings, bytes_of = numerics(prepared), contents(prepared)
    nodes = {s.name: prepared.roots[s.node.key] for s in prepared.checked.program.statements}
    return {
        r.name: {"recipe": recipe_key(nodes[r.name], settings, bytes_of), "value": value_key(content(r))}
        for r in results
    }


def content(result: Result) -> dict[str, bytes]:
    """A result's values as bytes, whatever the order in which they were computed."""
    if result.vectors is not None:
        array = np.ascontiguousarray(result.vectors)
        return {"vectors": array.tobytes(), "shape": repr((array.shape, array.dtype.str)).encode()}
    frame = result.items if result.items is not None else result.frame
    return {"table": frame.write_csv().encode()}
