"""An update that was begun: its record in the repository's own folder, and the way back.

Whatever stopped it, the record says what the repository was like before, so that the update can be
finished or taken back.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from mlfactory.base import git, index, objects
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository
from mlfactory.project.record import Project

from . import aside
from .obstacles import in_the_way

FILE = "mlfactory-update.json"
LABEL = re.compile(rb"^(<{7}|>{7}|\|{7}) .*$", re.MULTILINE)  # the sides' names in conflicts
FORM = "--format=%P%x00%s"
PICKED = "CHERRY_PICK_HEAD"
State = Literal["none", "picking", "picked", "half_written", "another"]


@dataclass(frozen=True)
class Unfinished:
    """What an update was begun with.

    `head` is the commit before it, `pick` the one to cherry-pick, `tree` what git's merge of it
    gives, and `added` the files that it adds, from the top of the repository. Unless `trusted`,
    nothing that it brings is run. `specs` say to git what is the project's: nothing else is
    touched, and what was staged there waits in `staged`.
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
    trusted: bool = False
    specs: tuple[str, ...] = (":(top)",)
    staged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far an update has come: what git says, and what follows from it.

    `pick_head` is what git is in the middle of picking, None where it is not; `dirt` are tracked
    files of the project with changes that are not committed.
    """

    repository: Repository
    record: Unfinished
    head: str
    dirt: tuple[str, ...]
    pick_head: str | None
    is_locked: bool

    @property
    def state(self) -> State:
        """`another` is a cherry-pick that the user has begun since."""
        if self.pick_head is not None:
            return "picking" if self.pick_head == self.record.pick else "another"
        if self.has_moved:
            return "picked" if self.is_picked else "none"
        return "half_written" if self.has_traces else "none"

    @property
    def has_moved(self) -> bool:
        return self.head != self.record.head

    @property
    def is_over(self) -> bool:
        """Whether somebody has committed since, and something else than the update."""
        return self.has_moved and not self.is_picked

    @property
    def is_running(self) -> bool:
        """Whether something of the update is left to finish or to take back."""
        return self.state in ("picking", "half_written") or (
            self.state == "picked" and self.is_dirty
        )

    @cached_property
    def is_picked(self) -> bool:
        """Whether HEAD is the update's own commit, directly on what was there before."""
        argv = ("log", "--no-walk=unsorted", "--ignore-missing", "--no-show-signature", FORM)
        rows = self.repository.run(*argv, "HEAD", self.record.pick, ok=(0, 128)).out.split("\n")
        parents, _, subject = rows[0].partition("\0")
        ours = rows[1].partition("\0")[2] if len(rows) > 2 else None
        return parents.split()[:1] == [self.record.head] and subject == ours

    @property
    def is_resolved(self) -> bool:
        """Whether HEAD is the update's commit, and holds what a person made of its conflicts."""
        if not self.has_moved:
            return False
        argv = ("diff", "--name-only", "-z", self.record.tree, "HEAD")
        diff = self.repository.run(*argv, ok=(0, 128))
        names = set(filter(None, diff.out.split("\0")))
        return bool(diff.code) or bool(names - {f"{self.record.prefix}uv.lock"})

    @property
    def has_traces(self) -> bool:
        return self.is_locked or self.is_dirty or bool(additions(self.repository, self.record))

    @cached_property
    def is_dirty(self) -> bool:
        """Whether changes that are not committed are the update's own."""
        return any(is_ours(self.repository, self.record, name) for name in self.dirt)


def observe(repository: Repository, record: Unfinished) -> Progress:
    """How far the update has come, with one question to git."""
    pick_file = repository.path_of(PICKED)
    head, dirt = git.head_and_dirt(repository, *record.specs)
    picking = pick_file.read_text().strip() if pick_file.exists() else None
    is_locked = index.is_ours(repository.path_of(index.LOCK))
    return Progress(repository, record, head, dirt, picking, is_locked)


def progress(start: Path) -> tuple[Project, Progress]:
    """The update in progress around a folder. Raises MlfactoryError when there is none."""
    around = git.look_up(Path(start).expanduser().resolve())
    if around is None:
        raise MlfactoryError(f"{start} is in no git repository", "Go to the project.")
    repository, _ = around
    record = load(repository)
    current = observe(repository, record) if record else None
    if record and current and current.state == "another":
        close(repository, record)
        current = None
    if current is None:
        text = f"no update is in progress in {repository.top}"
        raise MlfactoryError(text, "mlfactory update --dry-run")
    if current.is_over:
        close(repository, current.record)
        raise MlfactoryError(
            "commits were made since the update was begun: it is over", "git log; mlfactory status"
        )
    return project_of(repository, current.record), current


def project_of(repository: Repository, record: Unfinished) -> Project:
    """The project as far as going on needs it; its answers file may be in conflict."""
    text = objects.text_at(repository, record.head, f"{record.prefix}{record.file}") or ""
    path = repository.top / record.prefix
    version = record.from_version
    return Project(path, repository, record.head, record.prefix, record.file, text, version=version)


def additions(repository: Repository, record: Unfinished) -> list[str]:
    """The files that the update adds and that are there, though HEAD does not have them yet."""
    there = [name for name in record.added if is_there(repository.top, name)]
    leaves = objects.leaves(repository, "HEAD") if there else {}
    return [name for name in there if name not in leaves]


def is_there(top: Path, name: str) -> bool:
    """Whether a file is there itself, and not one elsewhere by way of a link."""
    parents = (top / part.as_posix() for part in PurePosixPath(name).parents)
    return os.path.lexists(top / name) and not any(path.is_symlink() for path in parents)


def check_free(repository: Repository, names: Sequence[str], remedy: str) -> None:
    """Raises MlfactoryError when a file that git does not know stands where an update writes."""
    top = repository.top
    standing = in_the_way(top, (), names)
    if obstacles := standing and in_the_way(top, objects.leaves(repository, "HEAD"), names):
        raise MlfactoryError(
            f"git does not track {', '.join(obstacles[:8])}, and the update would write there",
            f"Move it away, {remedy}",
        )


def undo(repository: Repository, record: Unfinished) -> None:
    """Put HEAD, index and files back to what they were, however far git had come.

    Raises MlfactoryError when there are edits that are not the update's: they would be lost.
    """
    top = repository.top
    pick_file = repository.path_of(PICKED)
    index.give_back(repository)
    index.check_free(repository)
    is_back = False
    if pick_file.exists():
        with index.hold(repository) as mine:
            outside = aside.outside(mine, record.specs)
            aside.put_aside(mine, outside)  # git's abort would take it along
            is_back = not mine.run("cherry-pick", "--abort", ok=range(256)).code
            aside.put_back(mine, outside)
    if not is_back:
        go_back(repository, record, picking=pick_file.exists())
    for name in additions(repository, record):
        if is_ours(repository, record, name):
            remove(top, name)


def go_back(repository: Repository, record: Unfinished, *, picking: bool) -> None:
    """Put HEAD back, and what is the project's. Raises MlfactoryError for edits of others."""
    # What is staged or in conflict while git picks goes with it, as git's own abort has it.
    dirty = (git.unstaged if picking else git.dirt)(repository, *record.specs)
    if foreign := [name for name in dirty if not is_ours(repository, record, name)]:
        raise MlfactoryError(
            f"not the update's, and would be lost: {', '.join(foreign[:8])}",
            f"git stash, then: mlfactory update --abort. It began at {record.head[:10]}",
        )
    with index.hold(repository) as mine:
        mine.run("update-ref", "HEAD", record.head)
        # git does not restore what is in conflict and was not there before; it is reset first.
        mine.run("reset", "--quiet", record.head, "--", *record.specs)
        where = filter(partial(is_known, mine, record.head), record.specs)
        mine.run("restore", f"--source={record.head}", "--worktree", "--", *where)
    for name in (PICKED, "AUTO_MERGE"):
        repository.path_of(name).unlink(missing_ok=True)


def is_known(repository: Repository, head: str, spec: str) -> bool:
    """Whether there is something to put back; git insists on that."""
    is_part = spec.startswith(":(exclude")
    return is_part or bool(repository.run("ls-files", f"--with-tree={head}", "--", spec).out)


def is_ours(repository: Repository, record: Unfinished, name: str) -> bool:
    """Whether a file is as the update writes it, or as far as it had come with it."""
    top = repository.top
    path = top / name
    if name == f"{record.prefix}uv.lock" or not os.path.lexists(path):
        return True
    if path.is_dir() and not path.is_symlink():
        below = (p.relative_to(top).as_posix() for p in path.rglob("*") if not p.is_dir())
        return all(is_ours(repository, record, inner) for inner in below)
    blob = repository.run("cat-file", "--filters", f"{record.tree}:{name}", ok=(0, 128))
    if path.is_symlink():
        return str(path.readlink()) == blob.out
    if blob.code or not path.is_file():
        return False
    whole = blob.out.encode("utf-8", "surrogateescape")
    return LABEL.sub(rb"\1", whole).startswith(LABEL.sub(rb"\1", path.read_bytes()))


def remove(top: Path, name: str) -> None:
    """Remove a file that the update had written, and the folders that it leaves empty."""
    path = top / name
    path.unlink()
    for folder in path.parents:
        if folder == top or any(folder.iterdir()):
            break
        folder.rmdir()


def save(repository: Repository, record: Unfinished) -> None:
    """Write the record in one move."""
    path = repository.path_of(FILE)
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        text = f"{path} cannot be written: {error.strerror}"
        raise MlfactoryError(text, "Free some space; nothing was changed.") from error


def load(repository: Repository) -> Unfinished | None:
    """The record of an update, or None."""
    path = repository.path_of(FILE)
    if not path.is_file():
        return None
    try:
        fields: dict[str, Any] = json.loads(path.read_text("utf-8"))
        fields |= {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
        return Unfinished(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise MlfactoryError(f"{path} is damaged", f"git status; rm {path}") from error


def close(repository: Repository, record: Unfinished) -> None:
    """Drop the record; what was staged elsewhere is staged again."""
    if record.staged:
        with index.hold(repository) as mine:
            aside.put_back(mine, record.staged)
    repository.path_of(FILE).unlink(missing_ok=True)
