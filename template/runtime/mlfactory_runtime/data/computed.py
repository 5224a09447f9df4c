"""What features.py computes, held against what the catalog declares."""

from collections.abc import Collection, Iterable

import polars as pl

from ..errors import FactoryError
from ..extensions import call
from ..project import Compute


def featured(rows: pl.DataFrame, names: Iterable[str], compute: Compute) -> pl.DataFrame:
    """Rows with what features.py adds; FactoryError where that is not what is declared."""
    features = _computed(rows, compute)
    if features.height != rows.height:
        raise FactoryError(
            f"features.py made {features.height:,} rows of {rows.height:,}",
            "look at one row at a time: no filter, no join, no group_by",
        )
    if absent := [name for name in names if name not in features.columns]:
        raise FactoryError(
            f"features.py does not compute {', '.join(map(repr, absent))}",
            "compute it there, or take it out of `derived:` in features.yaml",
        )
    number = pl.selectors.float()  # a division by zero has no result
    return features.with_columns(pl.when(number.is_finite()).then(number).name.keep())


def _computed(rows: pl.DataFrame, compute: Compute) -> pl.DataFrame:
    """What features.py gives; whatever goes wrong in it is told with its line."""
    hint = "mend it there; features.yaml names every column that it reads among its `parents`"
    table = call(compute, "features.py", rows, hint=hint)
    if not isinstance(table, pl.DataFrame):
        raise FactoryError(f"features.py gives {type(table).__name__}", "return a polars DataFrame")
    return table


def refuse_undeclared(frame: pl.DataFrame, declared: Collection[str]) -> None:
    """A FactoryError names what features.py computes and the catalog does not list."""
    if undeclared := [name for name in frame.columns if name not in declared]:
        raise FactoryError(
            f"features.py computes {', '.join(map(repr, undeclared))}, which features.yaml lacks",
            "declare it there under `derived:` with its parents",
        )
