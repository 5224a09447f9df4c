"""A forge's REST API: who may ask, how often, and what is said where it refuses.

The token of a host goes to that host alone: it stands in a variable of the host's own name, and no
answer leads it elsewhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from threading import Lock
from time import monotonic, sleep, time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, build_opener

from mlfactory_runtime.visible import visible

from mlfactory.base.bearer import Stay, is_one_line
from mlfactory.base.credentials import mask

from .kinds import ForgeError

PATIENCE, TRIES = 900.0, 6  # seconds that a forge may ask to wait for, and how often
BUSY, MOVED = (502, 503, 504), (301, 302, 307, 308)
LARGEST = 32 * 2**20
NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


@dataclass
class Pace:
    """When a host may be asked, for all threads at once: between two writes there are `gap`
    seconds, as GitHub asks for, and after it said that it is too much nobody asks for a while."""

    gap: float = 1.0
    lock: Lock = field(default_factory=Lock)
    read_at: float = 0.0
    write_at: float = 0.0

    def wait(self, *, writes: bool) -> None:
        with self.lock:
            at = max(monotonic(), self.read_at, self.write_at if writes else 0.0)
            self.write_at = at + self.gap if writes else self.write_at
        sleep(max(at - monotonic(), 0.0))

    def hold(self, seconds: float) -> None:
        with self.lock:
            self.read_at = max(self.read_at, monotonic() + seconds)


@dataclass(frozen=True)
class Api:
    """The API of a host: `need` says what its token has to be allowed."""

    host: str
    base: str
    need: str
    variables: tuple[str, ...]
    token: str = field(repr=False)
    pace: Pace = field(default_factory=Pace)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    code: int
    headers: Message
    content: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.content) if self.content.strip() else None


def call(api: Api, method: str, path: str, body: Any = None) -> tuple[Any, str]:
    """The answer for a path of the API, and the address of the next page. Raises ForgeError."""
    answer = ask(api, method, path, body)
    following = NEXT.search(answer.headers.get("Link") or "")
    try:
        return answer.document, following[1] if following else ""
    except (ValueError, RecursionError) as error:
        raise ForgeError(f"{api.host} answers {method} {path} with something else") from error


def entries(api: Api, path: str, key: str = "") -> Iterator[dict[str, Any]]:
    """All entries of a list, page after page; `key` is where an answer has its list."""
    while path:
        page, path = call(api, "GET", path)
        rows = page.get(key) if key and isinstance(page, dict) else page
        if not isinstance(rows, list):
            raise ForgeError(f"{api.host} answers with something else than a list")
        yield from (row for row in rows if isinstance(row, dict))


def ask(api: Api, method: str, path: str, body: Any = None) -> Answer:
    """The answer itself, after the pauses that the forge asks for. Raises ForgeError."""
    url, patience = within(api, path), PATIENCE
    for number in range(TRIES):
        api.pace.wait(writes=method != "GET")
        answer = send(api, method, url, body)
        if answer.code < 300:
            return answer
        if answer.code in MOVED:
            url = within(api, answer.headers.get("Location") or "")
            continue
        pause = pause_of(answer, method, number)
        if pause is None or pause > patience:
            raise refusal(api, method, path, answer)
        patience -= pause
        api.pace.hold(pause)
    raise refusal(api, method, path, answer)


def within(api: Api, path: str) -> str:
    """The address of a path. Raises ForgeError for one of another host."""
    url = f"{api.base}{path}" if path.startswith("/") else path
    parts, own = urlsplit(url), urlsplit(api.base)
    if (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
        there = visible(mask(parts.netloc or path))[:100]
        raise ForgeError(f"{api.host} sends on to {there}, which gets no token of it")
    return url


def send(api: Api, method: str, url: str, body: Any) -> Answer:
    """One question. Raises ForgeError where there is no answer at all."""
    if not is_one_line(api.token):
        raise ForgeError(f"the token of {api.host} is not one line of ASCII", "Set it anew.")
    content = None if body is None else json.dumps(body).encode()
    headers = {
        "Accept": "application/json", "Content-Type": "application/json",
        "User-Agent": "mlfactory", **api.headers,
    }  # fmt: skip
    request = Request(url, content, headers, method=method)  # noqa: S310 - the forge's own address
    request.add_unredirected_header("Authorization", f"Bearer {api.token}")
    try:
        with build_opener(Stay).open(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers, answer.read(LARGEST))
    except HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read(LARGEST))
    except (URLError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        hint = "Is it reachable from here? What is done is not done again."
        raise ForgeError(f"{api.host} cannot be reached: {reason}", hint) from error


def pause_of(answer: Answer, method: str, number: int) -> float | None:
    """The seconds to wait for before one asks again, or None where that would not help."""
    after = answer.headers.get("Retry-After") or ""
    if answer.code in (403, 429, 503) and after.isdecimal():
        return max(float(after), 1.0)
    if answer.code in (403, 429):
        if answer.headers.get("X-RateLimit-Remaining") == "0":
            reset = answer.headers.get("X-RateLimit-Reset") or ""
            return max(float(reset) - time(), 1.0) if reset.isdecimal() else 60.0
        is_limit = answer.code == 429 or "rate limit" in reason_of(answer).lower()
        return 60.0 * 2**number if is_limit else None
    return 2.0**number if answer.code in BUSY and method == "GET" and number < 3 else None


def refusal(api: Api, method: str, path: str, answer: Answer) -> ForgeError:
    """Why a forge refuses, in a sentence, and what helps."""
    name, reason = " or ".join(api.variables), reason_of(answer)
    where = path.partition("?")[0].removeprefix(api.base)
    why = f": {reason}" if reason else ""
    message, hint = {
        401: (f"{api.host} does not accept the token in {name}", f"Make a new one: {api.need}"),
        403: (f"the token in {name} may not do this at {api.host}{why}", f"Needed: {api.need}"),
        404: (
            f"{api.host} has no {where}, or the token in {name} may not see it",
            f"Look at the address in fleet.yml; needed: {api.need}",
        ),
        409: (f"{api.host} has a conflict{why}", "Do it again: nothing is done twice."),
        422: (f"{api.host} does not take this{why}", "Mend it there, then do it again."),
        429: (f"{api.host} asks for patience{why}", "Do it again later: nothing is done twice."),
    }.get(
        answer.code,
        (f"{api.host} answers {answer.code} to {method} {where}{why}", "Do it again later."),
    )
    return ForgeError(message, hint, answer.code)


def reason_of(answer: Answer) -> str:
    """Why, in the forge's own words: one line, without what could steer a terminal."""
    words: list[str] = []
    with suppress(ValueError, RecursionError, UnicodeDecodeError):
        document = answer.document
        if isinstance(document, dict):
            words += texts(document.get("message") or document.get("error"))
            words += texts(document.get("errors"))
    return " ".join(visible(mask("; ".join(words))).split())[:300]


def texts(value: Any) -> list[str]:
    """The texts of a message, which is one, or a list or mapping of them."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        one = value.get("message")
        return [one] if isinstance(one, str) else [t for v in value.values() for t in texts(v)]
    return [t for v in value for t in texts(v)] if isinstance(value, list) else []


def token_of(variables: tuple[str, ...]) -> str:
    """The first of the variables that holds something, or an empty string."""
    return next(filter(None, (os.environ.get(name, "").strip() for name in variables)), "")
