"""What people use today where numbers come in series: the last value, and that of a season ago."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.learn.draws import Draws
from mlfactory_runtime.learn.evaluate import Judgement, judge
from mlfactory_runtime.learn.history import entity_of, histories, season_of
from mlfactory_runtime.learn.signature import Signature
from mlfactory_runtime.settings.catalog import Catalog
from mlfactory_runtime.settings.params import Params

from .factories import drafted, train

DAYS, SHOPS = 60, ("a", "b", "c", "d")
SIGNATURE = Signature(task="regression", target="y", classes=(), features=())


def settings(**data: Any) -> Params:
    known = {"path": "a.csv", "target": "y", "time": "day", **data}
    return Params.model_validate({"task": "regression", "data": known})


def catalog(rows: pl.DataFrame) -> Catalog:
    """Text is a category, and all else a number."""
    columns = {
        name: {"dtype": "string", "role": "categorical", "availability": "batch"}
        if dtype == pl.String
        else {"dtype": "float", "role": "numeric", "availability": "batch"}
        for name, dtype in rows.schema.items()
    }
    return Catalog.model_validate({"columns": columns})


def panel(days: int = DAYS) -> pl.DataFrame:
    """Each shop's number is its place in the list, times 1000, plus the day's number."""
    return pl.DataFrame(
        [
            (date(2025, 1, 1) + timedelta(days=day), shop, ("n", "s")[k % 2], 1000.0 * k + day)
            for day in range(days)
            for k, shop in enumerate(SHOPS)
        ],
        schema=["day", "shop", "side", "y"],
        orient="row",
    ).sample(fraction=1, shuffle=True, seed=1)


def cut(rows: pl.DataFrame, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    first = pl.col("day") < date(2025, 1, 1) + timedelta(days=days)
    return rows.filter(first), rows.filter(~first)


def test_values_of_a_panel_are_those_of_the_same_shop() -> None:
    past, held = cut(panel(), 45)
    found = histories(past, held, catalog(past), settings())
    assert set(found) == {"last_value", "seasonal_naive", "previous_value"}
    level, day = (held["y"] // 1000 * 1000).to_numpy(), (held["y"] % 1000).to_numpy()
    assert (found["last_value"] == level + 44).all()
    assert (found["previous_value"] == level + day - 1).all()
    assert (found["seasonal_naive"] == level + 38 + (day - 45) % 7).all()


def test_a_shop_that_is_new_gets_the_mean() -> None:
    past, held = cut(panel(), 45)
    past = past.filter(pl.col("shop") != "d")
    found = histories(past, held, catalog(past), settings())["last_value"]
    assert (found[(held["shop"] == "d").to_numpy()] == past["y"].mean()).all()


@pytest.mark.parametrize(
    ("rows", "data", "entity"),
    [
        (panel(), {}, ("shop",)),
        (panel(), {"id": "shop"}, ("shop",)),
        (panel().filter(pl.col("shop") == "a"), {}, ()),
        (panel().rename({"shop": "id"}).with_columns(shop=pl.lit("x")), {}, ("id",)),
        (panel().with_columns(pl.col("shop").replace({"c": "b", "d": "a"})), {}, ("side", "shop")),
        (pl.concat([panel(), panel()]), {}, None),
        (panel(2), {}, None),
    ],
)
def test_a_series_is_what_has_one_value_a_moment(
    rows: pl.DataFrame, data: dict[str, str], entity: tuple[str, ...] | None
) -> None:
    found = entity_of(rows, catalog(rows), settings(**data))
    assert (found is None) == (entity is None)
    assert set(found or ()) == set(entity or ())


def test_a_season_follows_from_the_steps() -> None:
    def season(step: str, count: int) -> str | None:
        start = datetime(2020, 1, 31)
        moments = pl.select(pl.datetime_range(start, start.replace(year=2035), step)).to_series()
        return season_of(moments.head(count).cast(pl.Datetime("us")))

    assert [season(step, 60) for step in ("1d", "1w", "1mo", "1q", "1y")] == [
        "7d", "52w", "12mo", "12mo", None,
    ]  # fmt: skip
    assert season("1h", 24 * 9) == "7d"
    assert season("1d", 5) is None
    assert season("1mo", 11) is None


def test_rows_without_series_have_none() -> None:
    past, held = cut(pl.concat([panel(), panel()]), 45)
    assert histories(past, held, catalog(past), settings()) == {}


def compared(**others: float) -> Judgement:
    """A model with an error of 1 beside methods with these errors."""
    draw = np.random.default_rng(3)
    y, error = draw.normal(0, 5, 600), draw.normal(size=600)
    known = {"linear": 3.0, **others}
    scored = {"model": y + error, "naive": np.zeros(600)}
    scored |= {name: y + size * draw.normal(size=600) for name, size in known.items()}
    return judge(SIGNATURE, y, scored, settings(), units=Draws(np.arange(600)))


def test_what_people_use_today_has_to_be_beaten() -> None:
    found = compared(last_value=2, seasonal_naive=0.5)
    assert found.verdict == "rejected"
    assert found.reason.startswith("the value a season before has the better rmse")
    assert compared(last_value=0.5).reason.startswith("the last known value has the better rmse")
    assert compared(last_value=2, seasonal_naive=2).verdict == "accepted"
    found = compared(last_value=1.01)
    assert "its lead over the last known value may be chance" in found.warnings


def test_what_may_be_known_too_late_is_a_warning() -> None:
    found = compared(last_value=2, previous_value=0.5)
    assert found.verdict == "accepted"
    assert any(text.startswith("the value just before has the better") for text in found.warnings)


def test_a_panel_that_repeats_itself_is_rejected_and_shows_why(tmp_path: Path) -> None:
    table = panel(40).with_columns(x=pl.Series(np.random.default_rng(0).normal(size=160)))
    data = {"target": "y", "id": "shop", "time": "day"}
    factory = drafted(tmp_path / "f", table.drop("side"), "regression", **data)
    factory.change(model={"max_rounds": 5, "averaged": 1}, split={"backtest_folds": 0})
    train(factory)
    found = factory.json("summary", "--json")
    assert {"last_value", "seasonal_naive", "previous_value"} <= set(found["gain"])
    assert found["verdict"] == "rejected"
    assert any(text.startswith("the value just before") for text in found["warnings"])
    assert "last known value" in factory.text("reports/report.html")
    assert "| value a season before |" in factory.text("reports/model_card.md")
