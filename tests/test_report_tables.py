"""Runs in a terminal: numbers, the choice of rows and layout, 80 columns, hostile text."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from probelang.grammar.diagnostics import Diagnostic, Label
from probelang.grammar.tree import Span
from probelang.runtime.cube import Axis, Cube
from probelang.runtime.report.notices import Notice, opening
from probelang.runtime.report.numbers import duration, interval_style, plain, probability, single, style
from probelang.runtime.report.safe import clean
from probelang.runtime.report.sheet import layout, listing
from probelang.runtime.report.tables import print_run
from probelang.runtime.results import Run, frame_of
from tests.helpers_report import denoise, grid, result, run, separation


def printed(of: Run, width: int = 80) -> str:
    out = io.StringIO()
    print_run(of, Console(file=out, width=width, no_color=True))
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5234, "0.523"), (12.345, "12.3"), (1234.5, "1235"), (-0.25, "−0.250"), (3, "3"), (True, "yes"), (None, ""),
     (3.2e-7, "3.2e−7"), (0.0, "0"), (float("inf"), "∞"), (float("nan"), "nan"), ("word", "word")],
)  # fmt: skip
def test_a_number_alone(value, text):
    assert single(value) == text


def test_a_column_has_one_precision():
    write = style([0.123456, 10.5, -0.001])
    assert [write(v) for v in (0.123456, 10.5, -0.001)] == ["0.1", "10.5", "−1.0e−3"]
    assert style([0.5, -0.0001], small=False)(-0.0001) == "0.000"


def test_digits_stop_where_the_interval_begins():
    assert interval_style([0.52], [0.09])(0.5234) == "0.52"
    assert interval_style([0.52], [0.002])(0.5234) == "0.5234"
    assert interval_style([52.3], [8.0])(52.3) == "52"


def test_probabilities_and_durations():
    assert [probability(p) for p in (0.0, 0.04567, 3.487e-200, 1.0)] == ["0.000", "0.046", "3.5e−200", "1.000"]
    assert [duration(s) for s in (2.04, 754.3, 7300)] == ["2.0 s", "12 min 34 s", "2 h 1 min"]
    assert plain(0.00001, None) == "1.0e−5"


def test_a_long_list_shows_its_most_telling_rows_in_their_own_order():
    sheet = layout(result("separation", "number", separation()), 80)
    assert len(sheet.rows) == 12 and sheet.left_out == 244 and sheet.chosen_by == "the largest |value|"
    layers = [int(row[2]) for row in sheet.rows if row[:2] == ("tuned@main", "emergency")]
    assert layers == sorted(layers) and 9 in layers


def test_tests_show_the_smallest_p():
    values = np.linspace(0.9, 0.001, 40)
    frame = frame_of(Cube((Axis("k", tuple(range(40))),), values)).with_columns(pl.Series("adjusted", values))
    sheet = listing(result("proof", "test", Cube((), np.array(0.0)), frame=frame), 5)
    assert [row[0] for row in sheet.rows] == ["35", "36", "37", "38", "39"]
    assert sheet.chosen_by == "the smallest adjusted"


def test_two_axes_become_a_grid_where_it_fits():
    denoised = result("denoise", "number", denoise(), n=100)
    sheet = layout(denoised, 120)
    assert sheet.across == "layer" and sheet.titles[0] == "token" and len(sheet.rows) == 14
    assert sheet.rows[0] == ("0 <bos>", *("·",) * 12) and ("n", "100") in sheet.fixed
    assert [row[0] for row in sheet.rows if row[0].endswith("John")] == ["4 John", "10 John"]
    assert layout(denoised, 60).across == ""


def test_arms_of_which_some_have_seeds_are_a_list_with_intervals():
    arms = ["none", "seen", *["random"] * 14]
    frame = pl.DataFrame({"arm": arms, "seed": [None, None, *range(1, 15)], "value": [0.1 * i for i in range(16)]})
    frame = frame.with_columns((pl.col("value") - 0.05).alias("low"), (pl.col("value") + 0.05).alias("high"))
    sheet = layout(result("compliance", "number", denoise(), frame=frame), 120)
    assert sheet.across == "" and sheet.left_out == 0 and sheet.titles == ("arm", "seed", "value")
    assert sheet.rows[0] == ("none", "", "0.00 [−0.05, 0.05]")


def test_lines_of_claims_end_where_their_text_does():
    lines = printed(run()).split("\n")
    first = next(i for i, line in enumerate(lines) if line.startswith("PASS"))
    block = lines[first : lines.index("", first)]
    assert len(block) > 2 and all(line == line.rstrip() for line in block), block


def test_tokens_are_shown_as_a_selection_writes_them():
    coords = {"segment": ("subject", "subject", "joint"), "index": (0, 1, 0), "text": ("The", None, " near")}
    tokens = Axis("token", ("subject[0]", "subject[1]", "joint[0]"), "computed", coords)
    few = listing(result("denoise", "number", Cube((tokens,), np.zeros(3))), 12)
    assert [row[0] for row in few.rows] == ["subject[0] The", "subject[1]", "joint[0] near"]
    many = layout(result("denoise", "number", Cube((Axis("layer", tuple(range(5))), tokens), np.zeros((5, 3)))), 80)
    assert many.titles == ("layer", "subject[0]\nThe", "subject[1]\n", "joint[0]\nnear")


def test_sets_are_one_axis_whose_parts_do_not_make_a_grid():
    sheet = layout(result("grid", "number", grid()), 200)
    assert sheet.titles == ("set", "value") and sheet.left_out == 43


def test_missing_cells_are_counted_with_their_reason():
    text = printed(replace(run(), results=(result("denoise", "number", denoise()),)))
    assert "12 cells not computed: the token before every text is never patched" in text


def test_a_table_without_any_value():
    none = np.full(2, "no rows", dtype=object)
    text = printed(replace(run(), results=(result("loss", "number", Cube((Axis("t", (0, 1)),), np.zeros(2), none)),)))
    assert "2 cells not computed: no rows" in text
    empty = printed(replace(run(), results=(result("loss", "number", Cube((Axis("t", ()),), np.zeros(0))),)))
    assert "loss" in empty


def test_the_whole_run_in_80_columns_without_colour():
    text = printed(run())
    assert max(map(len, text.splitlines())) <= 80 and "\x1b" not in text
    assert text.index("PASS") < text.index("NOT COMPUTED") < text.index("separation   n = 80")
    assert "accuracy   0.94 [0.89, 0.97]   n = 120   line 21" in text
    assert "line 21: accuracy is evaluated" in text


def test_text_from_elsewhere_controls_nothing():
    assert clean("a\x1b[31mb\u202ec\nd") == "a\\x1b[31mb\\u202ec\nd"
    text = printed(replace(run(), warnings=("\x1b]0;title\x07 [bold]x[/]",)))
    assert "\x1b" not in text and "[bold]x[/]" in text


def test_warnings_come_in_three_forms():
    found = Notice.of(Diagnostic("in-sample", "warning", "seen before", Label(Span(8, 11, 2, 1)), help="split"))
    assert found == Notice("in-sample", "seen before", 2, "split")
    assert Notice.of({"message": "m"}) == Notice("", "m") == Notice.of("m")


def test_the_abstract_is_the_opening_comment():
    assert opening("probe 1\n# One\n# two.\n\n# not this\nlet x = 1") == "One two."
    assert opening("probe 1\nlet x = 1  # no") == ""


def test_halves_are_rounded_away_from_zero_as_they_are_read():
    assert [plain(v, 2) for v in (0.075, 0.065, -0.075, 0.1 + 0.2 - 0.225, 2.675)] == [
        "0.08",
        "0.07",
        "−0.08",
        "0.08",
        "2.68",
    ]
    assert plain(0.0749, 2) == "0.07" and plain(1e300, 0).startswith("1000") and plain(-0.001, 2, small=False) == "0.00"
