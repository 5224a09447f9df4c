"""Which forge runs this job."""

from collections.abc import Iterator
from typing import Protocol

from ..errors import FactoryError
from . import github, gitlab
from .proposal import Proposal, Request
from .rest import ENV
from .review import Review


class Forge(Protocol):
    """What is asked of a forge; each has a module that answers."""

    def commit(self) -> str: ...
    def file_page(self, ref: str, path: str) -> str: ...
    def run_page(self) -> str: ...
    def review(self, commit: str) -> Review: ...
    def own_issue(self, mark: str) -> str: ...
    def open_issue(self, title: str, text: str) -> str: ...
    def rewrite_issue(self, path: str, title: str, text: str) -> None: ...
    def close_issue(self, path: str, comment: str) -> None: ...
    def requests(self, branch: str) -> Iterator[Request]: ...
    def open_request(self, proposal: Proposal, text: str) -> str: ...
    def rewrite_request(self, path: str, title: str, text: str) -> None: ...


def forge_or_none() -> Forge | None:
    """The forge; none where this is no job of one."""
    if "CI_API_V4_URL" in ENV:
        return gitlab
    return github if "GITHUB_REPOSITORY" in ENV else None


def forge() -> Forge:
    """The forge. FactoryError where this is no job of one."""
    if place := forge_or_none():
        return place
    message = "this is no job of a forge: neither GITHUB_REPOSITORY nor CI_API_V4_URL is set"
    raise FactoryError(message, "by hand: factory promotions apply --approver NAME")
