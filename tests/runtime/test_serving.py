"""The service over HTTP: refusals, slow and broken clients, and its end."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from mlfactory_runtime import errors, serving
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import Trained

from ..waiting import PATIENCE, until
from .conftest import TASKS
from .factories import PROGRAM, SKELETON
from .services import KEY, Row, Service, running

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


HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-API-Key: " + KEY


def test_while_a_client_sends_no_body_others_are_answered(service: Service) -> None:
    with service.socket as slow:
        slow.sendall(HEAD + b"\r\nContent-Length: 100\r\n\r\n{")
        assert service.ask("/health")[0] == 200


@pytest.fixture(scope="module")
def impatient(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose clients may take a second for a request."""
    with running(trained, tmp_path_factory.mktemp("impatient"), timeout=1) as service:
        yield service


def in_time(happens: Callable[[], bool]) -> None:
    """A client that the machine kept from sending within the second comes again."""

    def happens_now() -> bool:
        with suppress(ConnectionError):
            return happens()
        return False

    until(happens_now)


def test_a_client_that_sends_no_body_is_told_so(impatient: Service) -> None:
    def happens() -> bool:
        with impatient.socket as slow:
            slow.sendall(HEAD + b"\r\nContent-Length: 100\r\n\r\n{")
            answer = slow.recv(100)
        assert not answer or answer.startswith(b"HTTP/1.1 408")
        return bool(answer)

    in_time(happens)


@pytest.mark.parametrize("start", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_sends_no_request_is_left(impatient: Service, start: bytes) -> None:
    with impatient.socket as slow, suppress(ConnectionError):
        slow.sendall(start)
        assert slow.recv(100) == b""


def test_a_client_that_sends_no_second_request_is_left(impatient: Service) -> None:
    def happens() -> bool:
        with impatient.socket as slow:
            slow.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            answered = b""
            while not answered.endswith(b"}"):
                if not (more := slow.recv(1000)):
                    return False
                answered += more
            with suppress(ConnectionError):
                slow.sendall(b"GET /hea")
                assert slow.recv(100) == b""
        return True

    in_time(happens)


def test_a_client_that_reads_no_answer_is_left(impatient: Service) -> None:
    """What is for it is more than the system takes off the service's hands."""
    with impatient.socket as client:
        client.sendall(b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n" * AT_ONCE)
        left = "a client that reads no answer is left"
        until(lambda: left in impatient.log.read_text("utf-8"), impatient.lives)
    assert impatient.ask("/health")[0] == 200


def test_a_client_that_reads_slowly_gets_all(impatient: Service) -> None:
    """It takes longer than a client may that reads nothing."""

    def happens() -> bool:
        page = b"GET /docs HTTP/1.1\r\nHost: x\r\n"
        with impatient.socket as client:
            client.sendall((page + b"\r\n") * AT_ONCE + page + b"Connection: close\r\n\r\n")
            answers = bytearray()
            while part := client.recv(1 << 16):
                answers += part
                sleep(0.02)
        return answers.count(b"HTTP/1.1 200 ") == AT_ONCE + 1

    in_time(happens)


def test_a_body_without_a_length_has_the_same_limit(service: Service) -> None:
    with service.socket as client, client.makefile("rb") as answer:
        client.sendall(HEAD + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            client.sendall(b"186a0\r\n" + b" " * 100_000 + b"\r\n")
        assert answer.readline().startswith(b"HTTP/1.1 413")


def test_a_client_that_leaves_is_survived(service: Service, row: Row) -> None:
    with service.socket as gone:
        gone.sendall(HEAD + b"\r\nContent-Length: 100\r\n\r\n{")
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
        slow.sendall(HEAD + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:9])
        assert service.ask("/health")[0] == 200  # what was sent before has arrived
        service.process.send_signal(signal.SIGTERM)
        until(lambda: "Shutting down" in service.log.read_text("utf-8"), service.lives)
        slow.sendall(body[9:])
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert service.process.wait(PATIENCE) in (0, -signal.SIGTERM)


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
        # A worker counts a request once it is answered, not before.
        until(lambda: service.counted(wanted) >= 20, service.lives)
        assert service.counted(wanted) == 20
        assert service.ask("/metrics")[2].decode().count("factory_model{") == 1


def flood(service: Service, start: bytes, endless: bytes) -> tuple[bytes, int]:
    """Send what does not end; the first of the answer, and how much the service's memory grew."""
    before, sent, answer = memory(service), 0, b""
    with service.socket as client:
        client.sendall(start)
        with suppress(OSError):
            while sent < 200_000_000:
                client.sendall(endless)
                sent += len(endless)
        with suppress(OSError):
            answer = client.recv(1000)
    return answer, memory(service) - before


def memory(service: Service) -> int:
    """Megabytes."""
    text = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) // 1024


ENDLESS = {
    "headers": (b"GET /health HTTP/1.1\r\nhost: x\r\n", b"x-a: " + b"A" * 60_000 + b"\r\n"),
    "small headers": (b"GET /health HTTP/1.1\r\nhost: x\r\n", b"a: b\r\n" * 10_000),
    "a value": (b"GET /health HTTP/1.1\r\nx-a: ", b"A" * 100_000),
    "a name": (b"GET /health HTTP/1.1\r\n", b"A" * 100_000),
    "the address": (b"GET /", b"A" * 100_000),
    "the query": (b"GET /health?", b"A" * 100_000),
    "the method": (b"", b"A" * 100_000),
    "blank lines": (b"", b"\r\n" * 50_000),
    "a trailer": (
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nx: ",
        b"A" * 100_000,
    ),
    "an extension": (
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\n\r\n1;x=",
        b"A" * 100_000,
    ),
}


@pytest.mark.parametrize("part", ENDLESS)
def test_no_part_of_a_request_is_endless(service: Service, part: str) -> None:
    answer, grown = flood(service, *ENDLESS[part])
    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")) or not answer
    assert grown < 50
    service.json("/ready")


@pytest.mark.parametrize("size", [10_000, 60_000])
def test_a_large_head_is_answered(service: Service, row: Row, size: int) -> None:
    body = json.dumps([row] * 200).encode()
    assert service.ask("/predict", body, X_Long="A" * size)[0] == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body_is_refused_by_its_name(
    service: Service, row: Row, encoding: str
) -> None:
    body = gzip.compress(json.dumps([row]).encode())
    status, _, answer = service.ask("/predict", body, Content_Encoding=encoding)
    assert status == 415
    assert "compressed" in json.loads(answer)["detail"][0]["rule"]


def test_no_host_that_a_client_names_is_sent_on_to(service: Service) -> None:
    status, headers, _ = service.ask("/predict/", b"[]", Host="elsewhere.example")
    assert status == 404
    assert "elsewhere" not in str(headers)


AT_ONCE = 2_200  # requests, which have more bytes together than one may have before its body


def asked_at_once(service: Service, end: bytes) -> bytes:
    """What is answered to many requests that come without waiting, and to what comes then."""
    answers = b""
    with service.socket as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: example\r\n\r\n" * AT_ONCE + end)
        with suppress(ConnectionResetError):
            while part := client.recv(1 << 16):
                answers += part
    return answers


def test_requests_that_come_at_once_are_all_answered(service: Service) -> None:
    last = b"GET /health HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n"
    assert asked_at_once(service, last).count(b"HTTP/1.1 200 ") == AT_ONCE + 1


def test_one_among_them_that_does_not_end_is_refused_and_nothing_fails(service: Service) -> None:
    before = len(service.log.read_text("utf-8"))
    asked_at_once(service, b"GET /health HTTP/1.1\r\nx-a: " + b"A" * 500_000)
    service.json("/ready")
    assert "a request failed" not in service.log.read_text("utf-8")[before:]


def test_a_head_that_is_too_large_is_answered_so(service: Service) -> None:
    status, _, body = service.ask("/health", X_Long="A" * 70_000)
    assert status == 431
    assert "65,536" in json.loads(body)["detail"][0]["rule"]


def test_the_first_page_leads_to_the_document(service: Service) -> None:
    status, headers, _ = service.ask("/")
    assert (status, headers["location"]) == (307, "docs")


def test_keys_come_and_go_without_a_restart(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("# who may ask\nshop: the-first-key\n")
    monkeypatch.setenv("FACTORY_API_KEYS", str(keys))
    (tmp_path / "place").mkdir()
    with running(trained, tmp_path / "place") as service:

        def status(key: str) -> int:
            return service.ask("/model", X_API_Key=key)[0]

        assert (status("the-first-key"), status("the-other-key"), status("")) == (200, 401, 401)
        assert service.ask("/model")[0] == 200  # the one of the environment goes on to work
        keys.write_text("shop: the-first-key\nbank: the-other-key\n")
        assert (status("the-first-key"), status("the-other-key")) == (200, 200)
        keys.write_text("bank: the-other-key\n")
        assert (status("the-first-key"), status("the-other-key")) == (401, 200)
        keys.write_text("bank the-other-key\n")
        assert status("the-other-key") == 200  # what cannot be read changes nothing
        keys.unlink()
        assert status("the-other-key") == 200
        lines = [json.loads(line) for line in service.log.read_text("utf-8").splitlines()]
    assert {line.get("key") for line in lines} >= {"shop", "bank"}
    assert any("stay as they were" in line["message"] for line in lines)


def rates(service: Service) -> list[int]:
    """The statuses of requests that come all at once."""
    request = b"GET /docs HTTP/1.1\r\nHost: x\r\n"
    with service.socket as client, client.makefile("rb") as answers:
        client.sendall((request + b"\r\n") * 9 + request + b"Connection: close\r\n\r\n")
        lines = answers.read().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith(b"HTTP/1.1 ")]


def test_one_client_may_ask_so_often_and_so_many_may_come(trained: Trained, tmp_path: Path) -> None:
    limits = {"max_rate": 2, "max_connections": 3}
    with running(trained, tmp_path, **limits) as service:
        assert service.ask("/openapi.json")[0] == 200
        until(lambda: rates(service)[-1] == 429, service.lives)
        assert [service.ask("/health")[0] for _ in range(10)] == [200] * 10
        with service.socket, service.socket, service.socket, service.socket as one:
            assert one.recv(100).startswith(b"HTTP/1.1 503 ")


IMAGE = next(SKELETON.glob("*online*Dockerfile*")).read_text("utf-8")


@pytest.mark.parametrize(("in_image", "code"), [(True, 1), (False, None)])
def test_a_service_for_strangers_wants_a_key(
    service: Service, in_image: bool, code: int | None
) -> None:
    """The image's own command, in what the image says of the environment."""
    last = IMAGE[IMAGE.rindex("FROM ") :]
    needed = dict(re.findall(r"(FACTORY_\w+)=(\w+)", last)) if in_image else {}
    name, *verb = json.loads(last[last.rindex("\nCMD ") + 5 :])
    assert name == "factory"
    env = {**os.environ, **needed}
    env.pop("FACTORY_API_KEY", None)
    argv = [sys.executable, "-c", PROGRAM, *verb, "--port", "18399"]
    with subprocess.Popen(argv, cwd=service.folder, env=env, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        first = process.stderr.readline().decode()
        assert "whoever reaches it may ask" in first
        if code is None:
            assert json.loads(first)["level"] == "warning"
            process.terminate()
        process.stderr.read()
    assert code in (None, process.returncode)
