"""The prediction log: what it keeps, what it leaves out, and outcomes that join it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import chdir
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime import errors, forget
from mlfactory_runtime.cli import app
from mlfactory_runtime.log import labels, service, veil
from mlfactory_runtime.predict import batch
from mlfactory_runtime.project import Project
from mlfactory_runtime.settings import catalog, params
from mlfactory_runtime.testing.trained import Trained, write_yaml

from .conftest import TASKS

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
KEY = "FACTORY_LOG_KEY"


@pytest.fixture(scope="module", params=["binary", *TASKS])
def trained(request: pytest.FixtureRequest, examples: Callable[[str], Trained]) -> Trained:
    """A factory of each task."""
    return examples(request.param)


@pytest.fixture
def place(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the trained factory's model and settings, a log of its own, and a key."""
    for name in ("models", "data", "features.yaml"):
        (tmp_path / name).symlink_to(trained.folder / name)
    configure(trained, tmp_path)
    monkeypatch.setenv(KEY, "secret")
    (tmp_path / "src").symlink_to(trained.folder / "src")
    (tmp_path / "pyproject.toml").symlink_to(trained.folder / "pyproject.toml")
    return tmp_path


def configure(trained: Trained, folder: Path, **changed: Any) -> params.Params:
    """The factory's settings with a quick log in that folder."""
    plain = params.Log(interval=0.05).model_copy(update=changed)
    settings = trained.params.model_copy(update={"log": plain})
    write_yaml(folder / "params.yaml", settings.model_dump(mode="json"))
    return Project(folder).params


def records(trained: Trained, count: int, first: int = 0) -> list[veil.Record]:
    """Predictions as a service makes them."""
    rows = trained.rows.select(*trained.catalog.inputs(trained.params)).rows(named=True)
    number = not trained.signature.classes
    shares = {name: 1 / len(trained.signature.classes) for name in trained.signature.classes}
    return [
        veil.Record(
            f"r{k}", 0, f"E{k}", "m", NOW + timedelta(seconds=k), rows[k % len(rows)],
            0.1 + k if number else trained.signature.classes[0], shares,
        )
        for k in range(first, first + count)
    ]  # fmt: skip


def read(trained: Trained, place: Path, window: tuple[datetime, datetime] = ALWAYS) -> pl.DataFrame:
    """All of the log."""
    settings = Project(place).params
    frames = labels.read_log(window, settings, trained.catalog, trained.signature)
    return pl.concat([pl.DataFrame(), *frames], how="diagonal")


def test_what_is_put_is_read_after_a_normal_stop(trained: Trained, place: Path) -> None:
    put = records(trained, 2500)
    opened = service.open_log(Project(place).params, trained.catalog, trained.signature)
    for record in put:
        opened.put([record])
    opened.close()

    found = read(trained, place)
    assert (opened.dropped, found.height) == (0, len(put))
    assert found["time"].to_list() == [record.time for record in put]
    assert found["prediction"].to_list() == [record.prediction for record in put]
    clear = [n for n in put[0].features if trained.catalog.columns[n].sensitive == "none"]
    seen = found["features"].struct.unnest().select(clear).rows(named=True)
    assert seen == [{n: record.features[n] for n in clear} for record in put]


def test_values_of_another_type_are_read_as_missing(trained: Trained, place: Path) -> None:
    one, other = records(trained, 2)
    odd = veil.Record(
        "odd", 0, None, "m", NOW, dict.fromkeys(one.features, "x!"), one.prediction, {}
    )
    opened = service.open_log(Project(place).params, trained.catalog, trained.signature)
    opened.put([one, odd, other])
    opened.close()

    found = read(trained, place).sort("request_id")["features"].struct.unnest().rows(named=True)
    kinds = {n: c.dtype for n, c in trained.catalog.inputs(trained.params).items()}
    numbers = [n for n, dtype in kinds.items() if dtype in ("int", "float", "date", "datetime")]
    assert {found[0][n] for n in numbers} <= {None}
    clear = [n for n in kinds if trained.catalog.columns[n].sensitive == "none"]
    assert [found[1][n] for n in clear] == [one.features[n] for n in clear]


def test_a_full_queue_drops_and_counts(trained: Trained, place: Path) -> None:
    settings = configure(trained, place, queue=10, interval=30.0)
    opened = service.open_log(settings, trained.catalog, trained.signature)
    opened.put(records(trained, 25))
    opened.put(records(trained, 5, 25))
    opened.close()
    opened.put(records(trained, 1, 30))

    assert (opened.dropped, read(trained, place).height) == (21, 10)


def test_a_log_that_is_switched_off_writes_nothing(trained: Trained, place: Path) -> None:
    settings = configure(trained, place, enabled=False)
    opened = service.open_log(settings, trained.catalog, trained.signature)
    opened.put(records(trained, 5))
    opened.close()
    done = batch.predict_file(Project(place), trained.raw, place / "out.parquet")

    assert (opened.dropped, done.logged) == (0, 0)
    assert not (place / "log").exists()


@pytest.mark.parametrize("key", ["secret", ""])
def test_sensitive_values_stand_nowhere_in_the_file(
    trained: Trained, place: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, key)
    secret = {n: c.model_copy(update={"sensitive": "personal"}) for n, c in trained.catalog.columns.items()}  # fmt: skip  # noqa: E501
    hidden = trained.catalog.model_copy(update={"columns": secret})
    planted = [
        veil.Record(r.request_id, 0, "Jane-Doe", "m", r.time, dict.fromkeys(r.features, "S3cret"),
                   r.prediction, r.probabilities)
        for r in records(trained, 3)
    ]  # fmt: skip
    settings = Project(place).params
    settings = settings.model_copy(
        update={"data": settings.data.model_copy(update={"id": next(iter(secret))})}
    )
    opened = service.open_log(settings, hidden, trained.signature)
    opened.put(planted)
    opened.close()

    content = b"".join(path.read_bytes() for path in (place / "log").iterdir())
    assert b"Jane" not in content
    assert b"S3cret" not in content
    with sqlite3.connect(place / "log/predictions.db") as connection:
        rows = connection.execute("select entity, features from predictions").fetchall()
    connection.close()
    assert len({entity for entity, _ in rows}) == 1
    assert (rows[0][0] is None) == (key == "")
    assert (rows[0][1] == "{}") == (key == "")


def test_predict_writes_its_rows_with_what_the_model_saw(trained: Trained, place: Path) -> None:
    done = batch.predict_file(Project(place), trained.raw, place / "out.parquet")

    answers, found = pl.read_parquet(place / "out.parquet"), read(trained, place).sort("row")
    assert (done.logged, done.unlogged) == (answers.height, "")
    assert found["request_id"].to_list() == answers["request_id"].to_list()
    assert found["row"].to_list() == answers["row"].to_list()
    assert found["prediction"].cast(answers["prediction"].dtype).equals(answers["prediction"])
    for name in trained.signature.classes:
        share = found["probabilities"].struct.field(name)
        assert share.to_list() == answers[f"probability_{name}"].to_list()
    names = found["features"].struct.fields
    assert {feature.name for feature in trained.signature.features} <= set(names)


def test_predict_without_a_log_or_with_one_that_cannot_be_written(
    trained: Trained, place: Path
) -> None:
    left = batch.predict_file(Project(place), trained.raw, place / "one.parquet", log=False)
    configure(trained, place, path="params.yaml/no.db")
    failed = batch.predict_file(Project(place), trained.raw, place / "two.parquet")

    assert (left.logged, left.unlogged, left.request_id) == (0, "", None)
    assert (failed.logged, failed.rows) == (0, left.rows)
    assert failed.unlogged
    one, two = (pl.read_parquet(place / f"{n}.parquet") for n in ("one", "two"))
    assert one["prediction"].equals(two["prediction"])


def test_a_run_that_fails_takes_its_rows_back(trained: Trained, place: Path) -> None:
    name = next(iter(trained.catalog.inputs(trained.params)))
    raw = trained.rows.with_columns(pl.when(pl.int_range(pl.len()) < 9).then(name))
    needed = {n: c for n, c in trained.catalog.columns.items() if n == name}
    strict = {n: c.model_copy(update={"nullable": False}) for n, c in needed.items()}
    told = trained.catalog.model_copy(update={"columns": {**trained.catalog.columns, **strict}})
    (place / "features.yaml").unlink()
    write_yaml(place / "features.yaml", told.model_dump(mode="json", exclude_none=True))
    raw.write_parquet(place / "in.parquet")

    with pytest.raises(errors.FactoryError, match="cannot be scored"):
        batch.predict_file(Project(place), place / "in.parquet", place / "out.parquet")
    assert read(trained, place).height == 0


def answered(trained: Trained, place: Path) -> tuple[Path, pl.DataFrame]:
    """Predictions in the log, and the file of their true outcomes by request."""
    batch.predict_file(Project(place), trained.raw, place / "out.parquet")
    target = trained.params.data.target
    answers = pl.read_parquet(place / "out.parquet").select("request_id", "row")
    outcomes = answers.with_columns(trained.rows[target].gather(answers["row"]))
    outcomes.write_parquet(place / "outcomes.parquet")
    return place / "outcomes.parquet", outcomes


def test_outcomes_join_their_requests_and_a_second_time_nothing_changes(
    trained: Trained, place: Path
) -> None:
    file, outcomes = answered(trained, place)
    known = len(outcomes.drop_nulls())

    first, before = labels.label(Project(place), file), read(trained, place)
    second = labels.label(Project(place), file)

    assert (first.new, first.unknown, first.blank) == (known, 0, outcomes.height - known)
    assert (second.new, second.changed, second.same) == (0, 0, known)
    assert read(trained, place).equals(before)
    expected = outcomes[trained.params.data.target].cast(pl.String).cast(before["outcome"].dtype)
    assert before.sort("row")["outcome"].equals(expected, check_names=False)


def test_a_corrected_outcome_replaces_and_an_unknown_request_is_counted(
    trained: Trained, place: Path
) -> None:
    file, outcomes = answered(trained, place)
    labels.label(Project(place), file)
    target, known = trained.params.data.target, outcomes.drop_nulls()
    other = known.filter(pl.col(target) != known[target][0])[target][0]
    wrong = known[:1].with_columns(pl.lit(other, known[target].dtype).alias(target))
    pl.concat([wrong, wrong.with_columns(request_id=pl.lit("gone"))]).write_parquet(file)

    done = labels.label(Project(place), file)

    assert (done.changed, done.new, done.unknown) == (1, 0, 1)
    found = read(trained, place).filter(pl.col("row") == wrong["row"][0])["outcome"]
    assert found.equals(wrong[target].cast(pl.String).cast(found.dtype), check_names=False)


def test_outcomes_that_break_the_contract_are_refused_whole(trained: Trained, place: Path) -> None:
    file, outcomes = answered(trained, place)
    target = trained.params.data.target
    rule: dict[str, Any] = {"dtype": "int", "values": None, "range": None}
    column = trained.catalog.columns[target].model_copy(update=rule)
    told = trained.catalog.model_copy(update={"columns": {**trained.catalog.columns, target: column}})  # fmt: skip  # noqa: E501
    (place / "features.yaml").unlink()
    write_yaml(place / "features.yaml", told.model_dump(mode="json", exclude_none=True))
    outcomes.with_columns(pl.lit("x!").alias(target)).write_parquet(file)

    with pytest.raises(errors.FactoryError, match="the value cannot be read as int"):
        labels.label(Project(place), file)
    assert read(trained, place)["outcome"].null_count() == outcomes.height


def named(trained: Trained, place: Path, level: str) -> catalog.Catalog:
    """The factory with an identifier, which may be sensitive; its rows are named E0x, E1x, …"""
    name = "entity id"
    column = catalog.Column(
        dtype="string", role="identifier", availability="batch", sensitive=level
    )
    told = trained.catalog.model_copy(update={"columns": {**trained.catalog.columns, name: column}})
    (place / "features.yaml").unlink()
    write_yaml(place / "features.yaml", told.model_dump(mode="json", exclude_none=True))
    settings = Project(place).params
    data = settings.data.model_copy(update={"id": name, "path": "rows.parquet"})
    settings = settings.model_copy(update={"data": data, "log": params.Log(interval=0.05)})
    write_yaml(place / "params.yaml", settings.model_dump(mode="json"))
    rows = trained.rows.with_columns(pl.format("E{}x", pl.int_range(pl.len())).alias(name))
    rows.write_parquet(place / "rows.parquet")
    return told


@pytest.mark.parametrize("level", ["none", "personal"])
def test_an_entity_is_labelled_and_forgotten(trained: Trained, place: Path, level: str) -> None:
    named(trained, place, level)
    batch.predict_file(Project(place), place / "rows.parquet", place / "out.parquet")
    names = ["entity id", trained.params.data.target]
    outcomes = pl.read_parquet(place / "rows.parquet")[:20].drop_nulls(names).select(names)
    outcomes.write_csv(place / "outcomes.csv", separator=trained.params.data.separator)
    chosen = outcomes["entity id"][0]

    labelled = labels.label(Project(place), place / "outcomes.csv")
    found = read(trained, place)
    told = forget.forget(Project(place), chosen, dry_run=True)
    done = forget.forget(Project(place), chosen)

    assert (labelled.new, labelled.unknown) == (outcomes.height, 0)
    assert found["outcome"].count() == outcomes.height
    assert (done.predictions, done.labels) == (told.predictions, told.labels) == (1, 1)
    assert any("holds it in 1 row:" in line for line in done.remains)
    assert read(trained, place).height == found.height - 1
    assert asdict(forget.forget(Project(place), chosen))["predictions"] == 0
    content = b"".join(path.read_bytes() for path in (place / "log").iterdir())
    assert (b"E7x" in content) == (level == "none")
    assert chosen.encode() not in content


def test_an_outcome_counts_for_the_predictions_before_it(trained: Trained, place: Path) -> None:
    told = named(trained, place, "none")
    settings = Project(place).params
    opened = service.open_log(settings, told, trained.signature)
    made = records(trained, 1)[0]
    moments = [datetime(2026, month, 1, 12, tzinfo=UTC) for month in (1, 2, 3, 4)]
    opened.put([
        veil.Record(f"r{moment.month}", 0, "E0", "m", moment, made.features, made.prediction, {})
        for moment in moments
    ])  # fmt: skip
    opened.close()
    target = trained.params.data.target
    values = trained.rows[target].drop_nulls().unique().sort()[:2].cast(pl.String).to_list()
    pl.DataFrame(
        {"entity id": ["E0", "E0"], target: values, "seen": ["2026-01-01", "2026-03-02"]}
    ).write_csv(place / "seen.csv", separator=settings.data.separator)

    assert labels.label(Project(place), place / "seen.csv", "seen").new == 2
    assert labels.label(Project(place), place / "seen.csv", "seen").same == 2
    dtype = read(trained, place)["outcome"].dtype
    first, second = pl.Series(values).cast(dtype).to_list()
    assert read(trained, place)["outcome"].to_list() == [first, second, second, None]
    assert read(trained, place, (moments[1], moments[3])).height == 2


def test_old_rows_are_deleted(trained: Trained, place: Path) -> None:
    settings = configure(trained, place, retention_days=30)
    opened = service.open_log(settings, trained.catalog, trained.signature)
    old = records(trained, 3)
    opened.put(old)
    opened.close()
    batch.predict_file(Project(place), trained.raw, place / "out.parquet")

    found = read(trained, place)
    assert found["time"].min() > datetime.now(UTC) - timedelta(days=1)  # type: ignore[operator]
    assert found.height == pl.read_parquet(place / "out.parquet").height


def test_label_and_forget_print_json(
    trained: Trained, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, _ = answered(trained, place)
    with chdir(place):
        app(["label", str(file), "--json"], standalone_mode=False)
        named(trained, place, "none")
        app(["forget", "E0", "--json"], standalone_mode=False)

    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(first) == {"rows", "new", "changed", "same", "unknown", "blank", "shared"}
    assert set(second) == {"predictions", "labels", "models", "remains"}
