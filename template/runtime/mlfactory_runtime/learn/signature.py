"""What a model knows of its inputs, and the one encoder that follows from it."""

from collections import Counter
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from typing import Literal, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ..errors import FactoryError
from ..files import read_text
from ..records.data import HeldOut
from ..settings.catalog import LEARNED
from ..settings.yaml import problems
from .manifest import AGAIN, check_files

FILE = "signature.json"
MAX_CATEGORIES = 255
SECONDS_PER_DAY = 86_400


class Feature(BaseModel):
    """One column of the matrix. A category that is not listed is treated as unseen.

    A feature with a `salt` tells of persons: in place of its categories stand their digests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: str
    role: str
    missing_seen: bool
    categories: tuple[str, ...] = ()
    salt: str = ""


class Signature(BaseModel):
    """The contract between a model and everything that calls it, stored beside it as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    task: Literal["binary", "multiclass", "regression"]
    target: str
    classes: tuple[str, ...] = ()
    threshold: float | None = None
    features: tuple[Feature, ...]
    split: HeldOut = HeldOut()
    provenance: dict[str, str] = {}

    @property
    def scores(self) -> int:
        """How many numbers a model has for each row: one for each of more than two classes."""
        return len(self.classes) if self.task == "multiclass" else 1

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Answers are made by these: each name once, and as many classes as the task has."""
        if odd := [one.name for one in self.features if one.role not in LEARNED]:
            raise ValueError(f"nothing can be learned from {odd[0]!r} in that role")
        for names in ([feature.name for feature in self.features], self.classes):
            if len({*names}) < len(names):
                raise ValueError("it names something twice")
        if self.task == "binary" and len(self.classes) != 2:
            raise ValueError(f"{len(self.classes)} classes, and the task is binary")
        if self.threshold is not None and not isfinite(self.threshold):
            raise ValueError("the threshold is no number")
        return self


def describe(name: str, dtype: str, role: str, column: pl.Series, salt: str = "") -> Feature:
    """What training data say of a feature: its categories, and whether a value may be missing."""
    counts = None
    if role == "categorical":
        counts = Counter(masked(column.drop_nulls(), salt).to_list())
    return feature_of(name, dtype, role, column.is_null().any(), counts, salt)


def feature_of(
    name: str,
    dtype: str,
    role: str,
    is_missing: bool,
    counts: Counter[str] | None = None,
    salt: str = "",
) -> Feature:
    """A feature by what its rows have: how often each category is there, and whether none is."""
    frequent = counts.most_common(MAX_CATEGORIES) if counts else []
    return Feature(
        name=name,
        dtype=dtype,
        role=role,
        missing_seen=is_missing,
        categories=tuple(sorted(text for text, _ in frequent)),
        salt=salt,
    )


def masked(column: pl.Series, salt: str) -> pl.Series:
    """The values as text that may be written down: with a salt, their digests."""
    text = column.cast(pl.String)
    if not salt:
        return text
    key = blake2b(salt.encode(), digest_size=32).digest()
    values = text.drop_nulls().unique().to_list()
    names = {v: blake2b(v.encode(), digest_size=8, key=key).hexdigest() for v in values}
    return text.replace_strict(names, default=None, return_dtype=pl.String)


def encode(rows: pl.DataFrame, features: tuple[Feature, ...]) -> np.ndarray:
    """The matrix of shape (rows, features), float64, that models are fitted and called with.

    Raises FactoryError for a missing value where training had none: LightGBM would read it as 0.
    """
    matrix = np.empty((rows.height, len(features)), dtype=np.float64)
    for i, feature in enumerate(features):
        matrix[:, i] = _encode(rows[feature.name], feature)
    return matrix


def refusals(rows: pl.DataFrame, features: tuple[Feature, ...]) -> pl.Series:
    """Which values a row lacks that never were missing in training; null for a row with all."""
    needed = [feature.name for feature in features if not feature.missing_seen]
    causes = [
        pl.when(rows[name].is_null()).then(pl.lit(f"{name} is missing"))
        for name in needed
        if rows[name].null_count()
    ]
    if not causes:
        return pl.Series("refused", [None], dtype=pl.String).new_from_index(0, rows.height)
    reasons = pl.concat_str(causes, separator="; ", ignore_nulls=True)
    return rows.select(pl.when(reasons != "").then(reasons).alias("refused"))["refused"]


def _encode(column: pl.Series, feature: Feature) -> np.ndarray:
    if not feature.missing_seen and (missing := column.null_count()):
        raise FactoryError(
            f"{feature.name!r} is missing in {missing:,} rows, and was never missing in training",
            f"fill {feature.name!r} at its source, or train on data in which it is missing",
        )
    try:
        return _numbers(column, feature)
    except pl.exceptions.InvalidOperationError as error:
        message = f"{feature.name!r} holds {column.dtype}, and the model learned from it as a "
        hint = "train it on what features.yaml says now: dvc repro; or use the model of before"
        raise FactoryError(f"{message}{feature.role} {feature.dtype}", hint) from error


def _numbers(column: pl.Series, feature: Feature) -> np.ndarray:
    if feature.role == "categorical":
        return _codes(masked(column, feature.salt), feature.categories)
    if feature.role == "datetime":
        seconds = column.cast(pl.Datetime("us")).dt.epoch("s")
        return (seconds.cast(pl.Float64) / SECONDS_PER_DAY).to_numpy()
    return column.cast(pl.Float64).to_numpy()


def _codes(text: pl.Series, categories: tuple[str, ...]) -> np.ndarray:
    """0 to k-1 for known categories, k for missing, -1 (other, to LightGBM) for unseen ones."""
    codes = {name: float(code) for code, name in enumerate(categories)}
    numbers = text.replace_strict(codes, default=-1.0, return_dtype=pl.Float64)
    return numbers.set(text.is_null(), float(len(categories))).to_numpy()


def save_signature(signature: Signature, folder: Path) -> None:
    """Write the signature beside the model."""
    (folder / FILE).write_text(signature.model_dump_json(indent=1) + "\n", "utf-8")


def load_signature(folder: Path) -> Signature:
    """Read the signature of the model in `folder`.

    FactoryError where there is none, or files are not those that training wrote.
    """
    file = folder / FILE
    if not file.is_file():
        raise FactoryError(f"there is no model in {folder}", "train one: dvc repro")
    check_files(folder)
    try:
        return Signature.model_validate_json(read_text(file))
    except ValidationError as error:
        raise FactoryError(f"{file} is no signature: {problems(error)[:300]}", AGAIN) from error
