"""The way to the branch that holds the merge: a kill on it loses nothing, and the next run begins
with what was left half written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from mlfactory.base import git, index, lock, objects
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository

from .place import Place

FILE = "mlfactory-adopt.json"
AGAIN = "Move it elsewhere, and adopt again; nothing was changed."
LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}
FROM_INPUT = ("--pathspec-from-file=-", "--pathspec-file-nul")


@dataclass(frozen=True)
class Crossing:
    """The commit that is left, the one that is gone to, and the branch that is made of it."""

    head: str
    commit: str
    branch: str


@contextmanager
def alone(here: Place, command: str = "mlfactory adopt") -> Iterator[None]:
    """Keep others out, and first take back what a killed run has begun to write."""
    repository = here.repository
    with lock.hold(repository.path_of(lock.FILE), command, str(repository.top)):
        take_back(repository)
        yield


def switch(here: Place, name: str, commit: str) -> None:
    """Make the branch and go there. Raises MlfactoryError, with nothing changed, where a file that
    git does not track would be lost."""
    repository, record = here.repository, Crossing(here.head, commit, name)
    added = set(objects.leaves(repository, commit)) - set(here.leaves)
    if standing := sorted(one for one in added if os.path.lexists(repository.top / one)):
        text = f"{standing[0]} is there, git does not track it, and the template has one, too"
        raise MlfactoryError(text, AGAIN)
    save(repository, record)
    argv = ("switch", "--quiet", "--no-overwrite-ignore", "--create", name, commit)
    try:
        with index.hold(repository) as mine:
            mine.run(*argv, hint=AGAIN)
    except BaseException:
        take_back(repository)
        raise
    repository.path_of(FILE).unlink()


def save(repository: Repository, record: Crossing) -> None:
    """Write the record in one move."""
    path = repository.path_of(FILE)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(record)), encoding="utf-8")
    part.replace(path)


def take_back(repository: Repository) -> None:
    """Put index and files back to the commit that git was to leave, if it has not left it yet.

    Raises MlfactoryError for a file that somebody has changed since: it would be lost.
    """
    index.give_back(repository)
    path = repository.path_of(FILE)
    if not path.is_file():
        return
    record = Crossing(**json.loads(path.read_text("utf-8")))
    if git.head(repository) == record.head:
        index.check_free(repository)
        restore(repository, record)
    path.unlink()


def restore(repository: Repository, record: Crossing) -> None:
    before = objects.leaves(repository, record.head)
    after = objects.leaves(repository, record.commit)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    argv = ("diff", "--name-only", "--no-renames", "-z", record.head)
    differing = {*repository.run(*argv, passive=True).out.split("\0")}
    old = [name for name in names if name in before]
    foreign = [n for n in old if n in differing and not is_begun(repository, record, n)]
    if foreign:
        raise MlfactoryError(
            f"{foreign[0]} was changed since adopting was stopped half way",
            f"Keep a copy of it elsewhere, git restore {foreign[0]}, and adopt again.",
        )
    with index.hold(repository) as mine:
        mine.run("reset", "--quiet", *FROM_INPUT, record.head, stdin=paths(names), env=LITERAL)
        if old:
            argv = ("restore", f"--source={record.head}", "--worktree", *FROM_INPUT)
            mine.run(*argv, stdin=paths(old), env=LITERAL)
    for name in sorted({*names} - {*before}):
        if os.path.lexists(repository.top / name) and is_begun(repository, record, name):
            remove(repository, name)
    reference = f"refs/heads/{record.branch}"
    if repository.run("rev-parse", "--verify", reference, ok=(0, 128)).out.strip() == record.commit:
        repository.run("update-ref", "-d", reference, record.commit)


def paths(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\0" for name in names).encode("utf-8", "surrogateescape")


def is_begun(repository: Repository, record: Crossing, name: str) -> bool:
    """Whether a file is as git writes it on the way, as far as it had come, or not there."""
    path = repository.top / name
    if not os.path.lexists(path):
        return True
    blob = repository.run("cat-file", "--filters", f"{record.commit}:{name}", ok=(0, 128))
    if path.is_symlink():
        return str(path.readlink()) == blob.out
    whole = blob.out.encode("utf-8", "surrogateescape")
    return not blob.code and path.is_file() and whole.startswith(path.read_bytes())


def remove(repository: Repository, name: str) -> None:
    """Remove a file that was begun, and the folders that it leaves empty."""
    (repository.top / name).unlink()
    for folder in PurePosixPath(name).parents[:-1]:
        if any((repository.top / folder).iterdir()):
            break
        (repository.top / folder).rmdir()
