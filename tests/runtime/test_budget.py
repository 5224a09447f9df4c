"""Rare outcomes: what is found when so many rows can be called, and which classes are found."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.learn.classes import recalls
from mlfactory_runtime.learn.draws import Draws
from mlfactory_runtime.learn.evaluate import few_calls, judge, leading
from mlfactory_runtime.learn.metrics import evaluate, measure
from mlfactory_runtime.learn.ranking import threshold_of
from mlfactory_runtime.learn.signature import Signature
from mlfactory_runtime.settings.decision import Decision
from mlfactory_runtime.settings.params import Params
from pydantic import ValidationError

from .factories import Factory, train

SIGNATURE = Signature(task="binary", target="y", classes=("no", "yes"), features=())
RARE = ("pr_auc", "recall_at_budget", "precision_at_budget", "lift_at_budget")


def rare(rows: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of which 0.6 % are positive, and their true probabilities."""
    draw = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(6.6 - 1.6 * draw.normal(size=rows)))
    return (draw.random(rows) < p).astype(float), p


def settings(**decision: float) -> Params:
    known = {"task": "classification", "data": {"path": "a", "target": "y"}}
    return Params.model_validate({**known, "decision": decision})


@pytest.mark.parametrize(
    ("asked", "share"),
    [({}, 0.01), ({"budget": 0.2}, 0.2), ({"budget": 400, "budget_rows": 80_000}, 0.005)],
)
def test_a_budget_is_a_share_or_so_many_of_so_many_rows(
    asked: dict[str, Any], share: float
) -> None:
    assert Decision.model_validate(asked).share == share


@pytest.mark.parametrize(
    "asked", [{"budget": 400}, {"budget": 1}, {"budget": 400, "budget_rows": 300}]
)
def test_a_budget_of_nobody_knows_what_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"give a share below 1, or with budget_rows"):
        Decision.model_validate(asked)


def test_what_a_budget_finds_of_a_table_made_by_hand() -> None:
    p = np.linspace(1, 0, 10)
    y = np.array([1.0, 0, 1, 0, 0, 1, 0, 0, 0, 1])
    weighted = measure("binary", y, p, Decision(budget=0.3))
    found = weighted(np.ones(10))
    assert (found["recall_at_budget"], found["precision_at_budget"]) == pytest.approx((0.5, 2 / 3))
    assert found["lift_at_budget"] == pytest.approx(0.5 / 0.3)
    assert found["f1"] == pytest.approx(2 * 2 / (3 + 4))  # the calls are those of the budget
    double = weighted(np.where(np.arange(10) == 0, 2.0, 1.0) * 3)
    assert double["precision_at_budget"] == pytest.approx((2 + 1 * 0 + 0.3) / 3.3, abs=1e-9)
    equal = measure("binary", y, np.full(10, 0.4), Decision(budget=0.3))(np.ones(10))
    assert (equal["lift_at_budget"], equal["accuracy"]) == pytest.approx((1, 0.6))


def test_the_threshold_keeps_to_the_budget() -> None:
    p = np.repeat([0.9, 0.5, 0.2], [5, 10, 85])
    called = [(p >= threshold_of(p, Decision(budget=b))).sum() for b in (0.05, 0.14, 0.15, 0.03)]
    assert called == [5, 5, 15, 0]
    assert threshold_of(p, Decision(budget=0.05, cost_fn=4)) == 0.2
    assert threshold_of(p, Decision(budget=0.05, threshold=0.3)) == 0.3


def test_metrics_within_a_budget_have_intervals() -> None:
    y, p = rare()
    found, _ = evaluate("binary", y, {"m": p}, Decision(), 0)
    for name in RARE:
        one = found["m"][name]
        assert one.low is not None and one.value is not None and one.high is not None
        assert one.low < one.value < one.high
    assert (found["m"]["lift_at_budget"].value or 0) > 5


def test_rare_outcomes_come_first_and_calls_of_nobody_are_told() -> None:
    y, p = rare()
    assert leading(settings(), SIGNATURE, y) == RARE
    assert leading(settings(cost_fn=5), SIGNATURE, y) == ("cost", "saving", *RARE)
    assert leading(settings(budget=0.1), SIGNATURE, np.arange(20) % 2) == RARE
    assert "held-out rows are called, and" in few_calls(y, p, Decision(), SIGNATURE)[0]
    assert few_calls(y, p, Decision(budget=0.01), SIGNATURE) == []
    assert few_calls(y, p, Decision(cost_fn=99), SIGNATURE) == []


def test_every_class_says_how_much_of_it_is_found() -> None:
    draw = np.random.default_rng(1)
    y = np.append(draw.integers(0, 2, 990), np.full(10, 2)).astype(float)
    p = np.eye(3)[np.where(draw.random(1000) < 0.8, y, 1).astype(int)]
    p[990:] = np.eye(3)[[2] * 3 + [0] * 7]
    one, *others = recalls(y, p, ("a", "b", "rare"), Draws(np.arange(1000)), 0)
    assert (one.label, one.rows, one.recall.value, one.precision.value) == ("rare", 10, 0.3, 1)
    assert 0 <= (one.recall.low or 0) < 0.15 < 0.5 < (one.recall.high or 0) <= 1
    assert {other.label for other in others} == {"a", "b"}
    few = next(recalls(y, p, ("a", "b", "rare"), Draws(np.arange(1000) % 4), 0))
    assert (few.recall.value, few.recall.low) == (0.3, None)


def test_none_of_few_rows_is_not_surely_none() -> None:
    """Every draw of rows none of which is found finds none; the next row may be found."""
    y, p = np.append(np.zeros(994), np.ones(6)), np.append(np.linspace(0.1, 0.9, 994), np.zeros(6))
    found = judge(SIGNATURE, y, {"model": p, "naive": p, "linear": p}, settings())
    recall, lift = (found.models["model"][f"{name}_at_budget"] for name in ("recall", "lift"))
    assert (recall.value, recall.low, round(recall.high or 0, 2)) == (0, 0, 0.46)
    assert (lift.high or 0) == pytest.approx(45.9, abs=0.1)
    shares = np.eye(3)[np.append(np.arange(996) % 2, np.zeros(4, dtype=int))]
    y = np.append(np.arange(996) % 2, np.full(4, 2)).astype(float)
    rare, *others = recalls(y, shares, ("a", "b", "rare"), Draws(np.arange(1000)), 0)
    assert (rare.recall.low, round(rare.recall.high or 0, 2)) == (0, 0.6)
    assert all((one.recall.low or 0) > 0.99 and one.recall.high == 1 for one in others)


def test_a_factory_calls_what_its_budget_allows(churn: Factory) -> None:
    churn.change(decision={"budget": 40, "budget_rows": 500})
    train(churn)

    found = json.loads(churn.text("reports/evaluation.json"))
    page, held = churn.text("reports/report.html"), found["rows"]["holdout"]
    assert found["leading"] == list(RARE)
    assert re.findall("<dt>([^<]*) is better</dt>", page) == ["average precision, higher"]
    assert "so many calls are in the budget, 40 of 500 rows" in page
    assert "Say what a false alarm and a miss cost" not in page
    confusion = pl.read_csv(churn.path / "reports/plots/confusion.csv")
    called = (confusion["predicted"] == found["positive"]).sum()
    assert 0.05 * held < called <= 0.08 * held + 1
    signature = json.loads(churn.text("models/model/signature.json"))
    assert signature["threshold"] == found["threshold"] != 0.5


def test_the_threshold_of_a_budget_stands_beside_that_of_costs(churn: Factory) -> None:
    churn.change(decision={"budget": 0.05, "cost_fn": 4})
    train(churn)
    page = churn.text("reports/report.html")
    assert "probability is 0.2 or more" in page
    assert re.search(r"of the calls are right: calls from 0\.\d+ on keep to it, which costs", page)
