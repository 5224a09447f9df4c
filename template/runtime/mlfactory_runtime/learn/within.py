"""Groups of rows within which the monitor compares: by values of a feature, or its quarters."""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from ..records.profile import Names, Numbers, Part
from .seasons import ENOUGH, Reference, counted, placed
from .signature import Signature

VALUES, QUARTERS = 10, (0.25, 0.5, 0.75)


def labels(column: pl.Series, reference: Reference) -> pl.Series:
    """The group of each row; null where it has none, as rare values."""
    if isinstance(reference, Names):
        text, names_listed = column.cast(pl.String), [*reference.counts][:VALUES]
        return text.set(~text.is_in(names_listed), None)
    edges = edges_of(reference)
    numbers = column.to_physical().cast(pl.Float64)
    places = np.searchsorted(edges, numbers.fill_null(0.0).to_numpy())
    names = [f"up to {edge:.4g}" for edge in edges] + [f"above {edges[-1]:.4g}"] * bool(edges)
    series = pl.Series(column.name, [names[k] if names else None for k in places], dtype=pl.String)
    return series.set(numbers.is_null(), None)


def edges_of(reference: Numbers) -> list[float]:
    """Where quarters of the rows end."""
    places = np.searchsorted(reference.upto, QUARTERS)
    return sorted({reference.values[k] for k in places if k < len(reference.values) - 1})


def segments(
    frame: pl.DataFrame,
    signature: Signature,
    features: Mapping[str, Reference],
    columns: Iterable[str],
) -> dict[str, dict[str, dict[str, Part]]]:
    """By column and group, how the other features lie there, where the group has rows enough.

    Of columns that tell of persons, and of those that are not learned from, nothing is kept.
    """
    clear = {one.name for one in signature.features if not one.salt}
    parts_of: dict[str, dict[str, dict[str, Part]]] = {}
    for column in (name for name in columns if name in clear):
        groups = frame.with_columns(labels(frame[column], features[column]).alias(" group"))
        for (group,), rows in groups.drop_nulls(" group").group_by(" group", maintain_order=True):
            if rows.height >= ENOUGH:
                own = parts(rows, signature, features, column)
                parts_of.setdefault(column, {})[str(group)] = own
    return parts_of


def parts(
    rows: pl.DataFrame, signature: Signature, features: Mapping[str, Reference], column: str
) -> dict[str, Part]:
    """How the features but one lie in a group."""
    by_group = {}
    for one in signature.features:
        present = rows[one.name].drop_nulls()
        if one.name != column and present.len() >= ENOUGH:
            shares = counted(placed(present, features[one.name], one.salt), features[one.name])
            by_group[one.name] = Part(
                rows=present.len(), day=0.0, shares=tuple(shares.round(6).tolist())
            )
    return by_group
