"""The one request of a branch: opened once, and brought up to date as long as it is open."""

from __future__ import annotations

from collections.abc import Sequence

from mlfactory.base.errors import MlfactoryError

from .kinds import Forge, ForgeError, Request, Wish, mark_of

AGAIN = (0, 409, 422)  # and 500 and above: it may be there all the same


class DeclinedError(MlfactoryError):
    """A person has closed the request of exactly this change."""


def settle(forge: Forge, wish: Wish) -> Request:
    """Open the request of a branch, or bring the open one up to date. What somebody else opened
    from the branch stays as they wrote it. Raises DeclinedError, or ForgeError."""
    if request := keep(forge, wish, forge.requests(wish.branch)):
        return request
    try:
        return forge.open(wish)
    except ForgeError as error:
        if error.code not in AGAIN and error.code < 500:
            raise
        if request := keep(forge, wish, forge.requests(wish.branch)):
            return request
        raise


def keep(forge: Forge, wish: Wish, requests: Sequence[Request]) -> Request | None:
    """The open request, brought up to date, or None. DeclinedError where this very change was
    closed."""
    for one in requests:
        if one.state == "open":
            if one.is_ours:
                forge.rewrite(one, wish)
            return one
    for one in requests:
        if one.state == "closed" and wish.tree and mark_of(wish.tree) in one.text:
            raise DeclinedError(
                f"{one.page or one.path} was closed without being merged",
                "Open it again there, or give the repository a `skip` in fleet.yml.",
            )
    return None
