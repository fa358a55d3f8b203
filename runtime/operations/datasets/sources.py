"""Datasets from files and rows, and their parts."""

from __future__ import annotations

from ....compiler.kinds import (
    Boolean,
    ColumnName,
    Dataset,
    Generated,
    Integer,
    Number,
    Text,
)  # fmt: skip
from ...registry import operation


@operation(work="data", axes="none")
def file(
    path: Text, *, limit: Integer | None = None, key: ColumnName | None = None, columns: list[Text] | None = None
) -> Dataset:
    """Dataset from a csv, tsv, jsonl, json or parquet file, relative to the spec and under its folder.

    `key` names the column that identifies items, else the content of a row does. `columns` promises columns, so that a
    spec can be checked where the file is not; the promise is checked when the file is read. `limit` takes the first
    rows. `zoo/…` names a file of the data that ships with the zoo.
    """


@operation(work="data", axes="none")
def rows(csv: Text, *, key: ColumnName | None = None) -> Dataset:
    """Dataset written in the spec itself, as csv text with a header line.

    Use triple quotes for several lines. All columns are text; `key` names the column that identifies items.
    """


@operation(work="data", axes="none")
def split(items: Dataset, fraction: Number, *, seed: Integer = 0, stratify: ColumnName | None = None) -> Dataset:
    """Two parts of a dataset: `dataset fit, test = split(items, 0.8)` gives the first 80 % of the items, shuffled.

    Which part an item is in follows from its key and `seed`. `stratify` keeps the shares of a column's values.
    """


@operation(work="data", axes="none")
def keep(items: Dataset | Generated, where: ColumnName | Boolean, *, at_most: Integer | None = None) -> Dataset:
    """Items for which a condition over columns holds, the first `at_most` of them.

    Of generated prompts, texts are kept: `keep(drawn, mentions(drawn.response, "no"))`. They are items of their own,
    with the columns of their dataset, `response`, and `sample` where there were several.
    """


@operation(work="data", axes="none")
def choose(items: list[Integer], sizes: list[Integer] | Integer) -> Integer:
    """All subsets of the items of the given sizes: `choose(all_layers, 1..2)` has every layer and every pair.

    Labels are sets, written `[3]` and `[3, 7]`; of a label `set`, `set[0]` is the first element, `set[-1]` the last and
    `size(set)` their number.
    """


@operation(work="data", axes="none")
def layers(depth: list[Number] | Number) -> Integer:
    """Layers at relative depths: `layers(0.25..0.5)` is the second quarter of a model's blocks.

    Block l of L has depth l / (L - 1). A single depth gives the nearest block.
    """
