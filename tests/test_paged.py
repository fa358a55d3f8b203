"""Vectors that stand in files: everything that is computed of them is what it is of the same vectors in memory."""

from __future__ import annotations

import numpy as np
import pytest

from probelang.runtime import paged
from probelang.runtime.arithmetic import OPERATORS, divide
from probelang.runtime.buffers import InMemory, OnDisk, buffer
from probelang.runtime.cube import Axis, Cube, elementwise, stack
from probelang.runtime.operations.angles import cosine, distance, dot, projection
from probelang.runtime.operations.cka import cka
from probelang.runtime.operations.lengths import norm, unit
from probelang.runtime.operations.mean import mean, sum_
from probelang.runtime.operations.mean_diff import mean_diff
from probelang.runtime.operations.pca import pca
from probelang.runtime.operations.shuffled_diff import shuffled_diff
from probelang.runtime.paged import Paged
from probelang.runtime.replicates import Context, Scheme
from probelang.runtime.scratch import Scratch
from probelang.runtime.selections import masked

ITEMS, LAYERS, WIDTH = 150, 3, 8
ITEM = Axis("item", tuple(f"k{i}" for i in range(ITEMS)), "data", {"group": tuple(i % 7 for i in range(ITEMS))})
LAYER = Axis("layer", tuple(range(LAYERS)), "model")
SIDE = Axis("side", ("positive", "negative"))
CONTEXTS = [None, *(Context(3, Scheme(kind, 20)) for kind in ("bootstrap", "permutation", "folds"))]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few items."""
    monkeypatch.setattr(paged, "BLOCK", 1)
    monkeypatch.setattr(paged, "SMALL", 0)


def both(seed: int, axes: tuple[Axis, ...] = (ITEM, LAYER), gone: bool = False) -> tuple[Cube, Cube]:
    """The same vectors in memory and on the disk."""
    rng = np.random.default_rng(seed)
    shape = tuple(len(a) for a in axes)
    rows = rng.normal(2.0, 1.0, (int(np.prod(shape)), WIDTH)).astype(np.float32)
    missing = np.where(rng.random(shape) < 0.2, "lost", None) if gone else None
    made = []
    for room in (InMemory(rows.shape, np.float32), OnDisk(rows.shape, np.float32)):
        for some in np.array_split(rng.permutation(len(rows)), 5):
            room.put(some, rows[some])
        made.append(room.cube(axes, missing, [a.name for a in axes].index("item")))
    assert isinstance(made[1], Paged) and made[0].along is None
    return made[0], made[1]


def sides(seed: int, gone: bool = False) -> tuple[Cube, Cube]:
    pairs = [both(seed + i, gone=gone) for i in (0, 1)]
    return tuple(stack(SIDE, [p[i] for p in pairs]) for i in (0, 1))


def same(found: Cube, expected: Cube) -> None:
    assert found.axes == expected.axes and found.feature == expected.feature
    np.testing.assert_array_equal(found.present(), expected.present())
    if expected.missing is not None:
        np.testing.assert_array_equal(found.missing, expected.missing)
    there = expected.present()
    np.testing.assert_allclose(found.values[there], expected.values[there], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("axes", [(ITEM,), (ITEM, LAYER), (LAYER, ITEM)], ids=lambda axes: str(len(axes)))
def test_arrangements(axes: tuple[Axis, ...], gone: bool) -> None:
    plain, file = both(1, axes, gone)
    same(file, plain)
    others = (Axis("arm", ("a", "b")), *reversed(axes))
    same(file.transpose(file.names[::-1]), plain.transpose(plain.names[::-1]))
    same(file.expand(others), plain.expand(others))
    same(file.isel("item", 7), plain.isel("item", 7))
    same(file.isel("item", np.array([5, 3, 90])), plain.isel("item", np.array([5, 3, 90])))
    same(file.part("item", 40, 99), plain.part("item", 40, 99))
    if LAYER in axes:
        same(file.isel("layer", 1), plain.isel("layer", 1))
        same(file.isel("layer", np.array([2, 0])), plain.isel("layer", np.array([2, 0])))
        assert file.isel("layer", 1).along == "item"
    assert file.transpose(file.names[::-1]).along == file.expand(others).along == "item"


@pytest.mark.parametrize("gone", [False, True])
def test_numbers_of_each_vector(gone: bool) -> None:
    (plain, file), (other, onto) = both(1, gone=gone), both(2)
    one = Cube((LAYER,), np.random.default_rng(3).normal(size=(LAYERS, WIDTH)))
    column = Cube((ITEM,), np.arange(float(ITEMS)))
    for function in (dot, cosine, distance, projection):
        for second, expected in ((onto, other), (one, one), (other, other)):
            found = function(file, second)
            same(found, function(plain, expected))
            assert found.along is None
    same(norm(file), norm(plain))
    for found, expected in (
        (unit(file), unit(plain)),
        (elementwise(np.subtract, file, onto), elementwise(np.subtract, plain, other)),
        (elementwise(np.multiply, column, file), elementwise(np.multiply, column, plain)),
        (divide(OPERATORS["/"], file, Cube((), np.array(3.0))), divide(OPERATORS["/"], plain, Cube((), np.array(3.0)))),
        (masked(file, Cube((ITEM,), column.values > 20)), masked(plain, Cube((ITEM,), column.values > 20))),
        (mean(file, over="layer"), mean(plain, over="layer")),
    ):
        same(found, expected)
        assert found.along == "item"


@pytest.mark.parametrize("context", CONTEXTS, ids=str)
@pytest.mark.parametrize("gone", [False, True])
def test_reductions_over_items(context: Context | None, gone: bool) -> None:
    plain, file = sides(5, gone)
    assert file.along == "item"
    for function in (mean, sum_, mean_diff, shuffled_diff):
        same(function(file, ctx=context), function(plain, ctx=context))
    if context is not None and context.replicates.kind == "permutation":
        return
    same(mean(file, over="item", ctx=context), mean(plain, over="item", ctx=context))
    unpaired, expected = file.isel("side", 0), plain.isel("side", 0)
    same(cka(unpaired, unpaired, ctx=context), cka(expected, expected, ctx=context))
    # A direction that was drawn, taken off the vectors that it was drawn from.
    off = [elementwise(np.subtract, x, mean_diff(y, ctx=context)) for x, y in ((unpaired, file), (expected, plain))]
    same(mean(off[0], ctx=context), mean(off[1], ctx=context))


@pytest.mark.parametrize("context", CONTEXTS[:2], ids=str)
@pytest.mark.parametrize("gone", [False, True])
def test_principal_components(context: Context | None, gone: bool) -> None:
    plain, file = sides(7, gone)
    for component in (0, WIDTH - 1):
        found, expected = pca(file, component, ctx=context), pca(plain, component, ctx=context)
        assert found.axes == expected.axes
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-9, atol=1e-9)


def test_components_of_vectors_in_a_plane() -> None:
    """What has no extent is missing, and not a direction of rounding."""
    rng = np.random.default_rng(0)
    flat = (rng.normal(size=(ITEMS, 2)) @ rng.normal(size=(2, WIDTH)) + 100).astype(np.float64)
    room = OnDisk(flat.shape, np.float64)
    room.put(np.arange(ITEMS), flat)
    file = room.cube((ITEM,), None, 0)
    assert pca(file, 1).missing is None
    assert "fewer than 3" in pca(file, 2).missing[()]


def test_a_disk_without_room_leaves_memory(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    assert isinstance(buffer((10, 4), np.float32, True, tmp_path), OnDisk)
    assert isinstance(buffer((10, 4), np.float32, True, tmp_path / "nowhere"), OnDisk)
    assert isinstance(buffer((10, 4), np.float32, False, tmp_path), InMemory)
    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    assert isinstance(buffer((10, 4), np.float32, True, tmp_path), InMemory)


def test_scratch_has_no_name_and_its_views_outlive_it(tmp_path) -> None:
    scratch = Scratch((4, 2), np.float32, (tmp_path,))
    scratch.put(np.array([2, 0]), np.array([[1, 2], [3, 4]], np.float32))
    scratch.release()
    view = scratch.view()
    scratch.put(np.array([1]), np.array([[5, 6]], np.float32))
    assert view[:3].tolist() == [[3, 4], [5, 6], [1, 2]]
    assert not list(tmp_path.iterdir())
    del scratch
    assert view[0].tolist() == [3, 4] and not view.flags.writeable
