"""A forge's REST API: a call, and a list page after page."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import FactoryError

ENV = os.environ


@dataclass(frozen=True)
class Api:
    """Where a repository stands in the API, and the token that opens it."""

    base: str
    token: str = field(repr=False)


def call(api: Api, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[Any, str]:
    """The answer for a path of this repository or an address, and the address of the next page."""
    url = path if "://" in path else api.base + path
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    headers["Authorization"] = f"Bearer {api.token}"
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, headers, method=method)  # noqa: S310 - the forge's own address
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link") or "")
            return json.load(answer), following[1] if following else ""
    except HTTPError as error:
        error.close()
        message = f"the forge answers {error.code} to {method} {path}: {error.reason}"
        raise FactoryError(message, "look at the job's permissions and its token") from error
    except URLError as error:
        message = f"the forge cannot be reached: {error.reason}"
        raise FactoryError(message, "run the job again when it answers") from error


def entries(api: Api, path: str) -> Iterator[dict[str, Any]]:
    """All entries of a list, page after page."""
    while path:
        page, path = call(api, "GET", path)
        yield from page
