"""The monitor of a real factory: predictions and outcomes come in, and the world changes."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import psycopg
import pytest

from ..conftest import ROOT
from ..customers import customers
from ..postgres import Server
from .conftest import Factory

pytestmark = pytest.mark.xdist_group("monitor")
DAY = 86_400_000_000  # microseconds
OUTCOMES = ["revenue", "segment"]


@pytest.fixture(autouse=True)
def _empty(_lab: Factory) -> Iterator[None]:
    """Git ignores the log, so nothing else takes it back."""
    yield
    shutil.rmtree(_lab.path / "log", ignore_errors=True)


def weeks_ago(count: int) -> int:
    """A moment in the middle of a whole week before this one, in microseconds."""
    now = datetime.now(UTC)
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0)
    return int(monday.timestamp() * 1e6) - 7 * DAY * count + 3 * DAY


def score(lab: Factory, count: int, *, dearer: float = 0) -> str:
    """Rows of the factory's world are scored so many weeks ago; returns their request."""
    rows = customers(900).drop(OUTCOMES).with_columns(pl.col("price €") + dearer)
    rows.drop("churned").write_csv(lab.path / "batch.csv")
    told = lab.json("factory", "predict", "batch.csv", "scored.csv", "--json")
    query(
        lab, f"update predictions set time = {weeks_ago(count)} where request_id = "
        f"'{told['request_id']}'"
    )  # fmt: skip
    return str(told["request_id"])


def query(lab: Factory, sql: str) -> list[tuple[Any, ...]]:
    if url := lab.env.get("LOG_URL"):
        with psycopg.connect(url) as connection:
            done = connection.execute(sql.encode())
            return done.fetchall() if done.description else []
    with closing(sqlite3.connect(lab.path / "log/predictions.db")) as connection, connection:
        return connection.execute(sql).fetchall()


def check(found: dict[str, Any], name: str) -> dict[str, Any]:
    told: dict[str, Any] = next(one for one in found["checks"] if one["name"] == name)
    return told


def catalogued(lab: Factory, **entries: str) -> None:
    """Entries of the price in features.yaml."""
    lines = "".join(f"\n    {key}: {json.dumps(value)}" for key, value in entries.items())
    text = lab.text("features.yaml")
    text = re.sub(r"(?m)^  price €:(?:\n    (?:source|owner): .*)*", f"  price €:{lines}", text)
    lab.write("features.yaml", text)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, lab: Factory) -> Factory:
    """A factory whose log is in one of the databases, empty."""
    if request.param == "sqlite":
        return lab
    server: Server = request.getfixturevalue("postgres")
    lab.run("uv", "pip", "install", "--quiet", "psycopg[binary]")
    name = f"monitor_{secrets.token_hex(4)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    text = lab.text("params.yaml").replace("  url_env: null\n", "  url_env: LOG_URL\n")
    lab.write("params.yaml", text.replace("  url_env: LOG_URL\n", "  url_env: null\n", 1))
    return Factory(lab.path, {**lab.env, "LOG_URL": server.url().replace("/postgres", f"/{name}")})


def test_a_drift_becomes_an_alarm_and_outcomes_come_late(world: Factory) -> None:
    first = score(world, 3)
    score(world, 2)
    calm = world.json("factory", "monitor", "--json", code=4)
    assert calm["verdict"] == check(calm, "freshness")["status"] == "alarm"

    score(world, 1, dearer=40)
    once = world.json("factory", "monitor", "--json")
    assert check(once, "drift:price €")["status"] == "warning"
    assert [one["rows"] for one in once["history"]] == [900] * 3

    query(world, f"update predictions set time = time - {7 * DAY}")
    query(world, "delete from monitor_windows")
    score(world, 1, dearer=40)
    twice = world.json("factory", "monitor", "--json", code=4)
    price = check(twice, "drift:price €")
    assert (twice["verdict"], price["status"]) == ("alarm", "alarm")
    assert price["source"] == "customers.csv"
    assert twice["performance"]["observed"] is None
    assert twice["performance"]["estimate"]["log_loss"]["value"] > 0

    outcomes = customers(900).select("churned").with_columns(request_id=pl.lit(first))
    outcomes.with_row_index("row").write_csv(world.path / "outcomes.csv")
    world.run("factory", "label", "outcomes.csv")
    labelled = world.json("factory", "monitor", "--json", code=4)
    windows = labelled["performance"]["windows"]
    assert [one["labelled"] for one in windows] == [900, 0, 0, 0]
    assert windows[0]["observed"]["log_loss"]["value"] > 0
    assert labelled["performance"]["estimate_was"]["windows"] == 1
    assert check(labelled, "performance:log_loss")["status"] == "ok"
    told = world.run("factory", "monitor", code=4).stderr
    assert "alarm: price €: PSI" in told
    assert "customers.csv" in told and "runbook: a-feature-has-drifted" in told


def test_it_says_what_it_could_not_see(lab: Factory) -> None:
    """Nothing is in the log; then too little; then a feature is sensitive."""
    empty = lab.run("factory", "monitor", code=4)
    assert "0 predictions in the window" in empty.stderr
    assert lab.run("factory", "monitor", "--window", "a week", code=1).stderr.startswith("error: ")
    assert "no length of a window" in lab.run("factory", "monitor", "--window", "7w", code=1).stderr

    score(lab, 1)
    assert lab.json("factory", "monitor", "--json")["verdict"] == "healthy"
    query(lab, "delete from predictions where row >= 60")
    few = lab.json("factory", "monitor", "--json", code=4)
    assert few["verdict"] == "unknown"
    assert {one["status"] for one in few["features"]} == {"unknown"}

    catalogued(lab, sensitive="personal")
    score(lab, 1)
    found = lab.json("factory", "monitor", "--json", code=None)
    assert any(line.startswith("price €: it is sensitive") for line in found["unseen"])
    assert check(found, "drift:price €")["status"] == "unknown"


def test_a_file_that_breaks_the_contract_or_is_none(lab: Factory) -> None:
    rows = customers(900).drop(OUTCOMES).with_columns(pl.lit("dear").alias("price €"))
    rows.write_csv(lab.path / "broken.csv")
    found = lab.json("factory", "monitor", "--current", "broken.csv", "--json", code=4)
    assert (check(found, "contract")["status"], check(found, "contract")["value"]) == ("alarm", 1)

    assert lab.run("factory", "monitor", "--current", "none.csv", code=1).stderr
    rows.drop("plan").write_csv(lab.path / "lacking.csv")
    assert "plan" in lab.run("factory", "monitor", "--current", "lacking.csv", code=1).stderr


def test_the_version_in_prod_is_watched(lab: Factory) -> None:
    """The model at hand is another one by then, and its predictions are not mixed in."""
    lab.run("factory", "register")
    version = lab.json("factory", "monitor", "--json", code=4)["model"]["version"]
    commit = lab.run("git", "rev-parse", "HEAD").stdout.strip()
    lab.run("git", "tag", "-a", "churn#prod#1", "-m", "{}", commit)
    try:
        score(lab, 1)
        text = lab.text("params.yaml").replace("num_leaves: 31", "num_leaves: 5")
        lab.write("params.yaml", text)
        lab.run("dvc", "repro")
        score(lab, 1)
        found = lab.json("factory", "monitor", "--json")
    finally:
        for tag in lab.run("git", "tag").stdout.split():
            lab.run("git", "tag", "-d", tag)

    assert found["model"]["version"] == version
    assert (found["model"]["label"], found["model"]["commit"]) == ("v1.0.0 in prod", commit)
    assert found["window"]["rows"] == 900
    assert list(found["window"]["other_models"].values()) == [900]


@pytest.mark.parametrize("changes", [("label_days", "labels"), ("model_days", "model")])
def test_what_was_promised_is_held_to(lab: Factory, changes: tuple[str, str]) -> None:
    name, told = changes
    lab.write("params.yaml", lab.text("params.yaml").replace(f"{name}: null", f"{name}: 0.000001"))
    score(lab, 1)

    found = lab.json("factory", "monitor", "--json", code=4)
    assert check(found, told)["status"] == "alarm"


def test_each_check_names_a_heading_of_the_runbook(lab: Factory) -> None:
    headings = re.findall(r"(?m)^## (.*)$", lab.text("docs/runbook.md"))
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    source = "".join(
        p.read_text() for p in (ROOT / "template/runtime/mlfactory_runtime/monitor").glob("*.py")
    )
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+){2,})"', source))
    assert len(named) > 6 and named <= anchors
