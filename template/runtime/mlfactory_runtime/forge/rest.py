"""A forge's REST API: a call, and a list page after page.

Of limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from time import sleep, time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ..errors import FactoryError

ENV = os.environ
PATIENCE = 60.0
# How many calls are left, and when there are more, in seconds since 1970; of GitHub and of GitLab.
LEFT, ANEW = (
    ("X-RateLimit-Remaining", "RateLimit-Remaining"),
    (
        "X-RateLimit-Reset",
        "RateLimit-Reset",
    ),
)
TOO_OFTEN = "secondary rate limit"  # in GitHub's words, where it names no time: wait a minute
BUSY = (502, 503, 504)
AGAIN = "run the job again when it answers"


@dataclass(frozen=True)
class Api:
    """Where a repository stands in the API, the token that opens it, and what holds that token."""

    base: str
    token: str = field(repr=False)
    secret: str = "GITHUB_TOKEN"  # noqa: S105 - a name

    @property
    def bearer(self) -> str:
        """The token, without the line's end that was stored with it. FactoryError for none."""
        if re.fullmatch("[!-~]+", token := self.token.strip()):
            return token
        message = f"{self.secret} holds no token, which is one word in letters, digits and signs"
        raise FactoryError(message, "store it anew, by itself: README.md, Checks")


def call(api: Api, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[Any, str]:
    """The answer for a path of this repository or an address, and the address of the next page."""
    content = None if body is None else json.dumps(body).encode()
    with answer_of(api, method, path, content) as answer:
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link") or "")
        text = answer.read()
    try:
        return json.loads(text), following[1] if following else ""
    except ValueError as error:
        begin = text[:60].decode(errors="replace")
        message = f"what answers {method} {path} is no API of a forge, it says {begin!r}"
        raise FactoryError(message, "is there a proxy before it that asks who you are?") from error


@contextmanager
def answer_of(
    api: Api, method: str, path: str, content: bytes | None = None
) -> Iterator[HTTPResponse]:
    """The answer itself. FactoryError where the forge refuses, is away, or breaks off.

    Where it sends on to another host, as for files, the token does not go along.
    """
    url = path if "://" in path else api.base + path
    if urlsplit(url)[:2] != urlsplit(api.base)[:2]:
        raise FactoryError(f"the forge names {url}, which is not its own", "ask who runs it")
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = Request(url, content, headers, method=method)  # noqa: S310 - the forge's own address
    request.add_unredirected_header("Authorization", f"Bearer {api.bearer}")
    try:
        with ask(api, request, path) as answer:
            yield answer
    except (OSError, HTTPException) as error:
        reason = one_line(getattr(error, "reason", error))
        raise FactoryError(f"the forge cannot be reached: {reason}", AGAIN) from error


def ask(
    api: Api, request: Request, path: str, patience: float = PATIENCE, number: int = 0
) -> HTTPResponse:
    """The answer, after the pauses that the forge asks for, which in sum may be `patience` seconds;
    one that is busy is asked again for what changes nothing.
    """
    method = request.get_method()
    try:
        answer: HTTPResponse = urlopen(request, timeout=30)  # noqa: S310 - the forge's own address
    except HTTPError as error:
        with error:
            reason = reason_of(error)
            pause = pause_of(error, reason)
        if error.code in BUSY and method == "GET":
            pause = pause or 2.0**number
        if not 0 < pause <= patience:
            message = f"the forge answers {error.code} to {method} {path}: {reason}"
            raise FactoryError(message, hint_of(error.code, pause, api)) from error
    else:
        return answer
    sleep(pause)
    return ask(api, request, path, patience - pause, number + 1)


def pause_of(error: HTTPError, reason: str) -> float:
    """The seconds that a forge asks to wait for, where it has been asked too often; else 0."""
    if error.code not in (403, 429, 503):
        return 0
    if after := number_of(error, "Retry-After"):
        return max(1, int(after))
    if number_of(error, *LEFT) == "0":
        return max(1, int(number_of(error, *ANEW) or 0) - int(time()))
    return PATIENCE if error.code == 429 or TOO_OFTEN in reason else 0


def number_of(error: HTTPError, *names: str) -> str:
    """The first header of some that is a whole number."""
    values = (error.headers.get(name) or "" for name in names)
    return next((value for value in values if value.isdecimal()), "")


def hint_of(code: int, pause: float, api: Api) -> str:
    """What to do about a refusal."""
    if code >= 500:
        return AGAIN
    if pause:
        return f"it was asked too often: run the job again in {pause / 60:.0f} minutes"
    if code == 401:
        return f"{api.secret} has expired, or is another's: make a new one, README.md, Checks"
    return f"look at the job's permissions, and at what {api.secret} may do"


def reason_of(error: HTTPError) -> str:
    """Why the forge refuses, in its own words where it gives any.

    GitHub names what was wrong beside its message, by a sentence or by field and code; GitLab has
    a list or an object of sentences for a message.
    """
    with suppress(ValueError, AttributeError, OSError, HTTPException):
        content = json.load(error)
        if message := content.get("message"):
            return ": ".join([in_words(message), *filter(None, [in_words(content.get("errors"))])])
    return one_line(error.reason)


def one_line(text: object) -> str:
    return " ".join(str(text).split())


def in_words(content: object) -> str:
    """What a forge says is wrong, as a sentence."""
    if isinstance(content, Mapping):
        content = content.get("message") or [in_words(one) for one in content.values()]
    if isinstance(content, list):
        return ", ".join(filter(None, map(in_words, content)))
    return str(content or "")


def entries(api: Api, path: str) -> Iterator[dict[str, Any]]:
    """All entries of a list, page after page."""
    while path:
        page, path = call(api, "GET", path)
        if not isinstance(page, list):
            raise FactoryError(f"the forge answers {in_words(page)!r} where a list is due", AGAIN)
        yield from page
