"""Token expressions: whether every item has the tokens that they mean."""

from __future__ import annotations

from ..binding.templates import expression_of
from ..errors import ProbeError
from ..text.positions import positions
from .scene import Scene, counted


def look(scene: Scene) -> None:
    """Report token expressions that find nothing in some item."""
    for node, span in scene.program.tokens:
        prompts = node.input("prompts")
        expression = expression_of(node) if prompts is not None and prompts.op == "prompts" else None
        if expression is None:
            continue
        for model, tokenizer in scene.readers(prompts):
            shown = [s for s in scene.shown(prompts, tokenizer) if s.rendered is not None]
            failed: list[tuple[int, ProbeError]] = []
            for s in shown:
                try:
                    positions(s.rendered, expression)
                except ProbeError as problem:
                    failed.append((s.index, problem))
            if failed:
                index, first = failed[0]
                which = f"; item {index + 1}" if len(shown) > 1 else ""
                severity = "warning" if scene.narrowed(prompts) and len(failed) < len(shown) else "error"
                where = f"{model.name}{counted(len(failed), len(shown))}{which}"
                message = f"these tokens are not found for {where}: {first.message}"
                scene.report(
                    severity, first.code, scene.places.at(span), message, first.help, same=tokenizer.fingerprint
                )
