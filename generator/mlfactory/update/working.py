"""One process at a time changes a repository, and begins with what a killed one has left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlfactory.base import git, index, lock
from mlfactory.base.git import Repository

# A rebase comes first: it keeps a CHERRY_PICK_HEAD, too, while it stands still.
RUNNING = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "cherry-pick",
    "BISECT_LOG": "bisect",
}


@contextmanager
def working(start: Path, command: str) -> Iterator[None]:
    """Hold the repository around a folder. Raises MlfactoryError while another process does."""
    place = Path(start).expanduser().resolve()
    around = git.look_up(place) if place.is_dir() else None
    if around is None:  # which is said where the project is looked for
        yield
        return
    repository, _ = around
    with lock.held(repository.path_of(lock.FILE), command, str(repository.top)):
        index.give_back(repository)
        yield


def operation(repository: Repository) -> str:
    """What git is in the middle of, or an empty string."""
    running = (verb for name, verb in RUNNING.items() if repository.path_of(name).exists())
    return next(running, "")
