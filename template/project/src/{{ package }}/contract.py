"""The data contract that follows from the catalog, checked with pandera on collected batches."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from .catalog import Catalog, Column, Finding
from .data import missing_as_null, parse
from .errors import FactoryError
from .formats import DTYPES
from .params import Data

MISSING = "is missing"


@dataclass(frozen=True)
class Violation:
    """A rule that a column breaks, and in how many rows."""

    column: str
    rule: str
    rows: int


def schema(columns: dict[str, Column]) -> pa.DataFrameSchema:
    """Types, ranges, values and missing values that the catalog allows."""
    return pa.DataFrameSchema({name: _column(column) for name, column in columns.items()})


def _column(column: Column) -> pa.Column:
    checks = []
    low, high = column.range or (None, None)
    if low is not None:
        checks.append(pa.Check.ge(low, error=f"is below {low:g}"))
    if high is not None:
        checks.append(pa.Check.le(high, error=f"is above {high:g}"))
    if column.values is not None:
        checks.append(pa.Check.isin(column.values, error="is none of the values in the catalog"))
    return pa.Column(DTYPES[column.dtype], checks, nullable=column.nullable)


def read_batch(raw: pl.DataFrame, columns: dict[str, Column], data: Data) -> tuple[pl.DataFrame, list[Violation]]:  # fmt: skip  # noqa: E501
    """A batch typed by the catalog, and what it breaks of the contract.

    Raises FactoryError for a column that is missing altogether: nothing can be said without it.
    """
    if absent := [name for name in columns if name not in raw.columns]:
        raise FactoryError(
            f"the data lack {_named(absent)}",
            "deliver the columns again, or take them out of features.yaml",
        )
    present = missing_as_null(raw.select(list(columns)), data, columns)
    rows = parse(present, columns)
    found = [
        Violation(name, f"cannot be read as {column.dtype}", lost)
        for name, column in columns.items()
        if (lost := rows[name].null_count() - present[name].null_count())
    ]
    unread = {violation.column for violation in found}
    broken = [v for v in _broken(rows, columns) if v.rule != MISSING or v.column not in unread]
    return rows, found + broken


def _broken(rows: pl.DataFrame, columns: dict[str, Column]) -> list[Violation]:
    try:
        schema(columns).validate(rows, lazy=True)
    except SchemaErrors as errors:
        rules = Counter(
            (str(case["column"]), _rule(str(case["check"])))
            for case in errors.failure_cases.iter_rows(named=True)
        )
        return [Violation(column, rule, rows) for (column, rule), rows in rules.items()]
    return []


def _rule(check: str) -> str:
    return MISSING if check == "not_nullable" else check


def findings(violations: Iterable[Violation], catalog: Catalog) -> list[Finding]:
    """What the data break, summed over all batches, with the remedy for each."""
    total: Counter[tuple[str, str]] = Counter()
    for violation in violations:
        total[violation.column, violation.rule] += violation.rows
    return [
        Finding(
            "error", column, catalog.columns[column].source,
            f"{rows:,} {'row' if rows == 1 else 'rows'}: the value {rule}",
            f"mend it at the source, or change the contract of {column!r} in features.yaml",
        )
        for (column, rule), rows in total.items()
    ]  # fmt: skip


def _named(names: list[str]) -> str:
    return ("the column " if len(names) == 1 else "the columns ") + ", ".join(map(repr, names))
