"""Splits, shuffles, joins: rows keep their keys, and choices depend on keys alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probelang.runtime.data.derive import concat, derive, join, keep
from probelang.runtime.data.split import shuffle, split
from probelang.runtime.errors import ProbeError
from tests.helpers_tables import inline


def table(count, start=0):
    return inline([{"id": f"r{i}", "task": "abc"[i % 3], "x": i} for i in range(start, start + count)], key="id")


def error(code, call, *args, **kwargs):
    with pytest.raises(ProbeError) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code
    return caught.value


def test_derive_adds_a_column_and_keeps_the_keys():
    old = table(3)
    new = derive(old, "double", [0, 2, 4])
    assert new.keys == old.keys and new.column("double") == [0, 2, 4]
    assert new.fingerprint != old.fingerprint and old.columns == ("id", "task", "x")
    error("column-exists", derive, old, "x", [0, 0, 0])


def test_keep_drops_unknown_rows():
    assert keep(table(3), [True, None, False]).keys == ("r0",)


def test_concat_and_join():
    whole = concat([table(2), table(2, start=2)])
    assert whole.keys == ("r0", "r1", "r2", "r3")
    error("duplicate-key", concat, [table(2), table(1)])
    error("columns-differ", concat, [table(1), derive(table(1, start=1), "y", [1])])
    left = table(4)
    right = derive(table(4, start=2), "y", [20, 30, 40, 50])
    joined = join(left, right)
    assert (joined.kept, joined.left, joined.right) == (2, 4, 4)
    assert joined.table.rows()[0] == {"id": "r2", "task": "c", "x": 2, "y": 20}
    wrong = inline([{"id": "r1", "x": 99}], key="id")
    error("column-clash", join, left, wrong)


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 40), st.floats(0.2, 0.8), st.integers(0, 5), st.booleans())
def test_a_split_is_exact_disjoint_and_seeded(count, fraction, seed, stratified):
    rows = table(count)
    fit, test = split(rows, fraction, seed, stratify="task" if stratified else None)
    assert len(fit) == int(fraction * count + 0.5)
    assert sorted(fit.keys + test.keys) == sorted(rows.keys)
    order = {key: index for index, key in enumerate(rows.keys)}
    assert list(fit.keys) == sorted(fit.keys, key=order.__getitem__)
    if stratified:
        for task in "abc":
            share = rows.column("task").count(task) * len(fit) / count
            assert abs(fit.column("task").count(task) - share) < 1


def test_a_split_does_not_depend_on_order_and_hardly_on_new_rows():
    rows = table(50)
    fit, _ = split(rows, 0.8, 0)
    backwards, _ = split(rows.take(range(49, -1, -1)), 0.8, 0)
    assert set(fit.keys) == set(backwards.keys)
    grown, _ = split(table(51), 0.8, 0)
    assert len(set(fit.keys) ^ (set(grown.keys) - {"r50"})) <= 1
    assert set(split(rows, 0.8, 1)[0].keys) != set(fit.keys)


def test_impossible_splits_are_errors():
    error("bad-fraction", split, table(4), 1.0, 0)
    error("empty-split", split, table(1), 0.5, 0)
    assert "'task'" in error("unknown-column", split, table(4), 0.5, 0, stratify="tsk").help


def test_shuffle_permutes_and_does_not_depend_on_order():
    rows = table(30)
    shuffled = shuffle(rows.column("x"), rows.keys, 0)
    assert sorted(shuffled) == rows.column("x") != shuffled
    other = rows.take(range(29, -1, -1))
    again = shuffle(other.column("x"), other.keys, 0)
    assert dict(zip(other.keys, again, strict=True)) == dict(zip(rows.keys, shuffled, strict=True))
    assert shuffle(rows.column("x"), rows.keys, 1) != shuffled
    assert shuffle(["a", "a"], ["k", "l"], 0) == ["a", "a"]


def test_splits_and_keys_stay_the_same_from_version_to_version():
    fit, test = split(table(6), 0.5, seed=0)
    assert (fit.keys, test.keys) == (("r0", "r2", "r4"), ("r1", "r3", "r5"))
    assert inline([{"query": "big", "n": 1}]).keys == ("422327999a07c87e",)
