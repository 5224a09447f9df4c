"""What a job proposes: a branch with a request to merge it, one for each thing that is proposed."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Proposal:
    """The branch that HEAD goes to, and what its request says; `mark` names what is proposed."""

    branch: str
    mark: str
    title: str
    text: str


@dataclass(frozen=True)
class Request:
    """A request as the forge has it, by its path in the API."""

    path: str
    text: str
    is_open: bool


def proposal_of(content: Mapping[str, str]) -> Proposal:
    """A proposal that was kept as JSON."""
    return Proposal(**content)
