"""What calls cost, and the constant that a metric is compared with: the best one by that metric."""

from __future__ import annotations

import numpy as np
import pytest
from mlfactory_runtime.gate.judge import Compared
from mlfactory_runtime.gate.judge import judge as compare
from mlfactory_runtime.learn.baselines import constants
from mlfactory_runtime.learn.evaluate import judge, leading
from mlfactory_runtime.learn.metrics import is_lower_better, measure, measure_constants
from mlfactory_runtime.learn.signature import Signature
from mlfactory_runtime.settings.params import Decision, Params

CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}
PRICES = Decision(cost_fp=1, cost_fn=4)


def signature(task: str) -> Signature:
    return Signature(task=task, target="y", classes=CLASSES[task], features=())


def test_costs_and_savings_of_a_table_made_by_hand() -> None:
    y, p = np.array([1.0, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.3, 0.2, 0.1])
    weighted = measure("binary", y, p, PRICES)
    found = weighted(np.ones(5))  # calls from 0.2 on: two false alarms, no miss
    assert (found["cost"], found["saving"]) == pytest.approx((2 / 5, 3 / 5 - 2 / 5))
    found = weighted(np.array([0.0, 3, 1, 0, 0]))  # everybody would cost 3, nobody 4
    assert (found["cost"], found["saving"]) == pytest.approx((3 / 4, 0))


@pytest.mark.parametrize(
    ("prices", "cost"),
    [(Decision(cost_fn=4), 0.686), (Decision(cost_fp=4), 0.314), (Decision(threshold=0.1), 0.314)],
)
def test_a_constant_has_the_best_value_of_each_metric(prices: Decision, cost: float) -> None:
    y = np.repeat([1.0, 0.0], [314, 686])
    best = constants(y, signature("binary"), prices)
    found = measure_constants("binary", y, best, prices)(np.ones(1000))
    assert found["accuracy"] == pytest.approx(0.686)
    assert found["f1"] == pytest.approx(2 * 0.314 / 1.314)
    assert found["cost"] == pytest.approx(cost)
    assert found["saving"] == pytest.approx(0)


@pytest.mark.parametrize("task", CLASSES)
def test_no_other_constant_is_better(task: str) -> None:
    draw = np.random.default_rng(1)
    y = draw.integers(0, 3 if task == "multiclass" else 2, 300).astype(float)
    y = draw.lognormal(1, 1, 300) if task == "regression" else y
    tried = {
        "binary": np.linspace(0, 1, 41)[:, None],
        "multiclass": draw.dirichlet(np.ones(3), 60),
        "regression": np.linspace(0, 12, 241)[:, None],
    }[task]
    best = measure_constants(task, y, constants(y, signature(task), PRICES), PRICES)(np.ones(300))
    for one in tried:
        p = np.broadcast_to(one.squeeze(), (300, *one.squeeze().shape))
        for name, value in measure(task, y, p, PRICES)(np.ones(300)).items():
            worse = value - best[name] if is_lower_better(name, {}) else best[name] - value
            assert np.isnan(worse) or worse > -1e-9, (name, one)


def test_calls_that_save_nothing_are_told() -> None:
    settings = Params.model_validate(
        {"task": "classification", "data": {"path": "a", "target": "y"}}
        | {"decision": {"cost_fp": 30, "cost_fn": 1}}
    )
    draw = np.random.default_rng(2)
    p = draw.uniform(0.2, 0.8, 2000)
    y = (draw.random(2000) < p).astype(float)
    best = constants(y, signature("binary"), settings.decision)
    scored = {"model": p, "naive": np.full(2000, y.mean()), "linear": np.full(2000, y.mean())}
    found = judge(signature("binary"), y, scored, settings, constants=best)
    assert found.verdict == "accepted"
    assert any("do not surely save anything" in text for text in found.warnings)
    assert leading(settings, signature("binary"), y) == ("cost", "saving")
    plain = settings.model_copy(update={"decision": Decision()})
    assert leading(plain, signature("binary"), y) == ()


def test_the_loss_of_a_quantile_is_shown_where_the_gate_goes_by_it() -> None:
    known = {"task": "regression", "data": {"path": "a", "target": "y"}}
    plain = Params.model_validate(known)
    asked = Params.model_validate({**known, "gate": {"metric": "quantile_loss"}})
    assert leading(plain, signature("regression"), np.arange(9.0)) == ()
    assert leading(asked, signature("regression"), np.arange(9.0)) == ("quantile_loss",)
    y = np.random.default_rng(3).normal(size=300)
    scored = dict.fromkeys(("model", "naive", "linear"), y / 2)
    rows = Compared("regression", y, y / 2, y / 3, np.arange(300))
    for settings in (plain, asked):
        known = judge(signature("regression"), y, scored, settings).models["model"]
        assert ("quantile_loss" in known) == (settings is asked)
        assert ("quantile_loss" in compare(rows, [], settings).b_metrics) == (settings is asked)
