"""A real PostgreSQL server for a test: made in a folder of its own, started, stopped, removed."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .waiting import PATIENCE, own_port, until

USER = "tester"


@dataclass(frozen=True)
class Server:
    """Where the server listens on this machine, and the password that it wants."""

    port: int
    password: str = field(default_factory=lambda: f"Pa55-{secrets.token_hex(8)}")

    def url(self, password: str = "", scheme: str = "postgresql") -> str:
        return f"{scheme}://{USER}:{password or self.password}@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"test_{secrets.token_hex(4)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return self.url().replace("/postgres", f"/{name}")

    def execute(self, sql: str) -> None:
        """Run statements, all or none."""
        with psycopg.connect(self.url()) as connection:
            connection.execute(sql.encode())


def program(name: str) -> str:
    """Debian keeps the server's programs off the PATH."""
    paths = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    place = shutil.which(name) or (str(paths[-1]) if paths else "")
    if not place:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"{name} is not here: apt-get install postgresql")
    return place


def unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then somebody else runs it."""
    if os.getuid() != 0:
        return {}
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = users.get("postgres", users["nobody"])
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def running() -> Iterator[Server]:
    """A server that asks for its password; whatever happens, nothing of it is left."""
    with own_port() as port:
        yield from at(port)


def at(port: int) -> Iterator[Server]:
    account, server = unprivileged(), Server(port)
    initdb, postgres = program("initdb"), program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    process = None
    try:
        (folder / "password").write_text(server.password)
        for path in (folder, folder / "password"):
            os.chown(path, account.get("user", -1), account.get("group", -1))
        options = ("--auth=scram-sha-256", "--pwfile=password", "--encoding=UTF8", "--no-sync")
        argv = [initdb, "-D", "data", "-U", USER, "--locale=C.UTF-8", *options]
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, **account)
        settings = {"listen_addresses": "127.0.0.1", "fsync": "off", "unix_socket_directories": ""}
        extra = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        argv = [postgres, "-D", "data", "-p", str(server.port), *extra]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log, **account)
        await_answer(server, process, folder / "log")
        yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once, the data are thrown away
            process.wait()
        shutil.rmtree(folder)


def await_answer(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server takes connections; fail with its log when it does not."""

    def answers() -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(server.url(), connect_timeout=PATIENCE).close()
            return True
        return False

    def lives() -> bool:
        text = log.read_text(errors="replace")[-2000:]
        assert process.poll() is None, f"PostgreSQL does not start: {text}"
        return True

    until(answers, lives)
