"""Values that stand for missing ones, and those that only look so."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime.data.rows import missing_as_null
from mlfactory_runtime.draft.sentinels import find_sentinels
from mlfactory_runtime.serving import schema
from mlfactory_runtime.settings.catalog import Column
from mlfactory_runtime.settings.params import Data
from pydantic import TypeAdapter

from .factories import drafted

DRAW, BEGIN = random.Random(0), date(2020, 1, 1)


def mixed(others: Callable[[], Any], marks: Sequence[Any] = (), share: float = 0.05) -> pl.Series:
    """500 values, some of them marks."""
    draws = [
        DRAW.choice(marks) if marks and DRAW.random() < share else others() for _ in range(500)
    ]
    return pl.Series("v", draws, strict=False)


MEASURES: dict[str, Callable[[], Any]] = {
    "degrees": lambda: round(DRAW.gauss(10, 8), 1),
    "age": lambda: DRAW.randrange(18, 95),
    "income": lambda: int(DRAW.lognormvariate(10, 1.5)),
    "day": lambda: BEGIN + timedelta(days=DRAW.randrange(900)),
    "count": lambda: int(DRAW.lognormvariate(2, 1)),
    "percent": lambda: min(100.0, DRAW.gauss(80, 20)),
    "cylinders": lambda: DRAW.choice([3, 4, 5, 6, 8]),
    "rating": lambda: DRAW.randrange(1, 6),
}


@pytest.mark.parametrize(
    ("measure", "marks"),
    [
        ("degrees", [-999.0]),
        ("degrees", [-999.0, -998.0]),
        ("degrees", [99999.0]),
        ("degrees", [1e30]),
        ("age", [999]),
        ("income", [-9999]),
        ("day", [date(1900, 1, 1)]),
        ("day", [date(9999, 12, 31)]),
    ],
)
def test_what_means_missing_is_found(measure: str, marks: list[Any]) -> None:
    found = find_sentinels(mixed(MEASURES[measure], marks))
    assert found
    assert found.usual
    assert set(found.values) <= set(marks)


@pytest.mark.parametrize("measure", ["age", "weight", "pressure"])
def test_a_zero_that_no_measure_comes_near_is_told(measure: str) -> None:
    usual = {"age": (45, 12), "weight": (70, 12), "pressure": (120, 25)}[measure]
    values = mixed(lambda: max(18.0, round(DRAW.gauss(*usual))), [0.0])
    found = find_sentinels(values)
    assert found
    assert "0 stands in" in found.advice
    assert not found.usual


@pytest.mark.parametrize("share", [0.05, 0.9])
def test_a_zero_among_amounts_is_an_amount(share: float) -> None:
    assert not find_sentinels(mixed(lambda: round(DRAW.lognormvariate(5, 1), 2), [0.0], share))


@pytest.mark.parametrize("measure", MEASURES)
def test_clean_columns_hold_none(measure: str) -> None:
    assert find_sentinels(mixed(MEASURES[measure])) is None


def test_a_far_value_that_may_be_true_is_told_only() -> None:
    found = find_sentinels(mixed(lambda: DRAW.randrange(50_000, 60_000), [0]))
    assert found
    assert not found.usual
    assert find_sentinels(mixed(MEASURES["rating"], [9]))
    told = find_sentinels(mixed(MEASURES["rating"], [8, 9]))
    assert told
    assert told.advice.startswith("8, 9 stand in")
    minus = find_sentinels(mixed(lambda: DRAW.randrange(5), [-1]))
    assert minus
    assert not minus.usual
    assert find_sentinels(mixed(MEASURES["count"], [0], share=0.5)) is None
    assert find_sentinels(pl.Series([*mixed(MEASURES["degrees"]), 9999.0])) is None  # once


@pytest.mark.parametrize(
    "values",
    [["-999", "5"], ["-999.0", "5"], [-999, 5], [-999.0, 5.0]],
)
def test_a_number_that_means_missing_is_read_so_in_every_file(values: list[Any]) -> None:
    own = {"v": Column(dtype="float", role="numeric", availability="batch", missing=("-999",))}
    read = missing_as_null(pl.DataFrame({"v": values}), Data(path="a", target="y"), own)
    assert read["v"].is_null().to_list() == [True, False]


def test_and_in_requests() -> None:
    for dtype, sent in (("float", -999.0), ("int", -999), ("date", "1900-01-01")):
        missing = ("-999", "1900-01-01")
        column = Column(dtype=dtype, role="numeric", availability="online", missing=missing)
        kind = TypeAdapter(schema.field_type(schema.Input(column)))
        assert kind.validate_python(sent) is None


def test_marks_on_both_sides_are_found_and_few_codes_hold_none(tmp_path: Path) -> None:
    values = [DRAW.choice([-1.0, 999.9]) if n % 12 == 0 else 50 + n % 37 / 10 for n in range(480)]
    codes = [DRAW.choice([10_001, 10_002, 60_601, 90_210, 94_103]) for _ in values]
    table = pl.DataFrame({"flow": values, "zip": codes, "y": [DRAW.random() for _ in values]})

    columns = drafted(tmp_path / "two", table, "regression", target="y").project.catalog.columns

    assert columns["flow"].missing == ("999.9",)
    assert columns["flow"].usual == (-56, 110)
    assert columns["flow"].doubt.startswith("-1 stands in")
    assert not columns["zip"].doubt
