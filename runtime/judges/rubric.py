"""What a judge is asked: a rubric, the text, and how they stand together. Knows neither models nor endpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ProbeError
from ..text.template import fill

PLACE = re.compile(r"\{\s*text\s*\}")
ENDS_WITH_PLACE = re.compile(r"(?<!\})\}\s*\Z")
MOST_CHARACTERS = 200_000


def asked(rubric: str, text: str, row: Mapping[str, Any]) -> str:
    """The question put to a judge.

    A rubric with `{text}` in it is the whole question: `{text}` and `{column}` are filled in, braces are doubled. Any
    other rubric is taken as it stands, and the text follows it. What is filled in is never looked at for placeholders.
    """
    if PLACE.search(rubric):
        return fill(rubric, {**row, "text": text}).text
    return f"{rubric.strip()}\nText: {text}\nScore:"


def check_rubric(rubric: str) -> None:
    """Raise `empty-rubric`, and `rubric-ends-with-text` where what is asked for would be part of the text."""
    if not rubric.strip():
        raise ProbeError("empty-rubric", "the rubric of a judge has no text")
    if PLACE.search(rubric) and ENDS_WITH_PLACE.search(rubric):
        raise ProbeError(
            "rubric-ends-with-text", "the rubric ends with a placeholder, and the judge would go on with the text",
            "end it with what is asked for, as in `Score:`",
        )  # fmt: skip


def read_rubric(path: Path) -> str:
    """Read a rubric file: UTF-8 text of reasonable length."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ProbeError("rubric-not-text", f"{path.name} is no text in UTF-8") from None
    if len(text) > MOST_CHARACTERS:
        raise ProbeError("rubric-not-text", f"{path.name} has {len(text):,} characters: that is no rubric")
    return text.strip()
