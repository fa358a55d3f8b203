"""Claims: their verdicts, and the numbers that decided them.

Knows which cell of a comparison decides; how these numbers are shown is the report's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..compiler import ir
from ..compiler.elaborate.loops import mentions
from ..compiler.elaborate.stacks import elements, is_stack
from ..compiler.expression_text import PRIMARY, level_of, text_of
from ..compiler.graph import Node
from .cells import NOT_SELECTED
from .cube import Cube, align
from .evaluate import Evaluator
from .record import Record
from .report.frame import label_text
from .results import Claim
from .selections import Ragged

ORDERS = {">": 1, ">=": 1, "<": -1, "<=": -1}
ENDS = {"any": "best", "all": "worst"}


def verdict(evaluator: Evaluator, name: str, line: int, text: str, expression: ir.Expr, node: Node) -> Claim:
    """The verdict on a claim: it passes when every cell of it is true."""
    cube = evaluator.cube(node)
    deciding = Deciding(evaluator)
    deciding.visit(expression, node, "worst", {})
    values = deciding.told()
    present = cube.present()
    gone = [] if cube.missing is None else [r for r in cube.missing.reshape(-1) if r is not None and r != NOT_SELECTED]
    if gone:
        return Claim(name, line, text, "not computed", gone[0], values)
    held = cube.values.astype(bool) & present
    total = int(present.sum())
    if not total:
        return Claim(name, line, text, "not computed", "there is no cell that it could hold in", values)
    if int(held.sum()) == total:
        return Claim(name, line, text, "pass", "", values)
    reason = f"holds in {int(held.sum())} of {total} cells" if cube.axes else "does not hold"
    return Claim(name, line, text, "fail", reason, values)


@dataclass(frozen=True)
class Noted:
    """A number that was compared: its expression, the key of its node, labels around it and of its cell, its value."""

    expression: ir.Expr
    key: str
    labels: dict[str, object]
    cell: dict[str, object]
    prefix: str
    value: object

    def text(self, without: set[str]) -> str:
        """The expression as the spec writes it, with its labels but those of the axes `without`."""
        known = {name: label_text(label) for name, label in {**self.labels, **self.cell}.items()}
        used = mentions(self.expression)
        said = text_of(self.expression, known)
        inside = ", ".join(
            f"{n}={v}" for n, v in known.items() if n not in used and (n in self.cell or n not in without)
        )
        if inside:
            said = f"({said})" if level_of(self.expression) < PRIMARY else said
            said = f"{said}[{inside}]"
        return self.prefix + said


@dataclass
class Deciding:
    """Collect the numbers that a claim compares, as the spec writes them: of many cells the one that decides.

    The cell that decides is the one for which a comparison holds by the least (`worst`), or by the most inside `any`
    (`best`).
    """

    evaluator: Evaluator
    found: list[Noted] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        """Map `x`, or `smallest of 6, x[layer=3]`, to its number; labels that change nothing are left out."""
        return {note.text({n for n in note.labels if not self.varies(note, n)}): note.value for note in self.found}

    def varies(self, note: Noted, name: str) -> bool:
        """Whether an expression is another value for other labels of an axis around it."""
        rest = {n: label for n, label in note.labels.items() if n != name}
        alike = (o for o in self.found if o.expression is note.expression and name in o.labels)
        alike = [o for o in alike if {n: label for n, label in o.labels.items() if n != name} == rest]
        return len(alike) < 2 or len({o.key for o in alike}) > 1

    def visit(self, e: ir.Expr, n: Node, end: str, labels: dict[str, object]) -> None:
        """Walk an expression beside its node; `labels` are those of the stacks above."""
        if is_stack(n) and not isinstance(e, ir.ListOf):
            for label, child in zip(n.param("labels"), elements(n), strict=True):
                self.visit(e, child, end, {**labels, n.axes[0].name: label})
        elif isinstance(e, ir.UnaryOf) and n.op == "not":
            self.visit(e.operand, n.input("operand"), "best" if end == "worst" else "worst", labels)
        elif isinstance(e, ir.CallOf) and e.operation in ENDS and n.op == e.operation:
            self.visit(e.arguments[0].value, n.input("x"), ENDS[n.op], labels)
        elif isinstance(e, ir.BinaryOf) and n.op == "binary" and e.operator in ("and", "or"):
            self.visit(e.left, n.input("left"), end, labels)
            self.visit(e.right, n.input("right"), end, labels)
        elif isinstance(e, ir.BinaryOf) and n.op == "binary":
            self.compare(e, n, end, labels)
        else:
            self.note(e, n, self.cube(n), {}, labels)

    def cube(self, node: Node) -> Cube | None:
        """The value of one side; None where it is no cube of single values."""
        found = self.evaluator.value(node)
        if isinstance(found, Ragged):
            return None
        cube = found.value if isinstance(found, Record) else self.evaluator.cube(node)
        return None if cube.feature else cube

    def compare(self, e: ir.BinaryOf, n: Node, end: str, labels: dict[str, object]) -> None:
        """Note both sides of a comparison at the cell that decides it."""
        sides = [(e.left, n.input("left")), (e.right, n.input("right"))]
        cubes = [self.cube(child) for _, child in sides]
        if None in cubes or not any(c.axes for c in cubes):
            for (side, child), cube in zip(sides, cubes, strict=True):
                if child.op != "const":
                    self.note(side, child, cube, {}, labels)
            return
        if any(c.values.dtype.kind not in "bif" for c in cubes):
            return
        wide = align(*cubes)
        there = wide[0].present() & wide[1].present()
        if not there.any():
            return
        margin = held_by(e.operator, *(c.values.astype(np.float64) for c in wide))
        place = np.where(there, margin, np.inf if end == "worst" else -np.inf)
        at = np.unravel_index((np.argmin if end == "worst" else np.argmax)(place), there.shape)
        cell = {axis.name: (axis, i) for axis, i in zip(wide[0].axes, at, strict=True)}
        for i, ((side, child), cube) in enumerate(zip(sides, cubes, strict=True)):
            if child.op != "const":
                both = "tightest" if end == "worst" else "widest"
                said = which(e.operator, i, end) if not cubes[1 - i].axes else both if i == 0 else ""
                self.note(side, child, cube, cell, labels, said, int(there.sum()))

    def note(
        self, e: ir.Expr, n: Node, cube: Cube | None, cell: dict, labels: dict, end: str = "", of: int = 1
    ) -> None:
        """Note the value of an expression at a cell, under its text and the labels of that cell."""
        if cube is None:
            return
        taken = {name: found for name, found in cell.items() if name in cube.names}
        if len(taken) < len(cube.axes):
            return
        values, present = cube.values, cube.present()
        at = tuple(taken[name][1] for name in cube.names)
        if not present[at]:
            return
        written = {name: axis.labels[i] for name, (axis, i) in taken.items() if axis.kind != "data"}
        value = values[at]
        plain = value.item() if isinstance(value, np.generic) else value
        prefix = f"{end} of {of}, " if end and of > 1 and taken else ""
        self.found.append(Noted(e, n.key, labels, written, prefix, plain))


def held_by(operator: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """By how much a comparison holds, cell by cell: negative where it does not."""
    if operator in ORDERS:
        return ORDERS[operator] * (left - right)
    return -np.abs(left - right) if operator == "==" else np.abs(left - right)


def which(operator: str, side: int, end: str) -> str:
    """What the deciding cell of a side is among its cells, where the other side is one number."""
    if operator not in ORDERS:
        return "nearest" if (operator == "==") == (end == "best") else "furthest"
    up = (ORDERS[operator] > 0) == (side == 0)
    return "largest" if up == (end == "best") else "smallest"
