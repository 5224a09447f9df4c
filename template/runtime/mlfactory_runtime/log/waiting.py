"""What waited for the log when a service stopped: kept in a file beside it, and taken in later."""

import fcntl
import json
import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from .batch import NAMES, store
from .store import predictions
from .trail import tally

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]
LARGEST, SHOWN = 2**63, 40
MODEL = NAMES.index("model")
PRIVATE = 0o600  # it holds what the log holds


def keep(path: Path, rows: Sequence[Row]) -> Path:
    """Write the rows into a file of their own beside the log's. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(f"{path.name}.waiting-{uuid4().hex[:8]}.jsonl")
    fresh = file.with_suffix(".new")
    try:
        with fresh.open("x", encoding="utf-8") as out:
            os.fchmod(out.fileno(), PRIVATE)
            out.writelines(f"{json.dumps(row)}\n" for row in rows)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return file


def take_in(connection: sa.Connection, path: Path) -> int:
    """Put what waits in such files into the log, each once; how many rows that were. A file that
    cannot be taken in stays, and keeps nothing else from the log.
    """
    count = 0
    for file in waiting_files(path, ".jsonl"):
        try:
            count += take_file(connection, file)
        except OSError as error:
            logger.warning("predictions that wait were not taken in: %s", error)
    return count


def waiting_files(path: Path, ending: str = "") -> list[Path]:
    """What waits beside a log; without an ending also what could not be read."""
    return sorted(path.parent.glob(f"{escape(path.name)}.waiting-*{ending}"))


def take_file(connection: sa.Connection, file: Path) -> int:
    """The same for a file, unless another process has it; one that holds anything else is renamed.
    Raises OSError.
    """
    with suppress(FileNotFoundError, BlockingIOError), file.open("r+", encoding="utf-8") as lines:
        fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not file.exists():
            return 0
        try:
            rows = [row_of(line) for line in lines]
        except (ValueError, RecursionError) as error:
            aside = file.rename(file.with_suffix(".unreadable"))
            logger.warning("predictions that waited cannot be read: %s: %s", aside, error)
            return 0
        with connection.begin():
            store_counted(connection, (("", row) for row in rows))
        file.unlink()
        return len(rows)
    return 0


def row_of(line: str) -> Row:
    """A row as it was kept. ValueError for what is none."""
    values = json.loads(line)
    row = filled(values) if isinstance(values, list) else ()
    if len(row) != len(NAMES) or not all(map(fits, predictions.c, row)):
        raise ValueError(f"{line[:SHOWN]!r} is no row of the log")
    return row


def fits(column: sa.Column[Any], value: Any) -> bool:
    """Whether a value can stand in a column."""
    kind = column.type.python_type
    if value is None:
        return bool(column.nullable)
    return type(value) is kind and (kind is not int or -LARGEST <= value < LARGEST)


def filled(values: list[Any]) -> Row:
    """A row; an older service wrote it without the columns that are younger."""
    return (*values, *[None] * (len(NAMES) - len(values)))


def store_counted(connection: sa.Connection, rows: Iterable[tuple[str, Row]]) -> None:
    """Write the rows of a service, each with the name of its key, and count them for the trail."""
    parts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for key, row in rows:
        parts[row[MODEL], key].append(row)
    tally(connection, {part: store(connection, own) for part, own in parts.items()})
