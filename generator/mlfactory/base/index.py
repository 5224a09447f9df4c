"""git's index, changed in such a way that a kill leaves nothing that could be somebody else's.

git holds `index.lock` while it writes the index, and a git that is killed leaves it behind; nobody
can tell then whether another git is at work. So we hold that lock ourselves, with our name in it,
and let git work on a copy that takes the index's place at the end.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .errors import MlfactoryError
from .git import Repository

INDEX, LOCK, COPY = "index", "index.lock", "mlfactory-index"
MARK = b"mlfactory "


@contextmanager
def hold(repository: Repository) -> Iterator[Repository]:
    """The same repository for git to change. Raises MlfactoryError while another git works."""
    take(repository)
    try:
        copy(repository)
        where = {**repository.env, "GIT_INDEX_FILE": str(repository.path_of(COPY))}
        yield replace(repository, env=where)
    finally:
        give_back(repository)


def take(repository: Repository) -> None:
    """Take git's lock in one move: it is never there without our name."""
    lock, sign = repository.path_of(LOCK), repository.path_of(f"{COPY}.sign")
    try:
        sign.write_bytes(MARK + str(os.getpid()).encode())
        lock.hardlink_to(sign)
    except FileExistsError:
        raise busy(lock) from None
    except OSError as error:
        raise unwritable(lock, error) from error
    finally:
        sign.unlink(missing_ok=True)


def copy(repository: Repository) -> None:
    """Lay a whole copy of the index beside it, with its time, by which git knows stale entries."""
    index, part = repository.path_of(INDEX), repository.path_of(f"{COPY}.part")
    if not index.exists():
        return
    try:
        shutil.copy2(index, part)
        part.replace(repository.path_of(COPY))
    except OSError as error:
        part.unlink(missing_ok=True)
        raise unwritable(part, error) from error


def give_back(repository: Repository) -> None:
    """Put the copy in the index's place and let go, also after a kill; what is not ours stays."""
    lock, fresh = repository.path_of(LOCK), repository.path_of(COPY)
    if not is_ours(lock):
        return
    for name in (f"{COPY}.lock", f"{COPY}.part", f"{COPY}.sign"):
        repository.path_of(name).unlink(missing_ok=True)
    if fresh.exists():
        fresh.replace(repository.path_of(INDEX))
    lock.unlink()


def is_ours(lock: Path) -> bool:
    try:
        return lock.read_bytes().startswith(MARK)
    except OSError:
        return False


def check_free(repository: Repository) -> None:
    """Raises MlfactoryError when another git works on the index, or was killed there."""
    lock = repository.path_of(LOCK)
    if os.path.lexists(lock) and not is_ours(lock):
        raise busy(lock)


def busy(lock: Path) -> MlfactoryError:
    return MlfactoryError(
        f"another program works on this repository: it holds {lock}",
        f"Wait until it is done. If no git runs here, it was killed: rm {lock}",
    )


def unwritable(path: Path, error: OSError) -> MlfactoryError:
    hint = "Free some space, or mend the permissions; nothing was changed."
    return MlfactoryError(f"{path} cannot be written: {error.strerror}", hint)
