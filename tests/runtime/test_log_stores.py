"""The log in SQLite and in PostgreSQL, under processes that come and go: what it may lose."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from mlfactory_runtime.learn.signature import load_signature
from mlfactory_runtime.log.labels import read_log
from mlfactory_runtime.log.store import now

from ..postgres import Server
from ..waiting import PATIENCE, until
from .factories import Factory, train

pytestmark = pytest.mark.xdist_group("database")
INTERVAL = 0.3  # seconds
DATA = "data/raw/customers.csv"

# A service: its arguments are a name, how many predictions it makes, the seconds between them, and
# whether it stops as it should: at once, or when it is told to by a line.
SERVICE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from mlfactory_runtime.learn.signature import load_signature
from mlfactory_runtime.log.service import open_log
from mlfactory_runtime.log.veil import Record
from mlfactory_runtime.project import Project

name, count, pause, end = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
project = Project(Path.cwd())
log = open_log(project.params, project.catalog, load_signature(project.model_folder))
features = {"plan": "Pro", "class": "a", "price €": 0.1, "Tenure (months)": 7}
waits = []
for k in range(count):
    now = datetime.now(UTC)
    one = Record(f"{name}-{k}", 0, f"C{k:05d}", "m", now, features, "yes", {"yes": 0.9})
    before = time.perf_counter()
    log.put([one])
    waits.append(time.perf_counter() - before)
    print(k, flush=True)
    time.sleep(pause)
if end == "wait":
    sys.stdin.readline()
if end != "stay":
    log.close()
    print(log.dropped, sorted(waits)[9 * len(waits) // 10], flush=True)
else:
    time.sleep(600)
"""


@dataclass(frozen=True)
class Logging:
    """A factory with a log of its own, and a way to look into it."""

    factory: Factory
    place: str

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if "://" in self.place:
            with psycopg.connect(self.place) as connection:
                done = connection.execute(sql.encode())
                return done.fetchall() if done.description else []
        with closing(sqlite3.connect(self.place)) as connection, connection:
            return connection.execute(sql).fetchall()

    def count(self, table: str = "predictions") -> int:
        found: int = self.query(f"select count(*) from {table}")[0][0]
        return found

    def serve(self, name: str, count: int, pause: float, end: str) -> subprocess.Popen[str]:
        argv = ("-c", SERVICE, name, str(count), str(pause), end)
        return self.factory.start(*argv, stdin=subprocess.PIPE)

    def everything(self) -> bytes:
        """All that the log holds, as it stands in it."""
        if "://" in self.place:
            tables = ("predictions", "labels")
            return "".join(str(self.query(f"select * from {table}")) for table in tables).encode()
        folder = Path(self.place).parent
        return b"".join(p.read_bytes() for p in folder.glob(f"{Path(self.place).name}*"))


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, churn: Factory, monkeypatch: pytest.MonkeyPatch) -> Logging:
    """A factory whose log stands in one of the databases, empty."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    churn.change(log={"interval": INTERVAL})
    if request.param == "sqlite":
        point_at(churn.path / "log", "there")
        (churn.path / "there").mkdir()
        return Logging(churn, str(churn.path / "log" / "predictions.db"))
    url: str = request.getfixturevalue("database")
    monkeypatch.setenv("LOG_URL", url)
    churn.change(log={"url_env": "LOG_URL"})
    return Logging(churn, url)


def point_at(link: Path, name: str) -> None:
    """Let the link lead elsewhere, with no moment in which there is nothing."""
    new = link.with_name("new-link")
    new.symlink_to(name)
    new.replace(link)


def told(process: subprocess.Popen[str]) -> tuple[int, float]:
    """What the service dropped, and the most seconds that nine in ten of its calls of `put` took.

    In the midst of others the machine may have given the processor to somebody else.
    """
    out, _ = process.communicate("stop\n", timeout=PATIENCE)
    dropped, seconds = out.splitlines()[-1].split()
    return int(dropped), float(seconds)


def settled(log: Logging) -> int:
    """How many predictions there are when the next start has taken in what waits for it.

    Where the machine is slow a stop may not wait until all is written.
    """
    if any((log.factory.path / "log").glob("*.waiting-*.jsonl")):
        told(log.serve("next", 0, 0, "wait"))
    return log.count()


def test_a_normal_stop_loses_nothing(log: Logging) -> None:
    dropped, _ = told(log.serve("a", 3000, 0, "stop"))

    assert (dropped, settled(log)) == (0, 3000)


def test_kill_9_loses_nothing_of_what_was_written_while_the_service_went_on(log: Logging) -> None:
    with log.serve("a", 100_000, 0.002, "stay") as service:
        assert service.stdout is not None
        number = int([service.stdout.readline() for _ in range(1500)][-1])
        newest = f"select count(*) from predictions where request_id = 'a-{number}'"
        written = lambda: has_table(log) and log.query(newest)[0][0] > 0  # noqa: E731
        until(written, lambda: service.poll() is None)
        service.send_signal(signal.SIGKILL)

    keys = {key for (key,) in log.query("select request_id from predictions")}
    assert keys == {f"a-{k}" for k in range(len(keys))}
    assert len(keys) > number


def has_table(log: Logging) -> bool:
    with suppress(sqlite3.OperationalError, psycopg.errors.UndefinedTable):
        return log.count() >= 0
    return False


def test_several_processes_start_at_once_and_share_the_log(log: Logging) -> None:
    services = [log.serve(name, 500, 0.001, "stop") for name in "abcd"]
    scored = log.factory.json("predict", DATA, "scored.csv", "--json")

    assert [told(service)[0] for service in services] == [0] * 4
    assert scored["logged"] == 900
    assert settled(log) == 4 * 500 + 900
    assert log.query("select version from log_schema") == [(1,)]


def leave(log: Logging, postgres: Server | None) -> None:
    """The database goes away, and whoever is connected is thrown out."""
    if postgres is None:
        point_at(Path(log.place).parent, "nowhere")
        return
    name = log.place.rpartition("/")[2]
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"alter database {name} allow_connections false".encode())
        gone = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
        connection.execute(gone, (name,))


def come_back(log: Logging, postgres: Server | None) -> None:
    if postgres is None:
        point_at(Path(log.place).parent, "there")
        return
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        name = log.place.rpartition("/")[2]
        connection.execute(f"alter database {name} allow_connections true".encode())


@pytest.fixture
def server(log: Logging, request: pytest.FixtureRequest) -> Server | None:
    """The server of the log's database, if it has one."""
    if "://" not in log.place:
        return None
    found: Server = request.getfixturevalue("postgres")
    return found


def test_a_database_that_goes_away_and_comes_back_lacks_nothing(
    log: Logging, server: Server | None
) -> None:
    service = log.serve("a", 1000, 0.004, "wait")
    assert service.stdout is not None
    for _ in range(300):
        service.stdout.readline()
    leave(log, server)
    for _ in range(300):
        service.stdout.readline()
    come_back(log, server)

    until(lambda: has_table(log) and log.count() == 1000, lambda: service.poll() is None)
    dropped, _ = told(service)
    assert (dropped, log.count()) == (0, 1000)


def test_a_full_queue_drops_and_counts_and_nobody_waits(
    log: Logging, server: Server | None
) -> None:
    log.factory.change(log={"queue": 200})
    told(log.serve("first", 10, 0, "stop"))
    leave(log, server)
    service = log.serve("a", 1000, 0.001, "wait")
    assert service.stdout is not None
    for _ in range(1000):
        service.stdout.readline()
    come_back(log, server)

    until(lambda: log.count() == 10 + 200, lambda: service.poll() is None)
    dropped, seconds = told(service)
    assert dropped == 800
    assert log.count() == 10 + 200
    assert seconds < 0.5


def away_for_good(log: Logging, server: Server | None) -> None:
    """The database goes away, and its folder stays."""
    if server:
        leave(log, server)
    else:
        Path(log.place).rename(Path(log.place).with_name("elsewhere"))
        Path(log.place).mkdir()


def test_what_waits_when_a_service_stops_is_taken_in_by_the_next(
    log: Logging, server: Server | None
) -> None:
    told(log.serve("first", 10, 0, "stop"))
    for file in Path(log.factory.path / "log").glob("*-*"):
        file.unlink()  # the journal of SQLite
    away_for_good(log, server)
    dropped, _ = told(log.serve("a", 700, 0, "stop"))
    (waiting,) = (log.factory.path / "log").glob("*.waiting-*.jsonl")
    assert (dropped, len(waiting.read_text().splitlines())) == (0, 700)
    assert waiting.stat().st_mode & 0o777 == 0o600

    if server:
        come_back(log, server)
    else:
        Path(log.place).rmdir()
        Path(log.place).with_name("elsewhere").rename(log.place)
    told(log.serve("b", 5, 0, "stop"))
    assert settled(log) == 10 + 700 + 5
    assert not waiting.exists()


LINES = ["[1, 2", "{}", "[]", json.dumps(["a"] * 10), "[" * 100_000, json.dumps([[]] * 10)]


def test_what_waits_and_is_no_prediction_keeps_nothing_from_the_log(churn: Factory) -> None:
    place = churn.path / "log"
    place.mkdir()
    good = ["kept", 0, now(), "churned", "m", None, "{}", "yes", None, None]
    waiting = [place / f"predictions.db.waiting-{n}.jsonl" for n in range(len(LINES) + 2)]
    for file, line in zip(waiting, [*LINES, json.dumps(good)], strict=False):
        file.write_text(f"{line}\n")
    waiting[-1].mkdir()
    log = Logging(churn, str(place / "predictions.db"))

    assert told(log.serve("new", 5, 0, "stop"))[0] == 0
    assert log.count() == 5 + 1
    assert len([*place.glob("*.unreadable")]) == len(LINES)
    assert [file for file in waiting if file.exists()] == waiting[-1:]


def test_old_rows_are_deleted(log: Logging) -> None:
    log.factory.change(log={"retention_days": 30})
    told(log.serve("a", 3, 0, "stop"))
    day = 86_400_000_000
    log.query(f"update predictions set time = time - 31 * {day} where request_id <> 'a-0'")
    told(log.serve("b", 1, 0, "stop"))

    assert {key for (key,) in log.query("select request_id from predictions")} == {"a-0", "b-0"}


@pytest.mark.parametrize("key", ["a key", ""])
def test_sensitive_values_are_hashed_or_left_out(
    log: Logging, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACTORY_LOG_KEY", key)
    log.factory.column("plan", sensitive="personal")
    told(log.serve("a", 2, 0, "stop"))
    done = log.factory.run("predict", DATA, "scored.csv")

    content = log.everything()
    assert b"enterprise" not in content
    assert b"C00001" not in content
    entities = log.query("select count(distinct entity), count(distinct features) from predictions")
    assert entities[0][0] == (900 if key else 0)
    assert (b'"plan"' in content) == bool(key)
    assert ("leaves out 'customer id', 'plan'" in done.err) == (not key)


def test_an_entity_is_labelled_twice_corrected_and_forgotten(log: Logging) -> None:
    factory = log.factory
    factory.run("predict", DATA, "scored.csv")
    rows = pl.read_csv(factory.path / DATA)
    rows.select("customer id", "churned").write_csv(factory.path / "outcomes.csv")
    first = factory.json("label", "outcomes.csv", "--json")
    before = sorted(log.query("select * from labels"))
    second = factory.json("label", "outcomes.csv", "--json")

    assert (first["new"], second["new"], second["same"]) == (900, 0, 900)
    assert sorted(log.query("select * from labels")) == before

    other = "no" if rows["churned"][5] == "yes" else "yes"
    factory.write("outcomes.csv", f"customer id,churned\nC00005,{other}\nC99999,yes\nC00006,\n")
    third = factory.json("label", "outcomes.csv", "--json")
    assert (third["changed"], third["unknown"], third["blank"]) == (1, 1, 1)
    factory.write("outcomes.csv", "customer id,churned\nC00005,maybe\n")
    refused = factory.run("label", "outcomes.csv", code=1)
    assert "the value is none of the values in the catalog" in refused.err
    assert log.count("labels") == 900

    assert "the ID is empty" in factory.run("forget", " ", code=1).err  # an unset variable
    done = factory.json("forget", " C00005 ", "--json")
    assert (done["predictions"], done["labels"]) == (1, 1)
    assert (log.count(), log.count("labels")) == (899, 899)
    learned = pl.concat(
        pl.read_parquet(factory.path / f"data/prepared/{part}.parquet", columns=["customer id"])
        for part in ("train", "validation")
    )
    version = pl.read_csv(factory.path / "scored.csv")["model"][0]
    named = [one["model"] for one in done["models"]]
    assert named == ([version] if "C00005" in learned["customer id"] else [])
    assert factory.json("forget", "C00005", "--json")["predictions"] == 0


def read(factory: Factory) -> pl.DataFrame:
    """The whole log, a column for each feature."""
    project = factory.project
    always = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    known = load_signature(project.model_folder)
    return pl.concat(read_log(always, project.params, project.catalog, known)).unnest(
        "features", separator=" "
    )


def test_the_log_is_read_with_what_became_of_each_prediction(log: Logging) -> None:
    """The outcome of a request counts before that of an entity; an entity's for what was before."""
    factory = log.factory
    for _ in range(2):
        factory.run("predict", DATA, "scored.csv")
    request = pl.read_csv(factory.path / "scored.csv")["request_id"][0]
    none = read(factory)
    factory.write("one.csv", "customer id,churned\nC00001,yes\nC00002,yes\n")
    factory.write("two.csv", f"request_id,row,churned\n{request},2,no\n")
    factory.run("label", "one.csv")
    factory.run("label", "two.csv")
    rows = read(factory)

    assert none["outcome"].null_count() == rows.height == 1800
    source = pl.read_csv(factory.path / DATA)["price €"]
    assert rows["features price €"].equals(source[rows["row"].to_list()], check_names=False)
    known = rows.drop_nulls("outcome").with_columns(last=pl.col("request_id") == request)
    found = known.sort("row", "last").select("row", "last", "outcome").rows()
    assert found == [(1, False, "yes"), (1, True, "yes"), (2, False, "yes"), (2, True, "no")]


def test_a_model_that_git_knows_is_named_after_the_entity_left_the_data(tracked: Factory) -> None:
    prepared = pl.read_parquet(tracked.path / "data/prepared/train.parquet")
    entity = prepared["customer id"][0]
    before = tracked.json("forget", entity, "--json")["models"]
    rows = pl.read_csv(tracked.path / DATA)
    rows.filter(pl.col("customer id") != entity).write_csv(tracked.path / "fewer.csv")
    tracked.run("data", "pull", "--from", "fewer.csv")
    train(tracked)

    done = tracked.json("forget", entity, "--json")
    assert done["models"] == before != []
    assert not any("holds it" in line for line in done["remains"])


def test_a_log_that_cannot_be_written_is_a_warning(churn: Factory) -> None:
    churn.change(log={"url_env": "LOG_URL"})
    done = churn.run("predict", DATA, "scored.csv")

    assert "warning: 900 rows are not in the log: LOG_URL is not set" in done.err
    assert pl.read_csv(churn.path / "scored.csv").height == 900


def test_postgresql_without_its_driver_says_what_to_add(
    churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_URL", "postgresql://reader:s3cret@127.0.0.1:1/none")
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it was not installed
    churn.change(log={"url_env": "LOG_URL"})
    done = churn.run("predict", DATA, "scored.csv")

    assert 'uv add "psycopg[binary]"' in done.err
    assert "s3cret" not in done.err
