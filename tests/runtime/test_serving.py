"""The service over HTTP: refusals, slow and broken clients, and its end."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime import errors, serving
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import Trained

from .conftest import TASKS
from .services import KEY, SECONDS, Row, Service, running

pytestmark = pytest.mark.xdist_group("serving")  # one service for all


BAD: dict[str, tuple[int, Callable[[Row], Any]]] = {
    "wrong type": (422, lambda row: row | {next(iter(row)): {"a": 1}}),
    "missing": (422, lambda row: {k: v for k, v in row.items() if k == "nothing"}),
    "unknown field": (422, lambda row: row | {"no such field": 1}),
    "NaN": (422, lambda row: dict.fromkeys(row, float("nan"))),
    "infinity": (422, lambda row: dict.fromkeys(row, float("-inf"))),
    "too large a number": (422, lambda row: dict.fromkeys(row, 10**400)),
    "a list in a row": (422, lambda row: [[row]]),
    "no row": (422, lambda _: []),
    "a number": (422, lambda _: 5),
    "100,000 rows": (422, lambda _: [{}] * 100_000),
    "10 MB": (413, lambda row: [row | {"x": "y" * 10_000_000}]),
    "broken JSON": (400, lambda row: json.dumps(row).encode()[:-1]),
    "no JSON": (400, lambda _: b"\xff\xfe\x00"),
    "deep JSON": (400, lambda _: b"[" * 100_000),
    "half a character": (400, lambda _: b'{"\\ud800": 1}'),
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


@pytest.mark.parametrize("path", ["/predict", "/model"])
def test_without_the_key_nothing_is_told(service: Service, path: str) -> None:
    method = "POST" if path == "/predict" else "GET"
    assert service.ask(path, method=method, X_API_Key="wrong")[0] == 401
    assert service.ask(path, method=method, X_API_Key="")[0] == 401


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


def test_what_is_being_answered_is_finished_before_the_end(
    trained: Trained, tmp_path: Path
) -> None:
    with running(trained, tmp_path) as service, service.socket as slow:
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


def test_without_a_model_the_service_does_not_start(service: Service) -> None:
    with pytest.raises(errors.FactoryError, match="there is no model"):
        serving.serve(Project(service.folder), "127.0.0.1", 1, 2, Path("nowhere"))


@pytest.mark.parametrize("task", TASKS)
def test_whatever_the_document_allows_or_forbids_is_answered_so(
    task: str, services: Callable[[str], Service], tmp_path: Path
) -> None:
    """Thousands of requests, valid and not, made up from the document by schemathesis."""
    service = services(task)
    argv = [Path(sys.executable).with_name("schemathesis"), "run"]
    address = [
        f"http://127.0.0.1:{service.port}/openapi.json",
        "-H",
        f"X-API-Key: {KEY.decode('latin-1')}",
    ]
    options = ["--max-examples", "60", "--seed", "1", "--generation-database", ":memory:"]
    done = subprocess.run([*argv, *address, *options], cwd=tmp_path, capture_output=True, text=True)
    assert "No issues found" in done.stdout, done.stdout
    counted = service.ask("/metrics")[2].decode()
    assert 'path="/predict",status="200"' in counted
    assert 'path="/predict",status="422"' in counted
    assert 'status="5' not in counted


def test_workers_share_what_they_count(trained: Trained, tmp_path: Path) -> None:
    with running(trained, tmp_path, "--workers", "2") as service:
        row = service.json("/openapi.json")["components"]["schemas"]["Row"]["examples"][0]
        for _ in range(20):
            service.json("/predict", row)
        wanted = 'factory_requests_total{path="/predict",status="200"}'
        for _ in range(100):  # a worker counts a request once it is answered, not before
            if service.counted(wanted) == 20:
                break
            time.sleep(0.05)
        assert service.counted(wanted) == 20
        assert service.ask("/metrics")[2].decode().count("factory_model{") == 1
