"""A target with a heavy tail: what decides by squared errors hangs on a few rows."""

import polars as pl

from ..learn.tails import few_rows
from ..settings.params import Params


def find_tail(target: pl.Series, params: Params) -> list[str]:
    """What to propose where hardly any rows carry half of what there is to explain by squares.

    Nothing where a person has chosen already.
    """
    if params.task != "regression" or params.model.objective:
        return []
    valid = target.cast(pl.Float64, strict=False).drop_nulls().to_numpy()
    count = few_rows((valid - valid.mean()) ** 2) if len(valid) else None
    if count is None:
        return []
    carry = "carries" if count == 1 else "carry"
    return [
        f"{target.name!r}: {count:,} of {len(valid):,} rows {carry} half of all squared distances "
        f"from the mean, so by rmse {'it' if count == 1 else 'they'} may decide alone. If being "
        "right in most cases counts, and not the sum, let absolute errors (mae) decide: "
        "model.objective: regression_l1 in params.yaml"
    ]
