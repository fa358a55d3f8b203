"""Where each tensor lies in a safetensors file, and reading rows of it. Reads bytes; knows no models."""

from __future__ import annotations

import json
import math
import os
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .errors import ProbeError

if TYPE_CHECKING:
    from torch import Tensor

# The names that the format gives to what torch calls by longer ones.
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor's place in its file: `start` in bytes from the first; `dtype` is torch's name.

    `made` makes a tensor of this shape that is not in the file, from what is.
    """

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int
    made: Callable[[], Tensor] | None = None

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1

    @property
    def columns(self) -> int:
        """The numbers of a row: 1 where the tensor is a vector."""
        return math.prod(self.shape[1:])


def layout(path: Path) -> dict[str, StoredTensor]:
    """Return the tensors in the file `path` by name; a file that is cut off or garbled is `weights-damaged`."""
    try:
        whole = path.stat().st_size
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > whole:
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        found = {name: _tensor(path, entry, 8 + length) for name, entry in header.items()}
        last = max((tensor.start + tensor.size for tensor in found.values()), default=8 + length)
        if last != whole:
            raise ValueError(f"it has {whole:,} bytes, and its header speaks of {last:,}")
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise ProbeError("weights-damaged", f"{path} cannot be read: {error}", "download it again") from None
    return found


def _tensor(path: Path, entry: dict, base: int) -> StoredTensor:
    import torch

    start, end = entry["data_offsets"]
    dtype, shape = DTYPES[entry["dtype"]], tuple(entry["shape"])
    if end - start != math.prod(shape) * getattr(torch, dtype).itemsize:
        raise ValueError(f"a tensor of {list(shape)} {dtype} does not take {end - start:,} bytes")
    return StoredTensor(path, dtype, shape, base + start, end - start)


class Reader:
    """Read rows of stored tensors into buffers of the thread that asks; close it when done.

    One thread reads at a time, and each file in the order of the requests: read in that of the file, a disk is never
    asked to go back, and the system reads ahead.
    """

    def __init__(self) -> None:
        self._files: dict[Path, BinaryIO] = {}
        self._lock = threading.Lock()
        self._own = threading.local()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def rows(self, *wanted: tuple[StoredTensor, int, int]) -> list[Tensor]:
        """Return [rows, columns] of each (tensor, first row, rows), valid until this thread asks again."""
        import torch

        buffers = self._own.__dict__.setdefault("buffers", {})
        out = []
        with self._lock:
            for place, (tensor, first, count) in enumerate(wanted):
                if tensor.made is not None:
                    out.append(tensor.made().reshape(tensor.rows, -1)[first : first + count])
                    continue
                width = tensor.size // tensor.rows
                size = width * count
                if len(buffers.get(place, b"")) < size:
                    buffers[place] = bytearray(size)
                self._fill(tensor.path, tensor.start + first * width, memoryview(buffers[place])[:size])
                numbers = torch.frombuffer(
                    buffers[place], dtype=getattr(torch, tensor.dtype), count=count * tensor.columns
                )
                out.append(numbers.view(count, tensor.columns))
        return out

    def _fill(self, path: Path, start: int, into: memoryview) -> None:
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = open(path, "rb", buffering=0)
        file.seek(start, os.SEEK_SET)
        while into and (count := file.readinto(into)):
            into = into[count:]
        if into:
            raise ProbeError("weights-damaged", f"{path} ends before its last tensor", "download it again")
