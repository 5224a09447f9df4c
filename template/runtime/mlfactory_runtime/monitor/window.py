"""Spans of time that lie side by side, the same for everybody who looks."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import FactoryError

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
MONTHS, BATCHES = -1, -2
NAMED = {"month": MONTHS, "batch": BATCHES}
ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday: weeks begin with it


@dataclass(frozen=True)
class Window:
    """From a moment up to another; `length` is in microseconds, or one of MONTHS and BATCHES."""

    begin: datetime
    end: datetime
    length: int

    def earlier(self, count: int) -> "Window":
        """The window so many windows before; of batches only the log knows."""
        if self.length == MONTHS:
            return Window(month(self.begin, -count), month(self.begin, 1 - count), MONTHS)
        back = count * (self.end - self.begin)
        return Window(self.begin - back, self.end - back, self.length)


def length_of(text: str) -> timedelta | None:
    """`7d`, `24h`, `30m` or `20s`; None for `month` and `batch`. FactoryError for anything else."""
    if text.strip() in NAMED:
        return None
    parts = re.fullmatch(r"([1-9]\d{0,4})([dhms])", text.strip())
    if not parts:
        message = f"{text!r} is no length of a window"
        raise FactoryError(message, "say 7d, 24h, 30m or 20s, month or batch")
    return timedelta(**{UNITS[parts[2]]: int(parts[1])})


def last_whole(length: timedelta | None, now: datetime) -> Window:
    """The latest window that is over; without a length it is a calendar month."""
    if length is None:
        begin = month(now, 0)
        return Window(month(begin, -1), begin, MONTHS)
    end = ANCHOR + (now - ANCHOR) // length * length
    return Window(end - length, end, length // timedelta(microseconds=1))


def month(moment: datetime, count: int) -> datetime:
    """When the month so many months after that of a moment begins, in UTC."""
    own = moment.astimezone(UTC)
    years, number = divmod(own.year * 12 + own.month - 1 + count, 12)
    return datetime(years, number + 1, 1, tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """A moment in UTC as JSON has it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
