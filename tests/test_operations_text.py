"""Measures of texts: against counts done by hand, and against the standard library."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import probelang
from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.operations.text.log_odds_words import log_odds_words
from probelang.runtime.operations.text.matches import exact_match, matches
from probelang.runtime.operations.text.mentions import all_of, any_of, mentions
from probelang.runtime.operations.text.sizes import character_count, word_count
from probelang.runtime.operations.text.variety import distinct, repetition
from probelang.runtime.operations.text.word_rate import word_rate
from probelang.runtime.text.regex import places
from probelang.runtime.text.words import words


def column(*values, name="item", kind="data"):
    """Texts as a value per item; None is missing."""
    array = np.array([v or "" for v in values], dtype=object)
    missing = None if None not in values else np.array([None if v is not None else "gone" for v in values], object)
    return Cube((Axis(name, tuple(range(len(values))), kind),), array, missing)


def names(*values):
    return Cube((Axis("name", values),), np.array(values, dtype=object))


STORIES = column("Elara went home. Elara's home.", "Maya saw Clarabelle.", None, "Clara and Maya")


def test_mentions_by_word_and_by_list():
    got = mentions(STORIES, names("Elara", "Clara", "Maya"))
    assert got.names == ("item", "name") and got.values.dtype == bool
    assert got.values.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 1]]
    assert got.present().tolist() == [[True] * 3, [True] * 3, [False] * 3, [True] * 3]
    assert mentions(STORIES, any_of(["Elara", "Clara"])).values.tolist() == [True, False, False, True]
    assert mentions(STORIES, all_of(["Maya", "Clara"])).values.tolist() == [False, False, False, True]
    assert mentions(STORIES, "clara").values.sum() == 0
    assert mentions(STORIES, "clara", ignore_case=True).values.tolist() == [False, False, False, True]
    assert mentions(STORIES, "Clara", whole_words=False).values.tolist() == [False, True, False, True]
    with pytest.raises(ProbeError, match="no word"):
        mentions(STORIES, "")


def test_letters_that_are_written_in_two_ways_are_one():
    apart, joined = "Zoe\u0308 left", "Zo\u00eb"
    assert mentions(column(apart), joined).values.all()
    assert not mentions(column(apart), "Zoe").values.any()
    assert not mentions(column("hin\u0940dd"), "hin").values.any()  # a vowel sign is part of the word


def test_each_text_may_have_words_of_its_own():
    assert mentions(STORIES, column("home", "Elara", "x", "Clara")).values.tolist() == [True, False, False, True]


def test_a_phrase_that_begins_inside_one_that_is_none_is_found():
    assert list(places("xa a a", "a a")) == [(3, 6)]
    assert len(list(places("a" * 20_000, "a"))) == 0


@given(st.text(alphabet="ab .x_1", max_size=20), st.text(alphabet="ab1", min_size=1, max_size=2))
def test_places_are_those_of_word_boundaries(text, word):
    assert list(places(text, word)) == [m.span() for m in re.finditer(rf"\b{re.escape(word)}\b", text)]


def test_patterns_and_answers():
    texts = column("12, 7; 100\n", "12 and 7", "Yes.", "the  Answer!")
    listed = "[0-9]{1,3}([ ,;]+[0-9]{1,3}){0,9}"
    assert matches(texts, listed, whole=True).values.tolist() == [True, False, False, False]
    assert matches(texts, "[0-9]").values.tolist() == [True, True, False, False]
    assert matches(texts, "yes", ignore_case=True).values.tolist() == [False, False, True, False]
    assert matches(texts, "yes", ignore_case=True, whole=True).values.tolist() == [False] * 4
    assert matches(texts, "^[0-9]+.*[0-9]$").values.tolist() == [False, True, False, False]
    assert matches(texts, "[0-9].[0-9]*", whole=True).values.tolist() == [False] * 4
    assert exact_match(texts, "answer").values.sum() == 0
    assert exact_match(texts, "the Answer!", normalise="space").values.tolist() == [False, False, False, True]
    assert exact_match(texts, "answer", normalise="answer").values.tolist() == [False, False, False, True]
    numbers = Cube((Axis("item", (0, 1), "data"),), np.array([12, 12]))
    assert exact_match(column("12", "12.0"), numbers).values.tolist() == [True, False]
    with pytest.raises(ProbeError) as caught:
        matches(texts, "(?=a)b")
    assert caught.value.code == "bad-pattern"
    with pytest.raises(ProbeError, match="vectors"):
        matches(Cube((), np.zeros(3)), "a")


def test_words_are_those_that_mentions_finds():
    text = "Clara's «naïve» don't—stop, snake_case 3D नमस्ते"
    assert words(text) == ["Clara", "naïve", "don't", "stop", "snake_case", "3D", "नमस्ते"]
    assert all(mentions(column(text), word).values.all() for word in words(text))
    assert words("It IS", ignore_case=True) == ["it", "is"]


def test_sizes_and_variety():
    texts = column("one two one two one two", "one", "")
    assert word_count(texts).values.tolist() == [6, 1, 0]
    assert character_count(texts).values.tolist() == [23, 3, 0]
    share = repetition(texts, 2)
    assert share.values[0] == pytest.approx(1 - 2 / 5)
    assert share.missing.tolist() == [None, *["the text has fewer than 2 words"] * 2]
    # five bigrams in one text, of which two are different; "two three" is a third, and no bigram crosses texts
    assert distinct(column("one two one two one two", "two three")).values == pytest.approx(3 / 6)
    assert distinct(column("a", "b")).missing[()] == "no text has 2 words"


def test_word_rate_counts_occurrences_among_all_words():
    texts = column("cat cat cat dog", "dog", None)
    assert word_rate(texts, "cat").values == pytest.approx(1000 * 3 / 5)
    assert word_rate(texts, any_of(["cat", "dog"]), per=1).values == 1
    assert word_rate(texts, names("cat", "dog"), per=1).values.tolist() == [3 / 5, 2 / 5]
    assert word_rate(column("", ""), "cat").missing[()] == "the texts have no words"


def log_odds_by_hand(first, second, prior):
    """Monroe et al. 2008, word by word."""
    both = first + second
    n, m, total = first.total(), second.total(), prior * both.total()
    rows = {}
    for w in both:
        a = prior * both[w]
        x, y = first[w] + a, second[w] + a
        value = np.log(x / (n + total - x)) - np.log(y / (m + total - y))
        rows[w] = (value, value / np.sqrt(1 / x + 1 / y))
    return rows


def test_log_odds_words_against_the_formula():
    rng = np.random.default_rng(0)
    vocabulary = np.array(["sun", "rain", "Elara", "door", "key", "the"])
    sides = []
    for weights in ([4, 1, 3, 1, 1, 9], [1, 4, 0.2, 1, 1, 9]):
        p = np.array(weights) / sum(weights)
        sides.append([" ".join(rng.choice(vocabulary, 12, p=p)) for _ in range(20)])
    got = log_odds_words(column(*sides[0]), against=column(*sides[1], name="item"), k=6, prior=0.05)
    first, second = (Counter(w for t in side for w in t.split()) for side in sides)
    wanted = log_odds_by_hand(first, second, 0.05)
    order = sorted(wanted, key=lambda w: -wanted[w][1])
    assert got["word"].values.tolist() == order
    assert order[0] in ("sun", "Elara") and order[-1] == "rain"
    np.testing.assert_allclose(got["value"].values, [wanted[w][0] for w in order])
    np.testing.assert_allclose(got["z"].values, [wanted[w][1] for w in order])
    assert got["count"].values.tolist() == [first[w] for w in order]
    assert got["count_against"].values.tolist() == [second[w] for w in order]


def test_log_odds_of_texts_that_have_the_word():
    said = column("key key key", "door", "door sun")
    against = column("door", "sun", "door")
    by_text = log_odds_words(said, against=against, k=5, unit="texts")
    assert by_text["count"].values.tolist()[0] == 1
    assert by_text["word"].values.tolist() == ["key", "door", "sun", "", ""]
    assert by_text["value"].missing.tolist()[3:] == ["fewer than 5 words"] * 2
    # "door" is in two texts of three on both sides, "sun" in one
    assert by_text["value"].values[1:3] == pytest.approx(0)


def test_log_odds_under_one_law_are_seldom_large():
    rng = np.random.default_rng(1)
    vocabulary = [f"w{i}" for i in range(40)]
    drawn = lambda: column(*(" ".join(rng.choice(vocabulary, 30)) for _ in range(30)))  # noqa: E731
    z = np.concatenate([log_odds_words(drawn(), against=drawn(), k=40)["z"].values for _ in range(12)])
    assert 0.02 < (np.abs(z) > 1.96).mean() < 0.08


def test_texts_stay_apart_by_axis_and_a_background_says_what_is_usual():
    stage = Axis("stage", ("base", "tuned"))
    item = Axis("item", (0, 1), "data")
    of = Cube((stage, item), np.array([["a b", "a c"], ["d d", "d a"]], dtype=object))
    got = log_odds_words(of, against=column("a b", "b c"), k=1, background=column("a b c d e"))
    assert got.axes[0].name == "stage" and got["word"].values[:, 0].tolist() == ["a", "d"]


SPEC = '''probe 1
model base = zoo("base")
dataset stories = rows("""text,who,weight
Elara went to the river.,Elara,1
Maya slept.,Maya,2
Nobody came.,Clara,3
""")
dataset corpus = rows("""text
the river ran to the sea
""")
param names = ["Elara", "Maya"]
statistic said   = mentions(stories.text, name) for name in names
statistic core   = mean(mentions(stories.text, any_of(names)))
statistic own    = mentions(stories.text, stories.who)
statistic length = token_count(stories.text) on base
statistic odds   = word_rate(stories.text, "river") / word_rate(corpus.text, "river")
statistic rose   = log_odds_words(stories.text, against=corpus.text, k=2)
claim some = core > 0.5 and rose.count[top=1] >= 1
'''


def test_a_spec_scores_texts_of_a_dataset(tmp_path):
    spec = tmp_path / "texts.probe"
    spec.write_text(SPEC)
    run = probelang.run(spec, out=None)
    said = run.tables["said"]
    assert said["value"].to_list() == pytest.approx([1 / 3, 1 / 3]) and said["n"].to_list() == [3, 3]
    # Wilson's interval of 1 of 3
    assert (said["low"][0], said["high"][0]) == pytest.approx((0.0615, 0.7923), abs=1e-4)
    assert run.tables["own"]["value"].to_list() == pytest.approx([2 / 3])
    assert run.items["length"]["value"].to_list() == [6, 3, 3]
    assert run.tables["odds"]["value"][0] == pytest.approx((1 / 9) / (1 / 6))
    assert run.tables["rose"]["word"].len() == 2
    assert run.claims["some"].verdict == "pass"
