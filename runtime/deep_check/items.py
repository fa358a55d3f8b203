"""The rows of a program's datasets that are on this machine: columns, and a bounded sample of the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...compiler.graph import Node
from ..errors import ProbeError

READ = 2000  # rows read of a file at most
SLACK = 1.25


@dataclass(frozen=True)
class Items:
    """What is known of a dataset. `rows` are its first rows, all of them when `whole`.

    `own` are columns of the file; `derived` are computed ones, whose values only a run knows. With `narrowed`, a
    condition that only a run knows leaves some of the rows out.
    """

    own: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    whole: bool
    derived: tuple[str, ...] = ()
    narrowed: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return self.own + self.derived

    def sample(self, count: int) -> list[tuple[int, dict[str, Any]]]:
        """Take about `count` rows, evenly spread, with their indices; all where few would be left out."""
        total = len(self.rows)
        chosen = range(total) if total <= SLACK * count else sorted({i * total // count for i in range(count)})
        return [(i, self.rows[i]) for i in chosen]


def file_of(dataset: Node) -> Node | None:
    """The node that says where the rows of a dataset come from, or None when a run makes them."""
    while dataset.op not in ("file", "rows", "hub"):
        inner = dataset.input("dataset") or dataset.input("split") or dataset.input("items")
        if inner is None:
            return None
        dataset = inner
    return dataset


def read_items(dataset: Node, root: Path, *, allow_outside: bool) -> Items | None:
    """Read a dataset as far as it is known before a run; None when it is not at hand, ProbeError when it is broken."""
    match dataset.op:
        case "file":
            return _file(dataset, root, allow_outside)
        case "rows":
            from ..data.formats import written_frame

            text = _value(dataset, "csv")
            frame = written_frame(text) if isinstance(text, str) else None
            return Items(tuple(frame.columns), tuple(frame.to_dicts()), whole=True) if frame is not None else None
    inner = dataset.input("dataset") or dataset.input("split") or dataset.input("items")
    found = read_items(inner, root, allow_outside=allow_outside) if inner is not None else None
    if found is None:
        return None
    if dataset.op == "derive":
        return replace(found, derived=(*found.derived, str(dataset.param("name"))))
    if dataset.op in ("split", "part", "shuffle"):
        return found
    return replace(found, narrowed=True)


def promised(dataset: Node) -> tuple[str, ...]:
    """The columns that `columns=` of a file promises."""
    given = dataset.input("columns")
    if given is None:
        return ()
    nodes = [n for _, n in given.inputs] if given.op == "list" else [given]
    return tuple(n.param("value") for n in nodes if n.op == "const")


def _file(dataset: Node, root: Path, allow_outside: bool) -> Items | None:
    from ..data.formats import read_frame
    from ..data.paths import locate
    from ..zoo import data_path

    name, limit = _value(dataset, "path"), _value(dataset, "limit")
    if not isinstance(name, str):
        return None
    if name.startswith("zoo/"):
        path = data_path(name.removeprefix("zoo/"))
    else:
        try:
            path = locate(name, root=root, allow_outside=allow_outside)
        except ProbeError as problem:
            if problem.code == "file-not-found" and promised(dataset):
                return None
            raise
    most = min(limit, READ) if isinstance(limit, int) else READ
    frame = read_frame(path, most + 1)
    whole = frame.height <= most or most == limit
    return Items(tuple(frame.columns), tuple(frame.head(most).to_dicts()), whole)


def _value(node: Node, name: str) -> object:
    inner = node.input(name)
    return inner.param("value") if inner is not None and inner.op == "const" else None
