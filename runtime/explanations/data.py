"""What the codes of data mean: files, rows, columns and splits. Code to what it says, and what to know about it."""

from __future__ import annotations

DATA: dict[str, tuple[str, str]] = {
    "bad-csv": (
        "a csv or tsv file cannot be cut into fields",
        "Fields are separated by commas, by tabs in a .tsv; quotes stand around whole fields. The message names"
        " the line.",
    ),
    "bad-encoding": ("a file is not UTF-8", "Other encodings would be guessed, and letters swapped in silence."),
    "bad-fraction": (
        "the share of a split is not between 0 and 1",
        "`split(items, 0.5)` gives half of the items to each part; 50 % is 0.5.",
    ),
    "bad-json": (
        "a json or jsonl file is broken",
        "A .json file holds a list of objects, a .jsonl file one object a line. The message names the line.",
    ),
    "bad-parquet": (
        "a parquet file cannot be read",
        "It may be cut off, or of another kind: the ending of a file's name says how it is read.",
    ),
    "bad-row": ("a row of a json file is no object with named fields", "Its names are the columns."),
    "bad-rows": (
        "rows that a spec writes are not csv",
        "The first line of `rows(…)` names the columns; every other line has as many fields.",
    ),
    "column-clash": (
        "two tables that are joined have a column of one name with different values",
        "Which of the two is meant cannot be told. Leave one out, or name it otherwise.",
    ),
    "column-exists": (
        "a derived column has the name of one that is there",
        "Columns are not overwritten, so that a name means one thing all through a spec.",
    ),
    "columns-differ": (
        "datasets that are joined have different columns, or one column in different types",
        "Rows without a value would be missing without anybody having said so.",
    ),
    "dataset-not-loaded": (
        "a dataset of the hub cannot be loaded",
        "The name, the split or the revision may be wrong, or the hub cannot be reached and the cache does not have"
        " it.",
    ),
    "duplicate-column": ("a file has two columns of one name", "A placeholder could mean either."),
    "empty-file": (
        "a file of data is empty",
        "A file names its columns, in its first line or in its rows.",
    ),
    "missing-cluster": (
        "an item has no value in the column that says to which cluster it belongs",
        "Intervals and permutations draw whole clusters. `keep` the items that have one.",
    ),
    "missing-extra": (
        "datasets of the hub are read by a package that is not installed",
        "`pip install 'probelang[hub]'` brings it. Files need nothing of the kind.",
    ),
    "missing-value": (
        "a prompt names a column that has no value in this row",
        "A prompt with a hole would be another prompt. `keep` the rows that have one, or fill them in.",
    ),
    "mixed-types": (
        "a column of a json file holds values of several kinds",
        "It would be numbers for some items and text for others. The message names the first row that differs.",
    ),
    "unknown-format": (
        "a file has an ending that is not known",
        "csv, tsv, jsonl, json and parquet are read.",
    ),
    "unnamed-column": ("a column of a file has no name", "Placeholders and conditions name columns."),
}
