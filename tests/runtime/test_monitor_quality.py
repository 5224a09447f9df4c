"""Whether answers are worth less: skill, ranking and calibration, where a loss is silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.learn.quality import area, qualities, within_months
from mlfactory_runtime.monitor import quality
from mlfactory_runtime.monitor.effect import detectable, is_beyond
from mlfactory_runtime.monitor.reading import Seen, Watched, from_file, production
from mlfactory_runtime.monitor.run import examined
from mlfactory_runtime.monitor.verdict import Check
from mlfactory_runtime.records.monitoring import Span, Window
from mlfactory_runtime.records.profile import Quality
from mlfactory_runtime.settings.params import Gate
from mlfactory_runtime.testing.trained import Trained

Array = np.ndarray
Pair = tuple[Array, Array]


@pytest.fixture(scope="module")
def watched(examples: Callable[[str], Trained]) -> Watched:
    return production(examples("binary").project)


def classes(rows: int, seed: int, share: float = 0.3, strength: float = 1.2) -> Pair:
    """Outcomes and the probabilities that they were drawn with."""
    draw = np.random.default_rng(seed)
    odds = strength * draw.normal(size=rows) + np.log(share / (1 - share))
    p = 1 / (1 + np.exp(-odds))
    return (draw.random(rows) < p).astype(float), p


def numbers(rows: int, seed: int) -> Pair:
    """A number with a heavy tail, and a prediction that ranks it well."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=rows)
    return np.exp(x + 1.5 * draw.normal(size=rows)), np.exp(x + 1.5**2 / 2)


def breaches(then: Pair, now: Pair, watched: Watched, task: str = "binary") -> set[str]:
    """What is bad of rows whose outcomes are known, beside those of a holdout."""
    worth, found = (qualities(task, *pair, np.arange(len(pair[0]))) for pair in (then, now))
    own = replace(watched, profile=watched.profile.model_copy(update={"quality": worth}))
    return {check.name for check in of_window(found, own) if check.bad}


def of_window(worth: dict[str, Quality], watched: Watched) -> list[Check]:
    """The checks of a window of such numbers."""
    window = Window(
        model="m", rows=900, labelled=900, values={}, breaches=(), observed=None, estimate=None,
        quality=worth,
    )  # fmt: skip
    return [check for check, _ in quality.judged([window], watched)]


def test_a_rare_outcome_that_is_only_guessed_is_seen(watched: Watched) -> None:
    """All skill is lost, which costs less than a tenth of the log loss."""
    holdout, (y, p) = classes(40_000, 1, 0.003), classes(100_000, 2, 0.003)
    noise = np.random.default_rng(3).permutation(y)
    assert y.mean() < 0.01
    assert {"quality:skill", "quality:ranking"} <= breaches(holdout, (noise, p), watched)
    assert breaches(holdout, (y, p), watched) == set()


@pytest.mark.parametrize("change", [lambda y: -y, lambda y: 3 * y, lambda y: y[::-1]])
def test_a_number_with_a_heavy_tail_is_seen_through(
    change: Callable[[Array], Array], watched: Watched
) -> None:
    holdout, (y, p) = numbers(4000, 1), numbers(2000, 2)
    assert breaches(holdout, (change(y), p), watched, "regression")
    assert breaches(holdout, (y, p), watched, "regression") == set()


def test_probabilities_that_rank_as_before_and_say_something_else_are_seen(
    watched: Watched,
) -> None:
    holdout, (y, p) = classes(4000, 1), classes(4000, 2)
    odds = np.log(p / (1 - p))
    assert breaches(holdout, (y, 1 / (1 + np.exp(-odds - 0.5))), watched) == {"quality:bias"}
    steep = 1 / (1 + np.exp(-2 * odds - 0.9))
    assert "quality:slope" in breaches(holdout, (y, steep), watched)


@pytest.mark.parametrize("rows", [500, 1000, 3000])
def test_a_handful_of_rare_outcomes_does_not_ring(rows: int, watched: Watched) -> None:
    """Some three, seven and twenty: as many as chance sends, of a model that is as it was."""
    rings = 0
    for seed in range(240):
        if not seed % 40:
            holdout = classes(4000, seed, 0.005)
            worth = qualities("binary", *holdout, np.arange(4000))
            own = replace(watched, profile=watched.profile.model_copy(update={"quality": worth}))
        y, p = classes(rows, 1000 + seed, 0.005)
        found = of_window(qualities("binary", y, p, np.arange(rows)), own)
        rings += any(check.bad for check in found)
    assert rings <= 3


def test_an_outcome_that_never_comes_any_more_is_seen(watched: Watched) -> None:
    """Rows show no spread then: that of the chances tells how sure it is."""
    holdout, (y, p) = classes(8000, 1, 0.01), classes(4000, 2, 0.01)
    assert "quality:bias" in breaches(holdout, (0 * y, p), watched)
    amounts, (y, p) = numbers(4000, 1), numbers(300, 2)
    assert "quality:bias" in breaches(amounts, (0 * y, p), watched, "regression")


def test_what_too_few_rare_outcomes_cannot_tell_is_said(watched: Watched) -> None:
    few, many = (qualities("binary", *classes(n, 1, 0.01), np.arange(n)) for n in (400, 8000))
    assert set(few) == {"bias"}
    for then, now, where in ((many, few, "this window"), (few, many, "the holdout")):
        own = replace(watched, profile=watched.profile.model_copy(update={"quality": then}))
        unknown = [check for check in of_window(now, own) if check.bad is None]
        assert [one.name for one in unknown] == [
            "quality:skill",
            "quality:ranking",
            "quality:slope",
        ]
        assert all(where in one.message and "10 outcomes" in one.message for one in unknown)


def test_areas_and_their_errors_are_those_of_other_draws() -> None:
    found = [qualities("binary", *classes(800, seed), np.arange(800)) for seed in range(300)]
    for name in found[0]:
        values = np.array([one[name].value for one in found])
        assert np.mean([one[name].error for one in found]) == pytest.approx(values.std(), rel=0.15)
    y, p = classes(500, 7)
    p = p.round(1)
    pairs = p[y == 1][:, None] - p[y == 0][None, :]
    assert area(y == 1, p)[0] == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)


def test_rows_of_one_entity_count_as_one() -> None:
    y, p = classes(500, 1)
    single = qualities("binary", y, p, np.arange(500))
    twins = qualities("binary", *(np.repeat(v, 4) for v in (y, p)), np.repeat(np.arange(500), 4))
    for name, one in single.items():
        assert twins[name].error == pytest.approx(one.error, rel=0.01)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_outcomes_of_one_kind_tell_what_they_can(task: str) -> None:
    p = np.full((60, 3), 1 / 3) if task == "multiclass" else np.full(60, 0.3)
    assert "ranking" not in qualities(task, np.zeros(60), p, np.arange(60))
    assert qualities(task, np.empty(0), p[:0], np.empty(0, dtype=int)) == {}


def test_more_rows_never_see_less() -> None:
    draw = np.random.default_rng(0)
    for effect in (0.018, 0.03, 0.05):
        rates = []
        for rows in (500, 2000, 8000, 32_000):
            error = 0.5 / rows**0.5
            found = effect + error * draw.normal(size=4000)
            rates.append(np.mean([is_beyond(one, error, 0.02, 0.001) for one in found]))
        falls = np.diff(rates).min()
        assert falls > (-0.05 if effect < 0.02 else -0.01)
    assert detectable(0.01, 0.02, 0.001) > detectable(0.005, 0.02, 0.001) > 0.02


def test_all_rows_of_a_file_with_outcomes_are_looked_at(
    watched: Watched, examples: Callable[[str], Trained], tmp_path: Path
) -> None:
    rows = pl.concat([pl.read_csv(examples("binary").raw)] * 3)
    rows.write_parquet(tmp_path / "labelled.parquet")
    rows.drop(watched.params.data.target).write_parquet(tmp_path / "bare.parquet")
    assert from_file(tmp_path / "labelled.parquet", watched).labelled == 6000
    bare = from_file(tmp_path / "bare.parquet", watched)
    assert bare.expected and bare.expected.rows == 3000


def test_the_metric_of_the_gate_is_judged_too(watched: Watched) -> None:
    own, draw = watched.of(gate=Gate(metric="pr_auc")), np.random.default_rng(1)
    y, p = (draw.random(3000) < 0.3).astype(float), draw.random(3000)
    seen = Seen(y=[y], p=[p], keys=[pl.Series([None] * 3000, dtype=pl.UInt64)])
    found = examined(seen, own, [], [], Span(source="a", rows=3000, other_models={}))[0]
    check = next(one for one in found.checks if one.name == "performance:pr_auc")
    then = (found.performance.reference or {})["pr_auc"].value
    assert check.status == "warning"
    assert check.value and check.threshold and then
    assert check.value < check.threshold < then


def test_a_week_of_a_seasonal_number_is_held_to_what_months_allow() -> None:
    """Outcomes lie far apart by month, and little apart within one."""
    draw = np.random.default_rng(0)
    days = pl.Series([date(2024, 1, 1) + timedelta(days=k // 10) for k in range(3600)])
    level = 5.0 * days.dt.month().to_numpy()
    p = level + draw.normal(size=3600)
    y, places = p + draw.normal(size=3600), np.arange(3600)
    week = slice(700, 900)
    now = qualities("regression", y[week], p[week], places[:200])
    whole = qualities("regression", y, p, places)
    then = within_months("regression", y, p, places, days)
    for name in ("skill", "ranking"):
        assert abs(now[name].value - then[name].value) < 3 * now[name].error
        assert whole[name].value > then[name].value + 3 * now[name].error
    assert then["bias"] == whole["bias"]
    assert within_months("regression", y, p, places, None) == whole
