"""The folder of a model: a new one takes the place of the old one when it is whole."""

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..scratch import scratch

AT_FDCWD, EXCHANGE = -100, 2  # of Linux' renameat2


@contextmanager
def swapped(target: Path) -> Iterator[Path]:
    """A folder to write into; it becomes `target` in one move if nothing goes wrong."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch(target.parent) as room:
        fresh = room / target.name
        fresh.mkdir()
        yield fresh
        for file in fresh.rglob("*"):
            if file.is_file():
                with file.open("rb") as written:
                    os.fsync(written.fileno())
        put(fresh, target)


def put(fresh: Path, target: Path) -> None:
    """Let the two change places, so that there is a whole folder at every moment."""
    if target.is_symlink():
        target.unlink()
    if not target.exists():
        fresh.rename(target)
    elif not exchanged(fresh, target):
        before = fresh.with_name("before")
        target.rename(before)
        fresh.rename(target)
        shutil.rmtree(before, ignore_errors=True)


def exchanged(one: Path, other: Path) -> bool:
    """Whether the system could exchange them; Linux can, on most of its file systems."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(call(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) == 0)
