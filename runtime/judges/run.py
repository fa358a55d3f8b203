"""Judges behind endpoints in a run: one question for each text and rubric, and the values of all their nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...compiler.graph import Node
from ...compiler.sizes import counted
from ..cube import Cube
from ..data.paths import locate
from ..errors import ProbeError
from .config import config_path, endpoint, how_to_set_up
from .endpoint import Answers, Asking, ask, scored
from .questions import questions
from .replies import Kept, read_recording, write_recording

if TYPE_CHECKING:
    from ..prepared import Prepared

REPLIES = "replies"  # folder of the store
NOT_SET_UP = "it is not set up"


def at_endpoint(node: Node) -> bool:
    """Whether a work node is a judge that does not run here."""
    model = node.input("model")
    return node.op == "judge" and model is not None and model.op == "endpoint"


def judge_at_endpoints(
    prepared: Prepared, nodes: list[Node], progress: Callable[[str, int, int], None] | None
) -> dict[str, Cube]:
    """The values of judge nodes whose models are endpoints; what happened is told in `prepared.endpoints`."""
    made: dict[str, Cube] = {}
    for model in {n.input("model").key: n.input("model") for n in nodes}.values():
        own = [n for n in nodes if n.input("model") is model]
        asked = {n.key: questions(prepared.bindings, prepared.evaluator, n) for n in own}
        wanted = list(dict.fromkeys(q for a in asked.values() for q in a.asked if q is not None))
        asking = asking_of(prepared, model)
        note = counter(f"judge · {prepared.bindings.source(model)}", len(wanted), progress)
        answers = ask(asking, wanted, note, online=not prepared.options.offline)
        made |= {n.key: scored(asked[n.key], answers) for n in own}
        tell(prepared, asking, answers)
        if prepared.store is not None:
            prepared.store.trouble = prepared.store.trouble or answers.trouble
        if prepared.options.record is not None and answers.replies:
            write_recording(prepared.options.record, str(asking.model), answers.replies)
    return made


def counter(name: str, total: int, progress: Callable[[str, int, int], None] | None) -> Callable[[int], None]:
    """Count questions that are done with, for the display."""
    done = 0

    def note(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None and total:
            progress(name, done, total)

    return note


def asking_of(prepared: Prepared, model: Node) -> Asking:
    """Where the replies of an endpoint come from, on this machine."""
    alias = str(model.input("alias").param("value"))
    options, named = prepared.options, model.input("recorded")
    recording, found, why = None, None, ""
    if named is not None and named.op != "none":
        given = str(named.param("value"))
        try:
            recording = read_recording(locate(given, root=prepared.bindings.root, allow_outside=options.allow_outside))
        except ProbeError as error:
            if error.code != "file-not-found" or options.record is None:
                raise
    try:
        found = endpoint(alias)
        if found is None:
            why = f"{NOT_SET_UP}: {config_path().name} has no [endpoint.{alias}]"
    except ProbeError as error:
        why = error.message
    if found is not None and recording is not None and found.model != recording.model:
        found, why = None, f"it serves {found.model}, and the recording is of {recording.model}"
    kept = Kept(prepared.options.store / REPLIES) if prepared.options.store is not None else None
    return Asking(alias, found, why, recording, kept)


def calls(prepared: Prepared, nodes: list[Node]) -> list[str]:
    """For a plan: the most questions that each endpoint will be asked, as far as their texts are there."""
    wanted: dict[str, set[str] | None] = {}
    for node in nodes:
        name = str(prepared.bindings.source(node.input("model")))
        try:
            asked = set(questions(prepared.bindings, prepared.evaluator, node).asked) - {None}
        except ProbeError:
            wanted[name] = None
            continue
        if wanted.setdefault(name, set()) is not None:
            wanted[name] |= asked
    return [
        f"{name}: one call for each text" if found is None else f"{name}: at most {counted(len(found), 'call')}"
        for name, found in wanted.items()
    ]


def tell(prepared: Prepared, asking: Asking, answers: Answers) -> None:
    """Add to what the manifest says of an endpoint."""
    told = prepared.endpoints.setdefault(asking.alias, {"model": asking.model, "without": {}})
    for name in ("asked", "kept", "recorded"):
        told[name] = told.get(name, 0) + answers.counts[name]
    told["without"] = dict(Counter(told["without"]) + Counter(answers.reasons.values()))


def notices(prepared: Prepared) -> list[dict]:
    """A warning for each endpoint that left questions open."""
    found = []
    for alias, told in prepared.endpoints.items():
        open_ = sum(told["without"].values())
        if open_:
            reason = max(told["without"], key=told["without"].get)
            message = f"{open_} questions have no reply: {reason}"
            help_ = "their cells are empty; run again to ask them, what was answered is kept"
            help_ = f"{how_to_set_up(alias)}; {help_}" if NOT_SET_UP in reason else help_
            found.append({"code": "no-reply", "message": message, "line": None, "help": help_})
    return found
