"""One process at a time changes a place, and a second one says who does.

The system itself lets go of such a lock when its process ends, however it ends: there are no stale
ones. Where a file system knows no locks, nobody is kept out.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import MlfactoryError

FILE = "mlfactory.lock"
WAIT = "Wait until it is done, then run this again."


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: a process, its host and command, and since when."""

    pid: int
    host: str
    command: str
    since: str

    @property
    def text(self) -> str:
        return f"`{self.command}`, process {self.pid} on {self.host} since {self.since}"


@contextmanager
def hold(path: Path, command: str, what: str) -> Iterator[None]:
    """Hold a lock as long as this lasts. Raises MlfactoryError while another process holds it."""
    file = take(path, command, what)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def take(path: Path, command: str, what: str) -> int:
    """Take a lock. Who held it removes the file at the end: only the one that is there counts."""
    while True:
        file = open_file(path)
        if not is_free(file):
            holder = holder_of(path)
            os.close(file)
            name = holder.text if holder else "another mlfactory"
            raise MlfactoryError(f"{what} is being worked on by {name}", WAIT)
        with suppress(OSError):
            if os.stat(path).st_ino == os.fstat(file).st_ino:  # noqa: PTH116
                sign(file, command)
                return file
        os.close(file)


def open_file(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        text = f"{path} cannot be written: {error.strerror}"
        raise MlfactoryError(text, "Mend the permissions, or free some space.") from error


def is_free(file: int) -> bool:
    """Take the system's lock on a file, if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def is_held(path: Path) -> bool:
    """Whether some process holds a lock."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not is_free(file)
    finally:
        os.close(file)


def sign(file: int, command: str) -> None:
    """Say who holds it; that there is no space for it is no reason not to."""
    since = time.strftime("%Y-%m-%d %H:%M:%S %z")
    holder = Holder(os.getpid(), socket.gethostname(), command, since)
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(asdict(holder)).encode(), 0)


def holder_of(path: Path) -> Holder | None:
    """Who holds it; it may have been taken just now, and not be signed yet."""
    for _ in range(10):
        with suppress(OSError, ValueError, TypeError):
            return Holder(**json.loads(path.read_text("utf-8")))
        time.sleep(0.05)
    return None
