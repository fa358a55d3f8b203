"""Dataset nodes to tables: files, rows of the spec, derived columns, parts of a split, kept rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...compiler.graph import Node
from ...compiler.kinds import Generated
from ..data import derive as derived
from ..data.files import from_frame, read
from ..data.formats import written_frame
from ..data.hub import from_hub
from ..data.split import split
from ..data.table import Table
from ..errors import ProbeError
from .written import table_of

if TYPE_CHECKING:
    from .bindings import Bindings

ZOO = "zoo/"


def make_table(bindings: Bindings, node: Node) -> Table:
    """Read, or make, the table of a dataset node."""
    if issubclass(node.kind, Generated):
        return table_of(bindings, node)
    match node.op:
        case "file":
            return from_file(bindings, node)
        case "rows":
            return from_rows(node)
        case "hub":
            return from_hub(value(node, "id"), value(node, "split"), value(node, "revision"))
        case "derive":
            return with_column(bindings, node)
        case "part":
            both = node.input("split")
            parts = split(
                bindings.table(both.input("items")),
                float(value(both, "fraction")),
                int(value(both, "seed", 0)),
                value(both, "stratify"),
            )
            return parts[node.param("index")]
        case "keep":
            return kept(bindings, node)
    raise ProbeError("planned", f"datasets made with `{node.op}` cannot be read yet")


def value(node: Node, name: str, default: object = None) -> object:
    """A literal argument of a node, or the name of a column."""
    given = node.input(name)
    if given is None or given.op == "none":
        return default
    return given.param("name") if given.op in ("axis", "column") else given.param("value")


def from_file(bindings: Bindings, node: Node) -> Table:
    path, limit, key = str(value(node, "path")), value(node, "limit"), value(node, "key")
    if path.startswith(ZOO):
        from ..zoo import data_path

        found = data_path(path.removeprefix(ZOO))
        table = read(found, root=found.parent, limit=limit, key=key)
    else:
        table = read(path, root=bindings.root, limit=limit, key=key, allow_outside=bindings.allow_outside)
    promised = node.input("columns")
    for _, name in promised.inputs if promised is not None else ():
        table.column(str(name.param("value")))
    return table


def from_rows(node: Node) -> Table:
    return from_frame(written_frame(str(value(node, "csv"))), key=value(node, "key"))


def with_column(bindings: Bindings, node: Node) -> Table:
    from ..evaluate import column_values

    table = bindings.table(node.input("dataset"))
    return derived.derive(table, str(node.param("name")), column_values(bindings, node.input("value"), table))


def kept(bindings: Bindings, node: Node) -> Table:
    from ..evaluate import column_values

    table = bindings.table(node.input("items"))
    mask = column_values(bindings, node.input("where"), table)
    if any(isinstance(m, str) for m in mask):
        raise ProbeError(
            "not-a-condition", "`keep` takes a condition, and these values are texts", 'compare them: `== "yes"`'
        )
    found = derived.keep(table, [bool(m) for m in mask])
    most = value(node, "at_most")
    return found if most is None else found.take(range(min(int(most), len(found))))
