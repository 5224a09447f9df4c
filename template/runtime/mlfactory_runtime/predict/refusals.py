"""Why rows of a batch have no answer, counted by field and rule for the log."""

from collections import Counter
from collections.abc import Iterable

import polars as pl

from ..data.contract import ABSENT, MISSING, NONE_OF
from ..learn.signature import Feature
from ..log.refusals import Broken
from ..settings.catalog import Catalog


def broken_by(raw: pl.DataFrame, cases: pl.DataFrame, catalog: Catalog) -> Broken:
    """In how many rows a column breaks a rule; unknown categories by value, unless sensitive."""
    count: Broken = Counter()
    for (column, rule), part in cases.unique().group_by("column", "rule"):
        name, what = str(column), str(rule)
        if what == NONE_OF and catalog.columns[name].sensitive == "none":
            texts = raw[name].gather(part["row"]).cast(pl.String).fill_null("")
            count.update({(name, what, value): rows for value, rows in texts.value_counts().rows()})
        else:
            count[name, what, ""] += part.height
    return count


def absent_by(raw: pl.DataFrame, columns: Iterable[str], rows: int) -> Broken:
    """The columns that are missing altogether, in each of so many rows."""
    return Counter({(name, ABSENT, ""): rows for name in columns if name not in raw.columns})


def lacking_by(rows: pl.DataFrame, features: tuple[Feature, ...]) -> Broken:
    """In how many rows a feature is missing that never was in training."""
    needed = (one.name for one in features if not one.missing_seen)
    return +Counter({(name, MISSING, ""): rows[name].null_count() for name in needed})
