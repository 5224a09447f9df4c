"""The directory of a new factory: looked at, prepared beside it, and put in place in one move."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlfactory.base import answers
from mlfactory.base.errors import MlfactoryError, UsageError


def absolute(directory: str) -> Path:
    """The directory's full path; `.` and `..` are resolved, links are not."""
    return Path(os.path.abspath(Path(directory).expanduser()))  # noqa: PTH100


def check_free(directory: Path) -> None:
    """Raises an error unless the directory is absent or empty."""
    if not directory.exists() and not directory.is_symlink():
        return
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory", "Choose another name.")
    if (directory / answers.FILE).exists():
        hint = f"`mlfactory doctor {directory.name}` tells how it is."
        raise MlfactoryError(f"{directory} is a factory already", hint)
    if any(directory.iterdir()):
        raise MlfactoryError(f"{directory} is not empty", "Choose another name, or empty it.")


@contextmanager
def staging(directory: Path) -> Iterator[Path]:
    """A place for the tree on the same disk, under the directory's own name; gone at the end.

    An existing directory takes it inside: what holds it may be read-only, and a shell that
    stands in it must not lose it.
    """
    home = next(p for p in (directory, *directory.parents) if p.is_dir())
    try:
        scratch = tempfile.TemporaryDirectory(
            prefix=".mlfactory-", dir=home, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise MlfactoryError(f"{home} cannot be written: {error.strerror}") from error
    with scratch as folder:
        yield Path(folder) / directory.name


def publish(staged: Path, directory: Path) -> None:
    """Move the finished tree to its place. Raises MlfactoryError when something is there."""
    try:
        if directory.is_dir():
            move_children(staged, directory)
        else:
            directory.parent.mkdir(parents=True, exist_ok=True)
            staged.rename(directory)
    except OSError as error:
        raise MlfactoryError(f"{directory} cannot be made: {error.strerror}") from error


def move_children(staged: Path, directory: Path) -> None:
    if any(child != staged.parent for child in directory.iterdir()):
        raise MlfactoryError(f"{directory} is not empty any more", "Choose another name.")
    for child in list(staged.iterdir()):
        child.rename(directory / child.name)


def count_files(directory: Path) -> int:
    """The number of files, git's own left out."""
    return sum(len(names) for top, _, names in os.walk(directory) if ".git" not in Path(top).parts)
