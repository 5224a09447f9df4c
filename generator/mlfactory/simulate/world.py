"""A world that is like the data of a factory, until it drifts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from math import exp, isfinite
from random import Random
from typing import Any

from mlfactory.look import rows as tables

Row = dict[str, Any]
TILT = 4.0  # how much more often the rows with the highest values come once the world has drifted
ENOUGH = 20  # rows of one weekday or month, of each name, so that a day of theirs is like them
SEVERAL = 2  # rows that one name has on average, where it names what comes again
WRITTEN = re.compile(r"(\d(?:[\d.,' \u00a0\u202f]*\d)?)")  # the digits of a number
EPOCH = date(1970, 1, 1)
# How a day is written in forms that strftime does not know.
PERIODS: dict[str, Callable[[date], Any]] = {
    "%YQ%q": lambda day: f"{day.year}Q{(day.month + 2) // 3}",
    "%YH%h": lambda day: f"{day.year}H{(day.month + 5) // 6}",
    "%GW%V": lambda day: day.strftime("%G-W%V"),
    "%Y/+1": lambda day: f"{day.year}/{(day.year + 1) % 100:02}",
    "excel": lambda day: (day - EPOCH).days + 25_569,
    "epoch s": lambda day: (day - EPOCH).days * 86_400,
    "epoch ms": lambda day: (day - EPOCH).days * 86_400 * 10**3,
    "epoch us": lambda day: (day - EPOCH).days * 86_400 * 10**6,
    "epoch ns": lambda day: (day - EPOCH).days * 86_400 * 10**9,
}
NEAR = 0.2  # how far a new row lies at most from one of the data towards another


@dataclass(frozen=True)
class Columns:
    """What the columns are; `drivers` are numbers that matter to the model, the first one most."""

    types: Mapping[str, str]
    target: str
    regression: bool
    identifier: str
    time: str
    drivers: tuple[str, ...]
    missing: frozenset[str]
    forms: Mapping[str, Any] = field(default_factory=dict)  # how values are written, by column


class World:
    """Gives rows with their outcomes, always the same for one seed.

    A day of this world is `step` days of the calendar. Where rows are dated, those of a day are
    like rows of the same weekday and month. Names that several rows have, as the shops of a panel,
    come again, each as often as the others.
    """

    def __init__(
        self, rows: Sequence[Row], columns: Columns, seed: int = 0, *, step: int = 1
    ) -> None:
        self.columns, self.chance, self.numbers = columns, Random(seed), count(1)  # noqa: S311
        self.step = step
        complete = [r for r in rows if r[columns.target] not in (None, *columns.missing)]
        self.rows = sorted(complete, key=lambda row: figure(row[columns.drivers[0]]) or 0.0)
        values = {name: [figure(row[name]) for row in complete] for name in columns.drivers}
        self.levels = {
            n: sorted(v for v in series if v is not None) for n, series in values.items()
        }
        self.order = amount if columns.regression else order
        self.outcomes = sorted({row[columns.target] for row in complete}, key=self.order)
        self.weights = {False: [1.0] * len(complete), True: [self._tilt(row) for row in self.rows]}
        self.days = self._days()
        self.last = max((day for day in self.days if day), default=None)
        self.names = self._panel()
        self.seasons: dict[date | None, list[int]] = {}

    def draw(self, day: int, has_drifted: bool) -> Row:
        """A row of that day as the data would hold it, with the outcome that it will have.

        When the world has drifted, other rows come, and of those with high values of the first
        driver each has another outcome than it had before: what was learned of them is wrong.
        """
        when = self._date(day)
        alike = self._own(self._alike(when))
        weights = [self.weights[has_drifted][index] for index in alike]
        place = self.chance.choices(range(len(alike)), weights)[0]
        row = self._between(self.rows[alike[place]], self._neighbour(alike, place))
        if has_drifted and self._rank(row, self.columns.drivers[0]) > 0.5:
            row[self.columns.target] = self._other(row[self.columns.target])
        return row | self._names(row, when)

    def request(self, rows: Sequence[Row], fields: Container[str]) -> list[Row]:
        """Some fields of the rows as a client sends them, whose values have the catalog's types."""
        names = [name for name in rows[0] if name in fields]
        columns = [self._values(name, [row[name] for row in rows]) for name in names]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def _values(self, name: str, values: Sequence[Any]) -> list[Any]:
        """Values of a column as JSON has them; what cannot be read is missing."""
        kind = self.columns.types.get(name, "string")
        texts = [None if str(value) in self.columns.missing else value for value in values]
        return tables.as_json_values(texts, kind, self.columns.forms.get(name))

    def _days(self) -> list[date | None]:
        """The date of each row, where rows are dated."""
        name = self.columns.time
        if not name:
            return [None] * len(self.rows)
        texts = self._values(name, [row[name] for row in self.rows])
        return [date.fromisoformat(str(text)[:10]) if text else None for text in texts]

    def _panel(self) -> list[set[int]]:
        """The rows of each name, where a name has several."""
        rows: dict[Any, set[int]] = {}
        for index, row in enumerate(self.rows):
            rows.setdefault(row.get(self.columns.identifier), set()).add(index)
        return list(rows.values()) if 1 < len(rows) <= len(self.rows) / SEVERAL else []

    def _own(self, alike: list[int]) -> list[int]:
        """Those of one name, where names come again; all of its rows if none of these is."""
        if not self.names:
            return alike
        own = self.chance.choice(self.names)
        return [index for index in alike if index in own] or sorted(own)

    def _date(self, day: int) -> date | None:
        """A date of that day, after all of the data."""
        later = day * self.step + self.chance.randint(1, self.step)
        return self.last and self.last + timedelta(later)

    def _alike(self, when: date | None) -> list[int]:
        """The rows of the same weekday and month, or month, if there are some; else all."""
        if when not in self.seasons:
            days = [(index, day) for index, day in enumerate(self.days) if day and when]
            month = [(index, day) for index, day in days if when and day.month == when.month]
            both = [
                (index, day) for index, day in month if when and day.weekday() == when.weekday()
            ]
            least = ENOUGH * max(len(self.names), 1)
            some = next((one for one in (both, month) if len(one) >= least), [])
            self.seasons[when] = [index for index, _ in some] or list(range(len(self.rows)))
        return self.seasons[when]

    def _tilt(self, row: Row) -> float:
        ranks = [self._rank(row, name) for name in self.columns.drivers]
        return exp(TILT * sum(ranks) / len(ranks))

    def _rank(self, row: Row, name: str) -> float:
        value = figure(row[name])
        return (
            0.0 if value is None else bisect_left(self.levels[name], value) / len(self.levels[name])
        )

    def _neighbour(self, alike: Sequence[int], place: int) -> Row:
        """A row close by in the first driver, of the same class if there are classes."""
        row, target = self.rows[alike[place]], self.columns.target
        near = [self.rows[index] for index in alike[max(place - 20, 0) : place + 20]]
        return self.chance.choice(
            [one for one in near if self.columns.regression or one[target] == row[target]]
        )

    def _between(self, row: Row, other: Row) -> Row:
        """A new row: numbers lie between those of two rows, all else is the first one's."""
        share, mixture = self.chance.uniform(0, NEAR), dict(row)
        for name, kind in self.columns.types.items():
            a, b = figure(row.get(name)), figure(other.get(name))
            if kind in ("int", "float") and a is not None and b is not None:
                mixture[name] = like(row[name], a + share * (b - a))
        return mixture

    def _other(self, outcome: Any) -> Any:
        """The next class; of numbers, the one as far from the other end."""
        if not self.columns.regression:
            return self.outcomes[(self.outcomes.index(outcome) + 1) % len(self.outcomes)]
        index = bisect_left(self.outcomes, self.order(outcome), key=self.order)
        return self.outcomes[max(len(self.outcomes) - 1 - index, 0)]

    def _names(self, row: Row, when: date | None) -> Row:
        """What names and dates the row."""
        columns, names = self.columns, {}
        if columns.identifier and not self.names:
            whole = (
                isinstance(row[columns.identifier], int)
                or columns.types[columns.identifier] == "int"
            )
            serial = 900_000_000 + next(self.numbers)
            names[columns.identifier] = serial if whole else f"S{serial}"
        if when:
            form = columns.forms.get(columns.time)
            names[columns.time] = date_like(row[columns.time], when, form)
        return names


def number(value: Any) -> float | None:
    """The value as a number, if it is one."""
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    return figure if isfinite(figure) else None


def figure(value: Any) -> float | None:
    """The same of a number that people wrote: with a decimal comma, groups, a unit."""
    if (plain := number(value)) is not None or not isinstance(value, str):
        return plain
    core = WRITTEN.search(value)
    digits = re.sub("[^0-9.,]", "", core[0]) if core else ""
    last = max(digits.rfind("."), digits.rfind(","))
    whole, rest = (digits[:last], digits[last + 1 :]) if last >= 0 else (digits, "")
    size = number(f"{re.sub('[.,]', '', whole)}.{rest or 0}") if core else None
    return -size if size is not None and value.lstrip().startswith(("-", "(")) else size


def amount(value: Any) -> tuple[float, str]:
    """Numbers by their size, however they are written."""
    return figure(value) or 0.0, ""


def order(value: Any) -> tuple[float, str]:
    """Numbers by their size, all else by its text."""
    figure = number(value)
    return (figure or 0.0, "" if figure is not None else str(value))


def like(value: Any, new: float) -> Any:
    """A number written as another one is."""
    if isinstance(value, int):
        return round(new)
    if isinstance(value, float):
        return new
    if number(value) is not None:
        digits = len(value.partition(".")[2].strip())
        return f"{new:.{digits}f}"
    before, core, after = WRITTEN.split(value, maxsplit=1)
    comma = core.rfind(",") > core.rfind(".")
    digits = len(core.rpartition("," if comma else ".")[2]) if re.search("[.,]", core) else 0
    text = f"{abs(new):.{digits}f}"
    return before + (text.replace(".", ",") if comma else text) + after


def date_like(value: Any, when: date, form: Any) -> Any:
    """A date written as another one is, months in English; what has no form stays as it is."""
    if isinstance(value, datetime):
        return datetime.combine(when, value.timetz())
    forms = [form] if isinstance(form, str) else form or ()
    for own in forms:
        if own in PERIODS:
            return type(value)(PERIODS[own](when))
    if not isinstance(value, str):
        return when
    for own in forms:
        with suppress(ValueError):
            moment = datetime.strptime(value.strip(), own)
            return datetime.combine(when, moment.timetz()).strftime(own)
    with suppress(ValueError):
        date.fromisoformat(value[:10])
        return when.isoformat() + value[10:]
    return when.strftime(forms[0]) if forms else value
