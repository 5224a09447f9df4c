"""The trail: what happened to the log, in entries that only ever follow one another.

Each entry holds the hash of the one before, so that none can be changed, taken out or put between
and the rest still fits. Entries count rows and name none: who is forgotten leaves nothing here.
"""

import getpass
import hashlib
import json
import os
import socket
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from ..records.trail import Anchor
from .store import complete, labels, new, now, predictions, tallies, trail

LATEST = 253_402_300_799_999_999  # microseconds, in the year 9999
ACTOR_ENV = "FACTORY_ACTOR"
LOCK = 7_206_174  # of PostgreSQL, held from appending until the transaction ends
COUNTED = {
    "predict": {"rows": "predictions"},
    "serve": {"rows": "predictions"},
    "label": {"new": "labels"},
}
BOTH = {"predictions": "predictions", "labels": "labels"}


@dataclass(frozen=True)
class Entry:
    """An entry as it stands there; `time` in microseconds since 1970, `content` in JSON."""

    number: int
    time: int
    kind: str
    actor: str
    content: str
    former: str
    hash: str

    @property
    def digest(self) -> str:
        """What its hash must be."""
        parts = [self.number, self.time, self.kind, self.actor, self.content, self.former]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def values(self) -> dict[str, object]:
        """Its content; nothing where somebody has put something else in its place."""
        try:
            content = json.loads(self.content)
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def effect(self) -> Counter[str]:
        """How many rows it puts into the tables, or takes out of them."""
        sign, values = -1 if self.kind in ("forget", "expire") else 1, self.values
        counts = {table: values.get(n) for n, table in COUNTED.get(self.kind, BOTH).items()}
        return Counter({t: sign * rows for t, rows in counts.items() if isinstance(rows, int)})


@cache
def who() -> str:
    """Who works here: as the environment says, else the user and the machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return os.environ.get(ACTOR_ENV) or f"{user}@{socket.gethostname()}"


def alone(connection: sa.Connection) -> None:
    """Let no one else append until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    else:  # SQLite has one writer; even where it has nothing to write, it is that from here on
        connection.execute(sa.delete(trail).where(sa.false()))


def begin(connection: sa.Connection) -> None:
    """The first entry, unless there is one: how many rows are older than the trail."""
    alone(connection)
    if last(connection) is None:
        before = {"predictions": rows_of(connection), "labels": outcomes_of(connection)}
        add(connection, "begin", who(), before)


def append(connection: sa.Connection, kind: str, content: Mapping[str, object]) -> None:
    """Write down what this transaction does: both or neither."""
    fold(connection)
    add(connection, kind, who(), content)


def tally(connection: sa.Connection, counts: Mapping[tuple[str, str], int]) -> None:
    """Count predictions of a service, by model and key; an entry for each write would be many."""
    worker = f"{who()} {os.getpid()}"
    rows = [
        {"worker": worker, "model": model, "key": key, "rows": rows}
        for (model, key), rows in counts.items()
        if rows
    ]
    if rows:
        statement = new(connection, tallies)
        more = tallies.c.rows + statement.excluded.rows
        index = list(tallies.primary_key)
        added = statement.on_conflict_do_update(index_elements=index, set_={"rows": more})
        connection.execute(added, rows)


def fold(connection: sa.Connection) -> None:
    """Make entries of what services have counted, one for each user and machine."""
    alone(connection)
    folded: dict[str, list[sa.Row[tuple[str, str, str, int]]]] = defaultdict(list)
    for one in connection.execute(sa.delete(tallies).returning(*tallies.c)).all():
        folded[one.worker.rpartition(" ")[0]].append(one)
    for actor, parts in sorted(folded.items()):
        models, keys = Counter[str](), Counter[str]()
        for one in parts:
            models[one.model] += one.rows
            keys[one.key] += one.rows
        content = {"rows": models.total(), "models": dict(sorted(models.items()))}
        by_key = {name: rows for name, rows in sorted(keys.items()) if name}
        add(connection, "serve", actor, content | ({"keys": by_key} if by_key else {}))


def add(connection: sa.Connection, kind: str, actor: str, content: Mapping[str, object]) -> None:
    """Put an entry behind the last one."""
    before = last(connection)
    number, former = (before.number + 1, before.hash) if before else (1, "")
    text = json.dumps(content, ensure_ascii=False)
    entry = Entry(number, now(), kind, actor, text, former, "")
    connection.execute(sa.insert(trail), {**vars(entry), "hash": entry.digest})


def first(connection: sa.Connection) -> Entry | None:
    """The entry that all others follow."""
    return end(connection, trail.c.number)


def last(connection: sa.Connection) -> Entry | None:
    """The entry that the next one follows."""
    return end(connection, trail.c.number.desc())


def end(connection: sa.Connection, order: sa.ColumnElement[int]) -> Entry | None:
    row = connection.execute(sa.select(trail).order_by(order).limit(1)).first()
    return entry_of(row) if row else None


def entry_of(row: sa.Row[Any]) -> Entry:
    """A row of the trail. What somebody has put there that is no number, or no text, counts as 0
    or by what it looks like: its hash does not fit.
    """
    number, time, *texts = tuple(row)
    whole = time if isinstance(time, int) and abs(time) <= LATEST else 0
    return Entry(
        number if isinstance(number, int) else 0,
        whole,
        *(one if isinstance(one, str) else repr(one) for one in texts),
    )


def entries(connection: sa.Connection, newest: int | None = None) -> Generator[Entry, None, None]:
    """The entries in their order: all, or so many of the newest."""
    query = sa.select(trail).order_by(trail.c.number)
    if newest is not None:
        latest = sa.select(trail).order_by(trail.c.number.desc()).limit(newest).subquery()
        query = sa.select(latest).order_by(latest.c.number)
    streamed = query.execution_options(stream_results=True, max_row_buffer=10_000)
    with connection.execute(streamed) as rows:
        for row in rows:
            yield entry_of(row)


def head(connection: sa.Connection) -> Anchor | None:
    """What to hold on to elsewhere, so that an end that is cut off is missed."""
    fold(connection)
    return span(first(connection), last(connection))


def span(begin: Entry | None, end: Entry | None) -> Anchor | None:
    """A trail by its two ends; None where there is no trail, or its end is none."""
    if begin is None or end is None or end.number < 1:
        return None
    return Anchor(begin=begin.hash, number=end.number, hash=end.hash)


def misfit(chain: Iterable[Entry]) -> str | None:
    """The first entry that does not follow from those before it, in words."""
    before = Entry(0, 0, "", "", "", "", "")
    for one in chain:
        if one.number != before.number + 1:
            return f"entry {before.number + 1} is missing"
        if one.former != before.hash:
            return f"entry {before.number} was changed after entry {one.number} was written"
        if one.hash != one.digest:
            return f"entry {one.number} was changed"
        if (one.number == 1) != (one.kind == "begin"):
            return f"entry {one.number} cannot stand there: every trail begins once"
        before = one
    return None


def missing_rows(connection: sa.Connection) -> Iterator[str]:
    """What the entries account for and the log does not hold, or the other way round."""
    counts = Counter[str]()
    for one in entries(connection):
        counts.update(one.effect)
    counts["predictions"] += connection.scalar(sa.select(sa.func.sum(tallies.c.rows))) or 0
    here = {"predictions": rows_of(connection), "labels": outcomes_of(connection)}
    for name, rows in here.items():
        if rows < counts[name]:
            yield f"{counts[name] - rows:,} {name} are gone, and no entry says why"
        elif rows > counts[name]:
            why = "by hand, or by a factory that is older than the trail"
            yield f"{rows - counts[name]:,} {name} are there without an entry: put there {why}"


def rows_of(connection: sa.Connection) -> int:
    """Predictions that count."""
    query = sa.select(sa.func.count()).select_from(predictions).where(complete())
    return connection.scalar(query) or 0


def outcomes_of(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(labels)) or 0
