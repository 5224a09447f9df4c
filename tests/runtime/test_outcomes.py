"""Outcomes of entities that are predicted again and again: which prediction each belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.learn.signature import load_signature
from mlfactory_runtime.log.labels import read_log
from mlfactory_runtime.log.store import engine_of
from mlfactory_runtime.log.veil import Record, veil
from mlfactory_runtime.log.waiting import take_in
from mlfactory_runtime.monitor import monitor
from mlfactory_runtime.retrain import harvest

from ..customers import customers
from .factories import Factory
from .test_monitor_weeks import score

FORMATS = Path(__file__).parent / "formats"
pytestmark = pytest.mark.xdist_group("database")


@pytest.fixture(params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> Factory:
    """A factory whose log, in one of the databases, is empty, with ids in clear."""
    return fresh(request.param, request, churn, monkeypatch)


@pytest.fixture
def plain(
    request: pytest.FixtureRequest, churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> Factory:
    """The same with a log in a file."""
    return fresh("sqlite", request, churn, monkeypatch)


def fresh(
    kind: str, request: pytest.FixtureRequest, churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> Factory:
    if kind == "postgresql":
        monkeypatch.setenv("LOG_URL", request.getfixturevalue("database"))
        churn.change(log={"url_env": "LOG_URL"})
    churn.column("customer id", sensitive="none")
    return churn


def rows(count: int = 40) -> pl.DataFrame:
    return customers(count).drop("revenue", "segment")


def predict(factory: Factory, table: pl.DataFrame) -> str:
    """Score rows; returns the request."""
    table.drop("churned", strict=False).write_csv(factory.path / "batch.csv")
    request: str = factory.json("predict", "batch.csv", "scored.csv", "--json")["request_id"]
    return request


def bring(factory: Factory, outcomes: list[str], **columns: object) -> Path:
    """A file of outcomes of the first customers."""
    names = rows(len(outcomes))["customer id"]
    table = pl.DataFrame({"customer id": names, "churned": outcomes})
    table = table.with_columns(**{name: pl.lit(value) for name, value in columns.items()})
    table.write_csv(factory.path / "outcomes.csv")
    return factory.path / "outcomes.csv"


def read(factory: Factory, known: datetime | None = None) -> pl.DataFrame:
    """The log in the order in which it was written."""
    project = factory.project
    always = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    signature = load_signature(project.model_folder)
    found = read_log(always, project.params, project.catalog, signature, until=known)
    return pl.concat([pl.DataFrame(), *found], how="diagonal").sort("time", "row")


def test_what_an_outcome_without_a_time_leaves_open_is_refused(world: Factory) -> None:
    """Scored, labelled, scored again: it may correct the first outcome, or be the second."""
    predict(world, rows())
    bring(world, ["no"] * 40)
    assert world.json("label", "outcomes.csv", "--json")["new"] == 40
    predict(world, rows())
    bring(world, ["yes"] * 4 + ["no"] * 36)

    refused = world.run("label", "outcomes.csv", code=1)
    assert "40 of entities that were predicted again since their last outcome" in refused.err
    assert "--time" in refused.err
    assert read(world)["outcome"].to_list() == ["no"] * 40 + [None] * 40

    bring(world, ["yes"] * 4 + ["no"] * 36, seen=str(datetime.now(UTC)))
    assert world.json("label", "outcomes.csv", "--time", "seen", "--json")["new"] == 40
    assert read(world)["outcome"].to_list() == ["no"] * 40 + ["yes"] * 4 + ["no"] * 36


def test_outcomes_of_rows_with_a_date_belong_to_these(world: Factory) -> None:
    """A panel: months are scored, and their outcomes arrive in any order, again and corrected."""
    world.change(data={"time": "signup date"})
    months = ["2025-01-01", "2025-02-01", "2025-03-01"]
    for month in months[:2]:
        predict(world, rows(6).with_columns(pl.lit(month).alias("signup date")))
    for month, outcomes in ((months[1], ["yes"] * 6), (months[0], ["no"] * 6)):
        bring(world, outcomes, **{"signup date": month})
        assert world.json("label", "outcomes.csv", "--json")["new"] == 6
        assert world.json("label", "outcomes.csv", "--json")["same"] == 6
    bring(world, ["no"] * 6, **{"signup date": months[2]})
    assert world.json("label", "outcomes.csv", "--json")["unknown"] == 6
    bring(world, ["no"], **{"signup date": months[1]})
    assert world.json("label", "outcomes.csv", "--json")["changed"] == 1

    found = read(world)
    assert found["outcome"].to_list() == ["no"] * 7 + ["yes"] * 5
    assert (
        found["row_time"].dt.date().cast(pl.String).to_list() == [months[0]] * 6 + [months[1]] * 6
    )


def test_several_dates_of_an_entity_in_one_file_need_a_date(plain: Factory) -> None:
    plain.change(data={"time": "signup date"})
    days = pl.DataFrame({"signup date": ["2025-01-01", "2025-02-01"]})
    predict(plain, rows(3).drop("signup date").join(days, how="cross"))
    bring(plain, ["yes"] * 3)

    told = plain.run("label", "outcomes.csv", code=1)
    assert "3 of entities that were predicted several times, from different values" in told.err
    assert "add 'signup date'" in told.err


def test_a_correction_keeps_what_was_known_when(world: Factory) -> None:
    predict(world, rows(3))
    bring(world, ["yes", "no", "no"])
    world.run("label", "outcomes.csv")
    before = datetime.now(UTC)
    bring(world, ["no", "no", "no"])
    assert world.json("label", "outcomes.csv", "--json")["changed"] == 1

    assert read(world)["outcome"].to_list() == ["no", "no", "no"]
    assert read(world, before)["outcome"].to_list() == ["yes", "no", "no"]
    assert read(world, before - timedelta(hours=1))["outcome"].null_count() == 3

    world.run("forget", "C00000")
    with engine_of(world.project.params.log).connect() as connection:
        assert not connection.exec_driver_sql("select * from former_labels").all()


def test_asked_again_from_the_same_values_one_outcome_counts_for_both(plain: Factory) -> None:
    for _ in range(2):
        predict(plain, rows(5))
    bring(plain, ["yes"] * 5)

    done = plain.run("label", "outcomes.csv")
    assert "5 count for several predictions each" in done.err
    assert read(plain)["outcome"].to_list() == ["yes"] * 10


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "customer id,churned\nC00001,yes\nC00001,no\n",
            "1 outcome of the same contradicts another",
        ),
        ("request_id,churned\n{0},yes\n", "1 of requests of several rows, without the row"),
    ],
)
def test_a_file_that_says_two_things_or_names_no_row_is_refused(
    plain: Factory, text: str, why: str
) -> None:
    request = predict(plain, rows(5))
    plain.write("outcomes.csv", text.format(request))

    assert why in plain.run("label", "outcomes.csv", code=1).err
    assert read(plain)["outcome"].null_count() == 5


def test_an_outcome_from_before_all_predictions_belongs_to_none(plain: Factory) -> None:
    predict(plain, rows(5))
    bring(plain, ["yes"] * 5, seen="2020-01-01")

    told = plain.json("label", "outcomes.csv", "--time", "seen", "--json")
    assert (told["new"], told["unknown"]) == (0, 5)


def test_a_corrected_outcome_in_an_old_window_is_seen(world: Factory) -> None:
    """Every outcome of the window was known, and it is older than those that are filled in."""
    request = score(world, 20)
    monitor(world.project, now=datetime.now(UTC) - timedelta(days=7 * 19))
    table = customers(900).select("churned").with_columns(request_id=pl.lit(request))
    table = table.with_row_index("row")
    flip = pl.col("churned").replace({"yes": "no", "no": "yes"})
    found = []
    for outcomes in (table, table.with_columns(flip)):
        outcomes.write_csv(world.path / "outcomes.csv")
        world.run("label", "outcomes.csv")
        window = world.json("monitor", "--json", code=4)["history"][0]
        found.append(window["observed"]["log_loss"]["value"])
        assert (window["labelled"], window["rows"]) == (900, 900)
    assert found[1] > 2 * found[0]


def test_a_later_outcome_without_a_prediction_between_is_of_none(world: Factory) -> None:
    """Else it would be told as new, though the one before it goes on counting."""
    predict(world, rows(5))
    moments = [datetime.now(UTC) + timedelta(hours=hours) for hours in (2, 1, 3)]
    told = []
    for moment, outcome in zip(moments, ("no", "yes", "no"), strict=True):
        bring(world, [outcome] * 5, seen=str(moment))
        told.append(world.json("label", "outcomes.csv", "--time", "seen", "--json"))
    assert [(one["new"], one["unknown"]) for one in told] == [(5, 0), (5, 0), (0, 5)]
    assert read(world)["outcome"].to_list() == ["yes"] * 5
    bring(world, ["no"] * 5, seen=str(moments[1]))
    assert world.json("label", "outcomes.csv", "--time", "seen", "--json")["changed"] == 5
    assert read(world)["outcome"].to_list() == ["no"] * 5


@pytest.mark.parametrize("release", ["0.3", "0.4"])
def test_a_log_of_an_earlier_release_goes_on(world: Factory, release: str) -> None:
    """Its rows have no date, its outcomes no moment at which they were taken in."""
    engine, project = engine_of(world.project.params.log), world.project
    Path(world.path / "log").mkdir(exist_ok=True)
    signature = load_signature(project.model_folder)
    shown = veil(project.params, project.catalog, signature)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record("old", 0, "C00000", "m", moment, {}, "no", {"no": 1.0})
    with engine.begin() as connection:
        script = (FORMATS / f"log/1-of-{release}.sql").read_text("utf-8")
        for statement in filter(str.strip, script.split(";")):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("insert into log_schema values (1)")
        values = ", ".join(
            f"'{v}'" if isinstance(v, str) else str(v) for v in shown.row(record)[:-1]
        )
        connection.exec_driver_sql(f"insert into predictions values ({values})")
        label = "'churned', 'entity', 'C00000', 0, 0, 1800000000000000, 'no'"
        connection.exec_driver_sql(f"insert into labels values ({label})")

    bring(world, ["yes"])
    assert world.json("label", "outcomes.csv", "--json")["changed"] == 1
    assert read(world)["outcome"].to_list() == ["yes"]
    assert read(world, datetime(2027, 2, 1, tzinfo=UTC))["row_time"].to_list() == [None]


def test_what_an_older_service_left_waiting_is_taken_in(plain: Factory) -> None:
    row = '["old", 0, 1767225600000000, "churned", "m", "C00000", "{}", "no", null]'
    predict(plain, rows(1))
    plain.write("log/predictions.db.waiting-1.jsonl", row + "\n")
    with engine_of(plain.project.params.log).connect() as connection:
        assert take_in(connection, plain.path / "log/predictions.db") == 1
    assert read(plain).height == 2


def test_a_row_that_is_learned_from_keeps_its_date(plain: Factory) -> None:
    """Months of the same customers are different rows; the same month again is none."""
    column = {"dtype": "date", "role": "ignored", "availability": "batch"}
    plain.change("features.yaml", columns={"month": column})
    plain.change(data={"time": "month"})
    raw = plain.path / "data/raw/customers.csv"
    pl.read_csv(raw).with_columns(month=pl.lit("2024-12-01")).write_csv(raw)
    for month in ("2025-01-01", "2025-02-01", "2025-02-01"):
        predict(plain, rows(3).with_columns(month=pl.lit(month)))
        bring(plain, ["yes", "no", "no"], month=month)
        plain.run("label", "outcomes.csv")
    predict(plain, rows(4)[3:])
    request = pl.read_csv(plain.path / "scored.csv")["request_id"][0]
    plain.write("outcomes.csv", f"request_id,row,churned\n{request},0,no\n")
    plain.run("label", "outcomes.csv")

    project = plain.project
    known = project.params, project.catalog
    logged = harvest.labelled(project, harvest.already(project), *known)
    names = ["customer id", "month", "churned"]
    found = harvest.unknown(project, harvest.raw_values(project, logged, names, *known), *known)
    dates = found.sort("month", "customer id").select("month").to_series().cast(pl.String).to_list()
    today = datetime.now(UTC).date()
    assert dates == ["2025-01-01"] * 3 + ["2025-02-01"] * 3 + [str(today)]
