"""The data contract that follows from the catalog, checked with pandera on collected batches."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from ..errors import FactoryError
from ..settings.availability import Finding
from ..settings.catalog import Catalog, Column
from ..settings.params import Data
from ..tables.formats import DTYPES
from .rows import missing_as_null, parse

if TYPE_CHECKING:
    import pandera.polars as pa


MISSING, NONE_OF = "is missing", "is none of the values in the catalog"
ABSENT = "is no column of the file"
NO_CASES = pl.DataFrame(schema={"row": pl.Int64, "column": pl.String, "rule": pl.String})


def schema(columns: dict[str, Column]) -> "pa.DataFrameSchema":
    """Types, ranges, values and missing values that the catalog allows."""
    import pandera.polars as pa

    return pa.DataFrameSchema({name: _column(column) for name, column in columns.items()})


def _column(column: Column) -> "pa.Column":
    import pandera.polars as pa

    checks = []
    low, high = column.range or (None, None)
    if low is not None:
        checks.append(pa.Check.ge(low, error=f"is below {low:g}"))
    if high is not None:
        checks.append(pa.Check.le(high, error=f"is above {high:g}"))
    if column.allowed is not None:
        checks.append(pa.Check.isin(column.allowed, error=NONE_OF))
    return pa.Column(DTYPES[column.dtype], checks, nullable=column.nullable)


def read_rows(
    raw: pl.DataFrame, columns: dict[str, Column], data: Data
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A batch typed by the catalog, and each value that breaks it: `row` (from 0), column, rule.

    Raises FactoryError for a column that is missing altogether: nothing can be said without it.
    """
    if absent := [name for name in columns if name not in raw.columns]:
        raise FactoryError(
            f"the data lack {_named(absent)}",
            "deliver the columns again, or take them out of features.yaml",
        )
    present = missing_as_null(raw.select(list(columns)), data, columns)
    rows = parse(present, columns)
    unread = [
        _cases(rows[name].is_null() & present[name].is_not_null(), name, column)
        for name, column in columns.items()
    ]
    unreadable = pl.concat([case for case in unread if case.height] or [NO_CASES])
    broken = _broken(rows, columns).join(unreadable, on=["row", "column"], how="anti")
    return rows, pl.concat([unreadable, broken])


def _cases(unread: pl.Series, name: str, column: Column) -> pl.DataFrame:
    places = unread.arg_true().cast(pl.Int64).alias("row").to_frame()
    rule = f"cannot be read as {column.dtype}"
    return places.with_columns(column=pl.lit(name), rule=pl.lit(rule))


def _holds(rows: pl.DataFrame, columns: dict[str, Column]) -> bool:
    """Whether every value is allowed. Which are not, pandera says; it takes a second to import."""
    broken = [value for name, column in columns.items() for value in _breaches(name, column)]
    return not rows.select(pl.any_horizontal(pl.lit(False), *broken)).item()


def _breaches(name: str, column: Column) -> Iterator[pl.Expr]:
    """Whether some value breaks a rule, rule by rule."""
    value, (low, high) = pl.col(name), column.range or (None, None)
    if not column.nullable:
        yield value.is_null().any()
    if low is not None:
        yield (value < low).any()
    if high is not None:
        yield (value > high).any()
    if column.allowed is not None:
        yield (~value.is_in(list(column.allowed))).any()


def _broken(rows: pl.DataFrame, columns: dict[str, Column]) -> pl.DataFrame:
    if _holds(rows, columns):
        return NO_CASES
    from pandera.errors import SchemaErrors

    try:
        schema(columns).validate(rows, lazy=True)
    except SchemaErrors as errors:
        cases: pl.DataFrame = errors.failure_cases
        return cases.select(
            row=pl.col("index").cast(pl.Int64),
            column=pl.col("column").cast(pl.String),
            rule=pl.col("check").cast(pl.String).replace("not_nullable", MISSING),
        )
    return NO_CASES


def broken_rules(cases: pl.DataFrame) -> Counter[tuple[str, str]]:
    """In how many rows each column breaks a rule."""
    counts = cases.group_by("column", "rule", maintain_order=True).len()
    return Counter({(column, rule): rows for column, rule, rows in counts.iter_rows()})


def unusual(rows: pl.DataFrame, columns: Mapping[str, Column]) -> Counter[tuple[str, str]]:
    """In how many rows a value is outside what is usual for its column, by the rule."""
    limits = [
        (name, sign, limit)
        for name, column in columns.items()
        if column.usual and name in rows.columns
        for sign, limit in zip(("below", "above"), column.usual, strict=True)
        if limit is not None
    ]
    outside = {"below": pl.Expr.lt, "above": pl.Expr.gt}
    counts = rows.select(
        outside[sign](pl.col(name), limit).sum().alias(str(place))
        for place, (name, sign, limit) in enumerate(limits)
    )
    rules = [(name, f"is {sign} the usual {limit:g}") for name, sign, limit in limits]
    counted = Counter(dict(zip(rules, counts.row(0) if limits else (), strict=True)))
    for name, column in columns.items():
        if column.values is not None and column.allowed is None and name in rows.columns:
            values = rows[name].drop_nulls()
            counted[name, NONE_OF] = values.len() - int(values.is_in(list(column.values)).sum())
    return +counted


def unusual_findings(counts: Mapping[tuple[str, str], int], catalog: Catalog) -> list[Finding]:
    """What is outside of what is usual: it is learned from and scored all the same."""
    return [
        Finding(
            "warning", column, catalog.columns[column].source,
            f"{rows:,} {'row' if rows == 1 else 'rows'}: the value {rule}",
            (
                f"add it to `values` of {column!r} in features.yaml, or refuse: `unseen: refuse`"
                if rule == NONE_OF
                else f"widen `usual` of {column!r} in features.yaml, or make it `range` to refuse "
                "such rows"
            ),
        )
        for (column, rule), rows in counts.items()
    ]  # fmt: skip


def findings(broken: Mapping[tuple[str, str], int], catalog: Catalog) -> list[Finding]:
    """What the data break, by column and rule, with the remedy for each."""
    return [
        Finding(
            "error", column, catalog.columns[column].source,
            f"{rows:,} {'row' if rows == 1 else 'rows'}: the value {rule}",
            f"mend it at the source, or change the contract of {column!r} in features.yaml",
        )
        for (column, rule), rows in broken.items()
    ]  # fmt: skip


def _named(names: list[str]) -> str:
    return ("the column " if len(names) == 1 else "the columns ") + ", ".join(map(repr, names))
