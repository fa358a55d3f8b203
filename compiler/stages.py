"""Cut the logical graph into stages: what can be computed once its inputs exist.

A work node needs a model: a read, a measure, a norm of weights, generation, judging, training. Its level is one more
than that of the work nodes that its run depends on; the nodes of one level and kind of work are a stage. Everything
else is arithmetic over their results.
"""

from __future__ import annotations

from dataclasses import dataclass

from .graph import Node, walk
from .kinds import Matrix
from .signature import Catalogue

# Work that is a stage of its own whatever its level, in the order in which a level does it.
KINDS = ("train", "generate", "judge", "keep", "run", "weights")


@dataclass(frozen=True)
class Stage:
    """Work of one kind that can be done together. `needs` are the indices of the stages it waits for."""

    index: int
    kind: str
    nodes: tuple[Node, ...]
    needs: tuple[int, ...]


def kind_of(node: Node, catalogue: Catalogue) -> str | None:
    """The kind of work a node is, or None for arithmetic, and for what is only part of other nodes."""
    if node.op == "read":
        return "run"
    if node.op == "norm" and issubclass(node.input("x").kind, Matrix):
        return "weights"
    if node.op in ("keep", "keep_pairs") and any(n.op in ("generate", "judge") for n in walk(node)):
        return "keep"
    signature = catalogue.get(node.op)
    if signature is None or signature.name == "lens" or distributions(node) > 1:
        return None
    return signature.work if signature.work in KINDS else None


def distributions(node: Node) -> int:
    """How many next-token distributions a node takes; of two, both are kept before they are compared."""
    return sum(child.op in ("next-token", "lens") for _, child in node.inputs)


def cut(roots: list[Node], catalogue: Catalogue) -> list[Stage]:
    """The stages of a program, in an order in which they can be done."""
    level: dict[str, int] = {}
    kinds: dict[str, str] = {}
    nodes = list(walk(*roots))
    users = users_of(nodes)
    kept = {r.key for r in roots}
    whole = {c.key for n in nodes if distributions(n) > 1 for _, c in n.inputs if c.op in ("next-token", "lens")}
    for node in nodes:
        below = max((level[c.key] for _, c in node.inputs), default=0)
        kind = "run" if node.key in whole else kind_of(node, catalogue)
        if kind is None:
            level[node.key] = below
            continue
        if node.op == "read" and node.key not in kept and only_inside(node, users, kept | whole):
            level[node.key] = below
            continue
        kinds[node.key] = kind
        level[node.key] = below + 1
    groups: dict[tuple[int, int], list[Node]] = {}
    for node in nodes:
        if node.key in kinds:
            groups.setdefault((level[node.key], KINDS.index(kinds[node.key])), []).append(node)
    stages: list[Stage] = []
    where: dict[str, int] = {}
    for index, ((_, kind), members) in enumerate(sorted(groups.items())):
        for node in members:
            where[node.key] = index
        needs = sorted({where[n.key] for m in members for n in walk(m) if n.key in where and where[n.key] != index})
        stages.append(Stage(index, KINDS[kind], tuple(members), tuple(needs)))
    return stages


def users_of(nodes: list[Node]) -> dict[str, list[Node]]:
    """The nodes that use each node."""
    users: dict[str, list[Node]] = {}
    for node in nodes:
        for _, child in node.inputs:
            users.setdefault(child.key, []).append(node)
    return users


def only_inside(read: Node, users: dict[str, list[Node]], kept: set[str]) -> bool:
    """Whether a read is used by lenses alone that are themselves used by measures alone: then it need not be kept.

    `kept` are values that somebody wants as they are: roots, and distributions that are compared whole.
    """
    lenses = users.get(read.key, [])
    if not lenses or any(lens.op != "lens" for lens in lenses):
        return False
    if any(lens.key in kept for lens in lenses):
        # the lens itself is kept; its read is done with it
        return all(lens.key in kept or lens.key in users for lens in lenses)
    return all(distributions(user) == 1 for lens in lenses for user in users.get(lens.key, []))
