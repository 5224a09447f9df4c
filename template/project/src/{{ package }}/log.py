"""The prediction log: what was predicted from what, written where nobody waits for it."""

import json
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from itertools import islice
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import polars as pl
import sqlalchemy as sa

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
NAMES = predictions.c.keys()


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
    features: Mapping[str, bool]  # those that are written, and whether each is sensitive
    hides_entity: bool
    key: bytes | None

    def value(self, name: str, value: Any) -> Any:
        """A value as it is written."""
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return self.hashed(name, str(value)) if self.features[name] and value is not None else value

    def entity(self, text: str | None) -> str | None:
        """An entity's id as it is written and looked up."""
        return self.hashed("", text) if self.hides_entity and text is not None else text

    def hashed(self, name: str, text: str) -> str | None:
        """The keyed hash of a value, another one in each column; null without a key."""
        if self.key is None:
            return None
        return blake2b(f"{name}\0{text}".encode(), key=self.key, digest_size=16).hexdigest()

    def column(self, values: pl.Series) -> pl.Series:
        """A column of features as it is written."""
        if not self.features[values.name]:
            return values
        hashes = {v: self.value(values.name, v) for v in values.unique().drop_nulls().to_list()}
        return values.replace_strict(hashes, default=None, return_dtype=pl.String)

    @property
    def written(self) -> list[str]:
        """The features that are written, in clear or as hashes."""
        return [name for name, secret in self.features.items() if self.key or not secret]

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not written because there is no key."""
        if self.key:
            return ()
        secret = [name for name, secret in self.features.items() if secret]
        return (*([self.id] if self.id and self.hides_entity else []), *secret)

    def row(self, record: Record) -> tuple[Any, ...]:
        """A record as a row of the table."""
        given, known = record.features, record.probabilities
        features = {n: self.value(n, given[n]) for n in self.written if n in given}
        found = {
            "request_id": plain(record.request_id),
            "row": record.row,
            "time": micros(record.time),
            "target": self.target,
            "model": record.model,
            "entity": self.entity(record.entity and plain(record.entity)),
            "features": json.dumps(features, default=str),
            "prediction": str(record.prediction),
            "probabilities": json.dumps(dict(known)) if known else None,
        }
        return tuple(found[name] for name in NAMES)


def veil(params: Params, catalog: Catalog, signature: Signature | None = None) -> Veil:
    """The inputs and the features of a model, each with whether it, or a parent, is sensitive."""
    learned = (feature.name for feature in signature.features) if signature else ()
    names = dict.fromkeys([*catalog.inputs(params), *learned])
    known = [name for name in names if name in catalog.columns or name in catalog.derived]
    key, id_column = (
        os.environ.get(params.log.key_env, ""),
        catalog.columns.get(params.data.id or ""),
    )
    return Veil(
        params.data.target,
        params.data.id,
        {name: is_sensitive(catalog, name) for name in known},
        id_column is not None and id_column.sensitive != "none",
        sha256(key.encode()).digest() if key else None,
    )


def as_json(rows: pl.DataFrame, name: str) -> pl.Series | pl.Expr:
    """Each row as a JSON object."""
    if not rows.width:
        return pl.lit(None, pl.String).alias(name)
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
    """Takes records at once and writes them behind; `dropped` counts those that it could not."""

    def __init__(self, engine: sa.Engine | None, veil: Veil, settings: Settings) -> None:
        self.dropped, self._engine, self._veil, self._settings = 0, engine, veil, settings
        self._rows: deque[Record] = deque()
        self._lock, self._wake, self._stop = Lock(), Event(), Event()
        self._made, self._failing, self._next_clean_up = False, False, 0.0
        self._thread = Thread(target=self._run, name="prediction-log", daemon=True)
        if engine is not None:
            self._thread.start()

    def put(self, records: Sequence[Record]) -> None:
        """Take records; those for which there is no room are dropped."""
        if self._engine is None:
            return
        with self._lock:
            room = 0 if self._stop.is_set() else self._settings.queue - len(self._rows)
            self._rows.extend(records[: max(room, 0)])
            self.dropped += max(len(records) - max(room, 0), 0)
            waiting = len(self._rows)
        if waiting >= self._settings.batch:
            self._wake.set()

    def close(self) -> None:
        """Write what waits; what cannot be written in time is counted as dropped."""
        self._stop.set()
        self._wake.set()
        if self._engine is None:
            return
        self._thread.join(2 * PATIENCE)
        with self._lock:
            self.dropped += len(self._rows)
            self._rows.clear()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(self._settings.interval)
            self._wake.clear()
            if not self._flush():
                self._stop.wait(self._settings.interval)
        end = monotonic() + PATIENCE
        while not self._flush() and monotonic() < end:
            sleep(min(self._settings.interval, PATIENCE / 20))

    def _flush(self) -> bool:
        """Write all that waits; False if the database does not take it now."""
        engine = self._engine
        assert engine is not None  # noqa: S101
        try:
            if not self._made:
                make(engine)
            with engine.connect() as connection:
                while batch := self._head():
                    rows = self._rows_of(batch)
                    with connection.begin():
                        store(connection, rows)
                    self._written(len(batch), len(rows))
            if monotonic() >= self._next_clean_up:
                clean_up(engine, self._settings.retention_days)
                self._next_clean_up = monotonic() + CLEAN_UP
        except Exception as error:
            if not self._failing:
                told = reason(error, engine.url)
                logging.getLogger(__name__).warning("predictions cannot be logged: %s", told)
            self._made, self._failing = False, True  # it may come back without its tables
            return False
        self._made, self._failing = True, False
        return True

    def _head(self) -> list[Record]:
        with self._lock:
            return list(islice(self._rows, self._settings.batch))

    def _written(self, taken: int, kept: int) -> None:
        with self._lock:
            self.dropped += taken - kept
            for _ in range(taken):
                self._rows.popleft()

    def _rows_of(self, batch: Sequence[Record]) -> list[tuple[Any, ...]]:
        """Rows of the table; a record that makes none does not hold up the others."""
        rows = []
        for k, record in enumerate(batch):
            if k % 20 == 0:
                sleep(0)  # let whoever predicts go first
            try:
                rows.append(self._veil.row(record))
            except Exception:
                logging.getLogger(__name__).exception("a prediction cannot be logged")
        return rows


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
            self._guarded(lambda engine: take_back(engine, self.request_id))
        elif not self.problem:
            self._guarded(lambda engine: clean_up(engine, self._settings.retention_days))

    def put(
        self, keys: pl.DataFrame, features: pl.DataFrame, answers: pl.DataFrame, model: str
    ) -> None:
        """Take the rows of a batch: `row` and `entity`, features by name, and what was answered."""
        self._last.result()
        if not self.problem:
            now = micros(datetime.now(UTC))
            fixed = {"request_id": self.request_id, "time": now, "target": self._veil.target}
            fixed["model"] = model
            self._last = self._thread.submit(
                self._guarded, lambda engine: self._write(engine, keys, features, answers, fixed)
            )

    def _write(
        self,
        engine: sa.Engine,
        keys: pl.DataFrame,
        features: pl.DataFrame,
        answers: pl.DataFrame,
        fixed: dict[str, Any],
    ) -> None:
        names = [name for name in self._veil.written if name in features.columns]
        shares = answers.select(pl.col(r"^probability_.*$").name.map(lambda name: name[12:]))
        rows = keys.with_columns(
            as_json(features.select(self._veil.column(features[n]) for n in names), "features"),
            as_json(shares, "probabilities"),
            answers["prediction"].cast(pl.String),
            pl.Series("entity", map(self._veil.entity, keys["entity"]), pl.String),
            **{name: pl.lit(value) for name, value in fixed.items()},
        )
        with engine.begin() as connection:
            for part in rows.iter_slices(CHUNK):
                store(connection, part.select(NAMES).rows())
        self.rows += rows.height

    def _guarded(self, act: Callable[[sa.Engine], None]) -> None:
        try:
            act(self._engine)
        except Exception as error:
            self.problem = reason(error, self._engine.url)


def store(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows in the order of the columns; straight through the driver: twice as fast."""
    made: Any = insert(connection, predictions).compile(dialect=connection.dialect)
    values = rows if made.positional else [dict(zip(NAMES, row, strict=True)) for row in rows]
    connection.exec_driver_sql(made.string, values) if rows else None


def take_back(engine: sa.Engine, request_id: str) -> None:
    """Delete the rows of a request."""
    with engine.begin() as connection:
        connection.execute(sa.delete(predictions).where(predictions.c.request_id == request_id))
