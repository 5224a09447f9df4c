"""Dates: what of them comes again is learned from, and not that they grow."""

import random
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.data.calendar import with_parts
from mlfactory_runtime.draft import columns as draft_columns
from mlfactory_runtime.draft.calendar import is_year, repeating
from mlfactory_runtime.project import Project
from mlfactory_runtime.settings.catalog import Catalog
from mlfactory_runtime.settings.params import Data, Params
from mlfactory_runtime.testing.trained import write_yaml
from pydantic import ValidationError

ROWS, DRAW = 300, random.Random(0)
DATE = {"dtype": "date", "role": "datetime", "availability": "batch"}
MONTH = {"dtype": "int", "parents": ["day"], "part": "month"}


def test_parts_are_computed_by_the_library() -> None:
    derived = {
        "month": MONTH,
        "weekday": {**MONTH, "part": "weekday"},
        "hour": {**MONTH, "part": "hour"},
        "age": {**MONTH, "parents": ["day", "now"], "part": "days"},
    }
    moment = {**DATE, "dtype": "datetime"}
    known = Catalog.model_validate({"columns": {"day": DATE, "now": moment}, "derived": derived})
    rows = pl.DataFrame(
        {"day": [date(2024, 3, 1), None], "now": [datetime(2024, 3, 11, 15), datetime(2024, 1, 1)]}
    )
    found = with_parts(rows, known.parts).select(*derived)
    assert found.rows() == [(3, 5, 0, 10), (None, None, None, None)]


def test_a_part_is_one_of_a_date() -> None:
    column = {**DATE, "dtype": "int", "role": "numeric"}
    with pytest.raises(ValidationError, match="month is a part of a date, and 'day' is int"):
        Catalog.model_validate({"columns": {"day": column}, "derived": {"day month": MONTH}})


def drafted(folder: Path, **data: str) -> tuple[Project, str]:
    """A factory of rows with dates of several kinds, and what is said of them."""
    begin = datetime(2022, 1, 1)
    rows = pl.DataFrame(
        {
            "ordered": [begin + timedelta(hours=DRAW.randrange(15_000)) for _ in range(ROWS)],
            "since": [date(2020, 1, 1) + timedelta(DRAW.randrange(700)) for _ in range(ROWS)],
            "founded": [date(1990 + DRAW.randrange(30), 1, 1) for _ in range(ROWS)],
            "sales": [DRAW.gauss(0, 1) for _ in range(ROWS)],
            "size": [DRAW.gauss(0, 1) for _ in range(ROWS)],
        }
    )
    rows.write_csv(folder / "rows.csv")
    write_yaml(folder / "features.yaml", {"columns": {}, "derived": {}})
    data = {"path": "rows.csv", "target": "sales", **data}
    write_yaml(folder / "params.yaml", {"task": "regression", "data": data})
    return Project(folder), " ".join(draft_columns.draft(Project(folder)).warnings)


def test_a_date_is_learned_from_in_parts(tmp_path: Path) -> None:
    project, told = drafted(tmp_path)
    features = set(project.catalog.features(project.params))
    parts = {"ordered month", "ordered weekday", "ordered hour", "since month", "since weekday"}
    assert features == {"size"} | parts
    assert project.catalog.columns["founded"].role == "ignored"
    assert "'ordered', 'since', 'founded': a date only grows" in told
    assert "--time" in told


def test_an_age_is_known_where_rows_have_a_time(tmp_path: Path) -> None:
    project, told = drafted(tmp_path, time="ordered")
    assert {"since days before ordered", "founded days before ordered"} <= set(
        project.catalog.features(project.params)
    )
    assert "--time" not in told


@pytest.mark.parametrize(
    ("begin", "step", "parts"),
    [
        (datetime(2024, 1, 1), timedelta(hours=7), ["weekday", "hour"]),
        (datetime(2023, 1, 1), timedelta(days=3), ["month", "weekday"]),
        (datetime(2023, 1, 1), timedelta(days=7), ["month"]),
        (datetime(2024, 1, 1), timedelta(days=1), ["weekday"]),  # later months were never seen
        (datetime(2024, 1, 1), timedelta(minutes=10), []),  # nor were other hours and days
    ],
)
def test_the_time_of_a_row_tells_what_earlier_rows_have_seen(
    begin: datetime, step: timedelta, parts: list[str]
) -> None:
    assert repeating(pl.Series([begin + k * step for k in range(300)]), ordered=True) == parts


def test_parts_of_the_time_are_learned_from(tmp_path: Path) -> None:
    project, _ = drafted(tmp_path, time="ordered")
    features = set(project.catalog.features(project.params))
    assert {"ordered weekday", "ordered hour"} <= features
    assert "ordered month" not in features
    assert "its parts: weekday, hour" in project.catalog.columns["ordered"].drafted
    assert "ordered" in project.catalog.inputs(project.params)


def test_a_time_that_is_a_year_has_no_parts() -> None:
    assert repeating(pl.Series([date(y, 1, 1) for y in range(1900, 2000)]), ordered=True) == []
    assert repeating(pl.Series(range(1900, 2000)), ordered=True) == []


def test_a_catalog_without_parts_learns_from_dates_as_before() -> None:
    known = Catalog.model_validate({"columns": {"day": DATE}})
    params = Params(task="regression", data=Data(path="a.csv", target="y"))
    assert list(known.features(params)) == ["day"]


def test_the_year_of_a_row_only_grows_and_that_of_a_building_does_not() -> None:
    entry = {"dtype": "int", "role": "numeric"}
    assert all(is_year(name, entry) for name in ("year", "Jahr", "año", "YrSold"))
    assert not any(is_year(name, entry) for name in ("YearBuilt", "years", "baujahr", "age"))
    assert not is_year("year", {**entry, "dtype": "float"})
