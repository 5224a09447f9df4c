"""One process at a time changes a repository, and begins with what a killed one has left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlfactory.base import git, index, lock


@contextmanager
def working(start: Path, command: str) -> Iterator[None]:
    """Hold the repository around a folder. Raises MlfactoryError while another process does."""
    place = Path(start).expanduser().resolve()
    around = git.look_up(place) if place.is_dir() else None
    if around is None:  # which is said where the project is looked for
        yield
        return
    repository, _ = around
    with lock.hold(repository.path_of(lock.FILE), command, str(repository.top)):
        index.give_back(repository)
        yield
