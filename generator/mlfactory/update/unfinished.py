"""An update that was begun: its record in the repository's own folder, and the way back.

Whatever stopped it, the record says what the repository was like before, so that the update can be
finished or taken back.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.project.record import Project

FILE = "mlfactory-update.json"
LABEL = re.compile(rb"^(<{7}|>{7}|\|{7}) .*$", re.MULTILINE)  # the sides' names in conflicts
PICKED, LOCK = "CHERRY_PICK_HEAD", "index.lock"


@dataclass(frozen=True)
class State:
    """What an update was begun with.

    `head` is the commit before it, `pick` the one to cherry-pick, `tree` what git's merge of it
    gives, and `added` the files that it adds, from the top of the repository.
    """

    prefix: str
    file: str
    from_version: str
    to_version: str
    head: str
    pick: str
    tree: str
    added: tuple[str, ...]
    failed_before: tuple[str, ...]
    check: str | None
    started: float
    warned_before: tuple[str, ...] = ()


def begun(place: Path) -> tuple[Project, State]:
    """The update in progress around a place. Raises MlfactoryError when there is none."""
    top = git.toplevel(Path(place).expanduser().resolve())
    if top is None:
        raise MlfactoryError(f"{place} is in no git repository", "Go to the project.")
    top = top.resolve()
    state = load(top)
    if state and is_another(top, state):
        forget(top)
        state = None
    if state is None:
        raise MlfactoryError(f"no update is in progress in {top}", "mlfactory update --dry-run")
    if head_of(top) != state.head and not is_picked(top, state):
        forget(top)
        raise MlfactoryError(
            "commits were made since the update was begun: it is over", "git log; mlfactory status"
        )
    return project_of(top, state), state


def project_of(top: Path, state: State) -> Project:
    """The project as far as going on needs it; its answers file may be in conflict."""
    text = git.text_at(top, state.head, f"{state.prefix}{state.file}") or ""
    return Project(
        top / state.prefix, top, state.prefix, state.file, "", text, "", state.from_version
    )


def head_of(top: Path) -> str:
    return git.run("rev-parse", "HEAD", cwd=top).out.strip()


def is_picked(top: Path, state: State) -> bool:
    """Whether HEAD is the update's own commit, directly on what was there before."""
    parent = git.run("rev-parse", "--quiet", "--verify", "HEAD^", cwd=top, ok=(0, 1, 128)).out
    if parent.strip() != state.head:
        return False
    subject = ("log", "-1", "--format=%s")
    wanted = git.run(*subject, state.pick, cwd=top, ok=(0, 128)).out
    return git.run(*subject, cwd=top).out == wanted


def is_resolved(top: Path, state: State) -> bool:
    """Whether HEAD is the update's commit, and holds what a person made of its conflicts."""
    if head_of(top) == state.head:
        return False
    told = git.run("diff", "--name-only", "-z", state.tree, "HEAD", cwd=top, ok=(0, 128))
    changed = set(filter(None, told.out.split("\0")))
    return bool(told.code) or bool(changed - {f"{state.prefix}uv.lock"})


def is_picking(top: Path, state: State) -> bool:
    """Whether git is in the middle of the update's own cherry-pick."""
    picked = git.place(top, PICKED)[0]
    return picked.exists() and picked.read_text().strip() == state.pick


def is_another(top: Path, state: State) -> bool:
    """Whether git is in the middle of a cherry-pick that the user has begun since."""
    return git.place(top, PICKED)[0].exists() and not is_picking(top, state)


def is_running(top: Path, state: State) -> bool:
    """Whether something of the update is left to finish or to take back."""
    if is_picking(top, state):
        return True
    if is_another(top, state):
        return False
    dirty = any(is_ours(top, state, name) for name in git.dirt(top))
    if head_of(top) == state.head:
        return git.place(top, LOCK)[0].exists() or dirty or any(written(top, state))
    return is_picked(top, state) and dirty


def written(top: Path, state: State) -> list[str]:
    """The files that the update adds and that are there, though HEAD does not have them yet."""
    has = git.leaves(top, "HEAD")
    return [n for n in state.added if n not in has and is_there(top, n)]


def is_there(top: Path, name: str) -> bool:
    """Whether a file is there itself, and not one elsewhere by way of a link."""
    parents = (top / part.as_posix() for part in PurePosixPath(name).parents)
    return os.path.lexists(top / name) and not any(path.is_symlink() for path in parents)


def in_the_way(top: Path, tracked: Container[str], names: Iterable[str]) -> list[str]:
    """What stands where an update adds files, and is not git's."""
    return sorted({place for name in names if (place := obstacle(top, name, tracked))})


def obstacle(top: Path, name: str, tracked: Container[str]) -> str:
    """What is not tracked and stands where a file is to be written, or an empty string."""
    path = PurePosixPath(name)
    for place in (*reversed(path.parents[:-1]), path):
        here = top / place
        if not os.path.lexists(here) or place.as_posix() in tracked:
            continue
        if here.is_symlink() or not here.is_dir():
            return place.as_posix()
    return next(unknown_below(top, name, tracked), "")


def unknown_below(top: Path, folder: str, tracked: Container[str]) -> Iterator[str]:
    """What a folder holds beside tracked files."""
    for place, _, names in os.walk(top / folder):
        inside = Path(place).relative_to(top).as_posix()
        yield from (name for n in sorted(names) if (name := f"{inside}/{n}") not in tracked)


def check_free(top: Path, names: Sequence[str], then: str) -> None:
    """Raises MlfactoryError when a file that git does not know stands where an update writes."""
    standing = in_the_way(top, (), names)
    if found := standing and in_the_way(top, git.leaves(top, "HEAD"), names):
        raise MlfactoryError(
            f"git does not track {', '.join(found[:8])}, and the update would write there",
            f"Move it away, {then}",
        )


def undo(top: Path, state: State) -> None:
    """Put HEAD, index and files back to what they were, however far git had come.

    Raises MlfactoryError when there are edits that are not the update's: they would be lost.
    """
    picked, lock = git.place(top, PICKED, LOCK)
    if lock.exists() and lock.stat().st_mtime >= state.started - 1:
        lock.unlink()
    aborted = picked.exists() and git.run(
        "cherry-pick", "--abort", cwd=top, ok=range(256)
    ).code == 0  # fmt: skip
    if not aborted:
        # What is staged or in conflict while git picks goes with it, as git's own abort has it.
        changed = git.unstaged(top) if picked.exists() else git.dirt(top)
        if foreign := [name for name in changed if not is_ours(top, state, name)]:
            raise MlfactoryError(
                f"not the update's, and would be lost: {', '.join(foreign[:8])}",
                f"git stash, then: mlfactory update --abort. It began at {state.head[:10]}",
            )
        git.run("reset", "--quiet", "--hard", state.head, cwd=top)
        for path in git.place(top, PICKED, "AUTO_MERGE"):
            path.unlink(missing_ok=True)
    for name in written(top, state):
        if is_ours(top, state, name):
            remove(top, name)


def is_ours(top: Path, state: State, name: str) -> bool:
    """Whether a file is as the update writes it, or as far as it had come with it."""
    path = top / name
    if name == f"{state.prefix}uv.lock" or not os.path.lexists(path):
        return True
    if path.is_dir() and not path.is_symlink():
        below = (p.relative_to(top).as_posix() for p in path.rglob("*") if not p.is_dir())
        return all(is_ours(top, state, inner) for inner in below)
    wanted = git.run(
        "cat-file", "--filters", f"{state.tree}:{name}", cwd=top, ok=(0, 128)
    )  # fmt: skip
    if path.is_symlink():
        return str(path.readlink()) == wanted.out
    if wanted.code or not path.is_file():
        return False
    whole = wanted.out.encode("utf-8", "surrogateescape")
    return LABEL.sub(rb"\1", whole).startswith(LABEL.sub(rb"\1", path.read_bytes()))


def remove(top: Path, name: str) -> None:
    """Remove a file that the update had written, and the folders that it leaves empty."""
    path = top / name
    path.unlink()
    for folder in path.parents:
        if folder == top or any(folder.iterdir()):
            break
        folder.rmdir()


def save(top: Path, state: State) -> None:
    """Write the record in one move."""
    path = git.place(top, FILE)[0]
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        text = f"{path} cannot be written: {error.strerror}"
        raise MlfactoryError(text, "Free some space; nothing was changed.") from error


def load(top: Path) -> State | None:
    """The record of an update, or None."""
    path = git.place(top, FILE)[0]
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        found |= {key: tuple(value) for key, value in found.items() if isinstance(value, list)}
        return State(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise MlfactoryError(f"{path} is damaged", f"git status; rm {path}") from error


def forget(top: Path) -> None:
    """Drop the record."""
    git.place(top, FILE)[0].unlink(missing_ok=True)
