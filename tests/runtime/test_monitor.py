"""The monitor: what it tells of a file, and of a log whose world changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
import yaml
from mlfactory_runtime import errors, lightgbm
from mlfactory_runtime.learn import profile, synth
from mlfactory_runtime.log import labels, service, store, veil
from mlfactory_runtime.monitor import run
from mlfactory_runtime.monitor import statistics as monitor_statistics
from mlfactory_runtime.monitor import window as monitor_window
from mlfactory_runtime.monitor.entities import hashed
from mlfactory_runtime.monitor.performance import error_of, observed
from mlfactory_runtime.monitor.reading import Seen, production
from mlfactory_runtime.predict import scorer
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.data import HeldOut
from mlfactory_runtime.records.monitoring import Checked, Monitored
from mlfactory_runtime.registry import artifact
from mlfactory_runtime.settings import params
from mlfactory_runtime.testing.trained import Trained, write_yaml
from scipy import stats

from .conftest import TASKS

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday: the last whole week ended at midnight
WEEKS = [NOW - timedelta(days=7 * k + 3) for k in (3, 2, 1, 0)]  # a moment in each, oldest first
statistics, window = monitor_statistics, monitor_window
Fill = Callable[..., list[str]]


@pytest.fixture(scope="module", params=["binary", *TASKS])
def trained(request: pytest.FixtureRequest, examples: Callable[[str], Trained]) -> Trained:
    """A factory of each task."""
    return examples(request.param)


@pytest.fixture
def place(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the trained factory's model and settings, and a log of its own."""
    for name in ("models", "data", "features.yaml", "reports"):
        (tmp_path / name).symlink_to(trained.folder / name)
    settings = trained.params.model_copy(
        update={"log": params.Log(), "monitor": params.Monitor(window="7d")}
    )
    write_yaml(tmp_path / "params.yaml", settings.model_dump(mode="json"))
    monkeypatch.delenv(settings.log.key_env, raising=False)
    (tmp_path / "src").symlink_to(trained.folder / "src")
    (tmp_path / "pyproject.toml").symlink_to(trained.folder / "pyproject.toml")
    return tmp_path


@pytest.fixture
def fresh(trained: Trained) -> pl.DataFrame:
    """Rows of the same world that the model did not see."""
    known = trained.catalog
    return synth.synthesise(known, trained.params, 1200, seed=7).select(*known.columns)


@pytest.fixture
def number(trained: Trained) -> str:
    """A raw column of numbers that the log holds in clear and the model learns from."""
    for name, column in trained.catalog.columns.items():
        clear = column.sensitive == "none"
        learned = name in {feature.name for feature in trained.signature.features}
        if column.dtype in ("int", "float") and clear and learned:
            return name
    pytest.skip("no such column")


@pytest.fixture
def fill(trained: Trained, fresh: pl.DataFrame, place: Path) -> Fill:
    """Writes predictions of fresh rows into the log, as made at a moment; gives their requests."""

    def write(moment: datetime, count: int = 600, version: str = "", **shifts: int) -> list[str]:
        rows = fresh.sample(count, seed=int(moment.timestamp()) % 1000)
        rows = rows.with_columns(pl.col(n) + by for n, by in shifts.items())
        p = lightgbm.predict(trained.model, trained.matrix(rows))
        answers = scorer.answer(p, trained.signature)
        made_by = version or artifact.version(trained.project.model_folder)
        opened = service.open_log(Project(place).params, trained.catalog, trained.signature)
        names = list(trained.catalog.inputs(trained.params))
        requests = [f"{moment:%Y%m%d}-{k}" for k in range(count)]
        classes = trained.signature.classes
        for k, (row, found) in enumerate(
            zip(rows.select(names).rows(named=True), answers.rows(named=True), strict=True)
        ):
            shares = {name: found[f"probability_{name}"] for name in classes}
            record = veil.Record(
                requests[k], 0, f"who-{k}", made_by,
                moment + timedelta(seconds=k), row, found["prediction"], shares,
            )  # fmt: skip
            opened.put([record])
        opened.close()
        target = trained.params.data.target
        outcomes = pl.DataFrame({"request_id": requests, target: rows[target]})
        outcomes.write_csv(place / f"outcomes-{moment:%Y%m%d}.csv")
        return requests

    return write


def statuses(found: Monitored, kind: str) -> set[str]:
    return {check.status for check in found.checks if check.kind == kind}


def check(found: Monitored, name: str) -> Checked:
    return next(one for one in found.checks if one.name == name)


def test_fresh_rows_of_the_same_world_are_healthy(fresh: pl.DataFrame, place: Path) -> None:
    fresh.write_parquet(place / "fresh.parquet")

    found = run.monitor(Project(place), current=place / "fresh.parquet")

    assert found.verdict == "healthy", [c for c in found.checks if c.status != "ok"]
    assert found.performance.labelled == 1200
    assert found.performance.observed.keys() == found.performance.reference.keys()


def test_a_shifted_number_rings_and_names_its_source(
    fresh: pl.DataFrame, number: str, place: Path, trained: Trained
) -> None:
    spread = int(np.ceil(fresh[number].drop_nulls().to_numpy().std()))
    fresh.with_columns(pl.col(number) + spread).write_parquet(place / "moved.parquet")

    found = run.monitor(Project(place), current=place / "moved.parquet")

    told = check(found, f"drift:{number}")
    assert (found.verdict, told.status) == ("alarm", "alarm")
    column = trained.catalog.columns[number]
    assert (told.source, told.owner) == (column.source, column.owner)
    line = next(one for one in found.features if one.name == number)
    assert line.psi > 0.1 and line.status == "alarm"
    assert len(line.observed.bins or ()) == len(line.observed.shares or ()) > 0


def test_it_rings_when_drift_comes_back_and_not_before(
    place: Path, fill: Fill, number: str
) -> None:
    for moment in WEEKS[:3]:
        fill(moment, **({number: 1_000_000} if moment == WEEKS[2] else {}))
    once = run.monitor(Project(place), now=NOW - 7 * DAY)
    fill(WEEKS[3], **{number: 1_000_000})
    twice = run.monitor(Project(place), now=NOW)

    assert check(once, f"drift:{number}").status == "warning"
    assert check(twice, f"drift:{number}").status == "alarm"
    assert [one.rows for one in twice.history] == [600] * 4
    assert twice.history[-1].verdict == twice.verdict == "alarm"


def test_windows_that_nobody_looked_at_are_filled_in(place: Path, fill: Fill, number: str) -> None:
    for moment in WEEKS:
        fill(moment, **{number: 1_000_000})

    found = run.monitor(Project(place), now=NOW)

    assert check(found, f"drift:{number}").status == "alarm"
    assert len(found.history) == 4


def test_too_few_rows_are_not_judged(place: Path, fill: Fill) -> None:
    fill(WEEKS[3], count=20)

    found = run.monitor(Project(place), now=NOW)

    assert found.verdict == "unknown"
    assert statuses(found, "data") == statuses(found, "prediction") == {"unknown"}


def test_no_prediction_is_an_alarm(place: Path, fill: Fill) -> None:
    fill(WEEKS[1])

    found = run.monitor(Project(place), now=NOW)

    assert found.verdict == check(found, "freshness").status == "alarm"


def test_a_window_before_the_model_was_here_is_no_alarm(place: Path) -> None:
    before = run.monitor(Project(place), now=datetime.now(UTC))
    after = run.monitor(Project(place), now=datetime.now(UTC) + 14 * DAY)

    assert check(before, "freshness").status == "unknown"
    assert "before the model was in use" in check(before, "freshness").message
    assert check(after, "freshness").status == "alarm"


def test_a_window_that_is_not_over_is_no_alarm(place: Path, fill: Fill) -> None:
    fill(NOW)

    assert run.monitor(Project(place), now=NOW + DAY / 2).verdict == "unknown"


def test_predictions_of_another_model_are_counted_and_left_out(place: Path, fill: Fill) -> None:
    fill(WEEKS[3])
    fill(WEEKS[3] + DAY, count=300, version="another")

    found = run.monitor(Project(place), now=NOW)

    assert (found.window.rows, found.window.other_models) == (600, {"another": 300})


def test_outcomes_that_come_late_are_measured_beside_the_estimate(
    place: Path, fill: Fill, trained: Trained
) -> None:
    for moment in WEEKS:
        fill(moment)
    before = run.monitor(Project(place), now=NOW)
    labels.label(Project(place), place / f"outcomes-{WEEKS[1]:%Y%m%d}.csv")
    after = run.monitor(Project(place), now=NOW)

    assert before.performance.labelled == 0
    assert statuses(before, "performance") >= {"unknown"}
    measured = [one.observed is not None for one in after.performance.windows]
    assert measured == [False, True, False, False]
    if trained.signature.classes:
        assert before.performance.estimate is not None
        assert after.performance.estimate_was.windows == 1


def test_history_holds_no_row(place: Path, fill: Fill) -> None:
    requests = fill(WEEKS[3])
    labels.label(Project(place), place / f"outcomes-{WEEKS[3]:%Y%m%d}.csv")
    run.monitor(Project(place), now=NOW)

    with store.engine_of(Project(place).params.log).connect() as connection:
        kept = str(connection.execute(sa.text("select * from monitor_windows")).all())
    assert kept and not any(name in kept for name in (*requests, "who-"))


@pytest.mark.parametrize("text", ["", "7", "0d", "a week", "7w", "-1d", "1.5h"])
def test_a_length_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(errors.FactoryError, match="no length"):
        window.length_of(text)


def test_windows_lie_side_by_side() -> None:
    for text in ("7d", "24h", "30m", "20s"):
        span = window.last_whole(window.length_of(text), NOW + timedelta(seconds=7))
        assert span.end <= NOW + timedelta(seconds=7) < span.earlier(-1).end
        assert span.earlier(1).end == span.begin
    assert window.last_whole(window.length_of("7d"), NOW).end == NOW.replace(hour=0)


def test_a_window_may_be_a_month_of_the_calendar() -> None:
    span = window.last_whole(window.length_of("month"), NOW)
    ends = [f"{span.earlier(k).end:%Y-%m-%d}" for k in range(4)]
    assert ends == ["2026-03-01", "2026-02-01", "2026-01-01", "2025-12-01"]
    assert all(span.earlier(k + 1).end == span.earlier(k).begin for k in range(40))
    assert window.last_whole(None, span.end) == span


def test_the_statistic_is_the_one_of_two_samples_where_values_are_few() -> None:
    draw = np.random.default_rng(0)
    old, new = draw.poisson(4, 5000), draw.poisson(4.3, 3000)
    told = profile._distribution(pl.Series("n", old), "")

    found = statistics.compare(told, statistics.tally(pl.Series("n", new), told))

    exact = stats.ks_2samp(old, new, method="asymp")
    assert found.statistic == pytest.approx(exact.statistic)
    ranks = stats.mannwhitneyu(old, new, use_continuity=False, method="asymptotic")
    assert ranks.pvalue < exact.pvalue
    assert np.log(found.p) == pytest.approx(np.log(2 * ranks.pvalue), rel=1e-3)


def test_counts_are_exact_for_every_value() -> None:
    draw = np.random.default_rng(1)
    for values in (draw.lognormal(0, 9, 4000), draw.integers(0, 3, 4000) * 1e300, np.full(99, 0.1)):
        told = profile._distribution(pl.Series("n", values), "")
        new = np.concatenate([values[::2], told.values, [-1e308, 1e308]])
        found = statistics.tally(pl.Series("n", new), told)
        below = [(new < v).sum() for v in told.values]
        upto = [(new <= v).sum() for v in told.values]
        assert found.cells.tolist() == [below, upto]


@pytest.mark.parametrize("values", [[3.0] * 900, [0.0] * 600 + [1.0] * 300, [True, False] * 450])
def test_the_same_values_do_not_differ_and_others_do(values: list[Any]) -> None:
    column = pl.Series("n", values)
    told = profile._distribution(column, "")
    same = statistics.compare(told, statistics.tally(column, told))
    other = pl.Series("n", [True] * 900) if values[0] is True else column + 0.5
    moved = statistics.compare(told, statistics.tally(other, told))

    assert (same.p, same.psi) == (pytest.approx(1), 0)
    assert moved.p < 1e-9 and moved.psi > 0.5


def test_shares_differ_by_chance_as_in_an_exact_test() -> None:
    told = stats.fisher_exact([[3, 4997], [9, 491]]).pvalue
    found = statistics.chances(np.array([3]), 5000, np.array([9]), 500)
    assert 0.9 * told < found[0] < 2 * told
    assert statistics.chances(np.array([0]), 5000, np.array([0]), 500) == [1]


def test_a_category_that_doubles_is_seen_among_many_others() -> None:
    draw, names = np.random.default_rng(0), [f"k{k}" for k in range(200)]
    shares = np.append(np.full(199, 0.95 / 199), 0.05)
    told = profile._distribution(pl.Series("c", draw.choice(names, 20_000, p=shares)), "")
    twice = np.append(np.full(199, 0.9 / 199), 0.1)
    then, now = (
        statistics.compare(
            told, statistics.tally(pl.Series("c", draw.choice(names, 2000, p=p)), told)
        )
        for p in (shares, twice)
    )
    assert now.p < 1e-6 and now.surely > 0.02
    assert then.p > 0.01


def test_a_new_category_is_new_and_a_rare_one_is_expected() -> None:
    told = profile._distribution(pl.Series("c", ["a"] * 900 + ["b"] * 99 + ["once"]), "")
    found = statistics.tally(pl.Series("c", ["a"] * 500 + ["new"] * 100), told)

    assert found.cells.tolist() == [500, 0, 0, 100]


def test_a_log_that_cannot_be_read_is_told(place: Path) -> None:
    (place / "log").mkdir()
    (place / "log/predictions.db").write_text("no database" * 100)

    with pytest.raises(errors.FactoryError, match="the log cannot be read: file is not a database"):
        run.monitor(Project(place), now=NOW)


def test_a_catalog_without_a_feature_of_the_model_is_told(place: Path, number: str) -> None:
    file = place / "features.yaml"
    catalog = yaml.safe_load(file.read_text("utf-8"))
    del catalog["columns"][number]
    file.unlink()  # a link to what other tests use
    write_yaml(file, catalog)

    with pytest.raises(errors.FactoryError, match=f"the catalog lacks '{number}'"):
        run.monitor(Project(place), now=NOW)


def test_rows_of_one_entity_are_drawn_together(examples: Callable[[str], Trained]) -> None:
    watched, draw = production(examples("binary").project), np.random.default_rng(0)
    whom = np.repeat(np.arange(40), 25)
    y, p = (draw.random(40) < 0.4).astype(float)[whom], np.full(1000, 0.4)

    def error(keys: list[str | None]) -> float:
        seen = Seen(p=[p], y=[y], keys=[hashed(pl.Series(keys, dtype=pl.String))])
        found, said = observed(seen, watched)
        assert said == (
            "" if keys[0] is None else f"{len({*keys})} values of {watched.params.data.id!r}"
        )
        return error_of(found["brier"]) if found else float("nan")

    alone = error([None] * 1000)
    assert error([f"C{n}" for n in whom]) > 3 * alone
    assert np.isnan(error([f"C{n % 8}" for n in whom]))


def test_where_the_latest_rows_were_held_out_stretches_of_time_are_drawn(
    examples: Callable[[str], Trained],
) -> None:
    """20 days of 50 rows, on each of which the model is off by the same; no key names them."""
    watched, draw = production(examples("binary").project), np.random.default_rng(0)
    data = watched.params.data.model_copy(update={"time": "day"})
    held = watched.signature.model_copy(update={"split": HeldOut(kind="time")})
    watched = replace(watched.of(data=data), signature=held)
    day = np.repeat(np.arange(20), 50)
    y, p = (draw.random(20) < 0.4).astype(float)[day], np.full(1000, 0.4)
    keys = pl.Series([None] * 1000, dtype=pl.UInt64)

    def error(moments: list[pl.Series]) -> tuple[float, str]:
        found, said = observed(Seen(p=[p], y=[y], keys=[keys], moments=moments), watched)
        return (error_of(found["brier"]) if found else float("nan")), said

    wide, said = error([pl.Series(day).cast(pl.Date)])
    alone, nothing = error([])
    assert (said.endswith(" stretches of 'day'"), nothing) == (True, "")
    assert wide > 3 * alone
