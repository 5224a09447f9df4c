"""A running service takes a new model without a gap, and leaves a broken one aside."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import cast

import pytest
from mlfactory_runtime.serving.protocol import LATE
from mlfactory_runtime.serving.renewal import patience
from mlfactory_runtime.testing.trained import Trained

from ..waiting import PATIENCE, until
from .factories import Factory, commit, kept, train
from .services import KEY, Row, Service, running, sent, serving

pytestmark = pytest.mark.xdist_group("serving")


@pytest.fixture
def trained(examples: Callable[[str], Trained]) -> Trained:
    return examples("binary")


def wait(condition: Callable[[], bool], service: Service) -> None:
    until(condition, service.lives)


def failure(service: Service, row: Row) -> str:
    """What a client met that is no answer; whoever connects and does not ask is left after a while.

    That is not what is tested here, though the machine may make a client so slow.
    """
    began, sent = time.monotonic(), 0.0
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)) as client:
        try:
            headers = {"Content-Type": "application/json", "X-API-Key": KEY}
            client.request("POST", "/predict", json.dumps(row).encode(), headers)
            sent = time.monotonic()
            answer = client.getresponse()
            content = answer.read()
            return "" if answer.status == 200 else content.decode()
        except (OSError, HTTPException) as error:
            return repr(error) if (sent or time.monotonic()) - began < LATE / 2 else ""


def endings(service: Service) -> int:
    """How often one that answers has begun to end."""
    return service.log.read_text("utf-8").count("Shutting down")


def another(service: Service) -> str:
    """Put another model in the place of the one that answers; gives the name of that."""
    before = str(service.json("/ready")["model"])
    folder = service.folder / "models"
    shutil.copytree(folder / "model", folder / "next")
    signature = folder / "next/signature.json"
    content = json.loads(signature.read_text("utf-8"))
    content["provenance"]["commit"] = "a later one"
    signature.write_text(json.dumps(content), "utf-8")
    (folder / "next/manifest.json").unlink()  # a model of before there were manifests
    (folder / "model").rename(folder / "old")
    (folder / "next").rename(folder / "model")
    return before


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_new_model_answers_without_a_gap(trained: Trained, tmp_path: Path, workers: int) -> None:
    options = ("--renew", "0.5", "--workers", str(workers))
    with running(trained, tmp_path, *options) as service:
        (row,) = sent(trained.rows.head(1), trained)
        failures, ended = set[str](), Event()

        def ask() -> None:
            while not ended.wait(0.002):
                failures.add(failure(service, row))

        client = Thread(target=ask)
        client.start()
        try:
            expected = service.json("/predict", row)["predictions"]
            before = another(service)
            wait(lambda: "another model answers now" in service.log.read_text("utf-8"), service)
            wait(lambda: service.json("/ready")["model"] != before, service)
        finally:
            ended.set()
            client.join()
        assert failures == {""}
        assert service.json("/predict", row)["predictions"] == expected
        assert service.json("/model")["provenance"]["commit"] == "a later one"


def test_who_is_renewed_may_finish_as_long_as_it_would_itself() -> None:
    assert patience(10) == patience(1) > 10
    assert patience(120) > 120


def test_a_broken_model_leaves_the_old_one_serving(trained: Trained, tmp_path: Path) -> None:
    with running(trained, tmp_path, "--renew", "0") as service:
        (row,) = sent(trained.rows.head(1), trained)
        answer = service.json("/predict", row)
        model = service.folder / "models/model"
        files = {file: file.read_bytes() for file in model.iterdir() if file.is_file()}
        for file in files:
            if file.suffix == ".txt" or file.name == "signature.json":
                file.write_bytes(files[file][:-20])
        service.process.send_signal(signal.SIGHUP)
        wait(lambda: "the model stays what it was" in service.log.read_text("utf-8"), service)
        assert service.json("/predict", row)["model"] == answer["model"]
        wait(lambda: service.json("/ready").get("renewal") == "failing", service)
        assert service.counted("factory_renewal_failing") == 1
        project = service.folder / "pyproject.toml"
        content = project.read_bytes()
        project.unlink()  # a link to that of all tests
        project.write_text("tool = 3\n", "utf-8")  # no error of the library's own
        service.process.send_signal(signal.SIGHUP)
        wait(lambda: "AttributeError" in service.log.read_text("utf-8"), service)
        assert service.json("/predict", row)["model"] == answer["model"]
        project.write_bytes(content)
        for file, content in files.items():
            file.write_bytes(content)
        service.process.send_signal(signal.SIGHUP)
        wait(lambda: "another model answers now" in service.log.read_text("utf-8"), service)
        assert service.json("/predict", row)["predictions"] == answer["predictions"]
        assert "renewal" not in service.json("/ready")
        assert service.counted("factory_renewal_failing") == 0
        late = service.socket
        assert service.ask("/health")[0] == 200  # who has come before is in, too
        ends, was_answered = endings(service), False
        began = time.monotonic()
        service.process.terminate()
        wait(lambda: endings(service) > ends, service)
        with suppress(ConnectionError):
            late.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        was_in_time = time.monotonic() - began < LATE
        with suppress(ConnectionError):
            was_answered = late.recv(1000).startswith(b"HTTP/1.1 200")
        assert was_answered or not was_in_time
        late.close()
        assert service.process.wait(PATIENCE) == 0
        with suppress(ConnectionRefusedError):
            pytest.fail(str(service.socket))


@pytest.mark.parametrize(
    "options",
    [("--renew", "0", "--workers", "2"), pytest.param(("--workers", "2"), marks=pytest.mark.slow)],
)
def test_nobody_answers_once_the_process_that_was_started_is_killed(
    trained: Trained, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with running(trained, tmp_path, *options) as service:
        service.process.kill()
        service.process.wait()
        for _ in range(1200):
            try:
                service.socket.close()
            except ConnectionRefusedError:
                return
            time.sleep(0.1)
        pytest.fail(service.log.read_text("utf-8"))


@pytest.mark.slow
def test_the_stage_decides_and_each_version_runs_its_own_code(
    tracked: Factory,
) -> None:
    """A stage of an origin that others push to, as where CI makes the tags."""
    for name, column in tracked.settings("features.yaml")["columns"].items():
        if column["role"] != "target":
            tracked.column(name, availability="online")
    tracked.change(serving={"mode": "online"})
    kept(train(tracked), "Online")
    origin = tracked.path.parent / "origin"
    tracked.tool("git", "init", "--quiet", "--bare", "-b", "main", str(origin))
    tracked.tool("git", "remote", "add", "origin", str(origin))
    tracked.tool("dvc", "remote", "add", "--quiet", "-d", "storage", str(origin.with_name("dvc")))
    commit(tracked, "A remote")
    release(tracked)
    tracked.tool("git", "clone", "--quiet", str(origin), str(origin.with_name("host")))
    host = Factory(origin.with_name("host"))
    trained = cast("Trained", None)  # nothing is asked of it here
    (host.path / "reports").mkdir(exist_ok=True)
    with serving(trained, host.path, "--model", "prod", "--renew", "1") as service:
        first = service.json("/model")["version"]
        features = "src/churn/features.py"
        tracked.write(features, tracked.text(features) + "\n# Another version's code.\n")
        tracked.change(model={"max_rounds": 7})
        kept(train(tracked), "Fewer rounds")
        release(tracked)
        wait(lambda: service.json("/model")["version"] != first, service)
        wait(lambda: "another model answers now: v1.1.0" in service.log.read_text(), service)


def release(factory: Factory) -> None:
    """Put the committed model into production, and push all that others need."""
    version = factory.json("register", "--json")["version"]
    factory.run("promote", version, "--to", "prod", "--force", "--why", "a test")
    factory.tool("git", "push", "--quiet", "origin", "HEAD", "--tags")
    factory.tool("dvc", "push", "--quiet")
