"""Intervals around predicted numbers: what they promise, what they hold, where they appear."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.learn.conformal import calibrate
from mlfactory_runtime.learn.coverage import measure_coverage, share_inside
from mlfactory_runtime.learn.draws import Draws
from mlfactory_runtime.learn.intervals import ends, load_intervals
from mlfactory_runtime.learn.segments import segments
from mlfactory_runtime.predict.scorer import open_scorer, score
from mlfactory_runtime.project import MODEL
from mlfactory_runtime.records.evaluation import Coverage, Interval
from mlfactory_runtime.records.intervals import Intervals
from mlfactory_runtime.report import coverage as sentences
from mlfactory_runtime.settings.params import Params

from .factories import Factory, drafted, train
from .test_report import held

Rows = tuple[np.ndarray, np.ndarray, Draws]
BANDS = {"coverage": 0.9, "by": "folds of rows", "rows": 300, "draws": 300}
BAND = {"rows": 100, "lower": -1.0, "upper": 2.0}


def single(draw: np.random.Generator) -> Rows:
    p = draw.normal(size=300)
    return p + draw.normal(size=300), p, Draws(np.arange(300))


def shops(draw: np.random.Generator) -> Rows:
    """30 shops with an effect of their own, which no prediction knows."""
    place = np.repeat(np.arange(30), draw.integers(5, 60, 30))
    p, effect = draw.normal(size=len(place)), draw.normal(size=30)[place]
    return p + effect + draw.normal(size=len(place)), p, Draws(place, "shops")


def heavy(draw: np.random.Generator) -> Rows:
    x = draw.normal(size=2000)
    return np.exp(x + draw.normal(size=2000)), np.exp(x + 0.5), Draws(np.arange(2000))


@pytest.mark.parametrize("table", [single, shops, heavy])
def test_other_rows_lie_inside_as_often_as_is_asked_for(table: Callable[..., Rows]) -> None:
    inside = []
    for seed in range(60):
        known = calibrate(*table(np.random.default_rng(seed)), 0.9, "folds")
        y, p, _ = table(np.random.default_rng(1000 + seed))
        assert known is not None
        low, high = ends(known, p).T
        inside.append(np.mean((low <= y) & (y <= high)))
    assert 0.89 < np.mean(inside) < 0.935


@pytest.mark.parametrize(("rows", "there"), [(19, True), (18, False), (0, False)])
def test_the_largest_error_is_the_end_where_rows_are_hardly_enough(rows: int, there: bool) -> None:
    y = np.random.default_rng(rows).normal(size=rows)
    known = calibrate(y, np.zeros(rows), Draws(np.arange(rows)), 0.9, "folds")
    assert (known is not None) == there
    if known:
        (band,) = known.bands
        assert band.lower == pytest.approx(y.min(), rel=0.01) and band.lower <= y.min()
        assert band.upper == pytest.approx(y.max(), rel=0.01) and band.upper >= y.max()


def test_large_numbers_are_less_sure_and_tails_differ() -> None:
    known = calibrate(*heavy(np.random.default_rng(0)), 0.9, "folds")
    assert known is not None and len(known.bands) == 10
    first, last = known.bands[0], known.bands[-1]
    assert last.upper - last.lower > 10 * (first.upper - first.lower)
    assert last.upper > -1.5 * last.lower


def test_rows_that_are_off_alike_count_as_fewer() -> None:
    y, p, drawn = shops(np.random.default_rng(1))
    found, alone = (
        calibrate(y, p, drawn, 0.9, "a"),
        calibrate(y, p, Draws(np.arange(len(y))), 0.9, "a"),
    )
    assert found and alone and found.draws < len(y) / 3 and alone.draws == len(y)
    assert calibrate(y, np.where(p > 2, np.nan, p), drawn, 0.9, "a") is None
    few = Draws(drawn.places // 4, "regions")
    assert few.count < 10 and calibrate(y, p, few, 0.9, "a") is None


@pytest.mark.parametrize("p", [np.zeros(400), np.repeat([0.0, 1.0], [390, 10])])
def test_equal_predictions_share_a_band(p: np.ndarray) -> None:
    y = np.random.default_rng(2).normal(size=400)
    known = calibrate(y, p, Draws(np.arange(400)), 0.9, "folds")
    assert known is not None and len(known.bands) == 1


def test_a_row_alone_gets_what_it_gets_in_a_table_and_lies_inside() -> None:
    y, p, drawn = heavy(np.random.default_rng(3))
    known = calibrate(y + 5, p, drawn, 0.5, "folds")  # the model is far too low
    assert known is not None
    table = ends(known, p)
    assert np.array_equal(table, np.concatenate([ends(known, p[k : k + 1]) for k in range(len(p))]))
    assert ((table[:, 0] <= p) & (p <= table[:, 1])).all()
    edge = np.array([known.bands[0].below])
    assert ends(known, edge)[0, 1] - edge[0] == pytest.approx(known.bands[1].upper)
    assert ends(None, p).shape == (len(p), 0)


@pytest.mark.parametrize(
    "bands",
    [
        [],
        [{**BAND, "below": 1.0}],
        [BAND, BAND],
        [{**BAND, "below": 2.0}, {**BAND, "below": 1.0}, BAND],
        [{**BAND, "lower": 0.5}],
        [{**BAND, "upper": float("inf")}],
    ],
)
def test_a_file_that_contradicts_itself_is_refused(bands: list[object], tmp_path: Path) -> None:
    (tmp_path / "intervals.json").write_text(json.dumps({**BANDS, "bands": bands}), "utf-8")
    with pytest.raises(FactoryError, match=r"intervals\.json cannot be read"):
        load_intervals(tmp_path)


def test_a_share_is_measured_by_what_was_drawn() -> None:
    place = np.repeat(np.arange(40), 25)
    y, limits = (place % 10 == 0) * 9.0, np.tile([-1.0, 1.0], (1000, 1))
    apart, together = (share_inside(y, limits, one) for one in (np.arange(1000), place))
    assert apart.value == together.value == 0.9
    assert (together.high or 0) - (together.low or 0) > 4 * ((apart.high or 0) - (apart.low or 0))
    whole = share_inside(np.zeros(30), limits[:30], np.arange(30))
    assert whole.value == whole.high == 1 and (whole.low or 0) < 0.9
    known = Intervals.model_validate({**BANDS, "bands": [BAND]})
    few = measure_coverage(y, limits, Draws(place // 8), known)
    assert few and few.share == Interval(0.9, None, None) and few.width.value == 2


def test_groups_tell_what_their_intervals_hold() -> None:
    rows = held(np.repeat([0.0, 9.0], [60, 60]) + np.tile([-0.5, 0.5], 60))
    rows = replace(rows, ends=np.tile([-1.0, 3.0], (120, 1)))
    halves = [("good", np.arange(60)), ("bad", np.arange(60, 120))]
    good, bad = segments(rows, {"kind": halves}, ["kind"]).chosen["kind"]
    assert good.inside and bad.inside and good.width
    assert (good.inside.value, bad.inside.value, good.width.value) == (1, 0, 4)
    assert segments(replace(rows, ends=np.empty((120, 0))), {}, []).all.inside is None


def coverage(share: float, low: float | None, high: float | None) -> Coverage:
    ends = {"share": Interval(share, low, high), "width": Interval(4.0, None, None)}
    return Coverage(nominal=0.9, rows=300, by="folds of rows", **ends)


def test_what_they_hold_is_said() -> None:
    assert sentences.text(coverage(0.912, 0.89, 0.93)) == (
        "Beside each prediction stand the ends of an interval, which is to hold 90% of the true "
        "numbers. Of the held-out ones it holds 91% (89% to 93%), and on average it is 4.00 wide."
    )
    assert "holds 91%, and" in sentences.text(coverage(0.912, None, None))
    assert sentences.text(None) == ""


@pytest.fixture(scope="module")
def _prices(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    draw = np.random.default_rng(5)
    x, place = draw.normal(size=900), np.repeat(np.arange(90), 10)
    y = np.exp(x + draw.normal(size=90)[place] / 2 + draw.normal(size=900) / 2)
    shop = pl.Series([f"S{k:02}" for k in range(90)])[place]
    row = [f"r{k:03}" for k in range(900)]
    kind = ["a", "b"] * 450
    table = pl.DataFrame({"row": row, "shop": shop, "kind": kind, "x": x, "price": y})
    factory = drafted(
        tmp_path_factory.mktemp("prices"), table, "regression", target="price", id="row"
    )
    factory.change(split={"group": "shop"}, model={"kind": "linear"}, report={"segments": ["kind"]})
    return train(factory)


@pytest.fixture
def prices(_prices: Factory, tmp_path: Path) -> Factory:
    """A linear model of numbers with a heavy tail, of which whole shops are held out."""
    return _prices.copy(tmp_path / "prices")


def test_batch_report_card_and_summary_tell_of_them(prices: Factory) -> None:
    found = prices.json("summary", "--json")
    known = load_intervals(prices.path / MODEL)
    assert known and known.coverage == found["coverage"]["nominal"] == 0.9
    assert known.by == "folds of values of 'shop'" and known.draws < known.rows
    assert not any("intervals are to hold" in text for text in found["warnings"])
    assert found["coverage"]["share"]["low"] < 0.9 < found["coverage"]["share"]["high"]
    prices.run("predict", "data/raw/customers.csv", "scored.csv", "--no-log")
    scored = pl.read_csv(prices.path / "scored.csv")
    assert scored.columns[:4] == ["row", "prediction", "lower", "upper"]
    again = ends(known, scored["prediction"].to_numpy())
    assert np.array_equal(scored.select("lower", "upper").to_numpy(), again)
    page, card = (prices.text(f"reports/{name}") for name in ("report.html", "model_card.md"))
    assert (
        "How sure is a single prediction?" in page
        and "Share of true numbers in their intervals by <code>kind</code>" in page
    )
    assert "quantile loss" not in page + card
    assert "## Intervals" in card and "| share in the interval | width |" in card
    assert "coverage" in prices.run("summary").err


def test_they_can_be_left_out_and_older_models_have_none(prices: Factory) -> None:
    for name in ("intervals.json", "manifest.json"):
        (prices.path / MODEL / name).unlink()
    assert open_scorer(prices.project, prices.path / MODEL).intervals is None
    prices.change(decision={"coverage": None})
    train(prices)
    assert not (prices.path / MODEL / "intervals.json").exists()
    prices.run("predict", "data/raw/customers.csv", "scored.csv", "--no-log")
    assert "lower" not in pl.read_csv(prices.path / "scored.csv").columns
    assert "How sure" not in prices.text("reports/report.html")
    said = prices.json("summary", "--json")["warnings"]
    assert not any("have no intervals" in text for text in said)


@pytest.mark.parametrize("name", ["prediction", "upper"])
def test_a_column_that_names_rows_as_an_answer_is_called_is_refused(
    name: str, prices: Factory
) -> None:
    scorer = open_scorer(prices.project, prices.path / MODEL)
    columns = {**scorer.catalog.columns, name: scorer.catalog.columns["row"]}
    catalog = scorer.catalog.model_copy(update={"columns": columns})
    raw = pl.read_csv(prices.project.raw, infer_schema=False).with_columns(
        pl.col("row").alias(name)
    )
    with pytest.raises(FactoryError, match=f"'{name}' is a column that names rows"):
        score(raw, replace(scorer, catalog=catalog))


def test_too_few_rows_are_told(prices: Factory) -> None:
    prices.change(decision={"coverage": 0.999})
    train(prices)
    assert load_intervals(prices.path / MODEL) is None
    said = prices.json("summary", "--json")["warnings"]
    assert any("have no intervals" in text and "0.999" in text for text in said)


def test_the_usual_share_leaves_the_hash_of_settings_as_it_was() -> None:
    known = {"task": "regression", "data": {"path": "a", "target": "y"}}
    assert "coverage" not in Params.model_validate(known).model_dump()["decision"]
    off = Params.model_validate({**known, "decision": {"coverage": None}})
    assert off.model_dump()["decision"]["coverage"] is None
