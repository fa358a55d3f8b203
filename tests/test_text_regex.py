"""Mentions respect word boundaries in any script, and patterns are safe."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probelang.runtime.errors import ProbeError
from probelang.runtime.text.regex import compile, matches, mentions


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("Clara went home.", "Clara", True),
        ("Clarabelle went home.", "Clara", False),
        ("Clara's home", "Clara", True),
        ("clara", "Clara", False),
        ("the category", "cat", False),
        ("cat", "cat", True),
        ("a growl", "owl", False),
        ("Zoë and Zo", "Zo", True),
        ("Zoë", "Zo", False),
        ("naïve", "ve", False),
        ("C++ is old", "C++", True),
        ("say (yes)!", "yes", True),
        ("snake_case", "case", False),
        ("", "cat", False),
    ],
)
def test_whole_words(text, word, expected):
    assert mentions(text, word) is expected


def test_modes():
    text = "Maya saw Clara. Clara, Clara!"
    assert mentions(text, ["Elara", "Clara"]) is True
    assert mentions(text, ["Elara", "Clara"], "all") is False
    assert mentions(text, ["Maya", "Clara"], "all") is True
    assert mentions(text, ["Maya", "Clara"], "count") == 4
    assert mentions("cat cat", "cat", "count") == 2
    assert mentions("category", "cat", whole_words=False) is True
    assert mentions("CAT", "cat", ignore_case=True) is True
    with pytest.raises(ProbeError):
        mentions(text, [])
    with pytest.raises(ProbeError):
        mentions(text, [""])


@given(st.text(alphabet="ab .x_1", max_size=20), st.text(alphabet="ab1", min_size=1, max_size=2))
def test_ascii_mentions_equal_word_boundaries_of_the_standard_library(text, word):
    assert mentions(text, word) is (re.search(rf"\b{re.escape(word)}\b", text) is not None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12, 7; 100", True), (" 12 7\n", True), ("12 and 7", False), ("1234", False), ("", False)],
)
def test_matches_the_whole_text(text, expected):
    assert matches(text, "[0-9]{1,3}([ ,;]+[0-9]{1,3}){0,9}") is expected


@pytest.mark.parametrize("pattern", ["(?=a)b", "(", r"(a)\1"])
def test_bad_patterns_are_errors(pattern, capfd):
    with pytest.raises(ProbeError) as caught:
        compile(pattern)
    assert caught.value.code == "bad-pattern"
    assert capfd.readouterr().err == ""


def test_patterns_run_in_linear_time():
    assert compile("(a+)+$").search("a" * 5000 + "b") is None
