"""The directory of a new factory: looked at, prepared beside it, and put in place in one move."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlfactory.base import answers, lock
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.render import safety

PREFIX, LOCK = ".mlfactory-", ".lock"
PUBLISHING = "publishing"  # says that a tree was whole, and is being put in place
HOUR = 3600


def absolute(directory: str) -> Path:
    """The directory's full path; `.` and `..` are resolved, links are not."""
    return Path(os.path.abspath(Path(directory).expanduser()))  # noqa: PTH100


def check_free(directory: Path) -> None:
    """Raises an error unless the directory is absent or empty, and nobody else's by its name."""
    if safety.is_gits(directory.as_posix()):
        raise UsageError(f"{directory} lies in git's own folder", "Choose another name.")
    if safety.CONTROL.search(directory.name):
        what = f"{str(directory)!r} has characters that nobody sees"
        raise UsageError(what, "Choose another name.")
    if not directory.exists() and not directory.is_symlink():
        return
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory", "Choose another name.")
    if (directory / answers.FILE).exists():
        hint = f"`mlfactory doctor {directory.name}` tells how it is."
        raise MlfactoryError(f"{directory} is a factory already", hint)
    if any(not is_ours(child) for child in directory.iterdir()):
        raise MlfactoryError(f"{directory} is not empty", "Choose another name, or empty it.")


def is_ours(path: Path) -> bool:
    """Whether it is a run's own, and no part of anybody's project."""
    return path.name.startswith(PREFIX)


def hidden_folder(directory: Path) -> Path:
    """Where the tree of a directory is prepared: on the same disk, in the nearest folder that is
    there.

    An existing directory takes it inside: what holds it may be read-only, and a shell that
    stands in it must not lose it.
    """
    home = next(p for p in (directory, *directory.parents) if p.is_dir())
    key = hashlib.sha256(os.fsencode(directory)).hexdigest()[:8]
    return home / f"{PREFIX}{directory.name}-{key}"


def lock_of(hidden: Path) -> Path:
    return hidden.with_name(f"{hidden.name}{LOCK}")


@contextmanager
def making(directory: Path) -> Iterator[None]:
    """Keep others from making the same directory, and take up what runs that were killed left.

    Raises MlfactoryError while another process makes it.
    """
    hidden = hidden_folder(directory)
    with lock.hold(lock_of(hidden), "mlfactory new", str(directory)):
        take_up(hidden, directory)
        clear(hidden)
        clear(directory)  # it was prepared in the folder above, and is in place now
        yield


def tidy(directory: Path) -> None:
    """Remove what runs have left in a directory, and beside it, that were killed when it was in its
    place already. Raises MlfactoryError while another process makes it."""
    if any(is_ours(child) for child in directory.iterdir()):
        with making(directory):
            return
    clear(directory)


def take_up(hidden: Path, directory: Path) -> None:
    """Go on with a tree that was being put in place."""
    if (hidden / PUBLISHING).exists():
        move_children(hidden / directory.name, directory)
    shutil.rmtree(hidden, ignore_errors=True)


def clear(hidden: Path) -> None:
    """Remove what dead runs have left in the same folder, for whichever directory."""
    for path in hidden.parent.glob(f"{PREFIX}*{LOCK}"):
        folder = path.with_name(path.name.removesuffix(LOCK))
        if folder != hidden and not (folder / PUBLISHING).exists():
            with suppress(MlfactoryError), lock.hold(path, "mlfactory new", str(folder)):
                shutil.rmtree(folder, ignore_errors=True)
    for folder in hidden.parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # of releases before there was a lock
            is_old = abs(time.time() - folder.lstat().st_mtime) > HOUR  # clocks jump back, too
            if is_old and not folder.is_symlink() and not lock_of(folder).exists():
                shutil.rmtree(folder)


@contextmanager
def staging(directory: Path) -> Iterator[Path]:
    """A place for the tree, under the directory's own name; gone at the end."""
    hidden = hidden_folder(directory)
    try:
        hidden.mkdir(0o700)
    except OSError as error:
        raise MlfactoryError(f"{hidden.parent} cannot be written: {error.strerror}") from error
    try:
        yield hidden / directory.name
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def publish(staged: Path, directory: Path) -> None:
    """Move the finished tree to its place. Raises MlfactoryError when something is there."""
    try:
        if directory.is_dir():
            check_empty(directory)
            (staged.parent / PUBLISHING).touch()
            move_children(staged, directory)
        else:
            directory.parent.mkdir(parents=True, exist_ok=True)
            staged.rename(directory)
    except OSError as error:
        raise MlfactoryError(f"{directory} cannot be made: {error.strerror}") from error


def check_empty(directory: Path) -> None:
    if any(not is_ours(child) for child in directory.iterdir()):
        raise MlfactoryError(f"{directory} is not empty any more", "Choose another name.")


def move_children(staged: Path, directory: Path) -> None:
    """Move what is not there yet; the record of the run, in .git, comes last."""
    for child in sorted(staged.iterdir(), key=lambda path: path.name == ".git"):
        if not os.path.lexists(directory / child.name):
            child.rename(directory / child.name)


def is_published(directory: Path) -> bool:
    """Whether a directory is filled, and not just being filled."""
    filled = directory.is_dir() and any(not is_ours(child) for child in directory.iterdir())
    return filled and not (hidden_folder(directory) / PUBLISHING).exists()


def count_files(directory: Path) -> int:
    """The number of files, git's own left out."""
    return sum(len(names) for top, _, names in os.walk(directory) if ".git" not in Path(top).parts)
