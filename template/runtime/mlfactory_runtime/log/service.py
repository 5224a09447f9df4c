"""The prediction log of a service: written where nobody waits for it."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, sleep

import sqlalchemy as sa

from ..learn.signature import Signature
from ..settings.catalog import Catalog
from ..settings.params import Log as Settings
from ..settings.params import Params
from ..tables.query import reason
from .refusals import ALL, Broken, most_frequent, write
from .store import PATIENCE, clean_up, engine_of, make
from .trail import fold
from .veil import Record, Veil, veil
from .waiting import Row, keep, store_counted, take_in

CLEAN_UP, TELL, LAST = 3600.0, 600.0, 2.0  # seconds: between two, and for a database that is away

logger = logging.getLogger(__name__)


def open_log(params: Params, catalog: Catalog, signature: Signature) -> "Log":
    """The log of a service; its database may be away. A FactoryError for impossible settings."""
    settings = params.log
    engine = engine_of(settings) if settings.enabled else None
    return Log(engine, veil(params, catalog, signature), settings)


class Log:
    """Takes records at once and writes them behind; `dropped` counts those that it could not.

    Whoever predicts makes the rows: where the thread did, it would hold the interpreter for long,
    and answers would wait for it. While the database works the interpreter is free.
    """

    def __init__(self, engine: sa.Engine | None, veil: Veil, settings: Settings) -> None:
        self.dropped, self._engine, self._veil, self._settings = 0, engine, veil, settings
        self._rows: list[tuple[str, Row]] = []  # each with the name of the key that asked
        self._refused: Broken = Counter()
        self._model = ""
        self._lock, self._wake, self._stop = Lock(), Event(), Event()
        self._works: bool | None = None  # not known yet
        self._next_clean_up, self._next_fold = 0.0, monotonic() + TELL
        if engine is not None:
            self._thread = Thread(target=self._run, args=(engine,), name="log", daemon=True)
            self._thread.start()

    def put(self, records: Sequence[Record], key: str = "") -> None:
        """Take records of whoever has the key; those for which there is no room are dropped."""
        if self._engine is None:
            return
        own = [self._row(record) for record in records[: self._room()]]
        rows = [(key, row) for row in own if row]
        with self._lock:
            rows = rows[: self._room()]
            self._rows += rows
            self.dropped += len(records) - len(rows)
        if len(self._rows) >= self._settings.batch:
            self._wake.set()

    def refuse(self, broken: Broken, model: str) -> None:
        """Count rows that got no answer."""
        if self._engine is not None:
            with self._lock:
                self._model = model
                self._refused = most_frequent(self._refused + broken)

    def close(self) -> None:
        """Write what waits. What cannot be written in time goes into a file for the next start;
        where that fails too, it is counted as dropped.

        A database that is away is not waited for: whoever stops a service has little patience.
        """
        with self._lock:
            self._stop.set()
        self._wake.set()
        if self._engine is None:
            return
        self._thread.join(2 * PATIENCE if self._works is not False else LAST)
        with self._lock:
            rows, self._rows = self._rows, []
        if rows:
            self._keep([row for _, row in rows])
        if refused := self._refused[ALL]:
            fields = {"refused": refused}
            logger.error("refused rows are not counted in the log", extra={"fields": fields})
        if self.dropped:
            fields = {"dropped": self.dropped}
            logger.error("predictions are not in the log", extra={"fields": fields})

    def _keep(self, rows: list[Row]) -> None:
        try:
            file = keep(Path(self._settings.path), rows)
        except OSError as error:
            self.dropped += len(rows)
            logger.error("predictions could not be kept: %s", error)
            return
        fields = {"kept": len(rows), "file": str(file)}
        logger.warning(
            "predictions wait for the log: the next start takes them in", extra={"fields": fields}
        )

    def _room(self) -> int:
        return 0 if self._stop.is_set() else max(self._settings.queue - len(self._rows), 0)

    def _row(self, record: Record) -> Row | None:
        try:
            return self._veil.row(record)
        except Exception:
            logger.exception("a prediction cannot be logged")
            return None

    def _run(self, engine: sa.Engine) -> None:
        while not self._stop.is_set():
            self._wake.wait(self._settings.interval)
            self._wake.clear()
            if not self._flush(engine):
                self._stop.wait(self._settings.interval)
        end = monotonic() + PATIENCE
        self._next_fold = 0.0
        while not self._flush(engine) and monotonic() < end:
            sleep(min(self._settings.interval, PATIENCE / 20))

    def _tell(self, connection: sa.Connection) -> None:
        with self._lock:
            refused, model = self._refused.copy(), self._model
        if refused:
            with connection.begin():
                write(connection, self._veil.target, model, refused)
            with self._lock:
                self._refused -= refused

    def _flush(self, engine: sa.Engine) -> bool:
        """Write all that waits; False if the database does not take it now."""
        try:
            if not self._works:
                make(engine)  # it may have come back without its tables
            with engine.connect() as connection:
                if not self._works and (count := take_in(connection, Path(self._settings.path))):
                    logger.info("predictions that waited are in the log: %d", count)
                while rows := self._rows[: self._settings.batch]:
                    with connection.begin():
                        store_counted(connection, rows)
                    with self._lock:
                        del self._rows[: len(rows)]
                self._tell(connection)
                if monotonic() >= self._next_fold:
                    with connection.begin():
                        fold(connection)
                    self._next_fold = monotonic() + TELL
            if monotonic() >= self._next_clean_up:
                clean_up(engine, self._settings.retention_days)
                self._next_clean_up = monotonic() + CLEAN_UP
        except Exception as error:
            if self._works is not False:
                logger.warning("predictions cannot be logged: %s", reason(error, engine.url))
            self._works = False
        else:
            self._works = True
        return self._works
