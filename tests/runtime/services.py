"""The service as a process of its own on the loopback address, and how clients speak to it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import polars as pl
from mlfactory_runtime.settings.params import Log
from mlfactory_runtime.testing.trained import Trained, write_yaml

from ..waiting import PATIENCE, own_port, until
from .factories import PROGRAM

KEY = "a key with ümlauts".encode()
Row = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """A running service, its folder, and the factory that was trained for it."""

    trained: Trained
    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def socket(self) -> socket.socket:
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(
        self, path: str, body: bytes | None = None, method: str = "", **headers: bytes | str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer."""
        given = {"Content-Type": "application/json", "X-API-Key": KEY}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
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

    def is_ready(self) -> bool:
        with suppress(ConnectionRefusedError):
            self.json("/ready")
            return True
        return False

    def lives(self) -> bool:
        """Whether it runs; fails with its log where it does not."""
        assert self.process.poll() is None, self.log.read_text("utf-8")
        return True

    def counted(self, name: str) -> float:
        """The sum of the counters that begin so."""
        lines = self.ask("/metrics")[2].decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def online(trained: Trained, home: Path, **settings: float) -> None:
    """The factory in a folder of its own, its columns known online; clients may be slow."""
    columns = {
        name: column.model_copy(
            update={} if column.role == "target" else {"availability": "online"}
        )
        for name, column in trained.catalog.columns.items()
    }
    listed = trained.catalog.model_copy(update={"columns": columns})
    serving = trained.params.serving.model_copy(
        update={"mode": "online", "timeout": PATIENCE, **settings}
    )
    params = trained.params.model_copy(update={"serving": serving, "log": Log()})
    write_yaml(home / "features.yaml", listed.model_dump(mode="json", exclude_none=True))
    write_yaml(home / "params.yaml", params.model_dump(mode="json"))
    for part in ("models", "reports", "data"):
        shutil.copytree(trained.folder / part, home / part)
    for part in ("src", "pyproject.toml"):
        (home / part).symlink_to(trained.folder / part)


@contextmanager
def running(trained: Trained, folder: Path, *options: str, **settings: float) -> Iterator[Service]:
    """Make the factory's service, start it somewhere below, and wait until it is ready."""
    online(trained, folder, **settings)
    with serving(trained, folder, *options) as service:
        yield service


@contextmanager
def serving(trained: Trained, folder: Path, *options: str) -> Iterator[Service]:
    """Start the service of a factory, and wait until it is ready."""
    log = folder / "service.log"
    env = {**os.environb, b"FACTORY_API_KEY": KEY}
    with own_port() as port:
        argv = [sys.executable, "-c", PROGRAM, "serve", "--port", str(port), *options]
        with log.open("wb") as file:
            process = subprocess.Popen(argv, cwd=folder / "reports", env=env, stderr=file)
        service = Service(trained, folder, port, process, log)
        try:
            until(service.is_ready, service.lives)
            yield service
        finally:
            process.terminate()
            process.wait(PATIENCE)


def sent(rows: pl.DataFrame, trained: Trained) -> list[Row]:
    """The rows as a client sends them."""
    kept = trained.catalog.inputs(trained.params)
    for row in (found := rows.select(*kept).to_dicts()):
        row |= {k: v.isoformat() for k, v in row.items() if hasattr(v, "isoformat")}
    return found
