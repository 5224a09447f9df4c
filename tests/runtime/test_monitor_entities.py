"""How many entities a monitor has seen: exactly where they are few, and in bounded memory."""

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.monitor.entities import MOST, Entities, hashed


def seen(*parts: pl.Series) -> Entities:
    found = Entities()
    for keys in parts:
        found = found.with_more(hashed(keys))
    return found


def test_few_entities_are_counted_exactly_and_each_row_without_a_key_is_one() -> None:
    first, second = pl.Series(["a", "b", None, "a"]), pl.Series(["b", None, "c"])
    assert seen(first, second).count == 5
    assert seen(pl.Series([None, None], dtype=pl.String)).count == 2
    assert seen().count == 0


def test_many_entities_are_counted_in_the_same_memory() -> None:
    keys = [pl.Series(np.arange(k, k + 100_000)).cast(pl.String) for k in range(0, 400_000, 50_000)]
    found = seen(*keys)
    assert len(found.hashes) == MOST
    assert found.count == pytest.approx(450_000, rel=0.02)
