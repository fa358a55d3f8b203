"""The formatter keeps meaning and comments, and formatting twice changes nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from probelang.grammar.format import NotFormatted, format
from probelang.grammar.parse import parse

from .strategies import PROGRAMS, PROGRAMS_WITH_COMMENTS

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def holds(text: str) -> str:
    tree, problems = parse(text)
    assert not problems, problems[0].message
    formatted = format(text)
    again, problems = parse(formatted)
    assert not problems, problems[0].message
    assert again == tree
    assert Counter(c.text for c in again.comments) == Counter(c.text for c in tree.comments)
    assert format(formatted) == formatted
    return formatted


@QUICK
@given(PROGRAMS)
def test_meaning_is_kept_and_twice_is_once(text: str) -> None:
    holds(text)


@QUICK
@given(PROGRAMS_WITH_COMMENTS)
def test_comments_survive_anywhere(text: str) -> None:
    holds(text)
