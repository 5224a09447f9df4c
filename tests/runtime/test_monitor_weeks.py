"""The monitor over weeks: predictions and outcomes come in, and the world changes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime.log.store import engine_of
from mlfactory_runtime.monitor import monitor
from mlfactory_runtime.monitor.history import apart

from ..conftest import ROOT
from ..customers import customers
from .factories import SKELETON, Factory

pytestmark = pytest.mark.xdist_group("database")
DAY = 86_400_000_000  # microseconds
OUTCOMES = ["revenue", "segment"]


def weeks_ago(count: int) -> int:
    """A moment in the middle of a whole week before this one, in microseconds."""
    now = datetime.now(UTC)
    monday = (now - timedelta(days=now.weekday())).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return int(monday.timestamp() * 1e6) - 7 * DAY * count + 3 * DAY


def score(churn: Factory, count: int, *, dearer: float = 0) -> str:
    """Rows of the factory's world are scored so many weeks ago; returns their request."""
    rows = customers(900).drop(OUTCOMES).with_columns(pl.col("price €") + dearer)
    rows.drop("churned").write_csv(churn.path / "batch.csv")
    told = churn.json("predict", "batch.csv", "scored.csv", "--json")
    moved = f"update predictions set time = {weeks_ago(count)}"
    query(churn, f"{moved} where request_id = '{told['request_id']}'")
    return str(told["request_id"])


def query(churn: Factory, sql: str) -> None:
    with engine_of(churn.project.params.log).begin() as connection:
        connection.exec_driver_sql(sql)


def check(found: dict[str, Any], name: str) -> dict[str, Any]:
    told: dict[str, Any] = next(one for one in found["checks"] if one["name"] == name)
    return told


def test_a_run_that_was_repeated_is_named(churn: Factory) -> None:
    churn.column("customer id", sensitive="none")
    for week in (2, 1, 1):
        score(churn, week)
    assert repeats(churn) == [
        "whether 900 rows are others: the same entity with the same values was scored before, and "
        "each counts"
    ]
    query(churn, f"delete from predictions where time > {weeks_ago(2)}")
    score(churn, 1)
    assert repeats(churn) == []


def repeats(churn: Factory) -> list[str]:
    """What the monitor says of rows that were scored before."""
    unseen = churn.json("monitor", "--json", code=None)["unseen"]
    return [line for line in unseen if "scored before" in line]


def test_a_drift_becomes_an_alarm_and_outcomes_come_late(world: Factory) -> None:
    first = score(world, 3)
    score(world, 2)
    calm = world.json("monitor", "--json", code=4)
    assert calm["verdict"] == check(calm, "freshness")["status"] == "alarm"

    score(world, 1, dearer=40)
    once = world.json("monitor", "--json")
    assert check(once, "drift:price €")["status"] == "warning"
    assert [one["rows"] for one in once["history"]] == [900] * 3

    query(world, f"update predictions set time = time - {7 * DAY}")
    query(world, "delete from monitor_windows")
    score(world, 1, dearer=40)
    twice = world.json("monitor", "--json", code=4)
    price = check(twice, "drift:price €")
    assert (twice["verdict"], price["status"]) == ("alarm", "alarm")
    assert price["source"] == "customers.csv"
    assert twice["performance"]["observed"] is None
    assert twice["performance"]["estimate"]["log_loss"]["value"] > 0

    outcomes = customers(900).select("churned").with_columns(request_id=pl.lit(first))
    outcomes.with_row_index("row").write_csv(world.path / "outcomes.csv")
    world.run("label", "outcomes.csv")
    labelled = world.json("monitor", "--json", code=4)
    windows = labelled["performance"]["windows"]
    assert [one["labelled"] for one in windows] == [900, 0, 0, 0]
    assert windows[0]["observed"]["log_loss"]["value"] > 0
    assert labelled["performance"]["estimate_was"]["windows"] == 1
    assert check(labelled, "performance:log_loss")["status"] == "ok"
    told = world.run("monitor", code=4).err
    assert "alarm: price €: " in told and "of rows lie elsewhere" in told
    assert "customers.csv" in told and "runbook: a-feature-has-drifted" in told


def test_each_batch_is_a_window_and_pauses_are_ordinary(churn: Factory) -> None:
    for count in (13, 9, 5):
        score(churn, count)
    calm = churn.json("monitor", "--window", "batch", "--json")
    assert [one["rows"] for one in calm["history"]] == [900] * 3
    assert calm["verdict"] == "healthy"

    score(churn, 1, dearer=40)
    found = churn.json("monitor", "--window", "batch", "--json", code=None)
    assert [one["rows"] for one in found["history"]] == [900] * 4
    assert check(found, "drift:price €")["status"] == "warning"
    assert check(found, "batch")["status"] == "ok"


def test_drift_comes_back_though_empty_weeks_lie_between(churn: Factory) -> None:
    """A batch a month, in windows of a week: those without rows could not tell."""
    score(churn, 5, dearer=40)
    query(churn, f"update predictions set time = {weeks_ago(1)} where row >= 450")
    price = check(churn.json("monitor", "--json", code=4), "drift:price €")
    assert price["status"] == "alarm"
    assert price["message"].endswith("(2 of the last 2 windows)")


def test_outcomes_that_come_many_windows_later_are_judged(churn: Factory) -> None:
    """Twenty days of predictions, and of the first five the outcomes are known, all others."""
    request = score(churn, 1)
    now = datetime(2026, 3, 25, 12, tzinfo=UTC)
    days = f"{int(now.timestamp() * 1e6)} - (1 + (899 - row) / 45) * {DAY}"
    query(churn, f"update predictions set time = {days}")
    monitor(churn.project, "1d", now=now)
    flip = pl.col("churned").replace({"yes": "no", "no": "yes"})
    outcomes = customers(225).select(flip).with_columns(request_id=pl.lit(request))
    outcomes.with_row_index("row").write_csv(churn.path / "outcomes.csv")
    churn.run("label", "outcomes.csv")

    result = monitor(churn.project, "1d", now=now)
    states = {one.name: one.status for one in result.checks}
    assert states["performance:log_loss"] == states["quality:ranking"] == "alarm"
    windows = result.performance.windows
    assert [bool(one.observed) for one in windows] == [True] * 5 + [False] * 13


def test_batches_at_the_same_time_are_one_window() -> None:
    day, hour = datetime(2026, 3, 2, tzinfo=UTC), timedelta(hours=1)
    spans = [(0, 1), (2, 4), (3, 5), (1, 6), (6, 7), (7, 8)]  # by their ends
    moments = [(day + begin * hour, day + end * hour) for begin, end in spans]
    whole = [(0, 1), (1, 6), (6, 7), (7, 8)]
    assert apart(moments) == [(day + begin * hour, day + end * hour) for begin, end in whole]


def test_it_says_what_it_could_not_see(churn: Factory) -> None:
    """Nothing is in the log; then too little; then a feature is sensitive."""
    empty = churn.run("monitor", code=4)
    assert "0 predictions in the window" in empty.err
    assert churn.run("monitor", "--window", "a week", code=1).err.startswith("error: ")
    assert "no length of a window" in churn.run("monitor", "--window", "7w", code=1).err

    score(churn, 1)
    assert churn.json("monitor", "--json")["verdict"] == "healthy"
    query(churn, "delete from predictions where row >= 20")
    few = churn.json("monitor", "--json", code=4)
    assert few["verdict"] == "unknown"
    assert {one["status"] for one in few["features"]} == {"unknown"}

    churn.column("price €", sensitive="personal")
    score(churn, 1)
    found = churn.json("monitor", "--json", code=None)
    assert any(line.startswith("price €: it is sensitive") for line in found["unseen"])
    assert check(found, "drift:price €")["status"] == "unknown"


def test_a_file_that_breaks_the_contract_or_is_none(churn: Factory) -> None:
    rows = customers(900).drop(OUTCOMES).with_columns(pl.lit("dear").alias("price €"))
    rows.write_csv(churn.path / "broken.csv")
    found = churn.json("monitor", "--current", "broken.csv", "--json", code=4)
    assert (check(found, "contract")["status"], check(found, "contract")["value"]) == ("alarm", 1)

    assert churn.run("monitor", "--current", "none.csv", code=1).err
    rows.drop("plan").write_csv(churn.path / "lacking.csv")
    assert "plan" in churn.run("monitor", "--current", "lacking.csv", code=1).err


def test_the_version_in_prod_is_watched(tracked: Factory) -> None:
    """The model at hand is another one by then, and its predictions are not mixed in."""
    tracked.run("register")
    version = tracked.json("monitor", "--json", code=4)["model"]["version"]
    commit = tracked.tool("git", "rev-parse", "HEAD").strip()
    tracked.tool("git", "tag", "-a", "churn#prod#1", "-m", "{}", commit)
    new = tracked.json("monitor", "--json", code=4)
    assert check(new, "freshness")["status"] == "unknown", "nobody could ask it last week"
    score(tracked, 1)
    tracked.change(model={"num_leaves": 5})
    tracked.run("train")
    score(tracked, 1)
    found = tracked.json("monitor", "--json")

    assert found["model"]["version"] == version
    assert (found["model"]["label"], found["model"]["commit"]) == ("v1.0.0 in prod", commit)
    assert found["window"]["rows"] == 900
    assert list(found["window"]["other_models"].values()) == [900]


@pytest.mark.parametrize("changes", [("label_days", "labels"), ("model_days", "model")])
def test_what_was_promised_is_held_to(tracked: Factory, changes: tuple[str, str]) -> None:
    name, told = changes
    tracked.change(monitor={name: 0.000001})
    score(tracked, 1)

    found = tracked.json("monitor", "--json", code=4)
    assert check(found, told)["status"] == "alarm"


def test_each_check_names_a_heading_of_the_runbook() -> None:
    headings = re.findall(r"(?m)^## (.*)$", (SKELETON / "docs/runbook.md.jinja").read_text("utf-8"))
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    source = "".join(
        p.read_text() for p in (ROOT / "template/runtime/mlfactory_runtime/monitor").glob("*.py")
    )
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+){2,})"', source))
    assert len(named) > 6 and named <= anchors


def test_a_group_of_the_report_is_looked_at_by_itself(churn: Factory) -> None:
    churn.change(report={"segments": ["plan", "price €"]})
    churn.run("train")
    rows = customers(4000).drop(OUTCOMES)
    some = pl.col("plan") == rows["plan"].value_counts(sort=True)["plan"][-1]
    dearer = pl.when(some).then(pl.col("price €") + 15).otherwise(pl.col("price €"))
    rows.with_columns(dearer.alias("price €")).write_csv(churn.path / "dearer.csv")
    found = churn.json("monitor", "--current", "dearer.csv", "--json", code=4)
    names = {one["name"] for one in found["checks"] if one["status"] == "alarm"}
    assert any(one.startswith("within:plan=") and one.endswith(":price €") for one in names)
