"""What of a prediction may be written down, and how."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from hashlib import blake2b, sha256
from typing import Any

import polars as pl
from pydantic_core import to_json

from ..data.rows import key_text, missing_as_null, parse
from ..learn.groups import is_sensitive
from ..learn.signature import Signature
from ..settings.catalog import Catalog, Column
from ..settings.params import Params
from .store import micros


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
    time: str | None = None  # data.time, unless it is sensitive

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
        values, shares = record.features, record.probabilities
        features = {
            name: self.hashed(name, values[name]) if secret else values[name]
            for name, secret in self.written.items()
            if name in values
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
            self.date(values.get(self.time or "")),
        )

    def date(self, value: Any) -> int | None:
        """The row's own time as it is written."""
        if not isinstance(value, date):
            return None
        clock = value.time() if isinstance(value, datetime) else time()
        return micros(datetime.combine(value, clock, UTC))

    def table(
        self, keys: pl.DataFrame, features: pl.DataFrame, answers: pl.DataFrame
    ) -> pl.DataFrame:
        """The rows of a batch, as far as they differ."""
        columns = [self.column(features[name]) for name in self.written if name in features.columns]
        shares = answers.select(pl.col(r"^probability_.*$").name.map(lambda name: name[12:]))
        return keys.with_columns(
            self.entities(keys["entity"]),
            json_column("features", pl.DataFrame(columns), "{}"),
            answers["prediction"].cast(pl.String),
            json_column("probabilities", shares, None),
        )


def veil(params: Params, catalog: Catalog, signature: Signature | None = None) -> Veil:
    """The inputs and the features of a model, each with whether it, or a parent, is sensitive."""
    learned = (feature.name for feature in signature.features) if signature else ()
    names = dict.fromkeys([*catalog.inputs(params), *learned])
    written = [name for name in names if name in catalog.columns or name in catalog.derived]
    key, own = os.environ.get(params.log.key_env), catalog.columns.get(params.data.id or "")
    dated = time_column(params, catalog)
    return Veil(
        params.data.target,
        params.data.id,
        {name: is_sensitive(catalog, name) for name in written},
        own is not None and own.sensitive != "none",
        sha256(key.encode()).digest() if key else None,
        params.data.time if dated and dated.sensitive == "none" else None,
    )


def time_column(params: Params, catalog: Catalog) -> Column | None:
    """The column that dates a row, where it holds moments."""
    own = catalog.columns.get(params.data.time or "")
    return own if own and own.dtype in ("date", "datetime") else None


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
    keys = missing_as_null(raw.select(name), params.data, own)
    text = key_text(raw, [name], own).str.strip_chars()
    return keys.select(pl.when(pl.col(name).is_not_null()).then(text).alias("entity"))["entity"]


def row_times(raw: pl.DataFrame, params: Params, catalog: Catalog) -> pl.Series:
    """The time of each row in microseconds; null where there is none, or none may be written."""
    name, own = veil(params, catalog).time, time_column(params, catalog)
    if not own or not name or name not in raw.columns:
        return pl.Series("row_time", [None], dtype=pl.Int64).new_from_index(0, raw.height)
    columns = {name: own}
    rows = parse(missing_as_null(raw.select(name), params.data, columns), columns)
    return rows[name].cast(pl.Datetime("us")).dt.epoch("us").alias("row_time")


def pseudonym(hashed: str, column: Column) -> str:
    """What stands for an id that nobody knows: its hash, or a number made of that."""
    return str(int(hashed[:15], 16)) if column.dtype == "int" else hashed
