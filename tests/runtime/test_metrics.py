"""Our weighted metrics agree with scikit-learn's, with ties and with weights."""

import numpy as np
import pytest
from mlfactory_runtime.learn import metrics
from mlfactory_runtime.settings import params
from sklearn import metrics as sklearn

DECISION = params.Decision()
ROWS = 400


def drawn(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes, rounded scores (so that some are equal) and resampling weights."""
    generator = np.random.default_rng(3)
    y = generator.integers(0, classes, ROWS).astype(float)
    scores = np.round(generator.random((ROWS, classes)) + np.eye(classes)[y.astype(int)], 1) + 0.05
    weights = generator.integers(0, 4, ROWS).astype(float)
    return y, scores / scores.sum(axis=1, keepdims=True), weights


def test_metrics_of_two_classes() -> None:
    y, shares, w = drawn(2)
    p = shares[:, 1]
    found = metrics.measure("binary", y, p, DECISION)(w)
    assert found["roc_auc"] == pytest.approx(sklearn.roc_auc_score(y, p, sample_weight=w))
    assert found["pr_auc"] == pytest.approx(sklearn.average_precision_score(y, p, sample_weight=w))
    assert found["log_loss"] == pytest.approx(sklearn.log_loss(y, p, sample_weight=w))
    assert found["brier"] == pytest.approx(sklearn.brier_score_loss(y, p, sample_weight=w))
    assert found["accuracy"] == pytest.approx(sklearn.accuracy_score(y, p >= 0.5, sample_weight=w))
    assert found["f1"] == pytest.approx(sklearn.f1_score(y, p >= 0.5, sample_weight=w))


def test_metrics_of_many_classes() -> None:
    y, p, w = drawn(4)
    called = p.argmax(axis=1)
    found = metrics.measure("multiclass", y, p, DECISION)(w)
    auc = sklearn.roc_auc_score(y, p, sample_weight=w, multi_class="ovr", average="macro")
    assert found["roc_auc"] == pytest.approx(auc)
    assert found["log_loss"] == pytest.approx(sklearn.log_loss(y, p, sample_weight=w))
    f1 = sklearn.f1_score(y, called, average="macro", sample_weight=w)
    assert found["f1"] == pytest.approx(f1)


def test_metrics_of_numbers() -> None:
    y, shares, w = drawn(3)
    p = shares @ np.arange(3)
    found = metrics.measure("regression", y, p, DECISION)(w)
    rmse = sklearn.root_mean_squared_error(y, p, sample_weight=w)
    pinball = sklearn.mean_pinball_loss(y, p, alpha=DECISION.quantile, sample_weight=w)
    assert found["rmse"] == pytest.approx(rmse)
    assert found["mae"] == pytest.approx(sklearn.mean_absolute_error(y, p, sample_weight=w))
    assert found["r2"] == pytest.approx(sklearn.r2_score(y, p, sample_weight=w))
    assert found["quantile_loss"] == pytest.approx(pinball)


def test_a_calibrated_score_has_a_smaller_calibration_error_than_a_shifted_one() -> None:
    p = np.random.default_rng(1).random(20_000)
    y = (np.random.default_rng(2).random(20_000) < p).astype(float)
    whole = np.ones(20_000)
    calibrated = metrics.measure("binary", y, p, DECISION)(whole)["calibration_error"]
    shifted = metrics.measure("binary", y, p**2, DECISION)(whole)["calibration_error"]
    assert calibrated < 0.02 < 0.1 < shifted


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for seed in range(60):
        y = generator.normal(size=150)
        found, _ = metrics.evaluate("regression", y, {"zero": np.zeros(150)}, DECISION, seed)
        rmse = found["zero"]["rmse"]
        covered += rmse.low is not None and rmse.low <= 1.0 <= (rmse.high or 0)
    assert 50 <= covered <= 60


def test_areas_are_not_defined_with_one_class() -> None:
    found, _ = metrics.evaluate("binary", np.ones(60), {"m": np.full(60, 0.7)}, DECISION, 0)
    assert found["m"]["roc_auc"].value is None
    assert found["m"]["accuracy"].value == 1


@pytest.mark.parametrize("classes", [2, 4])
def test_what_is_expected_of_parts_adds_up_to_what_is_of_all(classes: int) -> None:
    _, shares, _ = drawn(classes)
    task, p = ("binary", shares[:, 1]) if classes == 2 else ("multiclass", shares)
    whole = metrics.expected(task, p, 0.5).metrics()
    parts = metrics.expected(task, p[:7], 0.5) + metrics.expected(task, p[7:], 0.5)
    assert whole["accuracy"][0] == pytest.approx(shares.max(axis=1).mean())
    for name, (value, error) in parts.metrics().items():
        assert (value, error) == pytest.approx(whole[name])
    assert metrics.expected("regression", p, 0.5).metrics() == {}
