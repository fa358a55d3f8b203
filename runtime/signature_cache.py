"""Signatures kept on disk, so that checking a spec need not import every operation with its libraries.

The cache is one JSON file in the user's cache folder. It holds for the very files it was made from, by path, size and
time; anything that does not fit is as good as no cache. Signatures from entry points are never kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from ..compiler import kinds as kinds_module
from ..compiler.kinds import Kind
from ..compiler.signature import REQUIRED, Catalogue, Parameter, Signature

HERE = Path(__file__).parent
SOURCES = (
    "registry.py",
    "record.py",
    "inference.py",
    "signature_cache.py",
    "../compiler/kinds.py",
    "../compiler/signature.py",
)


def read() -> dict[str, Signature] | None:
    """Return the signatures that were kept for the files as they are now, else None."""
    try:
        kept = json.loads(_place().read_text(encoding="utf-8"))
        if kept["key"] != _key():
            return None
        return {name: _signature(data) for name, data in kept["signatures"].items()}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError):
        return None  # no cache, no home, or not written by this version


def write(catalogue: Catalogue) -> None:
    """Keep the signatures, unless one of them cannot be told in JSON or there is nowhere to keep them."""
    try:
        signatures = {name: _plain(s) for name, s in catalogue.items()}
        text = json.dumps({"key": _key(), "signatures": signatures})
        again = {name: _signature(data) for name, data in json.loads(text)["signatures"].items()}
        if again != dict(catalogue):
            return
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        os.replace(file.name, place)
    except (OSError, RuntimeError, TypeError, ValueError):
        return


def _place() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    here = hashlib.blake2b(str(HERE).encode(), digest_size=8).hexdigest()
    return cache / "probelang" / f"signatures-{here}.json"


def _key() -> str:
    """A hash of what signatures are read from; installing a package may bring an entry point, and changes it too."""
    files = [HERE / name for name in SOURCES]
    for folder, _, names in os.walk(HERE / "operations"):
        files += [Path(folder, name) for name in sorted(names) if name.endswith(".py")]
    stats = [(str(f), (s := f.stat()).st_mtime_ns, s.st_size) for f in sorted(files)]
    sites = [p for p in sys.path if p.endswith("-packages") and os.path.isdir(p)]
    stats += [(p, os.stat(p).st_mtime_ns, 0) for p in sites]
    return hashlib.blake2b(repr((sys.version, stats)).encode(), digest_size=16).hexdigest()


def _plain(signature: Signature) -> dict:
    infer = signature.infer
    return {
        **{f.name: getattr(signature, f.name) for f in dataclasses.fields(signature)},
        "parameters": [_plain_parameter(p) for p in signature.parameters],
        "result": _named(signature.result),
        "fields": {name: _named(kind) for name, kind in signature.fields.items()},
        "infer": None if infer is None else f"{infer.__module__}:{infer.__qualname__}",
    }


def _plain_parameter(parameter: Parameter) -> dict:
    data = {f.name: getattr(parameter, f.name) for f in dataclasses.fields(parameter)}
    default = [] if parameter.required else [parameter.default]
    return {**data, "kinds": [_named(k) for k in parameter.kinds], "default": default}


def _named(kind: type[Kind]) -> str:
    if getattr(kinds_module, kind.__name__, None) is not kind:
        raise TypeError(f"{kind} is not a kind of the language")
    return kind.__name__


def _kind(name: str) -> type[Kind]:
    return getattr(kinds_module, name)


def _signature(data: dict) -> Signature:
    given = {name: _tuples(value) for name, value in data.items()}
    given["parameters"] = tuple(_parameter(p) for p in data["parameters"])
    given["result"] = _kind(data["result"])
    given["fields"] = {name: _kind(kind) for name, kind in data["fields"].items()}
    given["infer"] = None if data["infer"] is None else _later(data["infer"])
    return Signature(**given)


def _parameter(data: dict) -> Parameter:
    given = {name: _tuples(value) for name, value in data.items()}
    given["kinds"] = tuple(_kind(name) for name in data["kinds"])
    given["default"] = _tuples(data["default"][0]) if data["default"] else REQUIRED
    return Parameter(**given)


def _later(path: str):
    """A function that is imported when it is first called."""
    module, _, name = path.partition(":")

    def infer(kinds: dict[str, type[Kind]]) -> type[Kind] | None:
        return getattr(import_module(module), name)(kinds)

    return infer


def _tuples(value: object) -> object:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
