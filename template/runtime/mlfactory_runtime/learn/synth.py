"""Rows made up from the catalog: they keep the contract, and the target depends on the features.

With them code, tests and pipelines run where nobody may see the data. They say nothing about it.
"""

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from ..errors import FactoryError
from ..project import Project
from ..settings.catalog import LEARNED, Catalog, Column
from ..settings.params import Params
from ..tables.file import is_parquet
from ..tables.formats import DTYPES, decimal_of, read

MISSING = 0.05
DRIVERS = 3
NOISE = 0.1
START, SECONDS = datetime(2024, 1, 1), 2 * 365 * 86_400


def write(project: Project, path: Path, rows: int) -> None:
    """Synthesise rows into a file of the shape of the raw data: Parquet by suffix, else CSV."""
    params, catalog = project.params, project.catalog
    if not catalog.columns:
        raise FactoryError("features.yaml lists no column", "factory catalog draft")
    table = synthesise(catalog, params, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_parquet(path):
        table.write_parquet(path)
    else:
        text = table.with_columns(
            pl.col(name).cast(pl.String).str.replace(".", decimal_of(column.format), literal=True)
            for name, column in catalog.columns.items()
            if column.format and table[name].dtype.is_numeric()
        )
        text.write_csv(path, separator=params.data.separator)


def synthesise(catalog: Catalog, params: Params, rows: int, seed: int = 0) -> pl.DataFrame:
    """Every column of the catalog, typed as it says. The same seed gives the same rows."""
    fixed = {params.data.target, params.data.id, params.data.time}
    columns: dict[str, pl.Series] = {}
    for number, (name, column) in enumerate(catalog.columns.items()):
        generator = np.random.default_rng([seed, number])
        values = _values(name, column, rows, generator)
        if column.nullable and name not in fixed and column.role not in ("identifier", "target"):
            values = _with_gaps(values, generator)
        columns[name] = values
    target = catalog.columns.get(params.data.target)
    if target is not None:
        inputs = [columns[name] for name in drivers(catalog, params, columns)]
        score = _score(inputs, np.random.default_rng([seed, len(columns)]), rows)
        columns[params.data.target] = _target(score, target, params)
    return pl.DataFrame([values.alias(name) for name, values in columns.items()])


def drivers(catalog: Catalog, params: Params, columns: dict[str, pl.Series]) -> list[str]:
    """The raw columns that the target is made of; the first one always raises it."""
    inputs = {n: c for n, c in catalog.inputs(params).items() if c.role != "identifier"}
    names = sorted(inputs, key=lambda name: inputs[name].role not in LEARNED)
    varied = [name for name in names if columns[name].drop_nulls().n_unique() > 1]
    return [name for name in varied if name not in (params.data.target, params.data.time)][:DRIVERS]


def effect(values: pl.Series) -> np.ndarray:
    """-1 for the lowest value to 1 for the highest, by rank; 0 where it is missing."""
    rank = values.rank("dense").cast(pl.Float64)
    scaled = 2 * (rank - 1) / max(values.drop_nulls().n_unique() - 1, 1) - 1
    return scaled.fill_null(0.0).to_numpy()


def _score(inputs: list[pl.Series], generator: np.random.Generator, rows: int) -> np.ndarray:
    """Between 0 and 1, evenly spread; the second and third driver act in ways no line follows."""
    a, b, c = [*(effect(values) for values in inputs), *[np.zeros(rows)] * DRIVERS][:DRIVERS]
    noisy = 2 * a + a * b + np.abs(c) + generator.normal(0, NOISE, rows)
    return np.asarray((noisy.argsort(kind="stable").argsort(kind="stable") + 0.5) / rows)


def _target(score: np.ndarray, column: Column, params: Params) -> pl.Series:
    if params.task == "regression":
        low, high = _limits(column)
        values = pl.Series(low + score**2 * (high - low))
        return _cast(values.round() if column.dtype == "int" else values, column)
    names = class_names(column, params)
    codes = np.minimum((score * len(names)).astype(int), len(names) - 1)
    return _cast(pl.Series([names[i] for i in codes], dtype=pl.String), column)


def class_names(column: Column, params: Params) -> list[str]:
    """The classes in order, the positive one last."""
    positive = params.data.positive
    pool = {"int": ["0", "1", "2"], "float": ["0.0", "1.0", "2.0"], "bool": ["false", "true"]}
    names = sorted(column.values or pool.get(column.dtype, ["high", "low", "middle"]))
    if positive is None or (column.values and len(names) > 2):
        return names
    return [next(name for name in names if name != positive), positive]


def _values(name: str, column: Column, rows: int, generator: np.random.Generator) -> pl.Series:
    if column.role == "identifier":
        return _names(name, column, rows)
    if column.values:
        return _cast(_pick(list(column.values), rows, generator), column)
    if column.dtype in ("date", "datetime"):
        return _cast(_moments(generator.integers(0, SECONDS, rows)), column)
    if column.dtype == "bool":
        return pl.Series(generator.random(rows) < 0.5)
    if column.dtype == "string":
        words = [f"{name} {letter}" for letter in "abcdefgh"]
        return _pick(words, rows, generator)
    low, high = _limits(column)
    if column.role == "categorical":
        high = min(high, low + 9)
    if column.dtype == "int":
        return pl.Series(generator.integers(int(np.ceil(low)), int(np.floor(high)) + 1, rows))
    return pl.Series(generator.uniform(low, high, rows))


def _names(name: str, column: Column, rows: int) -> pl.Series:
    """One for each row: 1, 2, 3 and so on, or a text that ends so."""
    first = int(np.ceil(_limits(column)[0])) + 1
    numbers = pl.Series(np.arange(first, first + rows))
    if column.dtype in ("date", "datetime"):
        return _cast(_moments(numbers.to_numpy() * 86_400), column)
    if column.dtype == "string":
        return name + "-" + numbers.cast(pl.String)
    return _cast(numbers, column)


def _limits(column: Column) -> tuple[float, float]:
    low, high = column.span
    if low is None:
        low = 0.0 if high is None else high - 100
    return low, low + 100 if high is None else high


def _moments(seconds: np.ndarray) -> pl.Series:
    return pl.Series(np.datetime64(START, "us") + seconds.astype("timedelta64[s]"))


def _pick(values: list[str], rows: int, generator: np.random.Generator) -> pl.Series:
    return pl.Series(values)[generator.integers(0, len(values), rows)]


def _with_gaps(values: pl.Series, generator: np.random.Generator) -> pl.Series:
    missing = pl.Series(generator.random(len(values)) < MISSING)
    return values.set(missing, None) if missing.any() else values


def _cast(values: pl.Series, column: Column) -> pl.Series:
    return read(values, column.dtype).cast(DTYPES[column.dtype])
