"""Panels: an identifier that repeats is an entity."""

import random
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.draft import columns as draft_columns
from mlfactory_runtime.learn.copies import comparable
from mlfactory_runtime.learn.split import entity_key
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import write_yaml

DRAW = random.Random(0)
ROWS = [
    {
        "shop": f"S{shop:02d}",
        "month": date(2020 + n // 12, 1 + n % 12, 1),
        "promo": DRAW.randrange(2),
        "Unit price": round(DRAW.uniform(1, 9), 2),
        "visits": DRAW.randrange(900),
        "sales": 100.0 * shop + DRAW.gauss(0, 9),
    }
    for shop in range(12)
    for n in range(36)
]


def drafted(folder: Path, rows: pl.DataFrame, **data: str) -> tuple[Project, str]:
    rows.write_csv(folder / "rows.csv")
    write_yaml(folder / "features.yaml", {"columns": {}, "derived": {}})
    data = {"path": "rows.csv", "target": "sales", **data}
    write_yaml(folder / "params.yaml", {"task": "regression", "data": data})
    told = draft_columns.draft(Project(folder)).warnings
    return Project(folder), " ".join(told)


@pytest.mark.parametrize("number", [False, True])
def test_an_entity_is_learned_from(number: bool, tmp_path: Path) -> None:
    rows = pl.DataFrame(ROWS)
    if number:
        rows = rows.with_columns(pl.col("shop").str.tail(2).cast(pl.Int64))
    project, told = drafted(tmp_path, rows, id="shop", time="month")
    assert "shop" in project.catalog.features(project.params)
    assert "'shop' has 12 values in 432 rows: an entity, and learned from" in told
    assert project.catalog.columns["shop"].values is None, "another shop may open"
    ahead = {name for name, column in project.catalog.columns.items() if column.ahead}
    assert ahead == {"promo", "Unit price"}


def test_an_entity_whose_outcome_never_changes_is_held_out_whole(tmp_path: Path) -> None:
    shop = pl.Series(range(len(ROWS))) // 18
    fate = pl.Series([DRAW.gauss(0, 9) for _ in range(24)])
    rows = pl.DataFrame(ROWS).with_columns(sales=fate.gather(shop), shop="S" + shop.cast(pl.String))
    project, told = drafted(tmp_path, rows, id="shop", time="month")
    assert "rows of one shop are kept on one side" in told
    assert "learned from" not in told
    assert project.params.split.group == "shop"
    assert project.catalog.columns["shop"].role == "identifier"


def test_rows_of_an_entity_that_is_learned_from_are_told_apart(tmp_path: Path) -> None:
    project, _ = drafted(tmp_path, pl.DataFrame(ROWS), id="shop", time="month")
    assert entity_key(project.params, project.catalog) == []
    assert "shop" in comparable(project.catalog, project.params)
    project, _ = drafted(tmp_path, pl.DataFrame(ROWS), id="shop")
    assert entity_key(project.params, project.catalog) == ["shop"]
    assert "shop" not in comparable(project.catalog, project.params)


def test_an_entity_that_is_a_person_only_names_rows(tmp_path: Path) -> None:
    rows = pl.DataFrame(ROWS).rename({"shop": "customer_id"})
    project, told = drafted(tmp_path, rows, id="customer_id", time="month")
    assert project.catalog.columns["customer_id"].role == "identifier"
    assert "of persons, and is not learned from" in told


@pytest.mark.parametrize("time", ["month", "year"])
def test_a_panel_without_a_time_is_remarked(time: str, tmp_path: Path) -> None:
    rows = pl.DataFrame(ROWS)
    if time == "year":
        rows = rows.with_columns(pl.col("month").dt.year()).rename({"month": "year"})
    _, told = drafted(tmp_path, rows, id="shop")
    assert f"make the factory with --time {time!r}" in told


def test_an_identifier_of_rows_stays_one(tmp_path: Path) -> None:
    rows = pl.DataFrame(ROWS).with_columns(id=pl.Series([f"r{n}" for n in range(len(ROWS))]))
    project, told = drafted(tmp_path, rows, id="id", time="month")
    assert project.catalog.columns["id"].role == "identifier"
    assert "'id' has" not in told
