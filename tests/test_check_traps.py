"""Each trap of the source experiments is caught, prevented, or has a reason; the table is `traps.py`."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from probelang.compiler.explanations import EXPLANATIONS, SETTING

from .helpers_check import catalogue, codes
from .trap_kinds import Trap
from .traps import TRAPS

HERE = Path(__file__).parent


def of(how: str) -> list:
    return [pytest.param(t, id=f"{t.section} {t.what}") for t in TRAPS if t.how == how]


@cache
def functions_of(name: str) -> set[str]:
    tree = ast.parse((HERE / name).read_text("utf-8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize("trap", of("check"))
def test_the_checker_says_so(trap: Trap) -> None:
    entry = EXPLANATIONS[trap.where]
    spec = trap.spec or entry.wrong
    assert trap.where in codes((SETTING if trap.spec or not entry.alone else "") + spec + "\n")


@pytest.mark.parametrize("trap", of("built"))
def test_a_test_holds_it(trap: Trap) -> None:
    name, _, function = trap.where.partition("::")
    assert function in functions_of(name)


@pytest.mark.parametrize("trap", of("default"))
def test_the_default_is_the_safe_reading(trap: Trap) -> None:
    option, _, value = trap.where.partition("=")
    operation, _, parameter = option.partition(".")
    assert catalogue()[operation].parameter(parameter).default == ast.literal_eval(value)


def test_the_others_have_a_reason() -> None:
    assert all(len(t.where) > 15 for t in TRAPS if t.how in ("second", "open"))


def test_every_section_is_there_once() -> None:
    sections = {"1.3", "1.4", "1.5", "1.6", "1.7", *(f"S{n}.4" for n in range(1, 11))}
    assert {t.section for t in TRAPS} == sections
    assert max(Counter((t.section, t.what) for t in TRAPS).values()) == 1


@pytest.mark.parametrize(
    ("direction", "doubted"),
    [
        ("mean_diff(resid_post[3] at c.last)", True),
        ("2 * mean_diff(resid_post[3] at c.last)", True),
        ("unit(mean_diff(resid_post[3] at c.last))", False),
        ("0.5 * unit(mean_diff(resid_post[3] at c.last))", False),
        ("mean_diff(resid_post[3] at c.last) / mean(norm(resid_post[3] at c.last))", False),
    ],
)
def test_a_direction_with_a_scale_may_steer_across_checkpoints(direction: str, doubted: bool) -> None:
    head = f'{SETTING}model r = zoo("base", revision=["a", "b"])\ndirection v = ({direction}) on r\n'
    swept = "statistic s = mean(prob(p) under steer(v, scale=2)) on m\n"
    assert ("raw-scale" in codes(head + swept)) is doubted


def test_arms_of_one_checkpoint_each_are_no_checkpoints() -> None:
    text = f"""{SETTING}model r = zoo("base", revision=["a", "b"])
direction v = mean_diff(resid_post[3] at c.last) on r
direction w = mean_diff(resid_post[2] at c.last) on r
statistic s = mean(prob(p) under steer(arm[revision="b"], scale=2)) on m for arm in [v, w]
"""
    assert codes(text) == ["direction-of-another-model", "in-sample"]  # `p` and `c` are of one dataset
