"""`factory predict` that is killed or told to stop: a run is complete, or it does not count."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from mlfactory_runtime.learn.signature import load_signature
from mlfactory_runtime.log import runs
from mlfactory_runtime.log.labels import read_log

from ..waiting import PATIENCE
from .factories import PROGRAM, Factory
from .holds import SMALL, await_stop, go_on, held_after

pytestmark = pytest.mark.xdist_group("database")
RAW = "data/raw/customers.csv"
# What a shell starts in the background ignores SIGINT, and what `nohup` starts SIGHUP; so would all
# that these start.
AWAKE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "signal.signal(signal.SIGHUP, signal.SIG_DFL); "
)
# It stops when the first of its batches is in the log, and others are to come.
HELD = held_after("mlfactory_runtime.log.batch:BatchLog._write") + SMALL + AWAKE + PROGRAM


@pytest.fixture(params=["sqlite", "postgresql"])
def query(
    request: pytest.FixtureRequest, churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[Any]]:
    """A factory's log in either database, and a way to look into it."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    if request.param == "sqlite":

        def ask_file(sql: str) -> list[Any]:
            with closing(sqlite3.connect(churn.path / "log/predictions.db")) as database:
                return database.execute(sql).fetchall()

        return ask_file
    url: str = request.getfixturevalue("database")
    monkeypatch.setenv("LOG_URL", url)
    churn.change(log={"url_env": "LOG_URL"})

    def ask_server(sql: str) -> list[Any]:
        with psycopg.connect(url) as connection:
            return connection.execute(sql.encode()).fetchall()

    return ask_server


def many(factory: Factory, rows: int) -> Path:
    """A file of several batches."""
    table = pl.read_csv(factory.path / RAW, infer_schema=False)
    path = factory.path / "many.csv"
    pl.concat([table] * (rows // table.height + 1)).write_csv(path)
    return path


def seen(factory: Factory) -> int:
    """How many predictions the monitor, a retraining and outcomes meet."""
    project = factory.project
    moments = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC)
    known = load_signature(project.model_folder)
    batches = read_log(moments, project.params, project.catalog, known)
    return sum(batch.height for batch in batches)


def logged(query: Callable[[str], list[Any]]) -> int:
    try:
        count: int = query("select count(*) from predictions")[0][0]
    except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
        return 0
    return count


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
)
def test_a_run_that_ends_early_does_not_count(
    churn: Factory, query: Callable[[str], list[Any]], number: int, code: int
) -> None:
    many(churn, 2500)
    with churn.start("-c", HELD, "predict", "many.csv", "out.csv", stderr=subprocess.PIPE) as run:
        await_stop(run)
        assert logged(query)
        go_on(run, number)
        _, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == code
    assert not (churn.path / "out.csv").exists()
    assert seen(churn) == 0
    if number != signal.SIGKILL:
        assert "interrupted" in said
        assert "Traceback" not in said
        assert logged(query) == 0
        assert not list(churn.path.glob(".factory-*"))

    scored = churn.json("predict", RAW, "out.csv", "--json")
    assert seen(churn) == scored["logged"] == scored["rows"] == logged(query)
    assert not list(churn.path.glob(".factory-*"))
    assert query("select * from open_runs") == []


def test_a_run_that_lives_is_left_alone(churn: Factory, query: Callable[[str], list[Any]]) -> None:
    many(churn, 2500)
    with churn.start("-c", HELD, "predict", "many.csv", "big.parquet", "--json") as run:
        await_stop(run)
        assert logged(query)
        small = churn.json("predict", RAW, "out.csv", "--json")
        assert list(churn.path.glob(".factory-*"))
        assert small["logged"] == small["rows"] == seen(churn)
        go_on(run)
        run.communicate(timeout=PATIENCE)
        assert run.returncode == 0
    rows = pl.read_parquet(churn.path / "big.parquet").height
    assert seen(churn) == rows + small["rows"]


def test_outcomes_are_not_told_of_answers_that_nobody_got(
    churn: Factory, query: Callable[[str], list[Any]]
) -> None:
    many(churn, 2500)
    with churn.start("-c", HELD, "predict", "many.csv", "out.csv") as run:
        await_stop(run)
        assert logged(query)
        run.kill()
    table = pl.read_csv(churn.path / RAW, infer_schema=False).head(50)
    table.select("customer id", "churned").write_csv(churn.path / "outcomes.csv")
    labelled = churn.json("label", "outcomes.csv", "--json")
    assert (labelled["unknown"], labelled["new"]) == (50, 0)


@pytest.mark.parametrize(("hours", "dead"), [(-25, True), (-1, False), (1, False), (25, True)])
def test_a_run_elsewhere_is_given_up_after_a_day_whatever_the_clock_says(
    hours: int, dead: bool
) -> None:
    assert runs.is_dead("elsewhere", 1, runs.now() + hours * 3_600_000_000) is dead
