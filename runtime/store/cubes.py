"""Cubes in pieces: blocks of values with the reasons of missing cells, and the axes, as records and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from ..cube import Cube
from .records import Record
from .spelling import back, plain

TEXT, FILL = np.dtype(np.int32), -1  # token ids, each text filled up to the longest one


@dataclass(frozen=True)
class Piece:
    """The cells `start` to `stop` of a cube's axis `along`, under a key of 32 hexadecimal digits."""

    key: str
    start: int
    stop: int


def cut(cube: Cube, along: int | None, piece: Piece) -> Cube:
    """A piece of a cube; the whole of one that is not cut. Texts are as wide as the longest one in the piece."""
    part = cube if along is None else cube.isel(cube.axes[along].name, np.arange(piece.start, piece.stop))
    if part.values.dtype != TEXT or not part.feature:
        return part
    used = np.flatnonzero((part.values != FILL).reshape(-1, *part.feature).any(axis=0))
    return replace(part, values=part.values[..., : used.max(initial=-1) + 1])


def joined(parts: list[tuple[np.ndarray, np.ndarray | None]], along: int | None, shape: tuple[int, ...]):
    """Values and reasons of a whole cube over axes of `shape`; raises ValueError where parts do not fit together."""
    if along is None:
        values, missing = parts[0]
    else:
        values = np.concatenate(even([v for v, _ in parts]), axis=along)
        missing = None
        if any(m is not None for _, m in parts):
            parts = [(v, np.full(v.shape[: len(shape)], None, dtype=object) if m is None else m) for v, m in parts]
            missing = np.concatenate([m for _, m in parts], axis=along)
    if values.shape[: len(shape)] != shape:
        raise ValueError(f"values of shape {values.shape} on axes of shape {shape}")
    return values, missing


def even(parts: list[np.ndarray]) -> list[np.ndarray]:
    """Parts of one width: texts are filled up to the longest."""
    width = max((v.shape[-1] for v in parts if v.dtype == TEXT and v.ndim), default=0)
    return [
        np.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, width - v.shape[-1])], constant_values=FILL) if v.dtype == TEXT else v
        for v in parts
    ]


def block(values: np.ndarray, missing: np.ndarray | None) -> tuple[dict, bytes]:
    """Values and reasons as the header and payload of a record; values are numbers, or plain objects such as texts."""
    header: dict = {"dtype": values.dtype.str, "shape": list(values.shape)}
    if values.dtype.hasobject:
        payload = json.dumps([plain(v) for v in values.reshape(-1)]).encode()
    else:
        payload = np.ascontiguousarray(values).tobytes()
    if missing is not None:
        flat = missing.reshape(-1)
        reasons = list(dict.fromkeys(r for r in flat if r is not None))
        number = {r: i for i, r in enumerate([None, *reasons])}
        code = np.array([number[r] for r in flat], dtype="<u4").tobytes()
        header |= {"reasons": reasons, "over": list(missing.shape), "at": len(payload)}
        payload += code
    return header, payload


def block_back(record: Record) -> tuple[np.ndarray, np.ndarray | None]:
    """What `block` was given; the values can be written to."""
    header, payload = record.header, record.payload
    dtype = np.dtype(header["dtype"])
    end = header.get("at", len(payload))
    if dtype.hasobject:
        values = np.empty(int(np.prod(header["shape"], dtype=np.int64)), dtype=object)
        for i, told in enumerate(json.loads(bytes(payload[:end]))):
            values[i] = back(told)
    else:
        values = np.frombuffer(payload[:end], dtype).copy() if end else np.zeros(0, dtype)
    values = values.reshape(header["shape"])
    if "reasons" not in header:
        return values, None
    table = np.array([None, *header["reasons"]], dtype=object)
    return values, table[np.frombuffer(payload[end:], "<u4")].reshape(header["over"])
