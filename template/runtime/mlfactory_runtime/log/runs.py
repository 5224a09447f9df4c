"""Runs of `factory predict` in the log: one is complete, or it does not count."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from ..errors import FactoryError
from ..settings.params import Log
from ..tables.query import reason
from .store import clean_up, engine_of, make, now, predictions, runs
from .trail import append

DIGITS = 16  # of what names a batch; of files of a folder, those in front
HOLDER_ENV = "FACTORY_LOG_HOLDER"
LEASE = timedelta(days=1)  # for runs elsewhere, of which nobody here can tell whether they live


def number() -> str:
    """A new name of a run, or of a batch of several."""
    return uuid4().hex[:DIGITS]


@cache
def place() -> str:
    """Where numbers of processes mean the same: this container, or machine since its start."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def begin(engine: sa.Engine, request_id: str) -> None:
    """Note that a run has begun, and take back what runs that have died left behind."""
    for one in entries(engine):
        if is_dead(one.place, one.process, one.time):
            take_back(engine, one.request_id)
    with engine.begin() as connection:
        own = {"request_id": request_id, "place": place(), "process": holder() or os.getpid()}
        connection.execute(sa.insert(runs), own | {"time": now()})


def holder() -> int:
    """The process for which this one scores, and which finishes its run; 0 where there is none."""
    return int(os.environ.get(HOLDER_ENV, 0))


def holding() -> dict[str, str]:
    """The environment of a program whose run does not count before its `delivery`."""
    return {HOLDER_ENV: str(os.getpid())}


@contextmanager
def delivery(settings: Log, request_id: str) -> Iterator[list[str]]:
    """Within, the answers of a run that was held are put where they belong; then it counts. If they
    cannot be, it is taken back. The list says at the end why it does not count, if so.
    """
    problems: list[str] = []
    try:
        yield problems
    except BaseException:
        with suppress(FactoryError, OSError, sa.exc.SQLAlchemyError):
            take_back(engine_of(settings), request_id)
        raise
    try:
        finish_held(settings, request_id)
    except (FactoryError, LookupError) as error:
        problems.append(str(error))
    except sa.exc.SQLAlchemyError as error:
        problems.append(reason(error, engine_of(settings).url))


def finish_held(settings: Log, request_id: str) -> None:
    """The same as `finish`, unless older code has done it. LookupError if it was given up."""
    engine = engine_of(settings)
    with engine.connect() as connection:
        own = predictions.c.request_id == request_id
        model = connection.scalar(sa.select(predictions.c.model).where(own).limit(1))
    try:
        finish(engine, request_id, model or "")
    except LookupError:
        if not is_complete(settings, request_id):
            raise
    clean_up(engine, settings.retention_days)


def entries(engine: sa.Engine) -> Sequence[sa.Row[Any]]:
    """The runs that have begun and not ended, dead ones too."""
    with engine.connect() as connection:
        return connection.execute(sa.select(runs)).all()


def unfinished(engine: sa.Engine) -> list[str]:
    """The numbers of runs, and of batches of several, that somebody is at work on."""
    alive = (one for one in entries(engine) if not is_dead(one.place, one.process, one.time))
    return [one.request_id for one in alive]


@contextmanager
def batch_of_several(settings: Log, batch: str) -> Iterator[None]:
    """Several runs are one batch, which is unfinished until the last of them has ended.

    Each run tells of a log that is away; here nothing is lost by it.
    """
    try:
        engine = engine_of(settings)
        make(engine)
        begin(engine, batch)
    except (FactoryError, OSError, sa.exc.SQLAlchemyError):
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError, sa.exc.SQLAlchemyError):
            take_back(engine, batch)


def is_dead(where: str, process: int, time: int) -> bool:
    """Whether a run will never be finished; the number of this process may have been another's."""
    if where != place():
        return abs(now() - time) > LEASE // timedelta(microseconds=1)  # clocks jump back, too
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # another user's
    return False


def touch(connection: sa.Connection, request_id: str) -> None:
    """Note that the run lives."""
    own = runs.c.request_id == request_id
    connection.execute(sa.update(runs).where(own).values(time=now()))


def finish(engine: sa.Engine, request_id: str, model: str) -> None:
    """From here on the run counts. LookupError if it was given up for dead meanwhile."""
    with engine.begin() as connection:
        own = sa.delete(runs).where(runs.c.request_id == request_id)
        if not connection.execute(own).rowcount:
            raise LookupError("the run was taken for dead, and its rows were taken back")
        mine = sa.select(sa.func.count()).where(predictions.c.request_id == request_id)
        rows = connection.scalar(mine)
        append(connection, "predict", {"rows": rows, "model": model, "request_id": request_id})


def take_back(engine: sa.Engine, request_id: str) -> None:
    """Delete the rows of a run, and that there was one."""
    with engine.begin() as connection:
        connection.execute(sa.delete(predictions).where(predictions.c.request_id == request_id))
        connection.execute(sa.delete(runs).where(runs.c.request_id == request_id))


def is_complete(settings: Log, request_id: str) -> bool:
    """Whether a run is finished, and its rows are in the log; also where nobody can tell."""
    own = sa.select(sa.literal(1)).where(predictions.c.request_id == request_id).limit(1)
    pending = sa.select(sa.literal(1)).where(runs.c.request_id == request_id)
    try:
        with engine_of(settings).connect() as connection:
            if not sa.inspect(connection).has_table(predictions.name):
                return False
            return bool(connection.scalar(own)) and not connection.scalar(pending)
    except (FactoryError, sa.exc.SQLAlchemyError):
        return True
