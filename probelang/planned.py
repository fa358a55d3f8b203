"""Operations of a program that do not run yet, as diagnostics at the places that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .compiler.check import Checked
    from .grammar.diagnostics import Diagnostic

CODE = "planned"


def planned_operations(checked: Checked) -> list[Diagnostic]:
    """Return one error for each planned operation that the program's results need."""
    from .compiler.graph import walk
    from .grammar.diagnostics import Diagnostic, Label
    from .runtime.deep_check.places import Places
    from .runtime.registry import catalogue

    signatures, places = catalogue(), Places(checked)
    found: dict[tuple[str, int], Diagnostic] = {}
    for statement in checked.program.statements if checked.program else ():
        for node in walk(statement.node):
            signature = signatures.get(node.op)
            if signature is None or not signature.planned:
                continue
            at = places.of(node, statement.span)
            message = f"`{node.op}` is planned, and does not run yet"
            label = Label(at.span, at.text or "needed here", at.path)
            help_ = "`probe check` and `probe plan` work; `probe operations` says what runs"
            found.setdefault((node.op, at.span.start), Diagnostic(CODE, "error", message, label, (), help_))
    return sorted(found.values(), key=lambda d: d.order)
