"""Show the prompts of a spec as each of its models sees them: tokens, segments, and the positions that the spec uses.

Models with the same tokenizer are shown once. Only tokenizers on this machine are used. Statements with errors are left
out and told in brief; the exit code is 1 then.

  probe tokens framing.probe
  probe tokens framing.probe --model base --prompts pair.positive --item 3
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from ...api import check_source
from ...runtime.errors import ProbeError
from ...source import read_spec
from ..console import Console
from ..failures import ERRORS
from ..salvage import sound, with_every_prompt
from ..specs import run_options, show
from ..usage import add_spec, positive

if TYPE_CHECKING:
    from ...compiler.check import Checked
    from ...compiler.graph import Node
    from ...runtime.deep_check.models import AtHand
    from ...runtime.deep_check.scene import Scene
    from ...runtime.text.positions import TokenExpression
    from ...runtime.text.rendered import Rendered


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe tokens`."""
    add_spec(parser)
    parser.add_argument("--model", metavar="NAME", help="only this model, by its name in the spec or its source")
    parser.add_argument("--prompts", metavar="NAME", help="only these prompts, or this contrast")
    parser.add_argument(
        "--item", type=positive, default=1, metavar="N", help="which item to show (default: 1, the first)"
    )


def main(options: argparse.Namespace, console: Console) -> int:
    """Print a preview for each prompts and tokenizer."""
    from ...runtime.deep_check.scene import Scene
    from ...runtime.registry import catalogue

    source = read_spec(options.spec)

    def check(text: str) -> Checked:
        return check_source(replace(source, text=text), dict(options.params), deep=False, options=chosen)

    chosen = run_options(options, source)
    checked = check(source.text)
    said = [f"line {d.primary.span.line}: {d.message}  [{d.code}]" for d in checked.errors]
    checked = sound(checked, check)
    if checked.program is None:
        show(checked.errors, checked, console)
        return ERRORS
    scene = Scene(with_every_prompt(checked, check), source.root, chosen, catalogue())
    shown = 0
    for prompts, models in scene.runs.values():
        name = str(prompts.param("name"))
        if options.prompts is None or name == options.prompts or name.startswith(f"{options.prompts}."):
            try:
                shown += _prompts(scene, prompts, models, options, console)
            except ProbeError as problem:
                said.append(f"{name}: {problem.message}  [{problem.code}]")
    if said:
        console.tell(console.paint("errors", "error", err=True) + "; what has them, or needs it, is not shown:")
        console.tell("".join(f"  {line}\n" for line in dict.fromkeys(said)).rstrip("\n"))
    if not shown and not said:
        raise _nothing(scene, options)
    return ERRORS if said else 0


def _prompts(scene: Scene, prompts: Node, models: list[Node], options: argparse.Namespace, console: Console) -> int:
    by_tokenizer: dict[str, list[AtHand]] = {}
    for node in models:
        model = scene.model(node)
        if model is not None and model.tokenizer is not None and options.model in (None, *_names(scene, model)):
            by_tokenizer.setdefault(model.tokenizer.fingerprint, []).append(model)
    for alike in by_tokenizer.values():
        rendered = _render(scene, prompts, alike[0], options.item)
        who = ", ".join(dict.fromkeys(m.name for m in alike))
        console.write(console.paint(f"{prompts.param('name')}  {who}", "bold") + f"  {len(rendered.ids)} tokens\n\n")
        _preview(scene, prompts, rendered, console)
    return len(by_tokenizer)


def _render(scene: Scene, prompts: Node, model: AtHand, item: int) -> Rendered:
    from ...compiler.graph import walk
    from ...compiler.kinds import Generated
    from ...runtime.text.render import render

    prompt = scene.prompt(prompts)
    if prompt is None:
        raise ProbeError("unknown-text", f"the text of `{prompts.param('name')}` is only known when the spec runs")
    row: dict = {}
    if prompts.input("source") is not None:
        items = scene.read(prompts.input("source"))
        if isinstance(items, ProbeError):
            raise items
        if items is None and any(issubclass(n.kind, Generated) for n in walk(prompts.input("source"))):
            message = f"`{prompts.param('name')}` are made of texts that have not been written yet: a run writes them"
            raise ProbeError("unknown-text", message)
        if items is None:
            raise ProbeError("unchecked", f"the rows of `{prompts.param('name')}` are not on this machine")
        if item > len(items.rows):
            raise ProbeError(
                "no-such-item", f"there is no item {item}; `{prompts.param('name')}` has {len(items.rows)}"
            )
        row = items.rows[item - 1]
    return render(prompt.template, prompt.row(row), model.tokenizer)


def _preview(scene: Scene, prompts: Node, rendered: Rendered, console: Console) -> None:
    from ...runtime.text.positions import positions
    from ...runtime.text.preview import preview

    found: dict[str, TokenExpression] = {}
    missing: list[str] = []
    for name, expression in _expressions(scene, prompts).items():
        try:
            positions(rendered, expression)
            found[name] = expression
        except ProbeError as problem:
            missing.append(f"{name}: {problem.message}")
    rich = console.rich()
    rich.print(preview(rendered, found, width=rich.width), end="", soft_wrap=True)
    for line in missing:
        console.write(f"not found  {line}\n")
    for target, text in rendered.targets.items():
        console.write(f"{target}: {text!r}\n")
    console.write("\n")


def _expressions(scene: Scene, prompts: Node) -> dict[str, TokenExpression]:
    """The token expressions that the spec uses in some prompts, as they are written."""
    from ...runtime.binding.templates import expression_of

    found: dict[str, TokenExpression] = {}
    for node, span in scene.program.tokens:
        if node.input("prompts") is prompts and (expression := expression_of(node)) is not None:
            at = scene.places.at(span)
            own = at.span is span
            written = scene.checked.text[span.start : span.end] if own else ".".join(map(str, node.param("path") or ()))
            if expression not in found.values():
                found[" ".join(written.split()) or "tokens"] = expression
    return found


def _names(scene: Scene, model: AtHand) -> list[str]:
    """What a model may be called: its source, and the names that the spec gives to it."""
    from ...compiler import ir

    declared = [
        s.name
        for s in scene.checked.spec.statements
        if isinstance(s, ir.Define)
        and isinstance(s.value, ir.CallOf)
        and s.keyword == "model"
        and any(isinstance(a.value, ir.Literal_) and a.value.value == model.source.name for a in s.value.arguments)
    ]
    return [model.name, model.source.name, f"{model.source.kind}:{model.source.name}", *declared]


def _nothing(scene: Scene, options: argparse.Namespace) -> ProbeError:
    if not scene.runs:
        return ProbeError("nothing-to-show", "no prompts of this spec run on a model")
    names = dict.fromkeys(str(p.param("name")) for p, _ in scene.runs.values())
    if options.prompts is not None and not any(
        n == options.prompts or n.startswith(f"{options.prompts}.") for n in names
    ):
        return ProbeError(
            "nothing-to-show", f"no prompts `{options.prompts}` run on a model", f"there are {', '.join(names)}"
        )
    found = [scene.model(n) for _, models in scene.runs.values() for n in models]
    here = dict.fromkeys(m.name for m in found if m is not None)
    if options.model is not None and here:
        return ProbeError(
            "nothing-to-show", f"no model `{options.model}` runs on prompts", f"there are {', '.join(here)}"
        )
    return ProbeError("unchecked", "none of the models of this spec is on this machine", "`hf download ID` fetches one")
