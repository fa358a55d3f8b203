"""The safetensors files of a saved model and their fingerprint. Reads names and bytes; builds no tensor."""

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

from .errors import ProbeError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
CHUNK = 1 << 22


def weight_files(directory: Path) -> tuple[Path, ...]:
    """Return the safetensors files in `directory`, sorted; none, or a missing shard, is `weights-not-found`."""
    index = directory / INDEX
    if index.is_file():
        shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        missing = [name for name in shards if not (directory / name).is_file()]
        if missing:
            raise ProbeError(
                "weights-not-found",
                f"{directory} lacks {len(missing)} of {len(shards)} weight files, first {missing[0]}",
                "finish the download, or delete the folder and download again",
            )
        return tuple(directory / name for name in shards)
    if (directory / SINGLE).is_file():
        return (directory / SINGLE,)
    raise ProbeError(
        "weights-not-found",
        f"{directory} has no {SINGLE} and no {INDEX}",
        "weights in other formats are not read, because those can run code: save them as safetensors",
    )


def fingerprint(directory: Path) -> str:
    """Return 32 hex digits over the bytes of config.json and of all weight files, the same wherever they are stored."""
    digest = hashlib.blake2b(digest_size=16)
    for path in (directory / "config.json", *weight_files(directory)):
        digest.update(f"{path.name} {_content(path)}\n".encode())
    return digest.hexdigest()


def _content(path: Path) -> str:
    # The hub's cache keeps a large file under its own SHA-256, which saves reading it all.
    real = path.resolve()
    if path.is_symlink() and real.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", real.name):
        return real.name
    stat = real.stat()
    return _sha256(str(real), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _sha256(path: str, size: int, changed: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()
