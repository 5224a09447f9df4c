"""What a program keeps to that sends a token: to one host alone, and as one line."""

from __future__ import annotations

from typing import Any
from urllib.request import HTTPRedirectHandler


class Stay(HTTPRedirectHandler):
    """Goes nowhere by itself: a token would go along, and a POST would become a GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


def is_one_line(token: str) -> bool:
    """Whether a header can hold it; an error of the library would repeat it."""
    return token.isascii() and token.isprintable()
