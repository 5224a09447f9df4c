"""What a job proposes: a branch with a request to merge it, one for each thing that is proposed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Proposal:
    """The branch that HEAD goes to, and what its request says; `mark` names what is proposed.

    A `draft` cannot be merged as it is.
    """

    branch: str
    mark: str
    title: str
    text: str
    draft: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """A request as the forge has it, by its path in the API."""

    path: str
    text: str
    is_open: bool
    is_draft: bool = False


def proposal_of(content: Mapping[str, Any]) -> Proposal:
    """A proposal that was kept as JSON."""
    return Proposal(**content)
