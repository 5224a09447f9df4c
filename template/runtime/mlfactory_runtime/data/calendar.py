"""Features that the library itself computes of moments: what of a date comes again."""

from collections.abc import Mapping

import polars as pl

from ..settings.catalog import Derived


def with_parts(rows: pl.DataFrame, derived: Mapping[str, Derived]) -> pl.DataFrame:
    """The rows with each part of a moment, as whole numbers: months from 1, weekdays from Monday=1.

    `days` are those from the first parent, a date, to the second, the moment that a row is about.
    """
    return rows.with_columns(part_of(one).cast(pl.Int64).alias(n) for n, one in derived.items())


def part_of(feature: Derived) -> pl.Expr:
    moment, *later = (pl.col(name) for name in feature.parents)
    if feature.part == "days":
        return (later[0].cast(pl.Datetime("us")) - moment.cast(pl.Datetime("us"))).dt.total_days()
    parts = {"month": moment.dt.month, "weekday": moment.dt.weekday}
    return parts.get(feature.part or "", moment.cast(pl.Datetime("us")).dt.hour)()
