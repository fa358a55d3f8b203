"""A judge behind an endpoint: every question asked once, what was answered kept, what was not said in its cell."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import numpy as np

from ..cube import Cube
from .client import NoReply, Reply, body, call
from .config import Endpoint
from .questions import Questions
from .replies import Kept, Recording
from .scale import off_scale

FAILURES = 5  # calls in a row that end without a reply before the others are spared

Progress = Callable[[int], None]


@dataclass
class Answers:
    """What became of the questions: replies, and reasons where there is none. `counts` say where replies came from.

    `trouble` says why replies could not be kept.
    """

    replies: dict[str, Reply] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    counts: Counter = field(default_factory=Counter)
    trouble: str | None = None


@dataclass(frozen=True)
class Asking:
    """Where replies may come from: a recording, those that are kept, the endpoint (None: not set up, or offline)."""

    alias: str
    endpoint: Endpoint | None
    why_not: str = ""
    recording: Recording | None = None
    kept: Kept | None = None

    @property
    def model(self) -> str | None:
        """The name of the model that answers."""
        if self.endpoint is not None:
            return self.endpoint.model
        return self.recording.model if self.recording is not None else None


def ask(asking: Asking, questions: list[str], progress: Progress = lambda done: None, online: bool = True) -> Answers:
    """Answer every question from the recording, else from what is kept, else by a call.

    A call that fails leaves a reason and no more. When calls fail one after the other, or the server refuses all, the
    others are not made. Replies are kept as they come, so that a run that is stopped goes on from there.
    """
    found = Answers()
    open_questions = []
    for question in questions:
        if asking.recording is not None and question in asking.recording.replies:
            found.replies[question] = asking.recording.replies[question]
            found.counts["recorded"] += 1
            continue
        reply = None
        if asking.endpoint is not None and asking.kept is not None:
            reply = asking.kept.get(asking.endpoint, body(asking.endpoint, question))
        if reply is None:
            open_questions.append(question)
        else:
            found.replies[question] = reply
            found.counts["kept"] += 1
    progress(len(found.replies))
    if open_questions and (asking.endpoint is None or not online):
        reason = asking.why_not if asking.endpoint is None else "this run is offline"
        found.reasons |= dict.fromkeys(open_questions, f"{spoken(asking)} was not asked: {reason}")
    elif open_questions:
        call_all(asking, open_questions, found, progress)
    return found


def spoken(asking: Asking) -> str:
    return f"the endpoint `{asking.alias}`"


def call_all(asking: Asking, questions: list[str], found: Answers, progress: Progress) -> None:
    """Make the calls, several at a time; the first reason to stop is that of all that were not made."""
    endpoint, stop = asking.endpoint, threading.Event()
    row, spared = 0, ""

    def one(question: str) -> Reply:
        if stop.is_set():
            raise NoReply("")
        reply = call(endpoint, body(endpoint, question), stop.is_set)
        try:
            if asking.kept is not None:
                asking.kept.put(endpoint, body(endpoint, question), reply)
        except OSError as error:
            found.trouble = error.strerror  # it was answered, and may have been paid for
        return reply

    pool = ThreadPoolExecutor(endpoint.concurrency)
    try:
        waiting = {pool.submit(one, question): question for question in questions}
        for done in as_completed(waiting):
            question = waiting[done]
            try:
                found.replies[question], row = done.result(), 0
                found.counts["asked"] += 1
            except NoReply as problem:
                row += 1
                if problem.reason:
                    found.reasons[question] = f"{spoken(asking)} gave no reply: {problem.reason}"
                    if not stop.is_set() and (problem.for_all or row >= max(FAILURES, endpoint.concurrency)):
                        spared = problem.reason
                        stop.set()
                else:
                    found.reasons[question] = ""
            progress(1)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    for question, reason in found.reasons.items():
        found.reasons[question] = reason or f"{spoken(asking)} was not asked again: {spared}"


# **** scores ****


def scored(asked: Questions, answers: Answers) -> Cube:
    """The cube of a judge node: expected integers, or the probability on the scale; reasons where there is none."""
    values, reasons = np.full(len(asked.asked), np.nan), asked.reasons.copy()
    if cut := cut_integers(answers, asked.scale):
        answers = Answers({}, {q: cut for q in {*answers.replies, *answers.reasons}})
    for cell, question in enumerate(asked.asked):
        if question is None:
            continue
        reply = answers.replies.get(question)
        if reply is None:
            reasons[cell] = answers.reasons[question]
            continue
        score, mass = expectation(reply, asked.scale)
        if longer(reply):
            reasons[cell] = f"the judge wrote {longer(reply)}, of which one call tells no probability"
        elif asked.give == "mass":
            values[cell] = mass
        elif mass < asked.least or not mass:
            reasons[cell] = off_scale(mass)
        else:
            values[cell] = score
    shape = tuple(len(a) for a in asked.axes)
    missing = None if np.equal(reasons, None).all() else reasons.reshape(shape)
    return Cube(asked.axes, values.reshape(shape), missing)


def expectation(reply: Reply, scale: tuple[int, ...]) -> tuple[float, float]:
    """(expected integer, probability on the scale) among the likeliest first tokens; white space does not count."""
    chances = Counter()
    for token, logprob in reply.first:
        if (k := integer(token)) is not None and scale[0] <= k <= scale[-1]:
            chances[k] += math.exp(min(logprob, 0.0))
    mass = math.fsum(chances.values())
    return (math.fsum(k * p for k, p in chances.items()) / mass if mass else math.nan), min(mass, 1.0)


def integer(token: str) -> int | None:
    text = token.strip()
    return int(text) if text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") else None


def longer(reply: Reply) -> str:
    """The integer that a reply wrote in several tokens, if it did: its first token alone is another one."""
    first, second = [*reply.written, "", ""][:2]
    return f"{first.strip()}{second}" if integer(first) is not None and second[:1].isdigit() else ""


def cut_integers(answers: Answers, scale: tuple[int, ...]) -> str:
    """Why no score can be told where a server's tokenizer writes integers of the scale in several tokens."""
    cut = next((found for reply in answers.replies.values() if (found := longer(reply))), "")
    if scale[-1] < 10 or not cut:
        return ""
    return f"the judge's tokenizer cuts integers, {cut} for one, and one call tells its first part: use the scale 0..9"
