"""What a page draws of a fleet: versions over time, waves, and levels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from .levels import LEVELS, WORDS
from .status import Row

WIDTH, HEIGHT = 1000, 200
MOST = 6  # so many versions are told apart; what is older is one
STATES = ("current", "proposed", "behind", "in conflict", "failed")


@dataclass(frozen=True)
class Band:
    """A version over time: an area of the drawing, how strong its colour is, and how many have it
    now."""

    name: str
    points: str
    strength: float
    count: int


@dataclass(frozen=True)
class Adoption:
    """Versions over time, from the first day to the last; `top` is how many there are."""

    bands: tuple[Band, ...] = ()
    first: str = ""
    last: str = ""
    top: int = 0


@dataclass(frozen=True)
class Part:
    """A part of a bar: what it is, how many, and its share in per cent."""

    state: str
    count: int
    share: float

    @property
    def tone(self) -> str:
        return self.state.replace(" ", "-")


@dataclass(frozen=True)
class Bar:
    """How many of a wave, or of all, are in which state."""

    name: str
    count: int
    parts: tuple[Part, ...]
    text: str = ""


def adoption(rows: Sequence[Row]) -> Adoption:
    """Which versions the repositories had on which day. Days that say otherwise are left out."""
    events = sorted(
        (day, number, version)
        for number, row in enumerate(rows)
        for day, version in row.adoption
        if is_day(day)
    )
    days = sorted({day for day, _, _ in events})
    if not days:
        return Adoption()
    order = {version: place for place, version in enumerate(in_order(rows, events))}
    newest = list(order)[-MOST:]
    now: dict[int, str] = {}
    counts: list[Counter[str]] = []
    rest = iter([*events, ("9999", -1, "")])
    event = next(rest)
    for day in days:
        while event[0] <= day:
            now[event[1]] = event[2]
            event = next(rest)
        counts.append(Counter(v if v in newest else "older" for v in now.values()))
    last = max(days[-1], datetime.now(UTC).date().isoformat())
    names = [*(["older"] if len(order) > MOST else []), *newest]
    places = [place_of(day, days[0], last) for day in days]
    return Adoption(tuple(bands(names, places, counts)), days[0], last, len(now))


def is_day(text: str) -> bool:
    """Whether it is one of the past: a commit may say any."""
    try:
        return date(1990, 1, 1) <= date.fromisoformat(text) <= datetime.now(UTC).date()
    except ValueError:
        return False


def in_order(rows: Sequence[Row], events: Sequence[tuple[str, int, str]]) -> list[str]:
    """The versions by their numbers, what has none first, and the newest of all last."""
    versions = {version for _, _, version in events}
    newest = Counter(row.newest for row in rows if row.newest).most_common(1)
    last = newest[0][0] if newest else ""
    return sorted(versions, key=lambda one: (one == last, numbers(one), one))


def numbers(version: str) -> list[int]:
    return [int(number[:9]) for number in re.findall(r"\d+", version)] if "." in version else []


def place_of(day: str, first: str, last: str) -> float:
    """Where a day is on the drawing, from left to right."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    length = max((end - start).days, 1)
    return round((date.fromisoformat(day) - start).days * WIDTH / length, 1)


def bands(
    names: Sequence[str], places: Sequence[float], counts: Sequence[Counter[str]]
) -> list[Band]:
    """Areas in steps, one on top of the other."""
    top = max(sum(count.values()) for count in counts)
    below = [0] * len(counts)
    rows = []
    for number, name in enumerate(names):
        above = [low + count[name] for low, count in zip(below, counts, strict=True)]
        upper, lower = steps(places, above, top), steps(places, below, top)
        points = " ".join(f"{x:g},{y:g}" for x, y in [*upper, *reversed(lower)])
        strength = round(0.15 + 0.85 * (number + 1) / len(names), 2)
        rows.append(Band(name, points, strength, counts[-1][name]))
        below = above
    return rows


def steps(places: Sequence[float], values: Sequence[int], top: int) -> list[tuple[float, float]]:
    """The corners of a line in steps, to the right end."""
    corners = []
    for place, following, value in zip(places, [*places[1:], WIDTH], values, strict=True):
        height = round(HEIGHT - value * HEIGHT / max(top, 1), 1)
        corners += [(place, height), (float(following), height)]
    return corners


def waves(rows: Sequence[Row], groups: Sequence[str]) -> tuple[Bar, ...]:
    """How far each wave is, in their order; none where there are no groups."""
    if not groups:
        return ()
    names = [*groups, *([""] if any(not row.group for row in rows) else [])]
    return tuple(wave(name, [row for row in rows if row.group == name]) for name in names)


def wave(name: str, rows: Sequence[Row]) -> Bar:
    counts = Counter(state_of(row) for row in rows if not row.skip)
    total = sum(counts.values())
    parts = tuple(
        Part(s, counts[s], round(100 * counts[s] / total, 2)) for s in STATES if counts[s]
    )
    return Bar(name or "the rest", total, parts)


def state_of(row: Row) -> str:
    facts = {"failed": row.error, "proposed": row.proposal, "in conflict": row.conflicts}
    return next(
        (state for state, holds in facts.items() if holds), "behind" if row.behind else "current"
    )


def reached(rows: Sequence[Row]) -> tuple[Bar, ...]:
    """How many repositories have reached each level."""
    active = [row for row in rows if not (row.skip or row.error)]
    if not active:
        return ()
    bars = []
    for level in LEVELS:
        count = sum(level in row.levels for row in active)
        share = round(100 * count / len(active), 2)
        bars.append(Bar(level, len(active), (Part("reached", count, share),), WORDS[level]))
    return tuple(bars)
