"""The service, as a process of its own on the loopback address: answers, refusals, and its end."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import errors, lightgbm
from mlfactory_runtime import serving as serving_module
from mlfactory_runtime.data import computed, contract
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.learn import matrix, signature
from mlfactory_runtime.predict import batch as predict_batch
from mlfactory_runtime.predict import scorer as predict_scorer
from mlfactory_runtime.project import MODEL, Project
from mlfactory_runtime.registry import artifact
from mlfactory_runtime.serving import app as serving_app
from mlfactory_runtime.serving import schema, scoring
from mlfactory_runtime.settings import catalog
from mlfactory_runtime.settings.params import Log
from mlfactory_runtime.testing.trained import Trained, write_yaml

pytestmark = pytest.mark.xdist_group("serving")  # one service for all
KEY = "a key with ümlauts".encode()
PROGRAM = "from mlfactory_runtime.cli import main; main()"
SECONDS = 1
Row = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """A running service and its folder."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def socket(self) -> socket.socket:
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(
        self, path: str, body: bytes | None = None, method: str = "", **headers: bytes | str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer."""
        given = {"Content-Type": "application/json", "X-API-Key": KEY}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method or ("POST" if body else "GET"), path, body, given)  # type: ignore[arg-type]
            found = connection.getresponse()
            return found.status, dict(found.getheaders()), found.read()
        finally:
            connection.close()

    def json(self, path: str, body: Any = None) -> Any:
        """An answer that has to be fine."""
        status, _, found = self.ask(path, None if body is None else json.dumps(body).encode())
        assert status == 200, found
        return json.loads(found)

    def counted(self, name: str) -> float:
        """The sum of the counters that begin so."""
        lines = self.ask("/metrics")[2].decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Start the service and wait until it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "service.log"
    env = {**os.environb, b"FACTORY_API_KEY": KEY}
    with log.open("wb") as file:
        argv = [sys.executable, "-c", PROGRAM, "serve", "--port", str(port)]
        process = subprocess.Popen(argv, cwd=folder, env=env, stderr=file)
    service = Service(folder, port, process, log)
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text("utf-8")
            try:
                service.json("/ready")
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield service
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained factory, whose columns are all known online, with little patience."""
    home = tmp_path_factory.mktemp("online")
    columns = {
        name: column.model_copy(
            update={} if column.role == "target" else {"availability": "online"}
        )
        for name, column in trained.catalog.columns.items()
    }
    listed = trained.catalog.model_copy(update={"columns": columns})
    serving = trained.params.serving.model_copy(update={"mode": "online", "timeout": SECONDS})
    params = trained.params.model_copy(update={"serving": serving, "log": Log()})
    write_yaml(home / "features.yaml", listed.model_dump(mode="json", exclude_none=True))
    write_yaml(home / "params.yaml", params.model_dump(mode="json"))
    for part in ("models", "reports", "data"):
        shutil.copytree(trained.folder / part, home / part)
    for part in ("src", "pyproject.toml"):
        (home / part).symlink_to(trained.folder / part)
    return home


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    """The service with the key that every request of these tests carries."""
    with running(folder) as found:
        yield found


@pytest.fixture
def row(service: Service) -> Row:
    """A row that the document gives as an example."""
    found: Row = service.json("/openapi.json")["components"]["schemas"]["Row"]["examples"][0]
    return found


def sent(rows: pl.DataFrame, trained: Trained) -> list[Row]:
    """The rows as a client sends them."""
    kept = trained.catalog.inputs(trained.params)
    for row in (found := rows.select(*kept).to_dicts()):
        row |= {k: v.isoformat() for k, v in row.items() if hasattr(v, "isoformat")}
    return found


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
    expected = predict_scorer.answer(scores, trained.signature)
    batch = pl.read_parquet(tmp_path / "out.parquet").select(expected.columns)
    single = [service.json("/predict", row)["predictions"][0] for row in sent(rows, trained)[:50]]
    several = service.json("/predict", sent(rows, trained))["predictions"]

    assert batch.equals(expected)
    assert several[:50] == single
    assert several == [
        {
            "prediction": row.pop("prediction"),
            **({"probabilities": dict(zip(trained.signature.classes, row.values(), strict=True))}
               if row else {}),
        }
        for row in expected.to_dicts()
    ]  # fmt: skip


def test_both_ways_to_the_matrix_give_the_same_bits(service: Service, trained: Trained) -> None:
    scorer = predict_scorer.opened(Project(service.folder), service.folder / MODEL)
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


def plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds nothing."""
    return rows.with_columns(
        # pl.lit(1).alias("one"),
    )


def clipped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.selectors.numeric().clip(0))


def called(rows: pl.DataFrame) -> pl.DataFrame:
    rows.insert_column(0, pl.Series("one", [1]))
    return rows


@pytest.mark.parametrize(("function", "lean"), [(plain, True), (clipped, False), (called, False)])
def test_only_features_that_add_nothing_are_gone_round(
    function: Any, lean: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scoring.unchanged(function) is lean


FIELDS: dict[str, tuple[dict[str, Any], Row, list[str]]] = {
    "int": ({"range": [0.5, 9]}, {"5": 5, "5.0": 5}, ["0", "10", "5.5", '"5"', "true", "1e400"]),
    "float": ({"range": [None, 9]}, {"5": 5.0, "-1e9": -1e9}, ["9.1", '"5"', "true", "NaN"]),
    "bool": ({}, {"true": True}, ["1", '"true"', "{}"]),
    "string": ({"values": ["a", "NA"]}, {'" a "': "a"}, ['"b"', '"NA"', '""', "1", "[]"]),
    "date": ({}, {'"2025-01-31"': date(2025, 1, 31)}, ['"2025-02-30"', "20250131", '"x"']),
    "datetime": (
        {},
        {
            '"2025-01-31T12:00:00"': datetime(2025, 1, 31, 12),
            '"2025-01-31T12:00:00.5+02:00"': datetime(2025, 1, 31, 10, 0, 0, 500_000),
            '"2025-01-31"': datetime(2025, 1, 31),
        },
        ['"1738324800"', "1738324800", '"2025-01-31T25:00:00"', '"0001-01-01T00:00:00+23:00"'],
    ),
}


@pytest.mark.parametrize("dtype", FIELDS)
def test_each_type_takes_its_values_and_no_others(dtype: str) -> None:
    rules, good, bad = FIELDS[dtype]
    told = {"dtype": dtype, "role": "ignored", "availability": "online", **rules}
    column = catalog.Column.model_validate(told)
    for needed in (True, False):
        known = schema.Input(column, needed, frozenset({"", "NA"}))
        parser = schema.parser({"f": known}, 1)
        for text, value in (good if needed else good | {"null": None}).items():
            found = parser.read(f'{{"f": {text}}}'.encode())[0]["f"]
            assert (found, type(found)) == (value, type(value))
        for text in [*bad, "null"] if needed else bad:
            with pytest.raises(schema.RefusedError) as refused:
                parser.read(f'{{"f": {text}}}'.encode())
            assert refused.value.status == 422


def test_free_text_that_says_missing_is_missing_as_in_a_file() -> None:
    told = {"dtype": "string", "role": "categorical", "availability": "online"}
    column = catalog.Column.model_validate(told)
    known = schema.Input(column, False, frozenset({"", "NA"}))
    parser = schema.parser({"f": known}, 3)
    body = b'[{"f": " NA"}, {"f": "  "}, {"f": "x "}]'
    assert parser.read(body) == [{"f": None}, {"f": None}, {"f": "x"}]


def test_rows_that_features_cannot_make_anything_of_are_refused(
    service: Service, trained: Trained
) -> None:
    scorer = predict_scorer.opened(Project(service.folder), service.folder / MODEL)
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
    asyncio.run(app(scope | {"query_string": b"", "request_id": "number"}, receive, send))
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
    scorer = predict_scorer.opened(Project(service.folder), service.folder / MODEL)
    own = {n for n, c in scorer.catalog.columns.items() if c.role == "identifier"}
    found = service.json("/predict", [row])["predictions"][0]

    assert names == own | scorer.catalog.inputs(scorer.params).keys()
    assert {name: found[name] for name in own} == {name: row[name] for name in own}


BAD: dict[str, tuple[int, Callable[[Row], Any]]] = {
    "wrong type": (422, lambda row: row | {next(iter(row)): {"a": 1}}),
    "missing": (422, lambda row: {k: v for k, v in row.items() if k == "nothing"}),
    "unknown field": (422, lambda row: row | {"no such field": 1}),
    "NaN": (422, lambda row: dict.fromkeys(row, float("nan"))),
    "infinity": (422, lambda row: dict.fromkeys(row, float("-inf"))),
    "too large a number": (422, lambda row: dict.fromkeys(row, 10**400)),
    "a list in a row": (422, lambda row: [[row]]),
    "no row": (422, lambda row: []),
    "a number": (422, lambda row: 5),
    "100,000 rows": (422, lambda row: [{}] * 100_000),
    "10 MB": (413, lambda row: [row | {"x": "y" * 10_000_000}]),
    "broken JSON": (400, lambda row: json.dumps(row).encode()[:-1]),
    "no JSON": (400, lambda row: b"\xff\xfe\x00"),
    "deep JSON": (400, lambda row: b"[" * 100_000),
    "half a character": (400, lambda row: b'{"\\ud800": 1}'),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_answered_counted_and_survived(service: Service, row: Row, case: str) -> None:
    status, make = BAD[case]
    body = make(row)
    counter = f'factory_requests_total{{path="/predict",status="{status}"}}'
    before = service.counted(counter)

    answered, headers, told = service.ask(
        "/predict", body if isinstance(body, bytes) else json.dumps(body).encode()
    )

    found = json.loads(told)
    assert answered == status
    assert found["request_id"] == headers["x-request-id"]
    assert found["detail"][0]["rule"]
    assert len(told) < 10_000
    assert service.counted(counter) == before + 1
    service.json("/predict", row)


@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml", "application/jsonp"])
def test_a_wrong_content_type_is_refused(service: Service, row: Row, kind: str) -> None:
    assert service.ask("/predict", json.dumps(row).encode(), Content_Type=kind)[0] == 415


@pytest.mark.parametrize("asked", ["-1", "1.5", "x", "9999", "%00", "²"])
def test_an_explanation_of_no_number_is_refused(service: Service, row: Row, asked: str) -> None:
    from urllib.parse import quote

    path = f"/predict?explain={quote(asked, safe='%')}"
    assert service.ask(path, json.dumps(row).encode())[0] == 422


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


@pytest.mark.parametrize("path", ["/predict", "/model"])
def test_without_the_key_nothing_is_told(service: Service, path: str) -> None:
    method = "POST" if path == "/predict" else "GET"
    assert service.ask(path, method=method, X_API_Key="wrong")[0] == 401
    assert service.ask(path, method=method, X_API_Key="")[0] == 401


def test_the_model_that_answers_is_named(service: Service, trained: Trained) -> None:
    told = service.json("/model")
    assert told["version"] == artifact.version(service.folder / MODEL)
    assert told["data"] == trained.signature.provenance["data"]
    assert told["metrics"] == trained.result["models"]["model"]
    assert service.counted("factory_model{") == 1


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


def test_the_page_fetches_nothing_from_elsewhere(service: Service) -> None:
    status, headers, page = service.ask("/docs")
    assert status == 200
    assert b"openapi.json" in page
    assert b"//" not in page
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_a_client_that_sends_no_body_is_told_so(service: Service) -> None:
    with service.socket as slow:
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        slow.sendall(head + b"X-API-Key: " + KEY + b"\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        assert service.ask("/health")[0] == 200
        assert time.monotonic() - began < SECONDS
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_a_client_that_sends_no_request_is_left(service: Service) -> None:
    with service.socket as silent, service.socket as begun, service.socket as second:
        begun.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        second.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        answered = b""
        while not answered.endswith(b"}"):
            answered += second.recv(1000)
        second.sendall(b"GET /hea")
        for slow in (silent, begun, second):
            assert slow.recv(100) == b""


def test_a_body_without_a_length_has_the_same_limit(service: Service) -> None:
    with service.socket as client, client.makefile("rb") as answer:
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        client.sendall(head + b"X-API-Key: " + KEY + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            client.sendall(b"186a0\r\n" + b" " * 100_000 + b"\r\n")
        assert answer.readline().startswith(b"HTTP/1.1 413")


def test_a_client_that_leaves_is_survived(service: Service, row: Row) -> None:
    with service.socket as gone:
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        gone.sendall(head + b"X-API-Key: " + KEY + b"\r\nContent-Length: 100\r\n\r\n{")
    service.json("/predict", row)
    assert service.counted('factory_requests_total{path="/predict",status="5') == 0


def test_every_request_is_a_line_of_the_log(service: Service, row: Row) -> None:
    service.ask("/predict", json.dumps(row).encode(), X_Request_ID="my-number")
    service.ask("/health")  # the line stands once the next request is answered
    lines = [json.loads(line) for line in service.log.read_text("utf-8").splitlines()]
    mine = next(line for line in lines if line.get("request_id") == "my-number")
    assert (mine["method"], mine["path"], mine["status"]) == ("POST", "/predict", 200)


def test_what_is_being_answered_is_finished_before_the_end(folder: Path) -> None:
    with running(folder) as service, service.socket as slow:
        row = service.json("/openapi.json")["components"]["schemas"]["Row"]["examples"][0]
        body = json.dumps(row).encode()
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        slow.sendall(head + b"X-API-Key: " + KEY + b"\r\nContent-Length: %d\r\n\r\n" % len(body))
        slow.sendall(body[:9])
        time.sleep(0.2)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        slow.sendall(body[9:])
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert service.process.wait(30) in (0, -signal.SIGTERM)


def test_without_a_model_the_service_does_not_start(folder: Path) -> None:
    with pytest.raises(errors.FactoryError, match="there is no model"):
        serving_module.serve(Project(folder), "127.0.0.1", 1, 2, Path("nowhere"))
