"""A target with a heavy tail: rows that carry the metric are told, absolute errors are a choice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.draft.tail import find_tail
from mlfactory_runtime.gate.judge import Compared
from mlfactory_runtime.gate.judge import judge as compare
from mlfactory_runtime.learn import linear
from mlfactory_runtime.learn.evaluate import Judgement, judge
from mlfactory_runtime.learn.matrix import Matrix
from mlfactory_runtime.learn.metrics import primary
from mlfactory_runtime.learn.signature import Feature, Signature
from mlfactory_runtime.learn.tails import few_rows
from mlfactory_runtime.records.evaluation import Interval
from mlfactory_runtime.report.words import gain_text
from mlfactory_runtime.settings.model import Model
from mlfactory_runtime.settings.params import Params
from pydantic import ValidationError

from .factories import drafted, train

SIGNATURE = Signature(task="regression", target="y", features=())
DRAW = np.random.default_rng(7)
ROBUST = Model(objective="regression_l1")


def settings(**model: str) -> Params:
    known = {"task": "regression", "data": {"path": "a", "target": "y"}}
    return Params.model_validate({**known, "model": model})


def judged(y: np.ndarray, **model: str) -> Judgement:
    """A model that knows half of each value."""
    scored = {"model": y / 2, "naive": np.full(len(y), y.mean()), "linear": np.full(len(y), 0.0)}
    return judge(SIGNATURE, y, scored, settings(**model))


@pytest.mark.parametrize("rows", [60, 400, 5000])
def test_few_rows_are_those_of_a_heavy_tail(rows: int) -> None:
    draw = np.random.default_rng(rows)
    assert few_rows(draw.normal(size=rows) ** 2) is None
    assert few_rows(draw.exponential(size=rows) ** 2) is None
    assert few_rows(np.append(draw.normal(size=rows) ** 2, 40.0 * rows)) == 1
    assert few_rows(np.zeros(rows)) is None
    assert few_rows(np.ones(1)) is None


def test_one_row_that_carries_the_metric_is_told() -> None:
    y = np.append(np.random.default_rng(0).normal(size=999), 900.0)
    said = [text for text in judged(y).warnings if "half of all squared errors" in text]
    assert said and said[0].startswith("1 of 1,000 held-out rows carries half")
    assert "model.objective: regression_l1" in said[0]
    assert not any("half of all" in text for text in judged(y[:-1]).warnings)


def test_an_interval_that_is_too_narrow_is_told() -> None:
    y = np.random.default_rng(3).standard_t(3, 2000)
    said = [text for text in judged(y).warnings if "the largest hundredth" in text]
    assert said and "rmse or r2 is too narrow" in said[0]
    assert not any("hundredth" in one for one in judged(y, objective="regression_l1").warnings)
    assert not any("hundredth" in one for one in judged(DRAW.normal(size=2000)).warnings)


def test_what_is_chosen_decides() -> None:
    y = np.random.default_rng(0).standard_cauchy(2000)
    found = judged(y, objective="regression_l1")
    assert "its mae beats" in found.reason
    assert found.gain["naive"].value == pytest.approx(
        (found.models["naive"]["mae"].value or 0) - (found.models["model"]["mae"].value or 0)
    )
    assert "rmse" in judged(y).reason or "R²" in judged(y).reason


def test_where_absolute_errors_decide_one_row_does_not() -> None:
    """R² of a model of the middle hangs on the largest row, and its sign is chance."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(2, 1000))
    y = np.append(x + y / 2, 1e6)
    own, zero = np.append(x, -9.0), np.zeros(1001)
    scored = {"model": own, "naive": zero, "linear": zero}
    robust = judge(SIGNATURE, y, scored, settings(objective="regression_l1"))
    assert (robust.models["model"]["r2"].value or 0) < 0
    assert robust.verdict == "accepted"
    assert any("it is accepted by absolute errors" in one for one in robust.warnings)
    assert "R²" in judge(SIGNATURE, y, scored, settings()).reason
    y = draw.normal(size=1000)  # a level that nobody knew before is better in either case
    moved = {"model": np.full(1000, 5.0), "naive": np.full(1000, 9.0), "linear": np.full(1000, 7.0)}
    low = judge(SIGNATURE, y, moved, settings(objective="regression_l1"))
    assert low.verdict == "rejected" and "the median of the held-out rows" in low.reason


def test_the_gate_compares_by_it_and_tells_of_few_rows() -> None:
    draw = np.random.default_rng(1)
    y = np.append(draw.normal(size=1999), 5000.0)
    a, b = y + draw.normal(size=2000), y + 0.5 * draw.normal(size=2000)
    a[-1] = b[-1] = 0.0
    rows = Compared("regression", y, a, b, np.arange(2000))
    found = compare(rows, [], settings())
    assert found.verdict == "same" and "1 of 2,000 rows carries half" in found.reason
    found = compare(rows, [], settings(objective="regression_l1"))
    assert found.verdict in ("undecided", "same", "better") and "its mae" in found.reason


def test_a_robust_line_is_not_drawn_to_far_values() -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(600, 1))
    y = 2 * x[:, 0] + draw.normal(size=600) / 10
    y[:30] += 500 * (1 + x[:30, 0])
    number = Feature(name="a", dtype="float", role="numeric", missing_seen=False)
    known = SIGNATURE.model_copy(update={"features": (number,)})
    parts = Matrix(x[:400], y[:400]), Matrix(x[400:], y[400:])
    far, near = (linear.fit(*parts, known, one) for one in (Model(), ROBUST))
    assert near.terms[0].weights[0] == pytest.approx(2, abs=0.1)
    assert linear.loss(near, parts[1], ROBUST) < 0.5 * linear.loss(far, parts[1], ROBUST)


def test_it_is_for_numbers_and_named_as_lightgbm_does() -> None:
    assert (primary("regression", ROBUST), primary("regression", Model())) == ("mae", "rmse")
    assert ROBUST.model_dump()["objective"] == "regression_l1"
    assert "objective" not in Model().model_dump()
    with pytest.raises(ValidationError, match="which is for numbers"):
        Params.model_validate(
            {"task": "classification", "data": {"path": "a", "target": "y"}}
            | {"model": {"objective": "regression_l1"}}
        )


def test_a_gain_that_is_small_and_sure_is_not_none() -> None:
    assert gain_text(Interval(0.001, 0.0005, 0.002), 1.0).startswith("less than 0.5% lower, surely")


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.append(DRAW.normal(size=999), 900.0), "'y': 1 of 1,000 rows carries half"),
        (np.exp(3 * DRAW.normal(size=3000)), "rows carry half of all squared distances"),
        (np.exp(DRAW.normal(size=3000) / 2), ""),
        (np.full(50, 2.0), ""),
        (np.array([None, None]), ""),
    ],
)
def test_the_draft_proposes_absolute_errors_where_few_rows_would_decide(
    y: np.ndarray, said: str
) -> None:
    target = pl.Series("y", y.tolist(), pl.Float64)
    found = "".join(find_tail(target, settings()))
    assert said in found and bool(said) == ("model.objective: regression_l1" in found)
    assert find_tail(target, settings(objective="regression_l1")) == []


def test_a_new_factory_is_told_once(tmp_path: Path) -> None:
    table = pl.DataFrame({"row": [f"r{k}" for k in range(400)], "x": DRAW.normal(size=400)})
    table = table.with_columns(y=pl.when(pl.col("row") == "r7").then(9e6).otherwise("x"))
    factory = drafted(tmp_path / "f", table, "regression", target="y", id="row")
    assert not factory.settings()["model"].get("objective")
    (factory.path / "features.yaml").write_text("columns: {}\nderived: {}\n", "utf-8")
    first, again = (factory.json("catalog", "draft", "--json")["warnings"] for _ in range(2))
    assert any("absolute errors" in text for text in first)
    assert not any("absolute errors" in text for text in again)


def test_model_report_and_groups_follow(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    x = draw.normal(size=600)
    table = pl.DataFrame({"row": [f"r{k}" for k in range(600)], "x": x}).with_columns(
        y=pl.Series(3 * x + draw.standard_t(1.2, 600))
    )
    factory = drafted(tmp_path / "f", table, "regression", target="y", id="row")
    factory.change(model={"objective": "regression_l1", "max_rounds": 60, "averaged": 1})
    train(factory)
    found = json.loads(factory.text("reports/evaluation.json"))
    assert found["metric"] == "mae"
    assert found["segments"]["all"]["value"] == pytest.approx(
        found["models"]["model"]["mae"]["value"], rel=1e-4
    )
    assert "objective=regression_l1" in factory.text("models/model/model.txt").replace(" ", "") or (
        "[objective:regression_l1]" in factory.text("models/model/model.txt").replace(" ", "")
    )
    assert "<figcaption>mean absolute error" in factory.text("reports/report.html")
