"""Prompts as models see them: whether they can be rendered, how they start, unknown words, and whether they fit."""

from __future__ import annotations

from ...compiler.graph import Node
from .models import AtHand
from .scene import Scene, Shown, counted

# notes on a rendered prompt that a reader should see without asking
TOLD = {"double-bos": "warning", "unknown-words": "warning", "special-in-text": "warning", "no-chat-template": "note"}


def look(scene: Scene) -> None:
    """Render every sampled prompt for every model, and report what is odd."""
    for prompts, models in scene.runs.values():
        for model, tokenizer in scene.readers(prompts):
            shown = scene.shown(prompts, tokenizer)
            _failures(scene, prompts, model, shown)
            _notes(scene, prompts, model, shown)
        for node in models:
            if (found := scene.model(node)) is not None and found.tokenizer is not None:
                _lengths(scene, prompts, found, scene.shown(prompts, found.tokenizer))


def _failures(scene: Scene, prompts: Node, model: AtHand, shown: list[Shown]) -> None:
    by_code: dict[str, list[Shown]] = {}
    for s in shown:
        if s.problem is not None:
            by_code.setdefault(s.problem.code, []).append(s)
    for code, found in by_code.items():
        first = found[0]
        which = f"item {first.index + 1}: " if len(shown) > 1 else ""
        severity = "warning" if scene.narrowed(prompts) and len(found) < len(shown) else "error"
        where = f"{model.name}{counted(len(found), len(shown))}"
        message = f"{_name(prompts)} cannot be rendered for {where}; {which}{first.problem.message}"
        scene.report(severity, code, scene.places.of_prompts(prompts), message, first.problem.help)


def _notes(scene: Scene, prompts: Node, model: AtHand, shown: list[Shown]) -> None:
    rendered = [s for s in shown if s.rendered is not None]
    by_code: dict[str, list[tuple[Shown, str]]] = {}
    for s in rendered:
        for note in s.rendered.notes:
            code, _, text = note.partition(": ")
            by_code.setdefault(code, []).append((s, text))
    at = scene.places.of_prompts(prompts)
    for code, found in by_code.items():
        (first, text), where = found[0], counted(len(found), len(rendered))
        if code in TOLD:
            which = f"; first in item {first.index + 1}" if len(found) < len(rendered) else ""
            scene.report(TOLD[code], code, at, f"{_name(prompts)} for {model.name}{where}: {text}{which}")
        elif code == "no-bos" and first.rendered.start_id is not None:
            scene.report(
                "note",
                code,
                at,
                f"{_name(prompts)} starts without the start token that {model.name} has{where}",
                "if the model was trained with it, the first token behaves oddly; `probe tokens` shows it",
            )


def _lengths(scene: Scene, prompts: Node, model: AtHand, shown: list[Shown]) -> None:
    most = model.facts.max_tokens
    lengths = [len(s.rendered.ids) for s in shown if s.rendered is not None]
    long = [n for n in lengths if most is not None and n > most]
    if long:
        scene.report(
            "error",
            "too-long",
            scene.places.of_prompts(prompts),
            f"{_name(prompts)} is longer than the {most} tokens that {model.name} can read"
            f"{counted(len(long), len(lengths))}; the longest has {max(long)}",
            "prompts are never cut; leave these items out with keep(…), or shorten the prompt",
        )


def _name(prompts: Node) -> str:
    return f"`{prompts.param('name')}`"
