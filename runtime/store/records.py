"""Records: keyed bytes with a JSON header and a checksum, one behind the other in a file that only grows.

A file that was cut off, or changed, loses the records that it hurts and no others. Knows no values.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

FRAME = struct.Struct("<8s16sIQ16s")  # magic, key, bytes of the header, bytes of the payload, checksum
MAGIC = b"\x93probe3\n"
STEP = 1 << 20  # bytes read at a time, of a large record or while looking for the next one


class Damaged(Exception):
    """The bytes are not those of a record that was written."""


@dataclass(frozen=True)
class Record:
    """A record that was read: 16 bytes of key, its header, and its payload."""

    key: bytes
    header: dict
    payload: memoryview


def framed(key: bytes, header: dict, payload: bytes | memoryview) -> tuple[bytes, bytes | memoryview]:
    """A record as bytes: what stands before its payload, and the payload as it was given."""
    told = json.dumps(header, separators=(",", ":")).encode()
    return FRAME.pack(MAGIC, key, len(told), len(payload), _sum(key, told, payload)) + told, payload


def read_at(file: int, offset: int, length: int) -> Record:
    """Read the record at a place of an open file; raises `Damaged`.

    All of it is read once for its checksum. A large payload is then mapped, and takes memory when it is looked at.
    """
    if length < FRAME.size:
        raise Damaged("cut off")
    head = _read(file, offset, FRAME.size)
    if len(head) < FRAME.size or head[: len(MAGIC)] != MAGIC:
        raise Damaged("no record, or one that is cut off")
    _, key, told, size, checksum = FRAME.unpack(head)
    if FRAME.size + told + size != length:
        raise Damaged("no record, or one that is cut off")
    large = size > STEP
    rest, hasher = _read(file, offset + FRAME.size, told if large else told + size), hashlib.blake2b(digest_size=16)
    hasher.update(key + rest)
    for at in range(0, size if large else 0, STEP):
        hasher.update(_read(file, offset + FRAME.size + told + at, min(STEP, size - at)))
    if hasher.digest() != checksum:
        raise Damaged("the checksum differs")
    payload = mapped(file, offset + FRAME.size + told, size) if large else memoryview(rest)[told:]
    return Record(key, json.loads(rest[:told]), payload)


def mapped(file: int, offset: int, length: int) -> memoryview:
    """Bytes of an open file that are read as they are looked at; their memory is given back with the view."""
    before = offset % mmap.ALLOCATIONGRANULARITY
    return memoryview(mmap.mmap(file, length + before, access=mmap.ACCESS_READ, offset=offset - before))[before:]


def scan(file: int) -> Iterator[tuple[int, int, Record]]:
    """Every whole record of an open file, with its place and length; what lies between is passed over."""
    offset, end = 0, os.fstat(file).st_size
    while offset + FRAME.size <= end:
        magic, _, told, size, _ = FRAME.unpack(_read(file, offset, FRAME.size))
        length = FRAME.size + told + size
        if magic == MAGIC and offset + length <= end:
            try:
                record = read_at(file, offset, length)
            except Damaged:
                record = None
            if record is not None:
                yield offset, length, record
                offset += length
                continue
        offset = _next(file, offset + 1, end)


def _next(file: int, offset: int, end: int) -> int:
    """Where the next magic stands, or the end."""
    while offset < end:
        at = _read(file, offset, min(STEP, end - offset)).find(MAGIC)
        if at >= 0:
            return offset + at
        if end - offset <= STEP:
            break
        offset += STEP - len(MAGIC) + 1
    return end


def _read(file: int, offset: int, length: int) -> bytes:
    """Read up to `length` bytes: one call of the system may give fewer."""
    parts = []
    while length > 0 and (part := os.pread(file, length, offset)):
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _sum(*parts: bytes | memoryview) -> bytes:
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        hasher.update(part)
    return hasher.digest()
