"""What people use without a model where numbers come in series: the last value, or a season's.

A series has one value a moment: all rows are one, or those of each entity of a panel.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import polars as pl

from ..settings.catalog import Catalog
from ..settings.params import Params

# Up to so many days from one moment to the next, what is alike lies so far back.
SEASONS = ((1.01, "7d"), (7.01, "52w"), (92.01, "12mo"))
SINGLE, STEPS = 1.05, 3  # rows of a moment, for a few come twice; and moments of a series
NAMES = ("identifier", "categorical", "ignored")
PAIRED = 12  # columns that are looked at two by two
MOMENT, VALUE, PLACE = "__moment__", "__value__", "__place__"


def histories(
    past: pl.DataFrame, holdout: pl.DataFrame, catalog: Catalog, params: Params
) -> dict[str, np.ndarray]:
    """What the past says of each held-out row, by the name of the method; nothing without series.

    `last_value` and `seasonal_naive` know what the model knows: all up to the cutoff. The
    `previous_value` is that of the moment before, which may be held out itself.
    """
    time, target = params.data.time, params.data.target
    entity = entity_of(past, catalog, params) if time else None
    if time is None or entity is None:
        return {}
    history, rows = (series(part, entity, time, target) for part in (past, holdout))
    naive = {"last_value": before(history, rows, entity)}
    if season := season_of(history[MOMENT]):
        repeated = seasonal(history, rows, entity, season)
        naive["seasonal_naive"] = repeated.fill_null(naive["last_value"])
    naive["previous_value"] = before(pl.concat([history, rows]), rows, entity)
    return {name: one.fill_null(history[VALUE].mean()).to_numpy() for name, one in naive.items()}


def entity_of(rows: pl.DataFrame, catalog: Catalog, params: Params) -> tuple[str, ...] | None:
    """The columns that name a series; empty if all rows are one, None if there are no series."""
    for names in entities(rows, catalog, params):
        moments = rows.select(*names, params.data.time).n_unique()
        count = rows.select(names).n_unique() if names else 1
        if rows.height <= SINGLE * moments and moments >= STEPS * count:
            return names
    return None


def entities(rows: pl.DataFrame, catalog: Catalog, params: Params) -> Iterator[tuple[str, ...]]:
    """What may name a series: nothing, what settings name, one column, or two; few values first."""
    yield ()
    for columns in ((params.data.id or "",), params.split.groups):
        if columns and {*columns} <= {*rows.columns}:
            yield columns
    apart = {params.data.time, params.data.target}
    counts = {
        name: rows[name].n_unique()
        for name, column in catalog.columns.items()
        if column.role in NAMES and name in rows.columns and name not in apart
    }
    few = sorted((name for name in counts if counts[name] > 1), key=lambda name: counts[name])
    yield from ((name,) for name in few)
    yield from combinations(few[:PAIRED], 2)


def series(rows: pl.DataFrame, entity: Sequence[str], time: str, target: str) -> pl.DataFrame:
    """Moment and value of each row with its series and its place, in the order of moments."""
    return rows.select(
        *entity,
        pl.col(time).cast(pl.Datetime("us")).alias(MOMENT),
        pl.col(target).cast(pl.Float64).alias(VALUE),
        pl.arange(rows.height).alias(PLACE),
    ).sort(MOMENT, maintain_order=True)


def before(past: pl.DataFrame, rows: pl.DataFrame, entity: Sequence[str]) -> pl.Series:
    """The last value of the same series before each row; null if there is none."""
    joined = rows.drop(VALUE).join_asof(
        values(past, entity),
        on=MOMENT,
        by=list(entity) or None,
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return joined.sort(PLACE)[VALUE]


def values(past: pl.DataFrame, entity: Sequence[str]) -> pl.DataFrame:
    """One value for each moment of a series, in the order of moments."""
    return past.group_by(*entity, MOMENT).agg(pl.col(VALUE).mean()).sort(MOMENT)


def season_of(moments: pl.Series) -> str | None:
    """How far back what is alike lies, as polars writes it; None if there is no whole season."""
    distinct = moments.unique().sort()
    days = distinct.diff().drop_nulls().dt.total_seconds() / 86_400
    step = float(days.quantile(0.5) or 0) if len(days) else np.inf
    season = next((season for longest, season in SEASONS if step <= longest), None)
    whole = season and (distinct.head(1).dt.offset_by(season) <= distinct.tail(1)).all()
    return season if whole else None


def seasonal(
    series: pl.DataFrame, rows: pl.DataFrame, entity: Sequence[str], season: str
) -> pl.Series:
    """The value of the same series as few whole seasons before each row as it is known."""
    past, last = values(series, entity), series[MOMENT].max()
    moments, value = rows[MOMENT], pl.Series(VALUE, [None] * rows.height, dtype=pl.Float64)
    while True:
        moments = moments.dt.offset_by(f"-{season}")
        then = rows.drop(VALUE).with_columns(moments.alias(MOMENT))
        on = [*entity, MOMENT]
        value = value.fill_null(then.join(past, on=on, how="left", maintain_order="left")[VALUE])
        if (moments <= last).all():
            return rows.select(PLACE, value.alias(VALUE)).sort(PLACE)[VALUE]
