"""Spans of time that lie side by side, the same for everybody who looks."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import FactoryError

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday: weeks begin with it


@dataclass(frozen=True)
class Window:
    """From a moment up to another."""

    begin: datetime
    end: datetime

    def earlier(self, count: int) -> "Window":
        """The window so many windows before."""
        back = count * (self.end - self.begin)
        return Window(self.begin - back, self.end - back)


def length_of(text: str) -> timedelta:
    """`7d`, `24h`, `30m` or `20s`; FactoryError for anything else."""
    found = re.fullmatch(r"([1-9]\d{0,4})([dhms])", text.strip())
    if not found:
        raise FactoryError(f"{text!r} is no length of a window", "say 7d, 24h, 30m or 20s")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def last_whole(length: timedelta, now: datetime) -> Window:
    """The latest window that is over."""
    end = ANCHOR + (now - ANCHOR) // length * length
    return Window(end - length, end)


def stamp(moment: datetime) -> str:
    """A moment in UTC as JSON has it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
