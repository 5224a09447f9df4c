"""The prediction log of a batch, and how rows are put into the table."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from typing import Any
from uuid import uuid4

import polars as pl
import sqlalchemy as sa

from ..errors import FactoryError
from ..learn.signature import Signature
from ..settings.catalog import Catalog
from ..settings.params import Params
from ..tables.query import reason
from .store import CHUNK, clean_up, engine_of, insert, make, micros, predictions
from .veil import veil

GROUP = 100  # rows of a statement
NAMES = predictions.c.keys()


class BatchLog:
    """The rows of one run of `factory predict`, written while the next ones are scored.

    What goes wrong is kept in `problem`, and the run goes on without a log. Left by an error, it
    takes back what it has written: nobody got those predictions.
    """

    def __init__(self, params: Params, catalog: Catalog, signature: Signature) -> None:
        self.request_id, self.rows, self.problem = uuid4().hex[:16], 0, ""
        self._settings, self._veil = params.log, veil(params, catalog, signature)
        self.left_out = self._veil.left_out
        self._thread, self._last = ThreadPoolExecutor(1), Future[None]()
        self._last.set_result(None)
        try:
            self._engine = engine_of(self._settings)
        except FactoryError as error:
            self.problem = str(error)
        else:
            self._guarded(make)

    def __enter__(self) -> "BatchLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown()
        if kind is not None and self.rows:
            self._guarded(partial(take_back, request_id=self.request_id))
        elif not self.problem:
            self._guarded(partial(clean_up, days=self._settings.retention_days))

    def put(
        self, keys: pl.DataFrame, features: pl.DataFrame, answers: pl.DataFrame, model: str
    ) -> None:
        """Take the rows of a batch: `row` and `entity`, features by name, and what was answered."""
        self._last.result()
        if not self.problem:
            now = micros(datetime.now(UTC))
            same = {
                "request_id": self.request_id,
                "time": now,
                "target": self._veil.target,
                "model": model,
            }
            write = partial(self._write, parts=(keys, features, answers), same=same)
            self._last = self._thread.submit(self._guarded, write)

    def _write(
        self, engine: sa.Engine, parts: tuple[pl.DataFrame, ...], same: Mapping[str, Any]
    ) -> None:
        rows = self._veil.table(*parts)
        with engine.begin() as connection:
            for part in rows.iter_slices(CHUNK):
                columns = (repeat(same[n]) if n in same else part[n].to_list() for n in NAMES)
                store(connection, list(zip(*columns, strict=False)))
        self.rows += rows.height

    def _guarded(self, act: Callable[[sa.Engine], None]) -> None:
        try:
            act(self._engine)
        except Exception as error:
            self.problem = reason(error, self._engine.url)


def store(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows in the order of the columns, straight through the driver: twice as fast.

    SQLite takes a group in one statement, so that a service's answers seldom wait for this thread.
    """
    statement: Any = insert(connection, predictions).compile(dialect=connection.dialect)
    if not statement.positional:
        values = [dict(zip(NAMES, row, strict=True)) for row in rows]
        connection.exec_driver_sql(statement.string, values) if values else None
        return
    one = f"({', '.join('?' * len(NAMES))})"
    many = statement.string.replace(one, ", ".join([one] * GROUP))
    for start in range(0, len(rows) - GROUP + 1, GROUP):
        connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[start : start + GROUP])))
    if rest := rows[len(rows) - len(rows) % GROUP :]:
        connection.exec_driver_sql(statement.string, list(rest))


def take_back(engine: sa.Engine, request_id: str) -> None:
    """Delete the rows of a request."""
    with engine.begin() as connection:
        connection.execute(sa.delete(predictions).where(predictions.c.request_id == request_id))
