"""A language model as judge of texts."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import Dataset, File, Number, Text
from ...registry import operation

Scale = Literal["0..9", "0..10", "0..100", "1..5", "1..7", "1..10"]


@operation(work="judge", open_model=True, subject="answers", options=("least",))
def judge(
    answers: Text, *, rubric: File | Dataset | Text, scale: Scale = "0..100", least: Number = 0.25,
    give: Literal["score", "mass"] = "score",
) -> Number:  # fmt: skip
    """Score that a judge gives a text under a rubric: the expected value over the integer tokens of `scale`.

    The judge is the model in force (`judge(…) on m`): one that runs here, or an `endpoint(…)`. It reads the rubric,
    "Text: …" and "Score:", as a user's turn where it has a chat template. A rubric with `{text}` in it is the whole
    question instead, and may name columns of the item (`{question}`). Its score is the mean of the integers, weighted
    by the probabilities of their tokens next to each other; where the judge puts less than `least` on them (it refuses,
    or says something else) the cell is missing. `give="mass"` gives the probability on the scale instead.
    """
