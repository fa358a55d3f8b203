"""Where numbers come from: fingerprints of models and data, numerics, and the two keys of every result."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..compiler.graph import Node, walk
from ..compiler.keys import recipe_key, value_key
from ..compiler.kinds import Dataset
from . import registry
from .errors import ProbeError
from .judges.questions import rubric_path
from .results import Result

if TYPE_CHECKING:
    from .prepared import Prepared

LIBRARIES = ("probelang", "torch", "transformers", "nnsight", "numpy", "tokenizers")
MODELS = ("hub", "path", "zoo", "adapter")
DRAWN = ("generate", "judge", "train")  # kinds of work that draw random numbers
SHOWN, LONG = 60, 160  # characters of a literal that are shown, and at which it is cut


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
    return found | {name: version_of(name) for name in LIBRARIES} | {"code": code()}


version_of = cache(version)  # asking reads a file each time


@cache
def code() -> str:
    """A hash of this package's own sources: numbers of one version of the code are never taken for those of another."""
    here = Path(__file__).parent
    files = sorted(
        path for folder in (here, here.parent / "compiler") for path in folder.rglob("*.py") if "zoo" not in path.parts
    )
    return value_key({str(path.relative_to(here.parent)): path.read_bytes() for path in files})[:12]


@cache
def others_code(op: str) -> str:
    """A hash of the file of an operation that another package brings; empty for our own."""
    function = registry.get(op).function if op in registry.catalogue() else None
    if function is None or function.__module__.startswith(__name__.removesuffix("provenance")):
        return ""
    return value_key({"code": Path(inspect.getfile(function)).read_bytes()})[:12]


def contents(prepared: Prepared) -> dict[str, str]:
    """A hash of the bytes of every model (weights and tokenizer), dataset and foreign operation that the roots need."""
    found: dict[str, str] = {}
    given = (n.input("rubric") for n in walk(*prepared.roots.values()))
    rubrics = {r.key for r in given if r is not None and r.op == "file"}
    for node in walk(*prepared.roots.values()):
        if node.op in MODELS and not issubclass(node.kind, Dataset):
            own = (prepared.bindings.fingerprint(node), tokenizer_of(prepared, node), ends_of(prepared, node))
            found[node.key] = "".join(own) + code_of(prepared, node)
        elif node.key in rubrics:
            found[node.key] = value_key({"rubric": rubric_path(prepared.bindings, node).read_bytes()})
        elif node.op in ("file", "rows") or node.op in MODELS:
            found[node.key] = prepared.bindings.table(node).fingerprint
        elif node.op == "vector":
            vector = np.ascontiguousarray(prepared.evaluator.cube(node).values)
            found[node.key] = value_key({"vector": vector.tobytes()})
        elif foreign := others_code(node.op):
            found[node.key] = foreign
    return found


def inputs_of(prepared: Prepared, node: Node) -> dict[str, dict[str, object]]:
    """What a value is made of, in parts that can be compared: the settings, the bytes below, and the expression.

    The expression is given as a text for each path of names from the value down to a node.
    """
    below = prepared.contents
    data = {label(prepared, n): below[n.key] for n in walk(node) if n.key in below}
    return {"settings": prepared.settings(node), "contents": data, "expression": expression(node)}


def label(prepared: Prepared, node: Node) -> str:
    """A model or dataset as a reader knows it."""
    if node.op in MODELS and not issubclass(node.kind, Dataset):
        return str(prepared.bindings.source(node))
    given = prepared.names.get(node.key) or spelled(node)
    return f"{'dataset' if issubclass(node.kind, Dataset) else node.op} {given}"


def spelled(node: Node) -> str:
    """The literal arguments of a node."""
    texts = [str(c.param("value")) for _, c in node.inputs if c.op == "const"]
    return ", ".join(t if len(t) <= SHOWN else f"{t[:SHOWN]}…" for t in texts)


def expression(node: Node) -> dict[str, str]:
    """A value's expression: the text of each node by its path; a node that several use stands under its first path."""
    found: dict[str, str] = {"axes": ", ".join(f"{a.name}={short(a.labels)}" for a in node.axes)}
    seen: set[str] = set()
    stack = [("", node)]
    while stack:
        path, at = stack.pop()
        if at.key in seen and at.op != "const":
            continue
        seen.add(at.key)
        given = {k: v for k, v in at.params if k != "origin"}
        found[path] = short(given["value"]) if at.op == "const" else " ".join([at.op, *map(short, given.values())])
        stack += [(f"{path}.{name}" if path else name, child) for name, child in reversed(at.inputs)]
    return found


def short(value: object) -> str:
    """A literal as text; of a long one its beginning and a hash."""
    text = repr(value)
    return text if len(text) <= LONG else f"{text[:SHOWN]}… ({value_key({'text': text.encode()})[:8]})"


def ends_of(prepared: Prepared, model: Node) -> str:
    """The tokens that end a text, where a config beside the model's own says so."""
    path = prepared.bindings.folder(model) / "generation_config.json"
    return (
        value_key({"ends": str(json.loads(path.read_text("utf-8")).get("eos_token_id")).encode()})
        if path.is_file()
        else ""
    )


def code_of(prepared: Prepared, model: Node) -> str:
    """A hash of the code that lies beside a model's weights, where it is run."""
    files = prepared.bindings.folder(model).glob("*.py") if prepared.options.trust_remote_code else ()
    found = {path.name: path.read_bytes() for path in files}
    return value_key(found) if found else ""


def tokenizer_of(prepared: Prepared, model: Node) -> str:
    try:
        return prepared.bindings.tokenizer(model).fingerprint
    except ProbeError:
        return ""  # weights alone are compared: no tokenizer is needed


def keys(prepared: Prepared, results: tuple[Result, ...]) -> dict[str, dict[str, str]]:
    """The recipe key and the value key of each result, by name."""
    settings, bytes_of = numerics(prepared), prepared.contents
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


def models_below(nodes: Iterable[Node]) -> list[Node]:
    """The models that expressions run, graft from or read the weights of, each once; not those that only an adapter
    stands on."""
    found: dict[str, Node] = {}
    for node in walk(*nodes):
        if node.op not in MODELS:
            models = (c for _, c in node.inputs if c.op in MODELS and not issubclass(c.kind, Dataset))
            found |= {child.key: child for child in models}
    return list(found.values())
