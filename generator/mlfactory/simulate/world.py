"""A world that is like the data of a factory, until it drifts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from math import exp, isfinite
from random import Random
from typing import Any

from mlfactory.look import rows as tables

Row = dict[str, Any]
TILT = 4.0  # how much more often the rows with the highest values come once the world has drifted
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
    """Gives rows with their outcomes, always the same for one seed."""

    def __init__(self, rows: Sequence[Row], columns: Columns, seed: int = 0) -> None:
        self.columns, self.chance, self.numbers = columns, Random(seed), count(1)  # noqa: S311
        complete = [r for r in rows if r[columns.target] not in (None, *columns.missing)]
        self.rows = sorted(complete, key=lambda row: number(row[columns.drivers[0]]) or 0.0)
        values = {name: [number(row[name]) for row in complete] for name in columns.drivers}
        self.levels = {
            n: sorted(v for v in series if v is not None) for n, series in values.items()
        }
        self.outcomes = sorted({row[columns.target] for row in complete}, key=order)
        self.weights = {False: [1.0] * len(complete), True: [self._tilt(row) for row in self.rows]}

    def draw(self, day: int, has_drifted: bool) -> Row:
        """A row of that day as the data would hold it, with the outcome that it will have.

        When the world has drifted, other rows come, and of those with high values of the first
        driver each has another outcome than it had before: what was learned of them is wrong.
        """
        index = self.chance.choices(range(len(self.rows)), self.weights[has_drifted])[0]
        row = self._between(self.rows[index], self._neighbour(index))
        if has_drifted and self._rank(row, self.columns.drivers[0]) > 0.5:
            row[self.columns.target] = self._other(row[self.columns.target])
        return row | self._names(row, day)

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

    def _tilt(self, row: Row) -> float:
        ranks = [self._rank(row, name) for name in self.columns.drivers]
        return exp(TILT * sum(ranks) / len(ranks))

    def _rank(self, row: Row, name: str) -> float:
        value = number(row[name])
        return (
            0.0 if value is None else bisect_left(self.levels[name], value) / len(self.levels[name])
        )

    def _neighbour(self, index: int) -> Row:
        """A row close by in the first driver, of the same class if there are classes."""
        row, target = self.rows[index], self.columns.target
        near = self.rows[max(index - 20, 0) : index + 20]
        alike = [o for o in near if self.columns.regression or o[target] == row[target]]
        return self.chance.choice(alike)

    def _between(self, row: Row, other: Row) -> Row:
        """A new row: numbers lie between those of two rows, all else is the first one's."""
        share, mixture = self.chance.uniform(0, NEAR), dict(row)
        for name, kind in self.columns.types.items():
            a, b = number(row.get(name)), number(other.get(name))
            if kind in ("int", "float") and a is not None and b is not None:
                mixture[name] = like(row[name], a + share * (b - a))
        return mixture

    def _other(self, outcome: Any) -> Any:
        """The next class; of numbers, the one as far from the other end."""
        if not self.columns.regression:
            return self.outcomes[(self.outcomes.index(outcome) + 1) % len(self.outcomes)]
        index = bisect_left(self.outcomes, order(outcome), key=order)
        return self.outcomes[max(len(self.outcomes) - 1 - index, 0)]

    def _names(self, row: Row, day: int) -> Row:
        """What names and dates the row."""
        columns, names = self.columns, {}
        if columns.identifier:
            whole = (
                isinstance(row[columns.identifier], int)
                or columns.types[columns.identifier] == "int"
            )
            serial = 900_000_000 + next(self.numbers)
            names[columns.identifier] = serial if whole else f"S{serial}"
        if columns.time:
            names[columns.time] = later(self.rows, columns.time, day)
        return names


def number(value: Any) -> float | None:
    """The value as a number, if it is one."""
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    return figure if isfinite(figure) else None


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
    digits = len(value.partition(".")[2].strip())
    return f"{new:.{digits}f}"


def later(rows: Sequence[Row], name: str, day: int) -> Any:
    """A date after all of the data; one that is written in another way stays as it is."""
    last = max((row[name] for row in rows if row[name] is not None), key=str)
    if isinstance(last, str):
        try:
            return (date.fromisoformat(last[:10]) + timedelta(day + 1)).isoformat() + last[10:]
        except ValueError:
            return last
    return last + timedelta(day + 1)
