"""Whom scores are about: how many there are, told in little memory."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

MOST = 65_536


@dataclass(frozen=True)
class Entities:
    """How many different ones were seen: those without a key, each its own, and hashes of the rest.

    Only the MOST smallest hashes are kept, and tell how many there are (Bar-Yossef and others,
    Counting distinct elements in a data stream, RANDOM 2002): exactly up to MOST, beyond that to
    about 0.4 %.
    """

    single: int = 0
    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint64))

    def with_more(self, hashes: pl.Series) -> "Entities":
        """The same and those of more rows, null where there is no key."""
        every = np.append(self.hashes, hashes.drop_nulls().to_numpy())
        return Entities(self.single + hashes.null_count(), np.unique(every)[:MOST])

    @property
    def count(self) -> float:
        """How many there are."""
        size = len(self.hashes)
        if size == MOST:
            return self.single + (MOST - 1) * 2.0**64 / float(self.hashes[-1])
        return self.single + size


def hashed(keys: pl.Series) -> pl.Series:
    """A number for each key, null where there is none."""
    return keys.hash().set(keys.is_null(), None)


def questions(rows: pl.DataFrame, features: pl.DataFrame) -> pl.Series:
    """A number for what each row asks; null where nobody knows whom it is about."""
    if "entity" not in rows.columns:
        return pl.Series([None], dtype=pl.UInt64).new_from_index(0, rows.height)
    hashes = pl.DataFrame([rows["entity"], rows["row_time"], *features]).hash_rows()
    return hashes.set(rows["entity"].is_null(), None)
