"""One call to an OpenAI-compatible server: sent, tried again where that may help, and read with suspicion.

Knows HTTP. Does not know scales, caches or what is asked.
"""

from __future__ import annotations

import json
import math
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from .config import Endpoint, is_this_machine

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
FOR_ALL = (401, 403, 404)  # what is wrong with one call is then wrong with all
MOST_BYTES = 4_000_000
LONGEST_WAIT = 60.0  # seconds that a server may ask to be left alone


@dataclass(frozen=True)
class Reply:
    """The likeliest first tokens of an answer as (text, natural log-probability), and the tokens that were written."""

    first: tuple[tuple[str, float], ...]
    written: tuple[str, ...]


class NoReply(Exception):
    """Why there is no reply. `again`: another try may help; `for_all`: no other call to it would fare better."""

    def __init__(self, reason: str, *, again: bool = False, for_all: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.again, self.for_all, self.wait = reason, again, for_all, wait


class NoRedirects(HTTPRedirectHandler):
    """A redirect could carry the key to another host."""

    def redirect_request(self, *args, **kwargs) -> None:
        return None


def body(endpoint: Endpoint, question: str) -> dict:
    """What is sent: the question as a user's message, for the probabilities of the first token of the answer."""
    fixed = {"model": endpoint.model, "messages": [{"role": "user", "content": question}]}
    asked = {"temperature": 0, "max_tokens": 3, "logprobs": True, "top_logprobs": 20}
    return asked | endpoint.request | fixed


def call(endpoint: Endpoint, sent: dict, stopped: Callable[[], bool] = lambda: False) -> Reply:
    """Send, and try again with growing pauses where that may help; raises NoReply with the last reason."""
    for attempt in range(endpoint.retries + 1):
        try:
            return read(once(endpoint, sent))
        except NoReply as problem:
            last = attempt == endpoint.retries
            if last or not problem.again or stopped():
                tries = f" ({attempt + 1} tries)" if attempt else ""
                raise NoReply(problem.reason + tries, again=problem.again, for_all=problem.for_all) from None
            pause = endpoint.backoff * 2**attempt * random.uniform(0.5, 1.0)
            time.sleep(max(pause, min(problem.wait or 0.0, LONGEST_WAIT)))
    raise AssertionError("a loop over tries ends in it")


def once(endpoint: Endpoint, sent: dict) -> bytes:
    """The bytes of the answer to one POST; raises NoReply."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "probelang"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    url = endpoint.url.rstrip("/") + "/chat/completions"
    request = Request(url, json.dumps(sent).encode(), headers, method="POST")
    until = time.monotonic() + endpoint.timeout
    try:
        with opener(url).open(request, timeout=endpoint.timeout) as answer:
            return received(answer, until, endpoint.timeout)
    except HTTPError as error:
        error.close()
        wait = seconds(error.headers.get("Retry-After"))
        reason = f"it answered with status {error.code}"
        raise NoReply(reason, again=error.code in AGAIN, for_all=error.code in FOR_ALL, wait=wait) from None
    except TimeoutError:
        raise late(endpoint.timeout) from None
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise late(endpoint.timeout) from None
        raise NoReply(f"it cannot be reached: {plainly(error.reason)}", again=True) from None
    except (HTTPException, OSError, ValueError) as error:
        raise NoReply(f"the connection broke: {plainly(error)}", again=True) from None


def opener(url: str) -> OpenerDirector:
    """What sends a request: without redirects, and past proxies where the server is on this machine."""
    near = is_this_machine(urlsplit(url).hostname or "")
    return build_opener(NoRedirects, *([ProxyHandler({})] if near else []))


def received(answer, until: float, timeout: float) -> bytes:
    """Read an answer within its time, and no more than is reasonable."""
    parts, size = [], 0
    while part := answer.read1(65536):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise NoReply(f"its answer is longer than {MOST_BYTES:,} bytes")
        if time.monotonic() > until:
            raise late(timeout)
    return b"".join(parts)


def late(timeout: float) -> NoReply:
    return NoReply(f"it did not answer within {timeout:g} s", again=True)


def plainly(error: object) -> str:
    """An error of the network in words that do not change from machine to machine."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError):
        return "connection reset"
    if isinstance(error, socket.gaierror):
        return "no such host"
    return type(error).__name__


def seconds(header: str | None) -> float | None:
    """A Retry-After in seconds; dates are not looked at."""
    try:
        found = float(header) if header is not None else None
    except ValueError:
        return None
    return found if found is not None and math.isfinite(found) and found >= 0 else None


RUBBISH = "its answer is not that of a chat completion"


def read(answer: bytes) -> Reply:
    """The reply in an answer's bytes; whatever it does not hold as it should is a NoReply."""
    try:
        choice = json.loads(answer)["choices"][0]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise NoReply(RUBBISH, again=True) from None
    if not isinstance(choice, dict):
        raise NoReply(RUBBISH, again=True)
    told = choice.get("logprobs")
    if not isinstance(told, dict) or not told.get("content"):
        raise NoReply("it gives no log-probabilities, and a score needs them")
    try:
        tokens = told["content"]
        first = tuple((str(t["token"]), float(t["logprob"])) for t in tokens[0]["top_logprobs"])
        written = tuple(str(t["token"]) for t in tokens)
    except (KeyError, IndexError, TypeError, ValueError):
        raise NoReply(RUBBISH, again=True) from None
    if not first or any(math.isnan(p) or p > 1e-3 for _, p in first):
        raise NoReply(RUBBISH, again=True)
    return Reply(first, written)
