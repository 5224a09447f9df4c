"""Repositories of other users, as they are often mounted into a container."""

from __future__ import annotations

from mlfactory_runtime.programs import STRANGER

from .errors import MlfactoryError


def check_owner(message: str) -> None:
    """Raises MlfactoryError when git refuses a repository because it is another user's. What it
    advises is a command, and so the same in every language."""
    if advice := STRANGER.search(message):
        text = f"git does not open the repository {advice[1]}: it belongs to another user"
        raise MlfactoryError(text, f"If you trust it: {advice[0]}")
