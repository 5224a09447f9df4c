"""What the service answers is what training and batches say, whatever the task."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import lightgbm
from mlfactory_runtime.data import computed, contract
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.learn import intervals, matrix, signature
from mlfactory_runtime.predict import batch as predict_batch
from mlfactory_runtime.predict import scorer as predict_scorer
from mlfactory_runtime.project import MODEL, Project
from mlfactory_runtime.registry import artifact
from mlfactory_runtime.serving import app as serving_app
from mlfactory_runtime.serving import schema, scoring
from mlfactory_runtime.testing.trained import Trained

from .conftest import TASKS
from .services import Row, Service, sent

pytestmark = pytest.mark.xdist_group("serving")


@pytest.fixture(scope="module", params=["binary", "derived", *TASKS])
def service(request: pytest.FixtureRequest, services: Callable[[str], Service]) -> Service:
    """The service of a factory of each task, and of one with a feature of its own."""
    return services(request.param)


@pytest.fixture(scope="module")
def trained(service: Service) -> Trained:
    """Its factory, as it was trained."""
    return service.trained


def test_service_batch_and_training_agree_to_the_last_bit(
    service: Service, trained: Trained, tmp_path: Path
) -> None:
    rows = matrix.usable(
        load_part(Project(service.folder), "holdout"), trained.signature, trained.project.compute
    )[:500]
    rows.write_parquet(tmp_path / "in.parquet")
    predict_batch.predict_file(
        Project(service.folder),
        tmp_path / "in.parquet",
        tmp_path / "out.parquet",
        max_invalid=0,
    )
    scores = lightgbm.predict(trained.model, trained.matrix(rows))
    known = intervals.load_intervals(trained.project.model_folder)
    expected = predict_scorer.answer(scores, trained.signature, known)
    batch = pl.read_parquet(tmp_path / "out.parquet").select(expected.columns)
    single = [service.json("/predict", row)["predictions"][0] for row in sent(rows, trained)[:50]]
    several = service.json("/predict", sent(rows, trained))["predictions"]

    assert batch.equals(expected)
    assert several[:50] == single
    assert several == [answered(row, trained) for row in expected.to_dicts()]
    assert ("upper" in several[0]) == (trained.signature.task == "regression")


def test_the_document_names_what_an_answer_holds(service: Service, trained: Trained) -> None:
    row = service.json("/openapi.json")["components"]["schemas"]["Row"]["examples"][0]
    (answer,) = service.json("/predict", row)["predictions"]
    document = service.json("/openapi.json")["components"]["schemas"]
    assert document["Answer"]["examples"][0]["predictions"] == [answer]
    known = document["Prediction"]
    assert {*known["required"]} <= answer.keys() <= known["properties"].keys()
    found = service.json("/model")["coverage"]
    assert found == (trained.result.coverage and trained.result.model_dump()["coverage"])
    assert ("lower" in known["required"]) == (trained.signature.task == "regression")


def answered(row: Row, trained: Trained) -> Row:
    """A line of a batch as the service says it."""
    shares = [row.pop(name) for name in predict_scorer.probabilities(trained.signature)]
    named = dict(zip(trained.signature.classes, shares, strict=True))
    return row | ({"probabilities": named} if named else {})


def test_both_ways_to_the_matrix_give_the_same_bits(service: Service, trained: Trained) -> None:
    scorer = predict_scorer.open_scorer(Project(service.folder), service.folder / MODEL)
    inputs = schema.inputs(scorer.catalog, scorer.params, scorer.signature)
    rows = trained.rows.with_columns(
        pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit("new")).otherwise(name).alias(name)
        for name, column in trained.catalog.inputs(trained.params).items()
        if column.dtype == "string"
    )
    known = tuple(
        one.model_copy(update={"missing_seen": True}) for one in scorer.signature.features
    )
    fitting = scoring.LEAN
    plain = tuple(f for f in known if f.name in inputs and f.dtype in fitting[f.role])
    lean = replace(
        scorer,
        signature=scorer.signature.model_copy(update={"features": plain}),
        catalog=scorer.catalog.model_copy(update={"derived": {}}),
    )
    read = rows.select(*trained.catalog.inputs(trained.params)).to_dicts()

    direct = np.array([[scoring.encoder_of(f)(r[f.name]) for f in plain] for r in read])

    assert np.array_equal(direct, signature.encode(rows, plain), equal_nan=True)
    chosen, made = (
        scoring.encoder(lean, inputs)(read),
        computed.featured(rows, (), trained.project.compute),
    )
    assert np.array_equal(chosen, signature.encode(made, plain), equal_nan=True)


def test_rows_that_features_cannot_make_anything_of_are_refused(
    service: Service, trained: Trained
) -> None:
    scorer = predict_scorer.open_scorer(Project(service.folder), service.folder / MODEL)
    inputs = schema.inputs(scorer.catalog, scorer.params, scorer.signature)
    rows = trained.rows.head(3).select(*scorer.catalog.inputs(scorer.params)).to_dicts()
    known = tuple(f.model_copy(update={"missing_seen": False}) for f in scorer.signature.features)
    rows[1] = dict.fromkeys(rows[1])

    with pytest.raises(schema.RefusedError) as lacking:
        scoring.through_frame(rows, known, inputs, scorer.project.compute)
    with pytest.raises(schema.RefusedError) as failing:
        scoring.through_frame(rows, known, inputs, lambda rows: rows.select("no such column"))

    name = next(f.name for f in known if f.name in inputs)
    assert {"row": 1, "field": name, "rule": "is missing"} in lacking.value.cases
    assert (failing.value.status, failing.value.cases[0]["field"]) == (422, None)


def test_every_prediction_is_written_to_the_log(service: Service, trained: Trained) -> None:
    rows = matrix.usable(trained.rows, trained.signature, trained.project.compute)[:2]
    answered: list[Row] = []

    async def receive() -> Row:
        return {"type": "http.request", "body": json.dumps(sent(rows, trained)).encode()}

    async def send(message: Row) -> None:
        answered.append(message)

    made = serving_app.make_service(Project(service.folder), service.folder / MODEL)
    known = made.scorer
    log = serving_app.open_log(known.params, known.catalog, known.signature)
    app = serving_app.FastAPI()
    serving_app.add_routes(app, made, log)
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
    asyncio.run(
        app(scope | {"query_string": b"", "request_id": "number", "key": ""}, receive, send)
    )
    log.close()
    with closing(sqlite3.connect(known.params.log.path)) as database:
        kept = database.execute(
            "select row, model, prediction from predictions where request_id = 'number'"
            " order by row"
        ).fetchall()

    found = json.loads(answered[1]["body"])["predictions"]
    version = made.scorer.version
    assert kept == [(k, version, str(one["prediction"])) for k, one in enumerate(found)]
    assert log.dropped == 0


def test_an_explanation_is_that_of_batch(
    service: Service, trained: Trained, tmp_path: Path
) -> None:
    rows = matrix.usable(trained.rows, trained.signature, trained.project.compute)[:30]
    rows.write_parquet(tmp_path / "in.parquet")
    predict_batch.predict_file(
        Project(service.folder), tmp_path / "in.parquet", tmp_path / "out.parquet", explain=1
    )
    found = service.json("/predict?explain=1", sent(rows, trained))["predictions"]

    told = pl.DataFrame([one["because"][0] for one in found])
    expected = pl.read_parquet(tmp_path / "out.parquet", columns=["because_1", "because_1_by"])
    assert told.rows() == expected.rows()


def test_identifiers_come_back(service: Service, row: Row) -> None:
    names = service.json("/openapi.json")["components"]["schemas"]["Row"]["properties"].keys()
    scorer = predict_scorer.open_scorer(Project(service.folder), service.folder / MODEL)
    own = {n for n, c in scorer.catalog.columns.items() if c.role == "identifier"}
    dates = {scorer.params.data.time} - {None}
    found = service.json("/predict", [row])["predictions"][0]

    assert names == own | dates | scorer.catalog.inputs(scorer.params).keys()
    assert {name: found[name] for name in own} == {name: row[name] for name in own}


def test_a_value_outside_the_contract_is_told_as_in_the_quarantine_file(
    service: Service, trained: Trained, row: Row
) -> None:
    for name, column in trained.catalog.inputs(trained.params).items():
        low, high = column.range or (None, None)
        wrong: dict[str, Any] = {"low": low, "high": high, "values": column.values}
        moved = {"low": -1, "high": 1}
        for kind, limit in wrong.items():
            if limit is None:
                continue
            value = limit + moved[kind] if kind in moved else "none of these"
            typed = pl.DataFrame({name: [value]})
            broken = contract.read_rows(typed, {name: column}, trained.params.data)[1]
            body = json.dumps(row | {name: value}).encode()
            answer = json.loads(service.ask("/predict", body)[2])
            assert answer["detail"] == [{"row": 0, "field": name, "rule": broken["rule"][0]}]


def test_what_never_was_missing_in_training_is_refused(
    service: Service, trained: Trained, row: Row
) -> None:
    inputs = trained.catalog.inputs(trained.params)
    for feature in trained.signature.features:
        if feature.name in inputs:
            body = json.dumps(row | {feature.name: None}).encode()
            status, _, told = service.ask("/predict", body)
            column = inputs[feature.name]
            fine = column.nullable and feature.missing_seen
            assert status == (200 if fine else 422)
            assert fine or json.loads(told)["detail"][0] == {
                "row": 0, "field": feature.name, "rule": "is missing",
            }  # fmt: skip


def test_the_model_that_answers_is_named(service: Service, trained: Trained) -> None:
    told = service.json("/model")
    assert told["version"] == artifact.version(service.folder / MODEL)
    assert told["data"] == trained.signature.provenance["data"]
    expected = trained.result.models["model"]
    assert told["metrics"] == {name: asdict(one) for name, one in expected.items()}
    assert service.counted("factory_model{") == 1


def test_a_feature_of_its_own_is_named(services: Callable[[str], Service]) -> None:
    assert "balance per year" in services("derived").json("/model")["features"]


def test_predictions_missing_and_unseen_values_are_counted(
    service: Service, trained: Trained
) -> None:
    known = trained.signature.features
    rows = matrix.usable(trained.rows, trained.signature, trained.project.compute)[:200]
    frame = computed.featured(rows, [f.name for f in known], trained.project.compute)
    names = ("factory_predictions_total", "factory_missing_values_total")
    before = [service.counted(name) for name in names]

    service.json("/predict", sent(rows, trained))

    missing = sum(frame[f.name].null_count() for f in known)
    after = [service.counted(name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [200, missing]
