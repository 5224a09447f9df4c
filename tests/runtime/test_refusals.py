"""Rows that get no answer: counted by field and rule, told by the monitor, and new categories."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from mlfactory_runtime.log.refusals import (
    ALL,
    MOST,
    STRANGER,
    counted,
    most_frequent,
    of_strangers,
    write,
)
from mlfactory_runtime.log.service import open_log
from mlfactory_runtime.log.store import engine_of, make, micros, refusals
from mlfactory_runtime.project import Project
from mlfactory_runtime.registry.artifact import version
from mlfactory_runtime.serving.keys import Keys
from mlfactory_runtime.serving.metrics import Metrics
from mlfactory_runtime.serving.rate import Rate
from mlfactory_runtime.serving.requests import Entrance
from mlfactory_runtime.serving.unanswered import Unanswered
from mlfactory_runtime.settings.catalog import Column
from mlfactory_runtime.settings.params import Log
from mlfactory_runtime.testing.trained import Trained
from starlette.types import Message, Receive, Scope, Send

from ..customers import customers
from ..waiting import until
from .factories import Factory
from .services import Row, Service
from .test_monitor_weeks import check, query, weeks_ago

pytestmark = pytest.mark.xdist_group("database")
RULE = "is none of the values in the catalog"
ALWAYS = micros(datetime(2000, 1, 1, tzinfo=UTC)), micros(datetime(2100, 1, 1, tzinfo=UTC))


def score(churn: Factory, *options: str, new: int = 300, code: int = 0) -> None:
    """Rows with a new category in some of them are scored a week ago."""
    plan = pl.when(pl.int_range(pl.len()) < new).then(pl.lit("platinum")).otherwise("plan")
    rows = customers(900).drop("revenue", "segment", "churned").with_columns(plan.alias("plan"))
    rows.write_csv(churn.path / "batch.csv")
    churn.run("predict", "batch.csv", "scored.csv", *options, code=code)
    for table in ("predictions", "refusals"):
        query(churn, f"update {table} set time = {weeks_ago(1)}")


def broken(project: Project) -> Counter[tuple[str, str, str]]:
    """What the log counts."""
    engine = engine_of(project.params.log)
    make(engine)  # a service does so with its first write
    return counted(engine, {}, *ALWAYS)


def test_a_run_that_answers_nothing_is_seen_though_each_batch_is_a_window(churn: Factory) -> None:
    churn.column("plan", unseen="refuse")
    for new, code in ((0, 0), (300, 1)):  # the second one refuses too many rows
        plan = pl.when(pl.int_range(pl.len()) < new).then(pl.lit("platinum")).otherwise("plan")
        rows = customers(900).drop("revenue", "segment", "churned")
        rows.with_columns(plan.alias("plan")).write_csv(churn.path / "batch.csv")
        churn.run("predict", "batch.csv", "scored.csv", code=code)
    found = churn.json("monitor", "--window", "batch", "--json", code=4)
    assert check(found, "refused")["status"] == "alarm"
    assert "300 of 1,200 rows were refused" in check(found, "refused")["message"]


def test_a_new_category_that_is_refused_rings(world: Factory) -> None:
    world.column("plan", unseen="refuse", owner="Sales")
    score(world, "--max-invalid", "0.5")

    found = world.json("monitor", "--json", "--html", "page.html", code=4)

    told = check(found, "refused")
    assert (found["verdict"], told["status"], told["owner"]) == ("alarm", "alarm", "Sales")
    assert "300 of 900 rows were refused: plan is none of the values" in told["message"]
    rules = [{"field": "plan", "rule": RULE, "rows": 300, "values": {"platinum": 300}}]
    assert found["refused"] == {"rows": 300, "rules": rules}
    page = world.text("page.html")
    assert "What was refused" in page
    assert "<code>platinum</code> 300" in page


def test_a_run_that_fails_for_its_rows_counts_them_and_a_few_do_not_ring(churn: Factory) -> None:
    churn.column("plan", unseen="refuse")
    score(churn, code=1)
    assert broken(churn.project)[ALL] == 300
    query(churn, "delete from refusals")
    score(churn, new=12)

    found = churn.json("monitor", "--json")
    assert check(found, "refused")["status"] == "ok"
    assert found["refused"]["rows"] == 12


def test_a_file_that_lacks_a_column_is_counted_whole(churn: Factory) -> None:
    """It is refused before a row is looked at, and answers nobody."""
    score(churn, new=0)
    rows = pl.read_csv(churn.path / "batch.csv").drop("plan", "price €")
    rows.write_csv(churn.path / "narrow.csv")
    assert "lack the columns" in churn.run("predict", "narrow.csv", "scored.csv", code=1).err
    query(churn, f"update refusals set time = {weeks_ago(1)}")

    message = check(churn.json("monitor", "--json", code=4), "refused")["message"]
    assert message.startswith(
        "900 of 1,800 rows were refused: plan is no column of the file in 900"
    )


def test_a_sensitive_category_is_counted_without_its_value(churn: Factory) -> None:
    churn.column("plan", unseen="refuse", sensitive="personal")
    score(churn, "--max-invalid", "0.5")

    assert broken(churn.project) == {ALL: 300, ("plan", RULE, ""): 300}
    kept = b"".join(path.read_bytes() for path in (churn.path / "log").iterdir())
    assert b"platinum" not in kept


def test_a_new_category_that_is_answered_is_seen_as_new(churn: Factory) -> None:
    """So it is drafted: the model of a new factory can."""
    assert churn.project.catalog.columns["plan"].unseen == "answer"
    score(churn)

    found = churn.json("monitor", "--json", code=None)
    assert check(found, "unseen:plan")["value"] == pytest.approx(0.38, abs=0.1)
    assert (check(found, "refused")["status"], broken(churn.project)) == ("ok", {})
    rows = pl.read_csv(churn.path / "batch.csv").with_columns(churned=pl.lit("no"))
    rows.write_csv(churn.path / "data/raw/customers.csv")
    assert f"plan (source: customers.csv): 300 rows: the value {RULE}" in churn.run("check").err


@pytest.mark.parametrize(
    ("kind", "code", "unseen"),
    [("own", "import numpy", "refuse"), ("linear", "import numpy", "answer")],
)
def test_it_is_drafted_by_what_the_model_can(
    churn: Factory, kind: str, code: str, unseen: str
) -> None:
    churn.write("src/churn/model.py", code)
    churn.change(model={"kind": kind})
    churn.write("features.yaml", "columns: {}\n")
    churn.run("catalog", "draft")
    columns = churn.project.catalog.columns
    assert (columns["plan"].unseen, columns["churned"].unseen) == (unseen, "refuse")


def test_the_target_has_no_unseen_class() -> None:
    with pytest.raises(ValueError, match="not for the target"):
        Column(dtype="string", role="target", availability="after_outcome", unseen="answer")


def test_a_service_counts_what_it_refuses(service: Service, row: Row) -> None:
    before = service.counted("factory_refused_rows_total")
    bad = [row, row | {"plan": "platinum"}, row | {"age": None, "plan": "platinum"}]
    for body in (json.dumps(bad), json.dumps(row | {"Jane Doe": 1}), '{"plan":'):
        service.ask("/predict", body.encode())

    assert service.counted("factory_refused_rows_total") - before == 3 + 1 + 1
    wanted = 'factory_refused_values_total{field="plan",rule="' + RULE
    assert service.counted(wanted) >= 2
    assert "Jane Doe" not in service.ask("/metrics")[2].decode()
    project = Project(service.folder)
    until(lambda: broken(project)["plan", RULE, "platinum"] >= 2, service.lives)
    until(lambda: broken(project)["", "is no JSON", ""] >= 1, service.lives)
    found = broken(project)
    assert found["", "is no feature of this model", ""] >= 1
    assert found["", "is no JSON", ""] >= 1
    assert not any("Jane" in part for key in found for part in key)


def test_requests_of_unknown_clients_are_counted_apart_and_by_few_entries(
    service: Service, row: Row
) -> None:
    before = service.counted("factory_refused_rows_total")
    for _ in range(30):
        assert service.ask("/predict", json.dumps(row).encode(), X_API_Key="no")[0] == 401
    assert service.ask("/predict", json.dumps(row).encode(), X_Long="A" * 70_000)[0] == 431

    assert service.counted("factory_refused_rows_total") == before
    assert service.counted('factory_refused_values_total{field="",rule="the header X-API-Key') >= 30
    project = Project(service.folder)
    rule = "a request has more than 65,536 bytes before its body"
    until(lambda: broken(project)["", rule, STRANGER] > 0, service.lives)
    key = "the header X-API-Key does not hold the key"
    until(lambda: broken(project)["", key, STRANGER] >= 30, service.lives)
    with engine_of(project.params.log).connect() as connection:
        made = sa.select(refusals.c.time).where(refusals.c.value == STRANGER)
        assert all(moment % 600_000_000 == 0 for moment in connection.scalars(made))


def test_strangers_ring_only_if_they_come_back(churn: Factory) -> None:
    strangers = of_strangers(Counter({("", "the header holds no key", ""): 400}))
    target, model = churn.project.params.data.target, version(churn.project.model_folder)
    score(churn, new=0)
    query(churn, f"update predictions set time = {weeks_ago(2)} where row < 450")
    for week in (1, 2):
        with engine_of(churn.project.params.log).begin() as connection:
            write(connection, target, model, strangers)
        query(churn, f"update refusals set time = {weeks_ago(week)} where time > {weeks_ago(1)}")

    found = churn.json("monitor", "--json", "--html", "page.html", code=4)
    states = [check(found, name)["status"] for name in ("strangers", "refused")]
    assert states == ["alarm", "ok"]
    assert found["refused"]["strangers"][0]["rows"] == 400
    assert "400 requests of unknown clients" in churn.text("page.html")
    query(churn, "delete from monitor_windows")
    query(churn, f"delete from refusals where time < {weeks_ago(1)}")
    assert check(churn.json("monitor", "--json"), "strangers")["status"] == "warning"


def test_every_request_without_an_answer_is_counted(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails, one without the key, and two that are too many: with the key and without."""
    monkeypatch.setenv("FACTORY_API_KEY", "the right key")
    settings = Log(path=str(tmp_path / "log.db"))
    params = trained.params.model_copy(update={"log": settings})
    log = open_log(params, trained.catalog, trained.signature)
    metrics, answers = Metrics(trained.signature, "v"), list[Message]()

    async def fail(scope: Scope, *_: Receive | Send) -> None:
        scope["rows"] = 7
        raise ValueError

    async def send(message: Message) -> None:
        answers.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    limits = Keys(params.serving), Rate(2)
    entrance = Entrance(fail, fail, metrics, Unanswered(metrics, log, "v"), *limits)
    for key in (b"the right key", b"", b"the right key", b""):
        scope = {"type": "http", "method": "POST", "path": "/predict"}
        asyncio.run(entrance({**scope, "headers": [(b"x-api-key", key)]}, receive, send))
    log.close()

    assert [one["status"] for one in answers if "status" in one] == [500, 401, 429, 429]
    often = "a client may ask 2 times a second"
    assert counted(engine_of(settings), {}, *ALWAYS) == {
        ALL: 7 + 1,
        ("", "the service failed; its log says why", ""): 1,
        ("", "the header X-API-Key does not hold the key", STRANGER): 1,
        ("", often, ""): 1,
        ("", often, STRANGER): 1,
    }


def test_many_new_values_are_few_entries() -> None:
    many = Counter({("plan", RULE, f"p{k:03}"): 1 + (k == 7) for k in range(500)})
    found = most_frequent(many + Counter({ALL: 501}))
    assert (found.total(), len(found)) == (2 * 501, MOST + 2)
    assert found["plan", RULE, "p007"] == 2
