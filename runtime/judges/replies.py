"""Replies that are kept: each on its own in the store, and all of a run in a recording that can be sent along."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import ProbeError
from .client import Reply
from .config import Endpoint


def digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def plain(reply: Reply) -> dict:
    return {"first": [list(pair) for pair in reply.first], "written": list(reply.written)}


def back(found: object) -> Reply:
    """A reply from its JSON; raises ValueError when it is none."""
    try:
        return Reply(tuple((str(t), float(p)) for t, p in found["first"]), tuple(map(str, found["written"])))
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from None


@dataclass(frozen=True)
class Kept:
    """Replies under a folder, one file for each call, by a hash of the server and of all that was sent."""

    folder: Path

    def path(self, endpoint: Endpoint, sent: dict) -> Path:
        key = digest([endpoint.url, sent])
        return self.folder / key[:2] / f"{key}.json"

    def get(self, endpoint: Endpoint, sent: dict) -> Reply | None:
        """The reply to a call, or None; a file that cannot be read, or has changed, counts as none."""
        try:
            found = json.loads(self.path(endpoint, sent).read_text(encoding="utf-8"))
            whole = found["sent"] == sent and found["sum"] == digest(found["reply"])
            return back(found["reply"]) if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, endpoint: Endpoint, sent: dict, reply: Reply) -> None:
        """Keep a reply, with its checksum: whole, or not at all. Raises OSError."""
        told = {"sent": sent, "reply": plain(reply), "sum": digest(plain(reply))}
        write(self.path(endpoint, sent), json.dumps(told, ensure_ascii=False))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class Recording:
    """Replies by question, and the name of the model that gave them."""

    model: str
    replies: dict[str, Reply]


def read_recording(path: Path) -> Recording:
    """Read a recording; raises `bad-recording` where a line is none, or where several models have answered."""
    replies: dict[str, Reply] = {}
    models: dict[str, None] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            replies[entry["question"]] = back(entry["reply"])
            models[str(entry["model"])] = None
        except (ValueError, KeyError, TypeError):
            raise ProbeError("bad-recording", f"line {number} of {path.name} is no recorded reply") from None
    if len(models) != 1:
        told = "has no replies" if not models else f"has replies of {len(models)} models: {', '.join(models)}"
        raise ProbeError("bad-recording", f"{path.name} {told}", "record the judges of a spec into files of their own")
    return Recording(next(iter(models)), replies)


def write_recording(path: Path, model: str, replies: dict[str, Reply]) -> None:
    """Add the replies of a run to a recording, sorted by question; those of other models in it are an error."""
    old = {}
    if path.is_file() and path.stat().st_size:
        before = read_recording(path)
        if before.model != model:
            raise ProbeError(
                "bad-recording", f"{path.name} holds replies of {before.model}, and these are of {model}",
                "record into another file",
            )  # fmt: skip
        old = before.replies
    lines = (
        json.dumps({"model": model, "question": question, "reply": plain(reply)}, ensure_ascii=False)
        for question, reply in sorted((old | replies).items())
    )
    write(path, "\n".join(lines) + "\n")
