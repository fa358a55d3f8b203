"""Questions as prompts of a judge that runs here, and the scale's integers as its tokens. No torch."""

from __future__ import annotations

from ..errors import ProbeError
from ..text.answers import answer_ids
from ..text.render import render
from ..text.rendered import Rendered
from ..text.template import Segment, Template
from ..text.tokenizer import Tokenizer
from .scale import Branches

QUESTION = "question"
ENDING = 6  # characters of a prompt that decide how an answer behind it is tokenised


def prompt(tokenizer: Tokenizer, question: str) -> Rendered:
    """The question as a user's turn, or as raw text where the model has no chat template.

    Control tokens that a judged text spells are broken up: it could end its turn and answer for the judge.
    """
    role = "user" if tokenizer.has_chat_template else None
    template = Template("judge", (Segment(QUESTION, role, "{question}"),))
    return render(template, {QUESTION: harmless(tokenizer, question)}, tokenizer)


def harmless(tokenizer: Tokenizer, text: str) -> str:
    """The text without control tokens: a space stands behind the first letter of what spells one."""
    for index in sorted(tokenizer.control_ids):
        word = tokenizer.token(index)
        if len(word) > 1 and word in text:
            text = text.replace(word, f"{word[0]} {word[1:]}")
    return text


def branches(tokenizer: Tokenizer, prompts: list[Rendered], scale: tuple[int, ...], judge: str) -> Branches:
    """The tokens of a scale's integers behind the prompts: after a space in raw text, without one in a chat.

    Raises `scale-unknown` where the judge's tokenizer has no token for one, and `scale-varies` when prompts differ.
    """
    lead = "" if tokenizer.has_chat_template else " "
    endings = {p.text[-ENDING:]: p for p in prompts}
    found = set()
    for ending, whole in endings.items():
        place = ending if len(whole.text) > ENDING else whole
        try:
            found.add(tuple(answer_ids(tokenizer, place, f"{lead}{k}", policy="joint").ids for k in scale))
        except ProbeError as error:
            message = f"{judge} cannot say every integer from {scale[0]} to {scale[-1]}: {error.message}"
            raise ProbeError("scale-unknown", message, "choose a scale that it knows: `scale=…`") from None
    if len(found) != 1:
        raise ProbeError("scale-varies", f"{judge} writes the integers of the scale in several ways behind its prompts")
    return Branches.of(next(iter(found)))
