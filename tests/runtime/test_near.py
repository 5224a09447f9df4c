"""Rows that nearly repeat another, and tables in which rows are only alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.draft.near import find_near

from .factories import drafted

Draw = np.random.Generator
Rows = tuple[np.ndarray, np.ndarray]


def said(x: np.ndarray, y: np.ndarray, task: str) -> list[str]:
    table = pl.DataFrame(x, schema=[f"v{n}" for n in range(x.shape[1])]).with_columns(
        y=pl.Series(y)
    )
    return find_near(table, table.columns, "y", task)


@pytest.mark.parametrize(("times", "noise", "columns"), [(4, 0.02, 5), (2, 0.01, 3), (12, 0.1, 9)])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_that_nearly_repeat_another_are_named(
    times: int, noise: float, columns: int, task: str
) -> None:
    draw = np.random.default_rng(times)
    who = draw.permutation(np.repeat(np.arange(900 // times), times))
    x = np.exp(draw.normal(size=(900, columns)))[who] * (
        1 + noise * draw.normal(size=(900, columns))
    )
    y = draw.normal(size=900)[who]
    y = y + 0.01 * draw.normal(size=900) if task == "regression" else y > 0
    assert "of the rows have another one that is nearly the same" in said(x, y, task)[0]
    assert said(x, draw.permutation(y), task) == []  # they share no outcome


def independent(draw: Draw) -> Rows:
    x = draw.normal(size=(1000, 6))
    return x, x[:, 0] > 0


def line(draw: Draw) -> Rows:
    """Three measures of one thing, which tells the outcome."""
    t = draw.random(1000)
    return np.column_stack([t, t**2 + 1e-4 * draw.random(1000), np.exp(t)]), t


def walk(draw: Draw) -> Rows:
    x = draw.normal(size=(1000, 4)).cumsum(axis=0)
    return x, x.sum(axis=1)


def blobs(draw: Draw) -> Rows:
    who = draw.integers(0, 6, 1000)
    return draw.normal(size=(6, 5))[who] * 20 + draw.normal(size=(1000, 5)), who > 2


def rounded(draw: Draw) -> Rows:
    x = draw.normal(50, 20, size=(2000, 3)).round()
    return x, x[:, 0] + x[:, 1]


def grid(draw: Draw) -> Rows:
    x = np.stack(np.meshgrid(*[np.arange(0, 60)] * 2), -1).reshape(-1, 2)
    x = np.column_stack([x, draw.random(len(x))])
    return x, x[:, 0] * x[:, 1]


@pytest.mark.parametrize("table", [independent, line, walk, blobs, rounded, grid])
def test_rows_that_are_only_alike_are_not(table: Callable[[Draw], Rows]) -> None:
    for seed in range(3):
        x, y = table(np.random.default_rng(seed))
        assert said(x, y, "classification" if y.dtype == bool else "regression") == []


def test_a_draft_names_them_unless_something_does(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    who = np.repeat(np.arange(150), 4)
    x = draw.normal(size=(150, 4))[who] + 0.02 * draw.normal(size=(600, 4))
    table = pl.DataFrame(x, schema=list("abcd")).with_columns(
        y=pl.Series(draw.normal(size=150)[who]), customer=pl.Series(who).cast(pl.String) + "x"
    )
    rows = table.sample(fraction=1, shuffle=True, seed=0)
    factory = drafted(tmp_path / "one", rows, "regression", target="y")
    assert factory.settings()["split"]["group"] == "customer"

    rows.drop("customer").write_csv(factory.path / "data/raw/customers.csv")
    factory.change(split={"salt": None, "key": [], "group": None})
    factory.write("features.yaml", "columns: {}\nderived: {}\n")
    first, again = (factory.run("catalog", "draft") for _ in range(2))

    assert "is nearly the same in all of 'a', 'b', 'c' …" in first.out + first.err
    assert "nearly the same" not in again.out + again.err
