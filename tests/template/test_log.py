"""The prediction log of a real factory, in SQLite and in PostgreSQL: what it may lose."""

from __future__ import annotations

import json
import re
import secrets
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from ..postgres import Server
from .conftest import Factory

pytestmark = pytest.mark.xdist_group("log")
INTERVAL, SLACK = 0.3, 1.0  # seconds; the machine may be busy
DATA = "data/raw/customers.csv"

# A service: its arguments are a name, how many predictions it makes, the seconds between them, and
# whether it stops as it should.
SERVICE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from mlfactory_runtime.learn.signature import load_signature
from mlfactory_runtime.log.service import open_log
from mlfactory_runtime.log.veil import Record
from mlfactory_runtime.project import Project

name, count, pause, stop = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "stop"
project = Project(Path.cwd())
log = open_log(project.params, project.catalog, load_signature(project.model_folder))
features = {"plan": "Pro", "class": "a", "price €": 0.1, "Tenure (months)": 7}
slowest = 0.0
for k in range(count):
    now = datetime.now(UTC)
    one = Record(f"{name}-{k}", 0, f"C{k:05d}", "m", now, features, "yes", {"yes": 0.9})
    before = time.perf_counter()
    log.put([one])
    slowest = max(slowest, time.perf_counter() - before)
    print(time.time(), flush=True)
    time.sleep(pause)
if stop:
    log.close()
    print(log.dropped, slowest, flush=True)
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
        argv = [str(self.factory.path / ".venv/bin/python"), "-c", SERVICE]
        argv += [name, str(count), str(pause), end]
        return subprocess.Popen(
            argv, cwd=self.factory.path, env=self.factory.env, stdout=subprocess.PIPE, text=True
        )

    def configure(self, **settings: object) -> None:
        """Change settings of the log in params.yaml."""
        text = self.factory.text("params.yaml")
        for name, value in settings.items():
            head, mark, tail = text.partition("\nlog:\n")
            tail = re.sub(rf"^  {name}: .*$", f"  {name}: {json.dumps(value)}", tail, flags=re.M)
            text = head + mark + tail
        self.factory.write("params.yaml", text)

    def everything(self) -> bytes:
        """All that the log holds, as it stands in it."""
        if "://" in self.place:
            tables = ("predictions", "labels")
            return "".join(str(self.query(f"select * from {table}")) for table in tables).encode()
        folder = Path(self.place).parent
        return b"".join(p.read_bytes() for p in folder.glob(f"{Path(self.place).name}*"))


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, lab: Factory, tmp_path: Path) -> Iterator[Logging]:
    """A factory whose log stands in one of the databases, empty."""
    env = {**lab.env, "FACTORY_LOG_KEY": "a key of the tests"}
    place = str(tmp_path / "log" / "p.db")
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        lab.run("uv", "pip", "install", "--quiet", "psycopg[binary]")
        name = f"log_{secrets.token_hex(4)}"
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        place = server.url().replace("/postgres", f"/{name}")
        env["LOG_URL"] = place
    made = Logging(Factory(lab.path, env), place)
    where = {"url_env": "LOG_URL"} if "://" in place else {"path": place}
    made.configure(interval=INTERVAL, **where)
    yield made


def told(process: subprocess.Popen[str]) -> tuple[list[float], int, float]:
    """When the service made its predictions, what it dropped, and its slowest `put`."""
    out, _ = process.communicate(timeout=120)
    *moments, end = out.splitlines()
    dropped, slowest = end.split()
    return [float(moment) for moment in moments], int(dropped), float(slowest)


def test_a_normal_stop_loses_nothing(log: Logging) -> None:
    _, dropped, _ = told(log.serve("a", 3000, 0, "stop"))

    assert (dropped, log.count()) == (0, 3000)


def test_kill_9_loses_the_last_interval_at_most(log: Logging) -> None:
    with log.serve("a", 100_000, 0.002, "stay") as service:
        assert service.stdout is not None
        moments = [float(service.stdout.readline()) for _ in range(1500)]
        service.send_signal(signal.SIGKILL)
        killed = time.time()
        moments += [float(line) for line in service.stdout.read().splitlines()]

    found = {key for (key,) in log.query("select request_id from predictions")}
    due = {f"a-{k}" for k, at in enumerate(moments) if at < killed - INTERVAL - SLACK}
    assert len(due) > 100
    assert due <= found


def test_several_processes_start_at_once_and_share_the_log(log: Logging) -> None:
    services = [log.serve(name, 500, 0.001, "stop") for name in "abcdef"]
    scored = log.factory.json("factory", "predict", DATA, "scored.csv", "--json")

    assert [told(service)[1] for service in services] == [0] * 6
    assert scored["logged"] == 900
    assert log.count() == 6 * 500 + 900
    assert log.query("select version from log_schema") == [(1,)]


def leave(log: Logging, postgres: Server | None) -> None:
    """The database goes away, and whoever is connected is thrown out."""
    if postgres is None:
        Path(log.place).parent.rename(Path(log.place).parent.with_name("away"))
        Path(log.place).parent.write_text("no folder")
        return
    name = log.place.rpartition("/")[2]
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"alter database {name} allow_connections false".encode())
        gone = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
        connection.execute(gone, (name,))


def come_back(log: Logging, postgres: Server | None) -> None:
    if postgres is None:
        Path(log.place).parent.unlink()
        Path(log.place).parent.with_name("away").rename(Path(log.place).parent)
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
    service = log.serve("a", 1000, 0.004, "stop")
    assert service.stdout is not None
    for _ in range(300):
        service.stdout.readline()
    leave(log, server)
    for _ in range(300):
        service.stdout.readline()
    come_back(log, server)

    _, dropped, _ = told(service)
    assert (dropped, log.count()) == (0, 1000)


def test_a_full_queue_drops_and_counts_and_nobody_waits(
    log: Logging, server: Server | None
) -> None:
    log.configure(queue=200)
    told(log.serve("first", 10, 0, "stop"))
    leave(log, server)
    service = log.serve("a", 1000, 0.001, "stop")
    assert service.stdout is not None
    for _ in range(1000):
        service.stdout.readline()
    come_back(log, server)

    _, dropped, slowest = told(service)
    assert dropped == 800
    assert log.count() == 10 + 200
    assert slowest < 0.5


def test_old_rows_are_deleted(log: Logging) -> None:
    log.configure(retention_days=30)
    told(log.serve("a", 3, 0, "stop"))
    day = 86_400_000_000
    log.query(f"update predictions set time = time - 31 * {day} where request_id <> 'a-0'")
    told(log.serve("b", 1, 0, "stop"))

    assert {key for (key,) in log.query("select request_id from predictions")} == {"a-0", "b-0"}


@pytest.mark.parametrize("key", ["a key", ""])
def test_sensitive_values_are_hashed_or_left_out(log: Logging, key: str) -> None:
    log.factory.env["FACTORY_LOG_KEY"] = key
    text = log.factory.text("features.yaml")
    secret = re.sub(r"^  plan:\n", "  plan:\n    sensitive: personal\n", text, flags=re.M)
    log.factory.write("features.yaml", secret)
    told(log.serve("a", 2, 0, "stop"))
    done = log.factory.run("factory", "predict", DATA, "scored.csv")

    content = log.everything()
    assert b"enterprise" not in content
    assert b"C00001" not in content
    entities = log.query("select count(distinct entity), count(distinct features) from predictions")
    assert entities[0][0] == (900 if key else 0)
    assert (b'"plan"' in content) == bool(key)
    assert ("leaves out 'customer id', 'plan'" in done.stderr) == (not key)


def test_an_entity_is_labelled_twice_corrected_and_forgotten(log: Logging) -> None:
    factory = log.factory
    factory.run("factory", "predict", DATA, "scored.csv")
    rows = pl.read_csv(factory.path / DATA)
    rows.select("customer id", "churned").write_csv(factory.path / "outcomes.csv")
    first = factory.json("factory", "label", "outcomes.csv", "--json")
    before = sorted(log.query("select * from labels"))
    second = factory.json("factory", "label", "outcomes.csv", "--json")

    assert (first["new"], second["new"], second["same"]) == (900, 0, 900)
    assert sorted(log.query("select * from labels")) == before

    other = "no" if rows["churned"][5] == "yes" else "yes"
    factory.write("outcomes.csv", f"customer id,churned\nC00005,{other}\nC99999,yes\nC00006,\n")
    third = factory.json("factory", "label", "outcomes.csv", "--json")
    assert (third["changed"], third["unknown"], third["blank"]) == (1, 1, 1)
    factory.write("outcomes.csv", "customer id,churned\nC00005,maybe\n")
    refused = factory.run("factory", "label", "outcomes.csv", code=1)
    assert "the value is none of the values in the catalog" in refused.stderr
    assert log.count("labels") == 900

    done = factory.json("factory", "forget", "C00005", "--json")
    assert (done["predictions"], done["labels"]) == (1, 1)
    assert (log.count(), log.count("labels")) == (899, 899)
    learned = pl.concat(
        pl.read_parquet(factory.path / f"data/prepared/{part}.parquet", columns=["customer id"])
        for part in ("train", "validation")
    )
    version = pl.read_csv(factory.path / "scored.csv")["model"][0]
    named = [one["model"] for one in done["models"]]
    assert named == ([version] if "C00005" in learned["customer id"] else [])
    assert factory.json("factory", "forget", "C00005", "--json")["predictions"] == 0


READER = """
from datetime import UTC, datetime
import polars as pl
from mlfactory_runtime import read_log

frames = read_log(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
rows = pl.concat(frames).unnest("features", separator=" ")
print(rows.select("request_id", "row", "entity", "features price €", "outcome").write_ndjson())
"""


def test_the_log_is_read_with_what_became_of_each_prediction(log: Logging) -> None:
    """The outcome of a request counts before that of an entity; an entity's for what was before."""
    factory = log.factory
    for _ in range(2):
        factory.run("factory", "predict", DATA, "scored.csv")
    request = pl.read_csv(factory.path / "scored.csv")["request_id"][0]
    none = factory.run("python", "-c", READER).stdout
    factory.write("one.csv", "customer id,churned\nC00001,yes\nC00002,yes\n")
    factory.write("two.csv", f"request_id,row,churned\n{request},2,no\n")
    factory.run("factory", "label", "one.csv")
    factory.run("factory", "label", "two.csv")
    rows = pl.read_ndjson(
        factory.run("python", "-c", READER).stdout.encode(), infer_schema_length=None
    )

    assert (
        pl.read_ndjson(none.encode(), infer_schema_length=None)["outcome"].null_count()
        == rows.height
        == 1800
    )
    source = pl.read_csv(factory.path / DATA)["price €"]
    assert rows["features price €"].equals(source[rows["row"].to_list()], check_names=False)
    known = rows.drop_nulls("outcome").with_columns(last=pl.col("request_id") == request)
    found = known.sort("row", "last").select("row", "last", "outcome").rows()
    assert found == [(1, False, "yes"), (1, True, "yes"), (2, False, "yes"), (2, True, "no")]


def test_a_model_that_git_knows_is_named_after_the_entity_left_the_data(lab: Factory) -> None:
    prepared = pl.read_parquet(lab.path / "data/prepared/train.parquet")
    entity = prepared["customer id"][0]
    before = lab.json("factory", "forget", entity, "--json")["models"]
    rows = pl.read_csv(lab.path / DATA)
    rows.filter(pl.col("customer id") != entity).write_csv(lab.path / "fewer.csv")
    lab.run("factory", "data", "pull", "--from", "fewer.csv")
    lab.run("dvc", "repro", "--quiet")

    done = lab.json("factory", "forget", entity, "--json")
    assert done["models"] == before != []
    assert not any("holds it" in line for line in done["remains"])


def test_a_log_that_cannot_be_written_is_a_warning(lab: Factory) -> None:
    unset = Logging(lab, "")
    unset.configure(url_env="LOG_URL")
    done = lab.run("factory", "predict", DATA, "scored.csv")

    assert "warning: 900 rows are not in the log: LOG_URL is not set" in done.stderr
    assert pl.read_csv(lab.path / "scored.csv").height == 900


def test_postgresql_without_its_driver_says_what_to_add(lab: Factory) -> None:
    lab.run("uv", "pip", "uninstall", "--quiet", "psycopg", "psycopg-binary", code=None)
    url = "postgresql://reader:s3cret@127.0.0.1:1/none"
    made = Logging(Factory(lab.path, {**lab.env, "LOG_URL": url}), "")
    made.configure(url_env="LOG_URL")
    done = made.factory.run("factory", "predict", DATA, "scored.csv")

    assert 'uv add "psycopg[binary]"' in done.stderr
    assert "s3cret" not in done.stderr
