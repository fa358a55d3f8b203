"""Labels, and values of a dataset's columns, as JSON: what JSON has not is marked with its type."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from ..cube import Axis

# Name, type, to text and back.
SPELLED = (
    ("datetime", datetime, datetime.isoformat, datetime.fromisoformat),
    ("date", date, date.isoformat, date.fromisoformat),
    ("time", time, time.isoformat, time.fromisoformat),
    ("duration", timedelta, lambda d: str(d // timedelta(microseconds=1)), lambda t: timedelta(microseconds=int(t))),
    ("decimal", Decimal, str, Decimal),
    ("bytes", bytes, bytes.hex, bytes.fromhex),
)


def plain(label: object) -> object:
    """A label, or the value of a coordinate, as JSON."""
    if isinstance(label, tuple):
        return {"tuple": [plain(x) for x in label]}
    if isinstance(label, list):
        return [plain(x) for x in label]
    if isinstance(label, dict):
        return {"record": [[k, plain(v)] for k, v in label.items()]}
    return next(({name: spell(label)} for name, kind, spell, _ in SPELLED if isinstance(label, kind)), label)


def back(label: object) -> object:
    """What `plain` was given."""
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


def plain_axis(axis: Axis) -> dict:
    """An axis as JSON."""
    coords = {k: [plain(x) for x in v] for k, v in axis.coords.items()}
    told = {"name": axis.name, "kind": axis.kind, "labels": [plain(x) for x in axis.labels], "coords": coords}
    return told | {"origin": axis.origin}


def axis_back(told: dict) -> Axis:
    """What `plain_axis` was given."""
    coords = {k: tuple(back(x) for x in v) for k, v in told["coords"].items()}
    return Axis(told["name"], tuple(back(x) for x in told["labels"]), told["kind"], coords, told["origin"])
