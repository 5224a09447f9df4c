"""The prediction log of a batch, and how rows are put into the table."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..errors import FactoryError
from ..learn.signature import Signature
from ..settings.catalog import Catalog
from ..settings.params import Params
from ..tables.query import reason
from .refusals import Broken, of_users, write
from .runs import begin, finish, holder, number, take_back, touch
from .store import CHUNK, clean_up, engine_of, insert, make, micros, predictions
from .veil import veil

GROUP = 100  # rows of a statement
NAMES = predictions.c.keys()


class BatchLog:
    """The rows of one run of `factory predict`, written while the next ones are scored.

    What goes wrong is kept in `problem`, and the run goes on without a log. What it writes counts
    when the run is finished; left by an error, it is taken back: nobody got those predictions. A
    run that is killed leaves rows that nobody sees, which the next run takes back.

    Those that score the files of one folder are one batch: their numbers begin with its number.
    """

    def __init__(
        self, params: Params, catalog: Catalog, signature: Signature, batch: str = ""
    ) -> None:
        self.request_id, self.rows, self.problem = f"{batch}{number()}", 0, ""
        self._model, self._refused = "", Broken()
        self._settings, self._veil = params.log, veil(params, catalog, signature)
        self.left_out = self._veil.left_out
        self._thread, self._last = ThreadPoolExecutor(1), Future[bool]()
        self._last.set_result(True)
        try:
            self._engine = engine_of(self._settings)
        except FactoryError as error:
            self.problem = str(error)
        else:
            self._guarded(make)
        if not self.problem:
            self._guarded(partial(begin, request_id=self.request_id))
        self._begun = not self.problem

    def __enter__(self) -> "BatchLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown()
        if not self._begun:
            return
        if kind is not None:
            self._guarded(partial(take_back, request_id=self.request_id))
        elif holder():
            pass  # whoever waits for the answers finishes it
        elif self._guarded(partial(finish, request_id=self.request_id, model=self._model)):
            self._guarded(partial(clean_up, days=self._settings.retention_days))
        else:
            self.rows = 0  # nobody sees them
        if self._refused and (kind is None or issubclass(kind, FactoryError)):
            self._guarded(self._tell)

    def refuse(self, broken: Broken, rows: int, model: str) -> None:
        """Count rows of a batch that got no answer; they were refused, even if the run fails."""
        self._model = model
        self._refused += of_users(broken, rows)

    def _tell(self, engine: sa.Engine) -> None:
        with engine.begin() as connection:
            write(connection, self._veil.target, self._model, self._refused)

    def put(
        self, keys: pl.DataFrame, features: pl.DataFrame, answers: pl.DataFrame, model: str
    ) -> None:
        """Take the rows of a batch: `row`, `entity`, `row_time`, features by name, and answers."""
        self._last.result()
        self._model = model
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
            touch(connection, self.request_id)
        self.rows += rows.height

    def _guarded(self, act: Callable[[sa.Engine], None]) -> bool:
        try:
            act(self._engine)
        except Exception as error:
            self.problem = reason(error, self._engine.url)
            return False
        return True


def store(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    """Write rows in the order of the columns, straight through the driver: twice as fast.

    Returns how many were not there yet. SQLite takes a group in one statement, so that a service's
    answers seldom wait for this thread.
    """
    statement: Any = insert(connection, predictions).compile(dialect=connection.dialect)
    if not statement.positional:
        values = [dict(zip(NAMES, row, strict=True)) for row in rows]
        return connection.exec_driver_sql(statement.string, values).rowcount if values else 0
    one = f"({', '.join('?' * len(NAMES))})"
    many = statement.string.replace(one, ", ".join([one] * GROUP))
    count = 0
    for start in range(0, len(rows) - GROUP + 1, GROUP):
        group = tuple(chain.from_iterable(rows[start : start + GROUP]))
        count += connection.exec_driver_sql(many, group).rowcount
    if rest := rows[len(rows) - len(rows) % GROUP :]:
        count += connection.exec_driver_sql(statement.string, list(rest)).rowcount
    return count
