"""A factory as its users have it: its program, and its service on the loopback."""

from __future__ import annotations

import csv
import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from mlfactory.base import git, process
from mlfactory.base.errors import MlfactoryError

QUIET = {"DVC_NO_ANALYTICS": "1"}
WARM = 120  # seconds that a service may take to be ready
Answer = tuple[str, int]  # the request and the row in it


@dataclass(frozen=True)
class Factory:
    """A folder with a program `factory`; `env` cuts off what would lead outside."""

    path: Path
    env: Mapping[str, str]

    def call(self, *argv: str, ok: Sequence[int] = (0,), stdin: bytes = b"") -> process.Result:
        """Run a program of the factory's environment."""
        program = (str(self.path / ".venv/bin" / argv[0]), *argv[1:])
        return process.run_whole(program, self.path, self.env, stdin=stdin, ok=ok)

    def json(self, *verb: str, ok: Sequence[int] = (0,)) -> dict[str, Any]:
        """What a verb of `factory` prints."""
        out = self.call("factory", *verb, "--json", ok=ok).out
        try:
            document: dict[str, Any] = json.loads(out)
        except ValueError as error:
            message = f"`factory {' '.join(verb)} --json` printed no JSON: {out[:200]}"
            raise MlfactoryError(message) from error
        return document

    def commit(self, message: str) -> None:
        """Commit all that changed."""
        git.add_all(git.plain(self.path))
        git.commit(git.plain(self.path), message)


@contextmanager
def service(factory: Factory, model: str, port: int, log: Path) -> Iterator[str]:
    """The address of a running service. Raises MlfactoryError when it does not become ready."""
    argv = (str(factory.path / ".venv/bin/factory"), "serve", "--port", str(port), "--model", model)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + WARM
    with (
        log.open("ab") as errors,
        process.background(argv, factory.path, factory.env, stderr=errors) as running,
    ):
        while True:
            with suppress(OSError):
                urlopen(f"{url}/ready", timeout=5).close()  # noqa: S310
                break
            if running.poll() is not None or time.monotonic() > end:
                lines = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
                raise MlfactoryError("the service does not become ready: " + " ".join(lines))
            time.sleep(0.1)
        yield url


@contextmanager
def own_port() -> Iterator[int]:
    """A port on the loopback that nobody is given meanwhile but a server that asks for it.

    A socket that is bound and does not listen keeps it, between two services as well.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def fields(url: str) -> frozenset[str]:
    """The columns that the service takes, by its own document."""
    with urlopen(f"{url}/openapi.json", timeout=30) as answer:  # noqa: S310
        return frozenset(json.load(answer)["components"]["schemas"]["Row"]["properties"])


def ask(url: str, rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Predictions by the service. Raises OSError, of which HTTPError is one, without an answer."""
    body = json.dumps(list(rows)).encode()
    request = Request(f"{url}/predict", body, {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        content = json.load(answer)
    return [(content["request_id"], index) for index in range(len(rows))]


def score(factory: Factory, source: Path, *options: str) -> list[dict[str, str]]:
    """The answers of a batch, as text."""
    target = source.with_name("scored.csv")
    wide = ("--max-invalid", "1", *options)
    factory.call("factory", "predict", str(source), str(target), *wide)
    with target.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_csv(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the same names."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
