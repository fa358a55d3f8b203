"""Scored texts: what is marked, what is shown, and that nothing a model writes becomes part of the page."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

import probelang
from probelang.runtime.report.html import page
from probelang.runtime.report.texts import LONGEST, shown
from probelang.runtime.results import Run, ScoredText, Texts
from probelang.runtime.samples import SHOWN, joined, sample

HOSTILE = "</blockquote><script>alert('x')</script> <img src=x onerror=alert(1)> {{ 7*7 }} \x1b[31m \u202e"
SPEC = '''probe 1
model grader = zoo("judge")
param names = ["Elara", "Maya"]
dataset stories = rows("""text,who
"Elara's <b>home</b>, Elara",Elara
"Maya saw Clarabelle",Elara
"Nobody came",Maya
""")
dataset corpus = rows("""text
the river ran
""")
statistic said = mentions(stories.text, name) for name in names
statistic core = 1000 * mean(mentions(stories.text, any_of(names)))
statistic each = 1000 * mentions(stories.text, name) for name in names
statistic own  = mentions(stories.text, stories.who)
statistic arms = 1000 * mean(mentions(t, "Elara")) for t in [stories.text, stories.who]
statistic both = 10 * mentions(t, "Elara") for t in [stories.text, stories.who]
statistic loud = matches(stories.text, "[a-z]+w|Ela")
statistic rose = log_odds_words(stories.text, against=corpus.text, k=1)
statistic mood = judge(stories.text, rubric="Rate how gloomy the text is from 0 to 10.", scale="0..10") on grader
statistic long = word_count(stories.text)
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    root = tmp_path_factory.mktemp("texts")
    (root / "spec.probe").write_text(SPEC)
    return probelang.run(root / "spec.probe", out=root / "out")


def marked(row: ScoredText) -> list[str]:
    return [row.text[start:end] for start, end in row.marks]


def of(found, name: str) -> Texts:
    return next(t for t in found.run.texts if t.name == name)


def test_marks_are_what_was_found(found):
    said = of(found, "said").rows
    assert [marked(r) for r in said] == [["Elara", "Elara"], ["Maya"], []]
    assert [r.score for r in said] == ["Elara", "Maya", "none of them"]
    assert [r.labels for r in said] == [(("item", str(i)),) for i in (1, 2, 3)]
    assert [r.score for r in of(found, "core").rows] == ["yes", "yes", "no"]
    assert [marked(r) for r in of(found, "own").rows] == [["Elara", "Elara"], [], []]
    assert [marked(r) for r in of(found, "loud").rows] == [["Ela", "Ela"], ["saw"], []]
    assert [marked(r) for r in of(found, "rose").rows] == [["Elara", "Elara"], [], []]
    assert all(float(r.score) >= 0 and not r.marks for r in of(found, "mood").rows)


def test_a_score_is_shown_once_and_lengths_are_not(found):
    names = [t.name for t in found.run.texts]
    assert "each" not in names  # what `said` has shown
    assert "long" not in names


def test_elements_of_a_list_are_told_apart(found):
    both = of(found, "arms").rows
    assert {dict(r.labels)["t"] for r in both} == {"stories.text", "stories.who"}
    assert set(found.texts["arms"]["measure"]) == {'mentions("Elara")'}, "one score of one name, whatever it is of"


def test_scores_of_one_text_that_are_called_alike_are_numbered():
    text = """probe 1
model m = zoo("base")
dataset d = rows(\"\"\"text
Elara saw elara
\"\"\")
statistic two = mean(mentions(d.text, "Elara") + mentions(d.text, "Elara", ignore_case=true))
"""
    (found,) = probelang.run(text, store=False).texts.values()
    assert found["measure"].to_list() == ['mentions("Elara")', 'mentions("Elara") #2']


def test_all_texts_are_in_a_file(found):
    table = pl.read_parquet(found.directory / "texts" / "said.parquet")
    assert table.columns == ["item", "name", "measure", "text", "score", "not_computed"] and len(table) == 6
    assert found.texts["said"].equals(table) and of(found, "said").total == 3


@pytest.mark.parametrize("name", ["said", "own", "loud", "mood"])
def test_texts_join_the_values_of_items(found, name):
    texts, items = found.texts[name], found.items[name]
    keys = [c for c in texts.columns if c in items.columns]
    assert [texts.schema[c] for c in keys] == [items.schema[c] for c in keys]
    both = texts.join(items, on=keys)
    assert len(both) == len(items) == len(texts) and both["score"].equals(both["value"].alias("score"))


STEPS = """probe 1
model sft = zoo("sft")
dataset pairs = file("zoo/gloomy_elicitation.jsonl", limit=3)
prompts ask from pairs { system: "{positive}" user: "{question}" }
let drawn  = generate(ask, samples=2, max_tokens=8, temperature=1.0) on sft
let gloomy = keep(drawn, mentions(drawn.response, any_of(["gloomy", "bleak", "grim", "lonely"])), at_most=3)
prompts again from gloomy { user.one: "{question}" assistant: "{response}" user: "How is the harbor?" }
let second = generate(again, max_tokens=8) on sft
statistic after = matches(second.response, "[dg]")
statistic long  = word_count(gloomy.response)
statistic two   = mentions(t, "the") or mentions(t, "gloomy") for t in [drawn.response]
statistic grown = mentions(drawn.response under ablate(mlp[i] at ask.all, "zero"), "is") for i in [1, 2]
statistic bleak = matches(drawn.response, "a")[pairs.question != "" and mentions(drawn.response, "gloomy")]
"""


@pytest.fixture(scope="module")
def steps():
    return probelang.run(STEPS, replicates=20)


def test_texts_that_chose_the_items_belong_to_no_statistic_that_uses_these(steps):
    assert len(steps.texts["after"]) == len(steps.items["after"]) == 3
    assert steps.texts["after"]["measure"].unique().to_list() == ['matches("[dg]")']
    assert "long" not in steps.texts
    met = steps.items["two"].filter(pl.col("item.question") != "")
    assert len(steps.texts["bleak"]) == len(steps.items["bleak"]) < len(met)


def test_a_text_with_several_measures_is_shown_once_and_its_scores_have_names(steps):
    two = steps.texts["two"]
    assert len(two) == 12 and of(steps, "two").total == 6
    assert set(two["measure"]) == {'mentions("the")', 'mentions("gloomy")'}
    joined_scores = two.group_by("t", "item", "sample").agg(pl.col("score").any())
    both = joined_scores.join(steps.items["two"], on=["t", "item", "sample"])
    assert len(both) == 6 and both["score"].to_list() == both["value"].to_list()
    first = of(steps, "two").rows[0].score
    assert 'mentions("the"): ' in first and '; mentions("gloomy"): ' in first


def test_labels_and_samples_have_the_types_of_the_items(steps):
    texts, items = steps.texts["grown"], steps.items["grown"]
    keys = ["i", "item", "sample"]
    assert [texts.schema[k] for k in keys] == [items.schema[k] for k in keys] == [pl.Int64, pl.String, pl.Int64]
    assert sorted(texts["sample"].unique()) == [0, 1] and texts.schema["score"] == pl.Boolean
    both = texts.join(items, on=keys)
    assert len(both) == len(items) == 12
    assert both["score"].equals(both["value"].alias("score"))


def test_counts_in_a_thousand_have_the_interval_of_the_share(found):
    core, each = found.tables["core"], found.tables["each"]
    # Wilson's intervals of 2 of 3 and of 1 of 3
    assert [core[c][0] for c in ("value", "low", "high")] == pytest.approx([666.67, 207.66, 938.51], rel=1e-4)
    assert [each[c][0] for c in ("value", "low", "high")] == pytest.approx([333.33, 61.49, 792.34], rel=1e-4)
    assert found.items["each"]["value"].to_list() == [1000, 0, 0, 1000, 0, 0]
    arms = found.tables["arms"]  # 1 of 3 and 2 of 3, as elements of a list
    assert arms["value"].to_list() == pytest.approx([333.33, 666.67], rel=1e-4)
    assert arms["low"].to_list() == pytest.approx([61.49, 207.66], rel=1e-4)
    assert arms["high"].to_list() == pytest.approx([792.34, 938.51], rel=1e-4)
    both = found.tables["both"]
    assert [*both["low"], *both["high"]] == pytest.approx([0.6149, 2.0766, 7.9234, 9.3851], rel=1e-4)


def test_touching_marks_are_one():
    assert joined([(4, 6), (0, 2), (2, 3), (5, 9)]) == ((0, 3), (4, 9))


def rows(count: int, stages: int) -> list[ScoredText]:
    return [
        ScoredText((("stage", f"s{k}"), ("item", str(i))), f"text {i}", (), "yes" if i % 2 else "no")
        for k in range(stages)
        for i in range(count)
    ]


def test_the_sample_looks_at_no_score():
    made = rows(200, 2)
    turned = [replace(r, score="no" if r.score == "yes" else "yes") for r in made]
    assert [r.labels for r in sample(made)] == [r.labels for r in sample(turned)]
    assert len(sample(made)) == SHOWN and len({r.labels[0] for r in sample(made)}) == 2
    many = [dict(r.labels)["stage"] for r in sample(rows(3, 30))]
    assert len(many) == SHOWN and many[0] == "s0" and many[-1] == "s29" and len(set(many)) == SHOWN
    assert sample(rows(2, 1)) == rows(2, 1)


def test_long_texts_are_cut():
    one = shown(ScoredText((), "a" * (LONGEST - 2) + "bcd" + "e" * 50, ((LONGEST - 2, LONGEST + 1),), ""))
    assert one.pieces[-1] == ("bc", True) and one.left_out == 51


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_what_a_model_writes_stays_text():
    row = ScoredText((("arm", HOSTILE), ("item", "1")), f"Elara {HOSTILE} Elara", ((0, 5),), HOSTILE)
    texts = Texts("said", 3, "statistic said = …", (row,), 1, pl.DataFrame())
    html = page(Run("r", "probe 1\n\nstatistic said = 1\n", "r.probe", texts=(texts,)))
    section = html[html.index('<section id="texts">') : html.index('<section id="spec">')]
    read = Tags(section)
    assert not {"script", "img"} & {tag for tag, _ in read.tags}
    assert [tag for tag, _ in read.tags].count("mark") == 1
    assert "alert('x')" in "".join(read.text) and "{{ 7*7 }}" in "".join(read.text)
    assert "\x1b" not in section and "\u202e" not in section
    assert '<a href="#texts">' in html and 'href="#L3"' in section


def test_a_page_without_scored_texts_has_no_such_section():
    html = page(Run("r", "probe 1\n", "r.probe"))
    assert 'id="texts"' not in html and not re.search("#texts", html)
