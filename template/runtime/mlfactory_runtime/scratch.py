"""Folders for what is not whole yet: a run that was killed leaves one, and the next removes it."""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from time import time

from .errors import FactoryError

PREFIX, AWAY, LOCK = ".factory-", "mlfactory-work-", ".lock"
YOUNG = 60  # seconds in which a folder may not have its lock yet


@contextmanager
def scratch(parent: Path, prefix: str = PREFIX) -> Iterator[Path]:
    """A folder beside what it is for, on the same disk, that goes afterwards."""
    sweep(parent, prefix)
    with TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with locked(folder / LOCK):
            yield folder


@contextmanager
def temporary() -> Iterator[Path]:
    """The same for copies of data, where the system keeps what is temporary."""
    with scratch(Path(gettempdir()), AWAY) as folder:
        yield folder


@contextmanager
def locked(file: Path, message: str = "", hint: str = "") -> Iterator[None]:
    """Hold a lock that ends with this process, however that ends.

    FactoryError where another one holds it. Where a file system knows no locks, nobody is kept out.
    """
    with file.open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                text = message or f"{file} is held by another process"
                raise FactoryError(text, hint) from error
        yield


def sweep(parent: Path, prefix: str = PREFIX) -> None:
    """Remove the folders of this user whose process is no longer there."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError), ExitStack() as stack:
            facts = folder.lstat()
            is_own = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
            if is_own and is_left(folder, stack):
                shutil.rmtree(folder, ignore_errors=True)


def is_left(folder: Path, stack: ExitStack) -> bool:
    """Whether nobody works in the folder; its lock is held by the stack then."""
    if not (folder / LOCK).is_file():
        return abs(time() - folder.stat().st_mtime) > YOUNG  # clocks jump back, too
    try:
        stack.enter_context(locked(folder / LOCK))
    except FactoryError:
        return False
    return True
