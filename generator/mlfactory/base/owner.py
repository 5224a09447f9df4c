"""Repositories of other users, as they are often mounted into a container."""

from __future__ import annotations

import re

from .errors import MlfactoryError

ADVICE = re.compile(r"git config --global --add safe\.directory (\S.*)")


def check_owner(message: str) -> None:
    """Raises MlfactoryError when git refuses a repository because it is another user's. What it
    advises is a command, and so the same in every language."""
    if advice := ADVICE.search(message):
        text = f"git does not open the repository {advice[1]}: it belongs to another user"
        raise MlfactoryError(text, f"If you trust it: {advice[0]}")
