"""The features of this model. This file is yours.

One function computes them for training, for batch scoring and online, so that all three see the
same values. Three rules keep that true: it looks at one row at a time (no mean, no rank, no
shift), it changes nothing outside itself, and it learns nothing from the data.
What must be learned belongs to the model; history is aggregated where the data come from.

To add a feature: a line here, and a row under `derived:` in features.yaml that names its parents.
"""

import polars as pl


def features(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the derived features to rows of raw columns (typed as the catalog says)."""
    return rows.with_columns(
        # (pl.col("calls") / pl.col("months")).alias("calls_per_month"),
    )
