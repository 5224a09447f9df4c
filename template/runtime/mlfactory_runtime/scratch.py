"""Folders for what is not whole yet: a run that was killed leaves one, and the next removes it."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

from .errors import FactoryError

PREFIX, LOCK = ".factory-", ".lock"
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
def locked(file: Path, message: str = "", hint: str = "") -> Iterator[None]:
    """Hold a lock that ends with this process, however that ends.

    FactoryError where another one holds it.
    """
    with file.open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FactoryError(message or f"{file} is held by another process", hint) from error
        yield


def sweep(parent: Path, prefix: str = PREFIX) -> None:
    """Remove the folders whose process is no longer there."""
    for folder in parent.glob(f"{prefix}*"):
        if folder.is_dir() and not folder.is_symlink():
            with suppress(OSError), ExitStack() as stack:
                if is_left(folder, stack):
                    shutil.rmtree(folder, ignore_errors=True)


def is_left(folder: Path, stack: ExitStack) -> bool:
    """Whether nobody works in the folder; its lock is held by the stack then."""
    if not (folder / LOCK).is_file():
        return time() - folder.stat().st_mtime > YOUNG
    try:
        stack.enter_context(locked(folder / LOCK))
    except FactoryError:
        return False
    return True
