"""What the codes of values mean: axes, labels, statistics, tests and plots."""

from __future__ import annotations

VALUES: dict[str, tuple[str, str]] = {
    "axis-needed": (
        "an operation looks along an axis, and is not told which",
        "Name it: `over=stage`.",
    ),
    "axis-not-numeric": (
        "distances along an axis are needed, and its labels are no numbers",
        "Names have no distances. Sweep over numbers, or name a column of the axis: `over=revision.tokens`.",
    ),
    "exact-too-large": (
        "an exact test would count more sign assignments than can be counted",
        "n items have 2^n of them. Without `exact=true` signs are drawn.",
    ),
    "label-not-on-axis": ("an axis has no label of this name", "The message lists those that it has."),
    "labels-needed": (
        "an operation separates labels, and is given none",
        "Give `y=`, one label for each item, or the two sides of a contrast.",
    ),
    "margin-not-positive": (
        "the margin of an equivalence test is not above zero",
        "It says how far from nothing still counts as nothing.",
    ),
    "models-differ-in-depth": (
        "a value joins models that have different numbers of layers or heads",
        "Layer 3 of 6 is not layer 3 of 12. Select layers of each, or sweep over depths: `layers(0.5..1)`.",
    ),
    "needs-numbers": ("vectors stand where each cell has to be one number", "Take their `norm(…)`, or project them."),
    "needs-vectors": ("numbers stand where each cell has to be a vector", "The size of a number is `abs(…)`."),
    "nested-values": (
        "a test counts items, and here an item holds several values",
        "Samples and sides of one item are not independent. `sign_flip(x - p)` tests the mean of items.",
    ),
    "no-sides": (
        "an operation compares the two sides of a contrast, and this value has none",
        "A value keeps its sides until one is selected, or `mean_diff` takes them together.",
    ),
    "not-texts": ("vectors stand where texts are needed", "Texts are columns, and what a model wrote."),
    "not-two-sides": (
        "sides can be swapped where there are two, and here there are others",
        "A contrast has two sides, positive and negative.",
    ),
    "not-yet": (
        "a value was asked for before the stage that computes it has run",
        "Stages are put in order by the planner, so that this is a mistake of this program: please report it.",
    ),
    "ragged": (
        "elements of one list have different axes of their own",
        "They cannot be put side by side in one table. Select one of them.",
    ),
    "scatter-needs-x-and-y": (
        "a scatter is not told what its two axes are",
        "Name two columns, `x=` and `y=`, or plot a `project(…)` of two components.",
    ),
    "share-out-of-range": ("a share is not between 0 and 1", "25 % is 0.25."),
    "two-nulls": (
        "a t test is given both a number and values to compare with",
        "It compares with one of the two.",
    ),
    "unknown-classifier": ("there is no classifier of this name", "The message lists those that there are."),
    "unknown-correction": (
        "there is no correction of this name for several tests",
        "`holm` bounds the chance of any false finding, `bh` the share of false ones among the findings.",
    ),
    "unknown-field": ("a result has no such field", "The message lists those that it has."),
    "unknown-labels": (
        "the labels of an axis cannot be told where they are needed",
        "Labels come from the spec, the rows or a model's config. Name what is walked, or select what is meant before.",
    ),
    "unknown-mark": ("there is no plot of this kind", "The message lists the marks that there are."),
    "weights-only": (
        "the norm of weights is asked of something else",
        "It takes the weights of one model, or the difference of the same part of two.",
    ),
    "which-variance": (
        "chi2_variance is told neither which variance to expect nor from how many trials it follows, or both",
        "Give `variance=` or `trials=`.",
    ),
    "widths-differ": (
        "vectors of different widths are joined",
        "Vectors of one site and one width can be compared, and no others.",
    ),
}
