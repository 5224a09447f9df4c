"""Rows that got no answer: how many broke which rule, and by which category that nobody knew.

A value is kept only where it is a category of a column that is not sensitive.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping

import sqlalchemy as sa

from .store import new, now, refusals

Broken = Counter[tuple[str, str, str]]  # rows by field, rule and value
STRANGER = "unknown client"  # in place of a value
ALL = ("", "", "")  # the rows, whatever they broke
LONGEST, MOST = 100, 20
SECOND, TEN_MINUTES = 1_000_000, 600_000_000


def of_users(broken: Broken, rows: int) -> Broken:
    """What rows broke, and how many rows that were."""
    return broken + Broken({ALL: rows})


def of_strangers(broken: Broken) -> Broken:
    """Why requests of nobody who is known were refused: apart from all others."""
    return Broken({(field, rule, STRANGER): times for (field, rule, _), times in broken.items()})


def most_frequent(broken: Broken) -> Broken:
    """The same with the most frequent values of each rule; the others count without a name."""
    rules: dict[tuple[str, str], Broken] = defaultdict(Counter)
    for (field, rule, value), rows in broken.items():
        rules[field, rule][field, rule, value[:LONGEST].replace("\0", "")] += rows
    counts = Broken()
    for (field, rule), values in rules.items():
        for place, (key, rows) in enumerate(values.most_common()):
            counts[key if place < MOST else (field, rule, "")] += rows
    return counts


def write(connection: sa.Connection, target: str, model: str, broken: Broken) -> None:
    """Add what was refused by now. Strangers make few entries an hour, however often they ask."""
    moment, same = now(), {"target": target, "model": model}
    rows = [
        {**same, "time": moment - moment % (TEN_MINUTES if value == STRANGER else SECOND),
         "field": field, "rule": rule, "value": value, "rows": count}
        for (field, rule, value), count in most_frequent(broken).items()
    ]  # fmt: skip
    if rows:
        statement = new(connection, refusals)
        more = refusals.c.rows + statement.excluded.rows
        index = list(refusals.primary_key)
        added = statement.on_conflict_do_update(index_elements=index, set_={"rows": more})
        connection.execute(added, rows)


def counted(engine: sa.Engine, mine: Mapping[str, str], begin: int, end: int) -> Broken:
    """What was refused from a moment up to another, by the target and the model in `mine`."""
    own = refusals.c
    query = (
        sa.select(own.field, own.rule, own.value, sa.func.sum(own.rows))
        .where(own.time >= begin, own.time < end, *(own[n] == v for n, v in mine.items()))
        .group_by(own.field, own.rule, own.value)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return Counter({(field, rule, value): int(count) for field, rule, value, count in rows})
