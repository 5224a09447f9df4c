"""The trail: what was served, labelled, forgotten and promoted, and whether that is all."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from mlfactory_runtime.log import trail
from mlfactory_runtime.log.store import clean_up, engine_of
from mlfactory_runtime.records.registry import Promotion
from mlfactory_runtime.registry import promote
from mlfactory_runtime.registry.anchor import anchor, trailer
from mlfactory_runtime.registry.audit import events, verify
from sqlalchemy import text

from ..waiting import PATIENCE, until
from .factories import PROGRAM, Factory, commit
from .holds import SMALL, await_stop, held_after
from .test_log_stores import Logging

pytestmark = pytest.mark.xdist_group("database")
RAW = "data/raw/customers.csv"


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, churn: Factory, monkeypatch: pytest.MonkeyPatch) -> Logging:
    """A factory whose log stands in one of the databases, empty."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    monkeypatch.setenv(trail.ACTOR_ENV, "Ada")
    trail.who.cache_clear()
    churn.change(log={"interval": 0.1})
    if request.param == "sqlite":
        return Logging(churn, str(churn.path / "log" / "predictions.db"))
    url: str = request.getfixturevalue("database")
    monkeypatch.setenv("LOG_URL", url)
    churn.change(log={"url_env": "LOG_URL"})
    return Logging(churn, url)


@pytest.fixture
def factory(churn: Factory, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory whose log is a file, and for which git knows who commits."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    for name, value in (("NAME", "Tester"), ("EMAIL", "tester@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    return churn


def change(log: Logging, sql: str) -> None:
    """Do in the database what nobody should."""
    if "://" in log.place:
        with psycopg.connect(log.place) as connection:
            connection.execute(sql.encode())
        return
    with closing(sqlite3.connect(log.place)) as connection, connection:
        connection.execute(sql)


def verified(factory: Factory, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = factory.json("trail", "verify", "--json", code=code)
    return found


def predict(factory: Factory, rows: int = 50) -> None:
    pl.read_csv(factory.path / RAW, infer_schema=False).head(rows).write_csv(
        factory.path / "some.csv"
    )
    factory.run("predict", "some.csv", "out.csv")


def outcomes(factory: Factory, *keys: str, rows: int = 10) -> None:
    """Bring what came of the first rows; by request, where `keys` are `request_id` and `row`."""
    table = pl.read_csv(factory.path / RAW, infer_schema=False).head(rows)
    answers = pl.read_csv(factory.path / "out.csv").head(rows)
    table = table.with_columns(answers.select("request_id", "row"))
    table.select(*(keys or ["customer id"]), "churned").write_csv(factory.path / "outcomes.csv")
    factory.run("label", "outcomes.csv")


def kinds(factory: Factory) -> list[tuple[str, dict[str, Any]]]:
    found = factory.json("trail", "--newest", "1000", "--json")["events"]
    return [(one["kind"], one["about"]) for one in found if one["number"]]


def test_what_happens_to_the_log_is_told_and_names_nobody(log: Logging) -> None:
    factory = log.factory
    predict(factory)
    outcomes(factory)
    outcomes(factory)  # the same again changes nothing
    entity = pl.read_csv(factory.path / RAW, infer_schema=False)["customer id"][0]
    factory.run("forget", entity, "--dry-run")
    factory.run("forget", entity)
    with log.serve("a", 30, 0, "stop") as service:
        service.communicate(timeout=PATIENCE)
    clean_up(engine_of(factory.project.params.log), -1)

    found = kinds(factory)
    assert [kind for kind, _ in found] == [
        "begin", "predict", "label", "forget", "serve", "expire", "expire",
    ]  # fmt: skip
    about = dict(found[:5])
    assert about["begin"] == {"predictions": 0, "labels": 0}
    assert about["predict"]["rows"] == 50
    assert about["label"] == {"new": 10, "changed": 0}
    assert about["forget"] == {"labels": 1, "predictions": 1}
    assert about["serve"] == {"rows": 30, "models": {"m": 30}}
    assert log.query("select distinct actor from trail") == [("Ada",)]
    assert entity not in str(log.query("select * from trail"))
    assert verified(factory)["entries"] == len(found)
    assert "everything fits" in factory.run("trail", "verify").err
    assert "#2 predict by Ada: rows 50" in factory.run("trail").out


DEEDS = {
    "update trail set content = replace(content, '50', '49') where number = 2": (
        "entry 2 was changed"
    ),
    "update trail set actor = 'Bob' where number = 3": "entry 3 was changed",
    "update trail set time = time + 1 where number = 1": "entry 1 was changed",
    "delete from trail where number = 2": "entry 2 is missing",
    "delete from trail where number = 1": "entry 1 is missing",
    "update trail set kind = 'begin' where number = 4": "entry 4 was changed",
    "update trail set content = 'no JSON' where number = 4": "entry 4 was changed",
    "update trail set content = x'ff' where number = 2": "entry 2 was changed",
    "update trail set time = 'soon' where number = 2": "entry 2 was changed",
    "update trail set time = 9000000000000000000 where number = 2": "entry 2 was changed",
    "update trail set actor = x'ff', hash = x'00' where number = 3": "entry 3 was changed",
    "update trail set number = 'x' where number = 4": "entry 4 is missing",
    "delete from trail": "the trail is empty: its entries were taken out",
    "delete from predictions where row = 7": "2 predictions are gone, and no entry says why",
    "delete from labels": "10 labels are gone, and no entry says why",
    "insert into predictions select 'x', row, time, target, model, entity, features, prediction,"
    " probabilities, row_time from predictions where row = 3 limit 1": (
        "1 predictions are there without an entry"
    ),
}


def test_a_deed_by_hand_is_seen(factory: Factory) -> None:
    file = factory.path / "log/predictions.db"
    predict(factory)
    outcomes(factory)
    predict(factory)
    assert verified(factory)["faults"] == []
    before = file.read_bytes()
    for sql, line in DEEDS.items():
        change(Logging(factory, str(file)), sql)
        assert line in " ".join(verify(factory.project).faults), sql
        events(factory.project, 100)
        file.write_bytes(before)
    assert "entry 1 is missing" not in factory.run("trail", "verify").out


@pytest.mark.parametrize("value", ["features = 'x'", "entity = x'ff'", "row_time = 'soon'"])
def test_a_prediction_that_is_none_is_told(factory: Factory, value: str) -> None:
    predict(factory)
    log = Logging(factory, str(factory.path / "log/predictions.db"))
    change(log, f"update predictions set {value} where row = 7")
    done = factory.run("monitor", "--window", "batch", code=1)
    assert "error: the log holds what no prediction is: " in done.err


def test_an_entry_that_was_written_anew_with_its_hash_does_not_fit(factory: Factory) -> None:
    predict(factory)
    predict(factory)
    engine = engine_of(factory.project.params.log)
    with engine.begin() as connection:
        one = list(trail.entries(connection))[1]
        forged = trail.Entry(**{**vars(one), "actor": "Bob"})
        connection.execute(
            text("update trail set actor = 'Bob', hash = :hash where number = 2"),
            {"hash": forged.digest},
        )
    assert (
        "entry 2 was changed after entry 3 was written"
        in factory.run("trail", "verify", code=4).out
    )


def test_processes_at_once_make_one_trail(log: Logging) -> None:
    """Services, a run and outcomes at the same time; one service is killed in the midst."""
    factory = log.factory
    predict(factory)
    service, killed = log.serve("a", 300, 0.003, "stop"), log.serve("c", 100_000, 0.002, "stay")
    run = factory.start("-c", PROGRAM, "predict", RAW, "all.csv", stderr=subprocess.PIPE)
    ours = "select count(*) from predictions where request_id like 'c-%'"
    until(lambda: log.query(ours)[0][0] > 0, lambda: killed.poll() is None)
    outcomes(factory, "request_id", "row")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    for process in (service, run):
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    assert verified(factory)["faults"] == []
    told = kinds(factory)
    assert [kind for kind, _ in told].count("predict") == 2
    rows = sum(about["rows"] for kind, about in told if kind in ("predict", "serve"))
    waiting = log.query("select coalesce(sum(rows), 0) from trail_tallies")[0][0]
    assert rows + waiting == log.count()
    assert 0 < log.query(ours)[0][0] >= waiting


def test_a_run_that_is_killed_leaves_a_trail_that_fits(log: Logging) -> None:
    factory = log.factory
    predict(factory)
    table = pl.read_csv(factory.path / RAW, infer_schema=False)
    pl.concat([table] * 3).write_csv(factory.path / "many.csv")
    program = SMALL + held_after("mlfactory_runtime.log.batch:BatchLog._write") + PROGRAM
    process = factory.start("-c", program, "predict", "many.csv", "out.csv", stderr=subprocess.PIPE)
    await_stop(process)
    process.kill()
    process.communicate()
    assert process.returncode == -9
    assert log.count() > 50
    assert verified(factory)["faults"] == []
    predict(factory)
    assert verified(factory)["faults"] == []
    assert log.count() == 100


def test_a_log_that_is_older_than_the_trail_says_from_when_on_it_knows(log: Logging) -> None:
    factory = log.factory
    predict(factory)
    outcomes(factory)
    for table in ("trail", "trail_tallies", "open_runs"):
        change(log, f"drop table {table}")
    predict(factory)
    assert kinds(factory)[0] == ("begin", {"predictions": 50, "labels": 10})
    assert kinds(factory)[1][1]["rows"] == 50
    assert verified(factory)["since"] is not None


def record(factory: Factory, version: str) -> Promotion:
    """A promotion of the last commit, without all that speaks for it."""
    head = factory.tool("git", "rev-parse", "HEAD").strip()
    who = "Tester <tester@example.org>"
    return Promotion(
        kind="promotion", stage="prod", version=version, before=None, model="m", commit=head,
        proposed_by=who, proposed_at="2026-01-01T00:00:00+00:00", rows=9, verdict="accepted",
        reason="it is better", metric="log_loss",
    )  # fmt: skip


def promoted(factory: Factory) -> tuple[Path, Path]:
    """Two promotions, each of which holds on to the trail; their records."""
    predict(factory)
    for version in ("v1.0.0", "v1.1.0"):
        promote.keep(factory.project, record(factory, version), "", at_once=True)
        predict(factory)
    first, second = sorted((factory.path / "promotions").glob("*.json"))
    assert json.loads(second.read_text())["former"]["record"] == first.stem
    assert verified(factory)["faults"] == []
    return first, second


def faults(factory: Factory) -> str:
    return factory.run("trail", "verify", code=4).out


def test_git_knows_where_a_trail_was_cut_off(factory: Factory) -> None:
    log = Logging(factory, str(factory.path / "log/predictions.db"))
    _, second = promoted(factory)
    assert "promotion by Tester: stage prod, version v1.1.0" in factory.run("trail").out
    number = json.loads(second.read_text())["trail"]["number"]
    change(log, f"delete from predictions where request_id in (select request_id from predictions"
                f" group by request_id having min(time) > (select time from trail where"
                f" number = {number - 1}))")  # fmt: skip
    change(log, f"delete from trail where number >= {number}")
    assert f"the trail was cut off: churn#prod#2 knows entry {number}" in faults(factory)
    predict(factory)  # and it goes on
    assert f"entry {number} is not the one that churn#prod#2 knows" in faults(factory)
    for file in (factory.path / "log").iterdir():
        file.unlink()
    assert "knows of a trail that is not here" in faults(factory)
    predict(factory)
    assert "or this one was begun anew" in faults(factory)


def test_a_retraining_holds_on_to_the_trail(factory: Factory) -> None:
    predict(factory)
    factory.write("odd.txt", "new rows")
    commit(factory, f"Retrain{trailer(anchor(factory.project))}")
    for odd in ("", "a", "a b c", f"a {10**30} c"):
        factory.write("odd.txt", odd)
        commit(factory, f"Odd\n\nTrail: {odd}")
    assert verified(factory)["faults"] == []
    log = Logging(factory, str(factory.path / "log/predictions.db"))
    change(log, "delete from trail where number > 1")
    assert "the trail was cut off: commit " in faults(factory)


def test_a_record_of_a_promotion_that_was_changed_is_named(factory: Factory) -> None:
    first, second = promoted(factory)
    before = first.read_text()
    first.write_text(before.replace('"model": "m"', '"model": "another"'))
    name = f"promotions/{first.name}"
    assert f"{name} was changed after {second.stem} was written" in faults(factory)
    assert f"{name} is not what the tag churn#prod#1 says" in faults(factory)
    first.unlink()
    assert f"{name} is missing: {second.stem} follows it" in faults(factory)
    first.write_text(before)
    second.unlink()
    assert f"promotions/{second.name} is missing: churn#prod#2 was made of it" in faults(factory)


def test_there_may_be_nothing_yet(factory: Factory) -> None:
    assert "nothing has happened here yet" in factory.run("trail").err
    assert "there is no log here yet" in factory.run("trail", "verify").err
    assert not (factory.path / "log").exists()
