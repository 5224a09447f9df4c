"""A forge's REST API: a call, and a list page after page."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from time import sleep
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import FactoryError

ENV = os.environ
PATIENCE = 60.0


@dataclass(frozen=True)
class Api:
    """Where a repository stands in the API, and the token that opens it."""

    base: str
    token: str = field(repr=False)


def call(api: Api, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[Any, str]:
    """The answer for a path of this repository or an address, and the address of the next page."""
    content = None if body is None else json.dumps(body).encode()
    with answer_of(api, method, path, content) as answer:
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link") or "")
        return json.load(answer), following[1] if following else ""


def answer_of(
    api: Api, method: str, path: str, content: bytes | None = None, patience: float = PATIENCE
) -> HTTPResponse:
    """The answer itself. A forge that asks for a pause gets it, if it is no longer than `patience`
    seconds; FactoryError where it refuses.

    Where it sends on to another host, as for files, the token does not go along.
    """
    url = path if "://" in path else api.base + path
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = Request(url, content, headers, method=method)  # noqa: S310 - the forge's own address
    request.add_unredirected_header("Authorization", f"Bearer {api.token}")
    try:
        answer: HTTPResponse = urlopen(request, timeout=30)  # noqa: S310
    except HTTPError as error:
        with error:
            pause, reason = pause_of(error), reason_of(error)
        if not 0 < pause <= patience:
            message = f"the forge answers {error.code} to {method} {path}: {reason}"
            raise FactoryError(message, "look at the job's permissions and its token") from error
    except URLError as error:
        message = f"the forge cannot be reached: {error.reason}"
        raise FactoryError(message, "run the job again when it answers") from error
    else:
        return answer
    sleep(pause)
    return answer_of(api, method, path, content, patience - pause)


def pause_of(error: HTTPError) -> float:
    """The seconds that a forge asks to wait for, where it has been asked too often; else 0."""
    after = error.headers.get("Retry-After") or ""
    return max(1, int(after)) if error.code in (403, 429) and after.isdecimal() else 0


def reason_of(error: HTTPError) -> str:
    """Why the forge refuses, in its own words where it gives any."""
    with suppress(ValueError, AttributeError):
        if message := json.load(error).get("message"):
            return str(message)
    return error.reason


def entries(api: Api, path: str) -> Iterator[dict[str, Any]]:
    """All entries of a list, page after page."""
    while path:
        page, path = call(api, "GET", path)
        yield from page
