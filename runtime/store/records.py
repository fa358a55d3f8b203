"""Records: keyed bytes with a JSON header and a checksum, one behind the other in a file that only grows.

A file that was cut off, or changed, loses the records that it hurts and no others. Knows no values.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

FRAME = struct.Struct("<8s16sIQ16s")  # magic, key, bytes of the header, bytes of the payload, checksum
MAGIC = b"\x93probe3\n"
STEP = 1 << 20  # bytes read at a time while looking for the next record


class Damaged(Exception):
    """The bytes are not those of a record that was written."""


@dataclass(frozen=True)
class Record:
    """A record that was read: 16 bytes of key, its header, and its payload."""

    key: bytes
    header: dict
    payload: memoryview


def framed(key: bytes, header: dict, payload: bytes) -> bytes:
    """A record as bytes."""
    told = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((FRAME.pack(MAGIC, key, len(told), len(payload), _sum(key, told, payload)), told, payload))


def parsed(data: bytes) -> Record:
    """Read a record from exactly its bytes; raises `Damaged`."""
    if len(data) < FRAME.size:
        raise Damaged("cut off")
    magic, key, told, size, checksum = FRAME.unpack_from(data)
    view = memoryview(data)[FRAME.size :]
    if magic != MAGIC or len(view) != told + size:
        raise Damaged("no record, or one that is cut off")
    if _sum(key, view[:told], view[told:]) != checksum:
        raise Damaged("the checksum differs")
    return Record(key, json.loads(bytes(view[:told])), view[told:])


def read_at(file: int, offset: int, length: int) -> Record:
    """Read the record at a place of an open file; raises `Damaged`."""
    return parsed(_read(file, offset, length))


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
