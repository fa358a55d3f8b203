"""The store: values of work nodes by recipe key, written atomically and verified when read.

One file per value: a safetensors file whose header carries the axes and a hash of the bytes. A killed run leaves whole
values only; the next run computes what is not there. Two runs at once write the same bytes to the same name.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from ...compiler.keys import value_key
from ..cube import Axis, Cube

FORMAT = 2


def default_folder() -> Path:
    """Where values are kept when nothing else is said: `$PROBELANG_STORE`, else the user's cache."""
    if own := os.environ.get("PROBELANG_STORE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "probelang" / "store"


@dataclass
class Store:
    """Values under a folder. `hits`, `misses` and `damaged` count what was asked of it."""

    folder: Path
    hits: int = 0
    misses: int = 0
    damaged: list[str] = field(default_factory=list)

    def path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"

    def get(self, key: str) -> Cube | None:
        """The value of a recipe, or None; a damaged file counts as absent, and will be written again."""
        path = self.path(key)
        if not path.is_file():
            self.misses += 1
            return None
        try:
            cube = read(path)
        except (ValueError, KeyError, OSError):
            self.damaged.append(str(path))
            self.misses += 1
            return None
        self.hits += 1
        return cube

    def put(self, key: str, cube: Cube) -> None:
        """Write a value: whole, or not at all."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pack(cube))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def pack(cube: Cube) -> bytes:
    """A cube as the bytes of a safetensors file."""
    from safetensors.numpy import save

    values = np.ascontiguousarray(cube.values)
    axes = [
        {
            "name": a.name,
            "kind": a.kind,
            "labels": [plain(x) for x in a.labels],
            "coords": {k: [plain(x) for x in v] for k, v in a.coords.items()},
        }
        for a in cube.axes
    ]
    reasons = None if cube.missing is None else cube.missing.reshape(-1).tolist()
    header = {"format": FORMAT, "axes": axes, "missing": reasons, "shape": list(values.shape)}
    text = json.dumps(header)
    digest = value_key({"header": text.encode(), "values": values.tobytes()})
    flat = values.reshape(-1)
    return save(
        {"values": flat.astype(np.uint8) if flat.dtype == bool else flat},
        {"header": text, "digest": digest, "dtype": values.dtype.str},
    )


def read(path: Path) -> Cube:
    """Read a cube back; raises ValueError when the bytes are not those that were written."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            meta = file.metadata() or {}
            flat = file.get_tensor("values")
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    header = json.loads(meta["header"])
    values = flat.astype(np.dtype(meta["dtype"])).reshape(header["shape"])
    if (
        value_key({"header": meta["header"].encode(), "values": np.ascontiguousarray(values).tobytes()})
        != meta["digest"]
    ):
        raise ValueError(f"{path} is damaged")
    axes = tuple(
        Axis(
            a["name"],
            tuple(back(x) for x in a["labels"]),
            a["kind"],
            {k: tuple(back(x) for x in v) for k, v in a["coords"].items()},
        )
        for a in header["axes"]
    )
    missing = None
    if header["missing"] is not None:
        missing = np.empty(len(header["missing"]), dtype=object)
        missing[:] = header["missing"]
        missing = missing.reshape(tuple(len(a) for a in axes))
    return Cube(axes, values, missing)


# Values of a dataset's columns that JSON has not: name, type, to text and back.
SPELLED = (
    ("datetime", datetime, datetime.isoformat, datetime.fromisoformat),
    ("date", date, date.isoformat, date.fromisoformat),
    ("time", time, time.isoformat, time.fromisoformat),
    ("duration", timedelta, lambda d: str(d // timedelta(microseconds=1)), lambda t: timedelta(microseconds=int(t))),
    ("decimal", Decimal, str, Decimal),
    ("bytes", bytes, bytes.hex, bytes.fromhex),
)


def plain(label: object) -> object:
    """A label, or the value of a coordinate, as JSON: what JSON has not is marked with its type."""
    if isinstance(label, tuple):
        return {"tuple": [plain(x) for x in label]}
    if isinstance(label, list):
        return [plain(x) for x in label]
    if isinstance(label, dict):
        return {"record": [[k, plain(v)] for k, v in label.items()]}
    return next(({name: spell(label)} for name, kind, spell, _ in SPELLED if isinstance(label, kind)), label)


def back(label: object) -> object:
    if isinstance(label, list):
        return [back(x) for x in label]
    if not isinstance(label, dict):
        return label
    ((name, content),) = label.items()
    if name == "tuple":
        return tuple(back(x) for x in content)
    if name == "record":
        return {k: back(v) for k, v in content}
    return next(read for known, _, _, read in SPELLED if known == name)(content)
