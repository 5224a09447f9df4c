"""Rows that are copies of one another: who has learned from one knows the outcome of the others."""

import numpy as np
import polars as pl

from ..settings.catalog import Catalog
from ..settings.params import Params

COPIES = 0.95  # so much alike in the target: chance and honest features leave exceptions
AT_ONCE = 100_000  # rows
MOST = 20  # rows that are equal more often hold few values, and are no copies


def comparable(catalog: Catalog, params: Params) -> list[str]:
    """The columns in which copies are equal: all that is learned from but names and moments."""
    apart = {params.data.time, params.data.id} - {*catalog.features(params)}
    columns = catalog.inputs(params).items()
    return [n for n, column in columns if n not in apart and column.role != "datetime"]


def same_rows(rows: pl.DataFrame, names: list[str]) -> pl.Series:
    """A number for each row, which rows that are equal in some columns share in this process.

    In parts, for polars writes out all rows that it is asked about.
    """
    parts = [*rows.iter_slices(AT_ONCE)] or [rows]
    numbers = [part.select(same=pl.struct(names).hash()) for part in parts]
    return pl.concat(numbers, rechunk=True)["same"]


def alikeness(places: np.ndarray, z: np.ndarray) -> float:
    """How much alike rows of one place are in `z`, of shape (rows, k); 1 is the same, 0 is chance.

    The share of the variance that places explain, less what chance would explain (the intraclass
    correlation; adjusted as R² is).
    """
    sizes = np.bincount(places)
    spare, z = len(places) - np.count_nonzero(sizes), z - z.mean(axis=0)
    if not spare:
        return 0.0
    sums = np.stack([np.bincount(places, column) for column in z.T], axis=1)
    means = sums / np.maximum(sizes, 1)[:, None]
    within, total = ((z - means[places]) ** 2).sum() / spare, (z**2).sum() / (len(places) - 1)
    return float(1 - within / total) if total else 0.0


def are_copies(same: pl.Series, target: pl.Series, task: str, most: float = MOST) -> bool:
    """Whether rows that are equal, those with one value of `same`, have one outcome, too.

    Rows of few columns are equal by chance, and then differ in the target. Numbers have to be the
    very same: honest columns may tell nearly all of them. Rows without an outcome say nothing.
    """
    if target.null_count():
        same, target = (one.filter(target.is_not_null()) for one in (same, target))
    order = np.sort(same.to_numpy())  # groups of so many rows as there are take the memory of ten
    again = order[1:] == order[:-1]
    if not again.any() or (len(order) - again.sum()) * most < len(order):
        return False
    repeated = pl.Series(np.unique(order[1:][again]), dtype=same.dtype)
    several = pl.DataFrame({"same": same, "y": target}).filter(pl.col("same").is_in(repeated))
    if task == "regression":
        single = several.group_by("same").agg(pl.col("y").n_unique() == 1)["y"]
        return bool(np.mean(single.to_numpy()) >= COPIES)
    places, codes = (several[n].rank("dense").to_numpy().astype(int) - 1 for n in ("same", "y"))
    return not codes.any() or alikeness(places, np.eye(codes.max() + 1)[codes]) >= COPIES


def copies(rows: pl.DataFrame, catalog: Catalog, params: Params) -> pl.Series | None:
    """A number for each row, which its copies share; None where there are none."""
    names = [name for name in comparable(catalog, params) if name in rows.columns]
    if not names:
        return None
    same = same_rows(rows, names)
    return same if are_copies(same, rows[params.data.target], params.task) else None
