"""Cubes in pieces: blocks of values with the reasons of missing cells, and the axes, as records and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..cube import Axis, Cube
from ..paged import Paged, large
from .records import Record
from .spelling import back, plain

TEXT, FILL = np.dtype(np.int32), -1  # token ids, each text filled up to the longest one
HELD = 2**16  # bytes of a piece that are kept while it is not needed


@dataclass(frozen=True)
class Piece:
    """The cells `start` to `stop` of a cube's axis `along`, under a key of 32 hexadecimal digits."""

    key: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Part:
    """The cells of a piece: `values` reads them, `shape` is theirs, and `missing` says why some are not there."""

    shape: tuple[int, ...]
    dtype: np.dtype
    missing: np.ndarray | None
    values: Callable[[], np.ndarray]


def cut(cube: Cube, along: int | None, piece: Piece) -> Part:
    """A piece of a cube; the whole of one that is not cut. Texts are as wide as the longest one in the piece."""
    if cube.dtype == TEXT and cube.feature:
        part = cube if along is None else cube.part(cube.axes[along].name, piece.start, piece.stop)
        used = np.flatnonzero((part.values != FILL).reshape(-1, *part.feature).any(axis=0))
        texts = part.values[..., : used.max(initial=-1) + 1]
        return Part(texts.shape, TEXT, part.missing, lambda: texts)
    if along is None:
        return Part(cube.shape + cube.feature, cube.dtype, cube.missing, lambda: cube.values)
    name, inside = cube.axes[along].name, (slice(None),) * along + (slice(piece.start, piece.stop),)
    shape = (*cube.shape[:along], piece.stop - piece.start, *cube.shape[along + 1 :], *cube.feature)
    missing = None if cube.missing is None else cube.missing[inside]
    return Part(shape, cube.dtype, missing, lambda: cube.part(name, piece.start, piece.stop).values)


def joined(axes: tuple[Axis, ...], along: int | None, parts: Sequence[Part]) -> Cube:
    """A whole cube of its parts along an axis, paged where they are large.

    Raises ValueError where parts do not fit together.
    """
    rank, shape = len(axes), tuple(len(a) for a in axes)
    if along is None:
        return _fitting(axes, np.array(parts[0].values()), parts[0].missing)
    missing, features = None, {p.shape[rank:] for p in parts}
    if any(p.missing is not None for p in parts):
        reasons = [np.full(p.shape[:rank], None, object) if p.missing is None else p.missing for p in parts]
        missing = np.concatenate(reasons, axis=along)
    if parts[0].dtype == TEXT or features == {()} or not large((*shape, *max(features)), parts[0].dtype):
        return _fitting(axes, np.concatenate(even([p.values() for p in parts]), axis=along), missing)
    ends, at = np.cumsum([p.shape[along] for p in parts]), (slice(None),) * along
    alike = {(p.shape[:along], p.shape[along + 1 :], p.dtype) for p in parts}
    if (
        alike != {(shape[:along], (*shape[along + 1 :], *parts[0].shape[rank:]), parts[0].dtype)}
        or ends[-1] != shape[along]
    ):
        raise ValueError(f"parts that do not fit axes of shape {shape}")

    def read(start: int, stop: int) -> np.ndarray:
        found = []
        for part, end in zip(parts, ends, strict=True):
            first = end - part.shape[along]
            if first < stop and start < end:
                inside = slice(max(start - first, 0), min(stop - first, part.shape[along]))
                found.append(part.values()[(*at, inside)])
        return found[0] if len(found) == 1 else np.concatenate(found, axis=along)

    return Paged(axes, axes[along].name, parts[0].shape[rank:], parts[0].dtype, read, missing)


def _fitting(axes: tuple[Axis, ...], values: np.ndarray, missing: np.ndarray | None) -> Cube:
    if values.shape[: len(axes)] != tuple(len(a) for a in axes):
        raise ValueError(f"values of shape {values.shape} on axes of shape {[len(a) for a in axes]}")
    return Cube(axes, values, missing)


def even(parts: list[np.ndarray]) -> list[np.ndarray]:
    """Parts of one width: texts are filled up to the longest."""
    width = max((v.shape[-1] for v in parts if v.dtype == TEXT and v.ndim), default=0)
    return [
        np.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, width - v.shape[-1])], constant_values=FILL) if v.dtype == TEXT else v
        for v in parts
    ]


def block(values: np.ndarray, missing: np.ndarray | None) -> tuple[dict, bytes | memoryview]:
    """Values and reasons as the header and payload of a record; values are numbers, or plain objects such as texts."""
    header: dict = {"dtype": values.dtype.str, "shape": list(values.shape)}
    if values.dtype.hasobject:
        payload = json.dumps([plain(v) for v in values.reshape(-1)]).encode()
    else:
        payload = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data if values.size else b""
    if missing is not None:
        flat = missing.reshape(-1)
        reasons = list(dict.fromkeys(r for r in flat if r is not None))
        number = {r: i for i, r in enumerate([None, *reasons])}
        code = np.array([number[r] for r in flat], dtype="<u4").tobytes()
        header |= {"reasons": reasons, "over": list(missing.shape), "at": len(payload)}
        payload = b"".join((payload, code))
    return header, payload


def part_back(record: Record, region: Callable[[], memoryview]) -> Part:
    """What `block` was given; the numbers of a large record are read anew from its `region` each time."""
    header, payload = record.header, record.payload
    dtype, shape, end = np.dtype(header["dtype"]), tuple(header["shape"]), header.get("at", len(payload))
    missing = None
    if "reasons" in header:
        table = np.array([None, *header["reasons"]], dtype=object)
        missing = table[np.frombuffer(payload[end:], "<u4")].reshape(header["over"])
    if dtype.hasobject:
        values = np.empty(int(np.prod(shape, dtype=np.int64)), dtype=object)
        for i, told in enumerate(json.loads(bytes(payload[:end]))):
            values[i] = back(told)
        values = values.reshape(shape)
    elif end <= HELD:
        values = np.frombuffer(payload[:end], dtype).reshape(shape) if end else np.zeros(shape, dtype)
    else:
        return Part(shape, dtype, missing, lambda: np.frombuffer(region()[:end], dtype).reshape(shape))
    return Part(shape, dtype, missing, lambda: values)
