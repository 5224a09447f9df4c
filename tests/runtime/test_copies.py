"""Copies and entities: nobody learns the outcome of a held-out row from another row."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.learn import copies
from mlfactory_runtime.learn.copies import are_copies, same_rows
from mlfactory_runtime.learn.split import PARTS, by_hash, prepare
from mlfactory_runtime.settings.params import Split

from .factories import Factory, drafted

ROWS = 1200


def noise(repeats: int, *, jitter: float = 0.0) -> pl.DataFrame:
    """Random outcomes, every row so many times; each row has an id and a day of its own."""
    draw = np.random.default_rng(0)
    count = ROWS // repeats
    x, y = draw.normal(size=(count, 3)), draw.integers(0, 2, count)
    table = pl.DataFrame(x, schema=["a", "b", "c"]).with_columns(
        customer=pl.Series([f"C{n:04d}" for n in range(count)]),
        y=pl.Series(y).replace_strict({0: "no", 1: "yes"}, return_dtype=pl.String),
    )
    table = pl.concat([table] * repeats).sample(fraction=1, shuffle=True, seed=1)
    moved = pl.Series(jitter * draw.normal(size=table.height))
    return table.with_columns(
        pl.col("a") + moved,
        row=pl.Series([f"R{n:05d}" for n in draw.permutation(table.height)]),
        day=pl.Series([date(2024, 1, 1) + timedelta(days=n // 4) for n in range(table.height)]),
    )


def parts(factory: Factory) -> dict[str, pl.DataFrame]:
    prepare(factory.project)
    return {part: load_part(factory.project, part) for part in PARTS}


def crossing(found: dict[str, pl.DataFrame], *names: str) -> int:
    """How many rows of training or validation are also on a later side, by these columns."""
    count = 0
    for early, late in (("train", "validation"), ("train", "holdout"), ("validation", "holdout")):
        count += found[early].join(found[late], on=names, how="semi").height
    return count


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_are_the_same_once_more_though_a_column_differs(task: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    table = noise(4).drop("customer", "day").with_columns(seconds=pl.Series(draw.random(ROWS)))
    if task == "regression":
        table = table.with_columns(y=pl.col("b").hash() % 1000)
    factory = drafted(tmp_path / "own", table, task, target="y", id="row")
    assert factory.settings()["split"]["group"] in ("a", "b", "c")
    columns = factory.settings("features.yaml")["columns"]
    assert not any("suspect" in entry for entry in columns.values())
    assert crossing(parts(factory), "a") == 0


@pytest.mark.parametrize("known", [{"id": "row"}, {}])
def test_a_draft_keeps_copies_under_own_names_on_one_side(
    known: dict[str, str], tmp_path: Path
) -> None:
    table = noise(4).drop("customer", "day")
    factory = drafted(tmp_path / "own", table, "classification", target="y", **known)
    assert factory.settings()["split"]["group"] == ["a", "b", "c"]
    found = parts(factory)
    assert crossing(found, "a", "b", "c") == 0
    assert sum(part.height for part in found.values()) == ROWS


def test_copies_that_are_on_two_sides_are_left_out_of_training(tmp_path: Path) -> None:
    """As in a factory whose sides were drawn before anybody looked for copies."""
    table = noise(4).drop("customer", "day")
    factory = drafted(tmp_path / "own", table, "classification", target="y", id="row")
    factory.change(split={"group": None})
    found = parts(factory)
    assert crossing(found, "a", "b", "c") == 0
    assert 0.15 * ROWS < found["holdout"].height < 0.25 * ROWS
    record = prepare(factory.project)
    lost = ROWS - sum(record.rows.values())
    assert f"{lost:,} rows were left out of training: each is a copy of a row" in record.warnings[0]


def test_copies_at_other_times_are_left_out_of_training(tmp_path: Path) -> None:
    table = noise(4).drop("customer")
    factory = drafted(tmp_path / "own", table, "classification", target="y", id="row", time="day")
    found = parts(factory)
    assert crossing(found, "a", "b", "c") == 0
    assert found["holdout"].height > 0.15 * ROWS


@pytest.mark.parametrize("known", [{"id": "row"}, {"id": "row", "time": "day"}])
def test_one_outcome_per_customer_is_on_one_side(known: dict[str, str], tmp_path: Path) -> None:
    table = noise(8, jitter=0.1)
    factory = drafted(tmp_path / "own", table, "classification", target="y", **known)
    assert factory.settings()["split"]["group"] == "customer"
    found = parts(factory)
    assert crossing(found, "customer") == 0
    if "time" in known:
        assert found["train"]["day"].max() < found["holdout"]["day"].min()
        assert "rows are in no part" in prepare(factory.project).warnings[0]


def test_a_customer_whose_outcome_changes_with_time_is_seen_before_and_after(
    tmp_path: Path,
) -> None:
    draw = np.random.default_rng(3)
    fate = pl.Series(draw.choice(["no", "yes"], ROWS, p=[0.7, 0.3]))
    table = noise(8, jitter=0.1).with_columns(fate.alias("y"))
    factory = drafted(tmp_path / "own", table, "classification", target="y", id="row", time="day")
    assert factory.settings()["split"]["group"] is None
    assert sum(part.height for part in parts(factory).values()) == ROWS


def test_rows_that_few_values_make_equal_are_no_copies() -> None:
    draw = np.random.default_rng(2)
    same = pl.Series(draw.integers(0, 400, 2000))
    rare, half = (pl.Series(draw.random(2000) < share) for share in (0.006, 0.5))
    signal = pl.Series(draw.random(2000) < np.where(same.to_numpy() % 2, 0.9, 0.1))
    for y in (rare, half, signal):
        assert not are_copies(same, y, "classification")
        assert not are_copies(same, y.cast(pl.Float64) + same * 1e-9 + half, "regression")
    first = draw.integers(0, 2, 400)[same.to_numpy()]
    assert are_copies(same, pl.Series(first), "classification")
    assert are_copies(same, pl.Series(first + same.to_numpy() / 7), "regression")
    assert not are_copies(pl.Series(range(50)), half.head(50), "classification")


def test_copies_without_an_outcome_say_nothing() -> None:
    same = pl.Series([*range(40), *range(40)])
    alike = ["yes" if n % 2 else "no" for n in range(40)] * 2
    other = [*alike[:40], *alike[:40][::-1]]
    for unknown in (5, 40):
        nothing = [None] * unknown
        assert not are_copies(same, pl.Series([*other[:-unknown], *nothing]), "classification")
        kept = pl.Series([*alike[:-unknown], *nothing])
        assert are_copies(same, kept, "classification") == (unknown < 40)
    assert not are_copies(same, pl.Series([None] * 80, dtype=pl.String), "classification")


def test_a_group_of_several_columns_shares_a_side() -> None:
    from mlfactory_runtime.learn.split import split_key
    from mlfactory_runtime.settings.params import Params

    data = {"path": "data/raw/a.csv", "target": "y", "id": "row"}
    settings = {"task": "regression", "data": data}
    assert split_key(Params.model_validate(settings)) == ["row"]
    one = Params.model_validate(settings | {"split": {"group": "shop"}})
    several = Params.model_validate(settings | {"split": {"group": ["shop", "day"]}})
    assert (split_key(one), split_key(several)) == (["shop"], ["shop", "day"])
    assert by_hash(pl.Series(["a", "a"]), Split(salt="s")).n_unique() == 1


@pytest.mark.parametrize("rows", [0, 40])
def test_rows_that_are_looked_at_in_parts_are_equal_across_them(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    table = pl.DataFrame({"a": [0.5, None, -1.0, 2.0] * 10, "b": ["x", "y", None, ""] * 10})
    whole = same_rows(table.head(rows), ["a", "b"])
    monkeypatch.setattr(copies, "AT_ONCE", 7)
    assert same_rows(table.head(rows), ["a", "b"]).equals(whole)
    assert whole.n_unique() == min(rows, 4)
