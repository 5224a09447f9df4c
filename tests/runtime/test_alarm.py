"""What is told: a target that columns give away, and settings that change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlfactory_runtime.learn.alarm import with_alarm
from mlfactory_runtime.learn.evaluate import Judgement, judge
from mlfactory_runtime.learn.matrix import Matrix
from mlfactory_runtime.learn.overrides import overrides
from mlfactory_runtime.learn.signature import Feature, Signature
from mlfactory_runtime.records.evaluation import Importance
from mlfactory_runtime.settings.idle import idle
from mlfactory_runtime.settings.model import Model
from mlfactory_runtime.settings.params import Params
from mlfactory_runtime.testing.trained import Trained

from .factories import Factory

SIGNATURE = Signature(task="regression", target="total", classes=(), features=())
LEADING = (Importance(feature="goods", gain=0.7), Importance(feature="freight", gain=0.3))


def params(task: str = "regression", **sections: Any) -> Params:
    data = {"path": "data/raw/a.csv", "target": "total"} | sections.pop("data", {})
    return Params.model_validate({"task": task, "data": data, **sections})


def sums(error: float, rows: int = 400, *, assumed: bool = True, metric: str = "rmse") -> Judgement:
    """A target that a line tells, but for an error, and trees less well."""
    draw = np.random.default_rng(0)
    y = 100 * draw.normal(size=rows)
    linear = y + error * draw.normal(size=rows)
    scored = {"model": y + 8 * draw.normal(size=rows), "naive": np.zeros(rows), "linear": linear}
    model = {"objective": "regression_l1"} if metric == "mae" else {}
    found = judge(SIGNATURE, y, scored, params(model=model))
    return with_alarm(found, SIGNATURE, metric, LEADING, rows, assumed=assumed)


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_a_target_that_a_line_tells_is_an_alarm_for_a_leak(metric: str) -> None:
    found = sums(0.03, metric=metric)
    assert found.verdict == "rejected"
    assert "sign of a leak" in found.reason and "'goods', 'freight'" in found.reason
    assert "use one" not in found.reason
    assert found.reason in found.warnings


def test_where_all_columns_are_confirmed_it_is_a_warning() -> None:
    found = sums(0.03, assumed=False)
    assert "sign of a leak" in found.warnings[0]
    assert "a linear model has the better" in found.reason


@pytest.mark.parametrize(("error", "rows"), [(5.0, 400), (0.03, 15)])
def test_a_good_line_and_few_rows_are_no_alarm(error: float, rows: int) -> None:
    assert not any("leak" in text for text in sums(error, rows).warnings)


def test_of_numbers_a_few_rows_are_enough_for_an_alarm() -> None:
    """Nobody meets 40 numbers to a hundredth of their spread by chance: 99 rows were too few."""
    found = sums(0.03, rows=40)
    assert found.verdict == "rejected" and "sign of a leak" in found.reason


def test_classes_that_are_told_are_an_alarm_too() -> None:
    known = Signature(task="binary", target="y", classes=("no", "yes"), features=())
    y = np.random.default_rng(1).integers(0, 2, 500).astype(float)
    told, half = np.where(y == 1, 0.9999, 0.0001), np.full(500, 0.5)
    for scored in ({"model": told, "linear": half}, {"model": half, "linear": told}):
        found = judge(known, y, scored | {"naive": half}, params("classification"))
        assert (
            with_alarm(found, known, "log_loss", LEADING, 500, assumed=True).verdict == "rejected"
        )
    strong = np.where(y == 1, 0.95, 0.05)
    found = judge(
        known, y, {"model": strong, "naive": half, "linear": half}, params("classification")
    )
    assert with_alarm(found, known, "log_loss", LEADING, 500, assumed=True) is found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (params(split={"backtest_folds": 5}), "split.backtest_folds changes nothing: no data.time"),
        (params(gate={"time": "day"}), "gate.time changes nothing: gate.window is null"),
        (params(decision={"cost_fn": 5}), "decision.cost_fn changes nothing: the task is regress"),
        (params("classification", decision={"quantile": 0.5}), "decision.quantile changes nothing"),
        (params(decision={"budget": 0.1}), "decision.budget changes nothing: the task is regress"),
        (
            params("classification", decision={"budget_rows": 9}),
            "decision.budget_rows changes nothing: decision.budget is null",
        ),
        (
            params(model={"kind": "linear", "num_leaves": 9}),
            "model.num_leaves changes nothing: a linear model has no trees",
        ),
        (
            params(model={"early_stopping_rounds": 80, "max_rounds": 60}),
            "model.early_stopping_rounds changes nothing: training ends before",
        ),
        (params(data={"positive": "yes"}), "data.positive changes nothing: numbers have no class"),
    ],
)
def test_a_setting_that_nothing_looks_at_is_told(found: Params, said: str) -> None:
    assert [text for text in idle(found) if text.startswith(said)]


def test_defaults_are_not_told() -> None:
    assert not [*idle(params()), *idle(params("classification"), own_split=True)]
    told = [*idle(params(split={"holdout": 0.3}), own_split=True)]
    assert told == ["split.holdout changes nothing: a split.py decides on the sides"]


def test_check_tells_of_them(churn: Factory) -> None:
    churn.change(decision={"quantile": 0.7})
    assert "decision.quantile changes nothing" in churn.run("check").err


@pytest.mark.parametrize(("wanted", "used"), [(20, 6), (60, 60), (3, 3)])
def test_a_chosen_setting_is_obeyed_in_small_data(
    wanted: int, used: int, trained: Trained, tmp_path: Path
) -> None:
    """The default becomes smaller there; another number is taken as it is."""
    draw, fit = np.random.default_rng(0), trained.project.estimator.fit
    feature = Feature(name="x", dtype="float", role="numeric", missing_seen=False)
    known = Signature(task="regression", target="y", classes=(), features=(feature,))
    parts = [Matrix(draw.normal(size=(n, 1)), draw.normal(size=n)) for n in (80, 40)]
    settings = Model(min_data_in_leaf=wanted, max_rounds=3)
    trained.project.estimator.save(fit(*parts, known, settings), tmp_path)
    assert f"[min_data_in_leaf: {used}]" in (tmp_path / "model.txt").read_text("utf-8")
    said = [*overrides(tmp_path, settings)]
    assert not [text for text in said if "has made" in text]
    assert [text for text in said if "no tree of the model has a split" in text] == said
    assert bool(said) == (wanted == 60)  # 80 rows have no two sides of 60


def test_rows_that_are_drawn_never_are_told(tmp_path: Path) -> None:
    """LightGBM takes `bagging_fraction` without a word, and draws by it only with a frequency."""
    settings = Model.model_validate({"extra": {"bagging_fraction": 0.5}})
    for frequency, count in ((0, 1), (3, 0)):
        text = f"[bagging_fraction: 0.5]\n[bagging_freq: {frequency}]\n"
        (tmp_path / "model.txt").write_text(text, "utf-8")
        said = [*overrides(tmp_path, settings)]
        assert len([text for text in said if "bagging_freq is not set" in text]) == count


def test_a_model_py_that_changes_a_chosen_setting_is_told(tmp_path: Path) -> None:
    text = "tree\n\nparameters:\n[min_data_in_leaf: 17]\n[learning_rate: 0.05]\n"
    (tmp_path / "model.txt").write_text(text, "utf-8")
    assert [*overrides(tmp_path, Model(min_data_in_leaf=60))] == [
        "model.min_data_in_leaf is 60, and model.py has made 17 of it"
    ]
    assert not [*overrides(tmp_path, Model())]  # what the default becomes is in params.yaml
    assert not [*overrides(tmp_path / "none", Model(min_data_in_leaf=60))]
