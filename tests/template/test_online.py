"""The service of a factory made for online serving, run as its users run it."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ..waiting import PATIENCE, own_port, until
from .conftest import Factory


@dataclass(frozen=True)
class Service:
    """A running service."""

    factory: Factory
    url: str
    process: subprocess.Popen[bytes]

    def get(self, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as found:
            answer: bytes = found.read()
            return answer

    def is_ready(self) -> bool:
        with suppress(OSError):
            self.get("/ready")
            return True
        return False


@contextmanager
def serving(factory: Factory, *options: str, home: Path | None = None) -> Iterator[Service]:
    """The service of the factory, or of a folder that holds what an image does."""
    folder = home or factory.path
    with own_port() as port:
        yield from at(port, factory, folder, *options)


def at(port: int, factory: Factory, folder: Path, *options: str) -> Iterator[Service]:
    program = str(folder / ".venv/bin/factory")
    argv = (program, "serve", "--port", str(port), *options)
    log = (factory.path.parent / "service.log").open("wb")
    with log, subprocess.Popen(argv, cwd=folder, env=factory.env, stderr=log) as process:
        service = Service(factory, f"http://127.0.0.1:{port}", process)
        try:
            until(service.is_ready, lambda: process.poll() is None)
            yield service
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def service(factory: Factory) -> Iterator[Service]:
    """The service of the factories that have one."""
    if not has_service(factory):
        pytest.skip("made for batches")
    with serving(factory) as found:
        yield found


def has_service(factory: Factory) -> bool:
    return "mode: online" in factory.text("params.yaml")


def holdout(factory: Factory, rows: int) -> list[dict[str, Any]]:
    """Rows that training did not see, as a client sends them."""
    table = pl.read_parquet(factory.path / "data/prepared/holdout.parquet").head(rows)
    found = table.drop("revenue", "segment", strict=False).to_dicts()
    return [
        {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in r.items()} for r in found
    ]


def accepted(service: Service, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the fields that the document knows."""
    document = json.loads(service.get("/openapi.json"))
    fields = document["components"]["schemas"]["Row"]["properties"]
    return [{name: row[name] for name in fields} for row in rows]


def test_only_a_factory_for_online_serving_has_a_service(factory: Factory) -> None:
    named = re.findall(r'^name = "(.*)"$', factory.text("uv.lock"), re.MULTILINE)
    libraries = {"fastapi", "uvicorn", "httptools", "uvloop", "prometheus-client"}
    if has_service(factory):
        assert libraries <= set(named)
        return
    assert not libraries & set(named)
    assert not (factory.path / "Dockerfile").exists()
    told = factory.run("factory", "serve", code=1).stderr
    assert "hint: mlfactory update --set serving=online" in told


def test_real_rows_get_the_same_answers_from_the_service_as_in_batch(service: Service) -> None:
    agree(service)


def agree(service: Service) -> None:
    """Batch and service say the same of the rows that training did not see, to the last bit."""
    factory = service.factory
    source, target = "data/prepared/holdout.parquet", str(factory.path.parent / "batch.parquet")
    factory.run("factory", "predict", source, target, "--max-invalid", "0")
    batch = pl.read_parquet(target)
    rows = accepted(service, holdout(factory, batch.height))
    found = json.loads(service.get("/predict", rows))["predictions"]
    assert [one["prediction"] for one in found] == batch["prediction"].to_list()
    for name in (name for name in batch.columns if name.startswith("probability_")):
        shares = [one["probabilities"][name.removeprefix("probability_")] for one in found]
        assert shares == batch[name].to_list()
