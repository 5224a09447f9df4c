"""Other libraries on the rows of a factory: what is measured, what is missing, what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.learn.resampling import interval_of
from mlfactory_runtime.records.benchmark import Benchmark, Contender
from mlfactory_runtime.records.record import read, write
from mlfactory_runtime.report.benchmark import warnings
from mlfactory_runtime.search.benchmark import command, paired, with_gain
from mlfactory_runtime.search.opponents import Task, only_seen

from .factories import Factory

RECORD = "reports/benchmark.json"


def test_contenders_are_measured_on_the_same_rows_and_what_is_missing_is_said(
    churn: Factory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    churn.change(model={"max_rounds": 20})
    end = churn.run("benchmark", "--with", "linear,xgboost,catboost")
    assert "CatBoost could not be installed" in end.err
    record = read(Benchmark, churn.path / RECORD)
    assert record is not None
    states = {one.name: one.state for one in record.others}
    assert states == {"linear": "measured", "xgboost": "measured", "catboost": "absent"}
    for one in (record.model, *record.others[:2]):
        assert one.value is not None
        assert one.seconds is not None
        assert one.memory is not None
        assert (0.2 < one.value < 1, one.seconds > 0, one.memory > 50) == (True, True, True)
    assert "log_loss" in end.out

    churn.run("report")
    assert "tried on the same rows" not in churn.text("reports/report.html")  # another model's
    for stage in ("train", "report"):
        churn.run(stage)
    page = churn.text("reports/report.html")
    assert "What else was tried on the same rows?" in page
    assert "CatBoost could not be installed" in page
    assert "another-estimator.md" not in page
    winner = record.others[1].model_copy(update={"is_better": True})
    others = (record.others[0], winner)
    write(churn.path / RECORD, record.model_copy(update={"others": others}))
    churn.run("report")
    assert "docs/how-to/another-estimator.md" in churn.text("reports/report.html")


def test_an_opponent_that_is_none_is_named(churn: Factory) -> None:
    said = churn.run("benchmark", "--with", "catbost", code=1).err
    assert "there is no such opponent" in said
    assert "did you mean catboost?" in said


def test_without_uv_the_way_to_it_is_named(
    churn: Factory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FactoryError, match=r"there is no uv .*: pipx install uv"):
        list(command("autogluon", tmp_path, churn.project))


def contender(gain: float) -> tuple[Contender, Any]:
    """One whose rows lose less by so much, beside the model's own rows."""
    draw = np.random.default_rng(0)
    own, places = draw.gamma(2, 0.5, 2000), draw.integers(0, 100, 2000)
    other = own - gain + draw.normal(0, 0.1, 2000)
    start = Contender(name="catboost", state="measured", value=float(other.mean()))
    return with_gain(start, "log_loss", own, other, places, 0.02, 0), (own, other, places)


@pytest.mark.parametrize(("gain", "better"), [(0.1, True), (0.02, False), (-0.1, False)])
def test_a_winner_is_one_that_surely_gains_more_than_the_margin(gain: float, better: bool) -> None:
    one, _ = contender(gain)
    assert one.is_better is better
    record = Benchmark(
        data="", params="", code="", metric="log_loss", by="folds", rows=1, margin=0.02,
        model=one, others=(one,),
    )  # fmt: skip
    assert bool([*warnings(record)]) is better


def test_intervals_are_paired_by_row() -> None:
    _, (own, other, places) = contender(0.1)
    gain = paired("log_loss", own, other, places, 0)
    draw = np.random.default_rng(1)
    alone = interval_of(0.1, [draw.choice(own, 2000).mean() for _ in range(500)])
    assert gain.low is not None
    assert gain.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert gain.high - gain.low < (alone.high - alone.low) / 2


def test_a_category_that_was_never_seen_is_missing_to_others() -> None:
    task = Task("binary", 2, [1], [3], 0, False)
    x = only_seen(task, np.array([[1.0, -1.0], [2.0, 3.0], [3.0, 2.0]]))
    assert np.array_equal(x, [[1, np.nan], [2, np.nan], [3, 2]], equal_nan=True)
