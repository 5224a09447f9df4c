"""The prediction log: what was predicted from what, written where nobody waits for it."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from hashlib import blake2b, sha256
from itertools import chain, repeat
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import polars as pl
import sqlalchemy as sa
from pydantic_core import to_json

from .catalog import Catalog
from .data import key_text, missing_as_null
from .errors import FactoryError
from .groups import is_sensitive
from .params import Log as Settings
from .params import Params
from .query import reason
from .signature import Signature
from .store import CHUNK, PATIENCE, clean_up, engine_of, insert, make, micros, predictions

CLEAN_UP = 3600.0
GROUP = 100  # rows of a statement
NAMES = predictions.c.keys()

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """One prediction. `entity` is the value of data.id as text, as it stands in files of outcomes.

    `features` are typed values by name: the inputs, and what else is at hand of what the model saw.
    The same request, row and time written twice are one row.
    """

    request_id: str
    row: int
    entity: str | None
    model: str
    time: datetime
    features: Mapping[str, Any]
    prediction: str | float
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Veil:
    """What may be written down: sensitive values as keyed hashes, without a key not at all."""

    target: str
    id: str | None
    features: Mapping[str, bool]  # those of the model, and whether each is sensitive
    hides_entity: bool
    key: bytes | None

    @cached_property
    def written(self) -> dict[str, bool]:
        """The features that are written, and whether each is hashed."""
        return {name: secret for name, secret in self.features.items() if self.key or not secret}

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not written because there is no key."""
        if self.key:
            return ()
        own = [self.id] if self.id and self.hides_entity else []
        return (*own, *(name for name, secret in self.features.items() if secret))

    def hashed(self, name: str, value: Any) -> str | None:
        """The keyed hash of a value, another one in each column; null without a key."""
        if self.key is None or value is None:
            return None
        return blake2b(f"{name}\0{value}".encode(), key=self.key, digest_size=16).hexdigest()

    def entity(self, text: str | None) -> str | None:
        """An entity's id as it is written and looked up."""
        return self.hashed("", text) if self.hides_entity else text

    def entities(self, ids: pl.Series) -> pl.Series:
        """A column of ids as they are written; most often as they are."""
        if not self.hides_entity:
            return ids
        return pl.Series(ids.name, map(self.entity, ids), pl.String)

    def column(self, values: pl.Series) -> pl.Series:
        """A column of features as it is written."""
        if not self.written[values.name]:
            return values
        hashes = {v: self.hashed(values.name, v) for v in values.unique().to_list()}
        return values.replace_strict(hashes, return_dtype=pl.String)

    def row(self, record: Record) -> tuple[Any, ...]:
        """A record as a row of the table, its values in the order of the columns."""
        given, shares = record.features, record.probabilities
        features = {
            name: self.hashed(name, given[name]) if secret else given[name]
            for name, secret in self.written.items()
            if name in given
        }
        return (
            plain(record.request_id),
            record.row,
            micros(record.time),
            self.target,
            record.model,
            self.entity(record.entity and plain(record.entity)),
            as_json(features),
            str(record.prediction),
            as_json(shares) if shares else None,
        )

    def table(
        self, keys: pl.DataFrame, features: pl.DataFrame, answers: pl.DataFrame
    ) -> pl.DataFrame:
        """The rows of a batch, as far as they differ."""
        shown = [self.column(features[name]) for name in self.written if name in features.columns]
        shares = answers.select(pl.col(r"^probability_.*$").name.map(lambda name: name[12:]))
        return keys.with_columns(
            self.entities(keys["entity"]),
            json_column("features", pl.DataFrame(shown), "{}"),
            answers["prediction"].cast(pl.String),
            json_column("probabilities", shares, None),
        )


def veil(params: Params, catalog: Catalog, signature: Signature | None = None) -> Veil:
    """The inputs and the features of a model, each with whether it, or a parent, is sensitive."""
    learned = (feature.name for feature in signature.features) if signature else ()
    names = dict.fromkeys([*catalog.inputs(params), *learned])
    known = [name for name in names if name in catalog.columns or name in catalog.derived]
    key, own = os.environ.get(params.log.key_env), catalog.columns.get(params.data.id or "")
    return Veil(
        params.data.target,
        params.data.id,
        {name: is_sensitive(catalog, name) for name in known},
        own is not None and own.sensitive != "none",
        sha256(key.encode()).digest() if key else None,
    )


def as_json(values: Mapping[str, Any]) -> str:
    """A row's values by name; null where there is no number."""
    return to_json(values, inf_nan_mode="null", fallback=str).decode()


def json_column(name: str, rows: pl.DataFrame, empty: str | None) -> pl.Series | pl.Expr:
    """Each row as a JSON object; `empty` if there are no columns."""
    if not rows.width:
        return pl.lit(empty, pl.String).alias(name)
    return rows.select(pl.struct(pl.all()).struct.json_encode().alias(name))[name]


def plain(text: str) -> str:
    """Text that every database takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def entities(raw: pl.DataFrame, params: Params, catalog: Catalog) -> pl.Series:
    """The id of each row as text; null where there is none."""
    if not (name := params.data.id) or name not in raw.columns:
        return pl.Series("entity", [None], dtype=pl.String).new_from_index(0, raw.height)
    own = {name: catalog.columns[name]} if name in catalog.columns else {}
    known = missing_as_null(raw.select(name), params.data, own)
    text = key_text(raw, [name]).str.strip_chars()
    return known.select(pl.when(pl.col(name).is_not_null()).then(text).alias("entity"))["entity"]


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
        self._rows: list[tuple[Any, ...]] = []
        self._lock, self._wake, self._stop = Lock(), Event(), Event()
        self._works: bool | None = None  # not known yet
        self._next_clean_up = 0.0
        if engine is not None:
            self._thread = Thread(target=self._run, args=(engine,), name="log", daemon=True)
            self._thread.start()

    def put(self, records: Sequence[Record]) -> None:
        """Take records; those for which there is no room are dropped."""
        if self._engine is None:
            return
        made = [self._row(record) for record in records[: self._room()]]
        rows = [row for row in made if row]
        with self._lock:
            rows = rows[: self._room()]
            self._rows += rows
            self.dropped += len(records) - len(rows)
        if len(self._rows) >= self._settings.batch:
            self._wake.set()

    def close(self) -> None:
        """Write what waits; what cannot be written in time is counted as dropped."""
        with self._lock:
            self._stop.set()
        self._wake.set()
        if self._engine is not None:
            self._thread.join(2 * PATIENCE)
            self.dropped += len(self._rows)
            self._rows.clear()

    def _room(self) -> int:
        return 0 if self._stop.is_set() else max(self._settings.queue - len(self._rows), 0)

    def _row(self, record: Record) -> tuple[Any, ...] | None:
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
        while not self._flush(engine) and monotonic() < end:
            sleep(min(self._settings.interval, PATIENCE / 20))

    def _flush(self, engine: sa.Engine) -> bool:
        """Write all that waits; False if the database does not take it now."""
        try:
            if not self._works:
                make(engine)  # it may have come back without its tables
            with engine.connect() as connection:
                while rows := self._rows[: self._settings.batch]:
                    with connection.begin():
                        store(connection, rows)
                    del self._rows[: len(rows)]
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
    made: Any = insert(connection, predictions).compile(dialect=connection.dialect)
    if not made.positional:
        values = [dict(zip(NAMES, row, strict=True)) for row in rows]
        connection.exec_driver_sql(made.string, values) if values else None
        return
    one = f"({', '.join('?' * len(NAMES))})"
    many = made.string.replace(one, ", ".join([one] * GROUP))
    for start in range(0, len(rows) - GROUP + 1, GROUP):
        connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[start : start + GROUP])))
    if rest := rows[len(rows) - len(rows) % GROUP :]:
        connection.exec_driver_sql(made.string, list(rest))


def take_back(engine: sa.Engine, request_id: str) -> None:
    """Delete the rows of a request."""
    with engine.begin() as connection:
        connection.execute(sa.delete(predictions).where(predictions.c.request_id == request_id))
