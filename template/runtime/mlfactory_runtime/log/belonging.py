"""Which predictions an outcome belongs to: by request, by entity and date, or by entity and time.

Where several may be meant and nothing says which, nobody guesses: every metric would follow from
the guess.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl
import sqlalchemy as sa

from .store import complete, former_labels, labels, micros, predictions

Kind = Literal["request", "entity", "dated"]
KINDS: tuple[Kind, ...] = ("request", "dated", "entity")  # the first one that is known counts
Place = tuple[str, int, int]
PLACE = ("key", "row", "time")
UNKNOWN = "unknown"
AMBIGUOUS = {
    "again": "{} of entities that were predicted again since their last outcome",
    "several": "{} of entities that were predicted several times, from different values",
    "undated": "{} of several dates of an entity whose predictions have no date",
    "rows": "{} of requests of several rows, without the row",
}


@dataclass(frozen=True)
class Asked:
    """When an entity was predicted, first and last, and whether always from the same values."""

    first: int
    last: int
    alike: bool


def stored(
    connection: sa.Connection, target: str, kind: Kind, rows: pl.DataFrame
) -> dict[Place, sa.Row[Any]]:
    """The outcomes that are there of the same keys."""
    own, keys = labels.c, keys_of(rows)
    span = own.row.between(rows["row"].min(), rows["row"].max())
    mine = (own.target == target, own.kind == kind, own.key.in_(keys), span)
    query = connection.execute(sa.select(labels).where(*mine))
    return {(one.key, one.row, one.time): one for one in query}


def doubts(
    connection: sa.Connection,
    target: str,
    kind: Kind,
    rows: pl.DataFrame,
    before: Mapping[Place, sa.Row[Any]],
) -> Iterator[str]:
    """For each outcome: nothing if it belongs to a prediction, UNKNOWN, or why it is ambiguous.

    `changed` is one that takes the place of another whose predictions are gone.
    """
    if kind == "request":
        return in_requests(connection, target, rows)
    if kind == "dated":
        return on_dates(connection, target, rows)
    return of_entities(connection, target, rows, before)


def in_requests(connection: sa.Connection, target: str, rows: pl.DataFrame) -> Iterator[str]:
    """The same where outcomes name a request; `numbered` says whether they name its row, too."""
    p = predictions.c
    mine = (p.target == target, p.request_id.in_(keys_of(rows)), complete())
    query, numbered = sa.select(p.request_id, p.row).where(*mine).distinct(), rows["numbered"].all()
    if numbered:
        query = query.where(p.row.between(rows["row"].min(), rows["row"].max()))
    pairs = {*map(tuple, connection.execute(query).all())}
    many = set() if numbered else {key for key, row in pairs if row}
    for key, row in rows.select("key", "row").iter_rows():
        yield "rows" if key in many else "" if (key, row) in pairs else UNKNOWN


def on_dates(connection: sa.Connection, target: str, rows: pl.DataFrame) -> Iterator[str]:
    """The same where outcomes and predictions have the date of their row."""
    p = predictions.c
    mine = (p.target == target, p.entity.in_(keys_of(rows)), complete())
    query = sa.select(p.entity, p.row_time).where(*mine).distinct()
    pairs = {tuple(one) for one in connection.execute(query)}
    for place in rows.select("key", "time").iter_rows():
        yield "" if place in pairs else UNKNOWN


def of_entities(
    connection: sa.Connection,
    target: str,
    rows: pl.DataFrame,
    before: Mapping[Place, sa.Row[Any]],
) -> Iterator[str]:
    """The same where outcomes name an entity, and perhaps when they were known (`time`): one that
    no prediction lies before, since the outcome before it, is of none.
    """
    answers = asked_of(connection, target, keys_of(rows))
    has_times = (rows["time"] != 0).any()
    questions, outcomes = moments_of(connection, target, rows) if has_times else ({}, {})
    for key, time, until, several in rows.select("key", "time", "until", "several").iter_rows():
        answer, old = answers.get(key), before.get((key, 0, 0))
        if answer is None or answer.first > until:
            yield UNKNOWN
        elif time:
            yield "" if is_next(until, questions.get(key, []), outcomes[key]) else UNKNOWN
        elif several:
            yield "undated"
        elif old and answer.first <= old.until < answer.last:
            yield "again"
        elif not answer.alike:
            yield "several"
        else:
            yield "changed" if old and old.until < answer.first else ""


def is_next(until: int, questions: Sequence[int], outcomes: list[int]) -> bool:
    """Whether an outcome of an entity is the next one after a prediction, among the `outcomes` that
    there are; then it is one of these.
    """
    place = bisect_left(outcomes, until)
    if outcomes[place : place + 1] == [until]:
        return True
    earlier = bisect_right(questions, until)
    if not earlier or (place and questions[earlier - 1] <= outcomes[place - 1]):
        return False
    outcomes.insert(place, until)
    return True


def moments_of(
    connection: sa.Connection, target: str, rows: pl.DataFrame
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """When entities were predicted, and when their outcomes were known, each in order."""
    p, own, keys = predictions.c, labels.c, keys_of(rows)
    questions, outcomes = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    mine = (p.target == target, p.entity.in_(keys), complete())
    for key, time in connection.execute(sa.select(p.entity, p.time).where(*mine).distinct()):
        questions[key].append(time)
    theirs = (own.target == target, own.kind == "entity", own.key.in_(keys))
    for key, until in connection.execute(sa.select(own.key, own.until).where(*theirs)):
        outcomes[key].append(until)
    for times in (*questions.values(), *outcomes.values()):
        times.sort()
    return questions, outcomes


def asked_of(connection: sa.Connection, target: str, keys: Sequence[str]) -> dict[str, Asked]:
    """What the log holds of entities."""
    p, count = predictions.c, sa.func.count
    query = (
        sa.select(
            p.entity,
            sa.func.min(p.time),
            sa.func.max(p.time),
            count(p.features.distinct()),
            count(p.row_time.distinct()),
        )
        .where(p.target == target, p.entity.in_(keys), complete())
        .group_by(p.entity)
    )
    return {
        key: Asked(first, last, values == 1 and dates <= 1)
        for key, first, last, values, dates in connection.execute(query)
    }


def keys_with_dates(connection: sa.Connection, target: str, rows: pl.DataFrame) -> pl.Series:
    """Which outcomes are of an entity with a prediction whose row has a date."""
    p = predictions.c
    mine = (p.target == target, p.entity.in_(keys_of(rows)), p.row_time.is_not(None), complete())
    keys = connection.scalars(sa.select(p.entity).where(*mine).distinct()).all()
    return rows["key"].is_in(list(keys))


def fits(kind: Kind) -> sa.ColumnElement[bool]:
    """Whether an outcome of a kind belongs to a prediction; of an entity's, the next one does."""
    p, own, other = predictions.c, labels.c, labels.alias("nearer").c
    same = (own.kind == kind) & (own.target == p.target)
    if kind == "request":
        return same & (own.key == p.request_id) & (own.row == p.row)
    if kind == "dated":
        return same & (own.key == p.entity) & (own.time == p.row_time)
    nearer = sa.exists().where(
        other.target == own.target, other.kind == kind, other.key == own.key,
        other.until >= p.time, other.until < own.until,
    )  # fmt: skip
    return same & (own.key == p.entity) & (own.until >= p.time) & ~nearer


def shared(connection: sa.Connection, target: str, time: int) -> int:
    """How many outcomes taken in at a moment count for several runs or requests of an entity."""
    p, own = predictions.c, labels.c
    many = (
        sa.select(own.key, own.time)
        .select_from(labels)
        .join(predictions, fits("entity"))
        .where(own.target == target, own.taken == time, complete())
        .group_by(own.key, own.time)
        .having(sa.func.count(p.request_id.distinct()) > 1)
    )
    return connection.scalar(sa.select(sa.func.count()).select_from(many.subquery())) or 0


def with_outcomes(
    connection: sa.Connection, target: str, names: Sequence[str], until: datetime | None = None
) -> sa.Select[Any]:
    """Each prediction with the outcome of its request, else of its row's date, else the next one of
    its entity; with `known` as they had been taken in at that moment.
    """
    outcomes = labels if until is None else as_known(micros(until))
    p, own, columns = predictions.c, outcomes.alias("later").c, list[Any]()
    source: sa.FromClause = predictions
    later = sa.select(own.time).where(
        own.target == target, own.kind == "entity", own.key == p.entity, own.row == 0,
        own.until >= p.time,
    ).order_by(own.until).limit(1)  # fmt: skip
    after = later.correlate(predictions).scalar_subquery()
    places: dict[Kind, tuple[Any, ...]] = {
        "request": (p.request_id, p.row, 0),
        "dated": (p.entity, 0, p.row_time),
        "entity": (p.entity, 0, after),
    }
    for kind in KINDS:
        one = outcomes.alias(kind)
        mine = sa.and_(one.c.target == target, one.c.kind == kind)
        if connection.scalar(sa.select(sa.exists().where(mine))):
            fits = (one.c[name] == value for name, value in zip(PLACE, places[kind], strict=True))
            source = source.outerjoin(one, sa.and_(mine, *fits))
            columns.append(one.c)
    blank = (sa.null(), sa.null())  # SQLite's coalesce wants two
    joined = {"outcome": "outcome", "outcome_time": "until"}
    values = (
        sa.func.coalesce(*(c[joined[name]] for c in columns), *blank) if name in joined else p[name]
        for name in names
    )
    return sa.select(*values).select_from(source).where(p.target == target, complete())


def as_known(moment: int) -> sa.Subquery:
    """The outcomes as they had been taken in at a moment."""
    own, former = labels.c, former_labels.c
    names = ("target", "kind", "key", "row", "time", "until", "outcome")
    parts = [
        sa.select(*(c[name] for name in names)).where(sa.func.coalesce(c.taken, c.until) <= moment)
        for c in (own, former)
    ]
    return sa.union_all(parts[0], parts[1].where(former.replaced > moment)).subquery()


def keys_of(rows: pl.DataFrame) -> list[str]:
    keys: list[str] = rows["key"].unique().to_list()
    return keys
