"""Endpoints of the user: what an alias in a spec means on this machine. A spec names no address and no key.

Read from `$PROBELANG_CONFIG`, else `probelang/config.toml` in the user's configuration folder:

    [endpoint.grader]
    url = "https://api.example.com/v1"
    model = "a-model"
    key_env = "GRADER_KEY"
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ProbeError

NUMBERS = {"timeout": 0.0, "retries": -1.0, "backoff": -1e-9, "concurrency": 0.0}  # each is above this
NAMES = ("url", "model", "key", "key_env", "timeout", "retries", "backoff", "concurrency", "request")


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server: `url` up to `/chat/completions`, and the name of the model that it serves.

    `timeout` and `backoff` are seconds, `retries` tries after the first, `concurrency` calls at a time. `request` adds
    to the body of every call. The key is never shown.
    """

    alias: str
    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 60.0
    retries: int = 3
    backoff: float = 0.5
    concurrency: int = 8
    request: dict = field(default_factory=dict)


def config_path() -> Path:
    """Where the user's configuration is."""
    if own := os.environ.get("PROBELANG_CONFIG"):
        return Path(own)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "probelang" / "config.toml"


def endpoint(alias: str) -> Endpoint | None:
    """The endpoint of an alias; None where there is none of that name. Raises `bad-config` for one that is wrong."""
    table = tables().get(alias)
    if table is None:
        return None
    where = f"[endpoint.{alias}] of {config_path().name}"
    if not isinstance(table, dict):
        raise ProbeError("bad-config", f"{where} is no table")
    unknown = sorted(set(table) - set(NAMES))
    if unknown:
        raise ProbeError("bad-config", f"{where} has no setting {unknown[0]!r}", f"it has {', '.join(NAMES)}")
    given = {name: table[name] for name in NAMES if name in table}
    for name in ("url", "model"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ProbeError("bad-config", f"{where} needs `{name}`, a text")
    for name, above in NUMBERS.items():
        if name in given and (isinstance(given[name], bool) or not isinstance(given[name], (int, float))):
            raise ProbeError("bad-config", f"`{name}` in {where} is no number")
        if name in given and not given[name] > above:
            raise ProbeError("bad-config", f"`{name}` in {where} is too small")
    if not isinstance(given.get("request", {}), dict):
        raise ProbeError("bad-config", f"`request` in {where} is no table")
    key = key_of(given, where)
    given = {name: value for name, value in given.items() if name in {f.name for f in fields(Endpoint)} - {"key"}}
    for name in ("retries", "concurrency"):
        given |= {name: int(given[name])} if name in given else {}
    found = Endpoint(alias=alias, key=key, **given)
    check_url(found, where)
    return found


def how_to_set_up(alias: str) -> str:
    """What to write where, for an alias that is not there."""
    return f"write [endpoint.{alias}] with `url` and `model` into {shown(config_path())}"


def shown(path: Path) -> str:
    """A path as a reader types it: below the home folder it begins with ~."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def tables() -> dict:
    """The `[endpoint]` tables of the configuration, by alias."""
    path = config_path()
    if not path.is_file():
        return {}
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ProbeError("bad-config", f"{path} cannot be read: {type(error).__name__}") from None
    found = read.get("endpoint", {})
    return found if isinstance(found, dict) else {}


def key_of(given: dict, where: str) -> str | None:
    """The key itself, or that in the environment variable that `key_env` names, without white space around it."""
    found, source = given.get("key"), "`key`"
    if "key_env" in given:
        found, source = os.environ.get(str(given["key_env"])), f"${given['key_env']}"
        if not found:
            raise ProbeError("bad-config", f"{where} takes its key from {source}, which is not set")
    if found is None:
        return None
    if not isinstance(found, str):
        raise ProbeError("bad-config", f"`key` in {where} is no text")
    found = found.strip()
    if not found.isascii() or not found.isprintable() or " " in found:
        raise ProbeError("bad-config", f"the key of {where}, in {source}, holds characters that no key has")
    return found


def check_url(found: Endpoint, where: str) -> None:
    """Refuse addresses that are none, and keys that would travel unencrypted."""
    try:
        parts = urlsplit(found.url)
        _ = parts.port  # one that is no number is an error when it is asked for
    except ValueError:
        raise ProbeError("bad-config", f"`url` in {where} is no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ProbeError("bad-config", f"`url` in {where} is no http or https address")
    if found.key and parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ProbeError("bad-config", f"{where} would send its key unencrypted", "use an https address")


def is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
