"""Training rows of two models: by how many of them a feature lies elsewhere, and no more."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.gate.shift import Shift, share
from mlfactory_runtime.learn.profile import _distribution

DRAW = np.random.default_rng(7)
NORMAL = DRAW.normal(size=(2, 20_000))


def of(values: object) -> float:
    """What is said of rows that had `values[0]` and have `values[1]`."""
    then, now = (_distribution(pl.Series("x", one, strict=False), "") for one in values)  # type: ignore[attr-defined]
    return share(then, now)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((NORMAL[0], NORMAL[1]), 0.0),
        ((NORMAL[0], NORMAL[1] + 10), 1.0),
        ((NORMAL[0], NORMAL[1] + 0.5), 0.197),  # 2 Φ(1/4) - 1
        (([0, 1] * 500, [0, 0, 0, 1] * 250), 0.25),
        (([0, 1, 2] * 300, [0, 2] * 450), 1 / 6),
        (([0, 2] * 450, [0, 1, 2] * 300), 1 / 6),
        ((["a", "b"] * 500, ["a", "a", "b", "c"] * 250), 0.25),
        ((["a", "b"] * 500, ["a", None] * 500), 0.5),
        (([1.0, 2.0] * 500, [1.0, None, 2.0, 2.0] * 250), 0.25),
        (([True, False] * 500, ["a", "b"] * 500), 1.0),
        (([None, None], [None, None]), 0.0),
    ],
)
def test_the_share_is_that_of_the_rows_that_moved(values: object, expected: float) -> None:
    assert of(values) == pytest.approx(expected, abs=0.02)


def test_a_bar_is_as_long_as_the_share() -> None:
    assert [len(Shift("x", one).bar) for one in (0.021, 0.5, 1.0)] == [1, 10, 20]
