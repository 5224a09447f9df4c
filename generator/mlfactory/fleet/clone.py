"""Copies of a fleet's repositories in the user's cache: bare, and as fresh as their origins.

Nobody works in them. A clone that a person has is never fetched into, nor is anything else of it
changed: it says where its origin is, and what state it is in.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository
from mlfactory.base.operation import operation
from mlfactory.base.owner import check_owner
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.template import history, mirror
from mlfactory.template.repository import git_url
from mlfactory.update import unfinished

from .inventory import Member

STORE, HEADS = "repository.git", "refs/heads/"


@dataclass(frozen=True)
class Clone:
    """A repository as it was at its origin a moment ago.

    `place` is an empty folder with the repository's name, and `refs` all that the origin has.
    `remark` says in a word or two what a person's clone of it is in the middle of.
    """

    address: str
    place: Path
    refs: dict[str, str]
    default: str
    remark: str = ""

    @property
    def store(self) -> Path:
        return self.place.parents[1] / STORE

    @property
    def repository(self) -> Repository:
        """The copy, as it is seen from an empty folder: paths mean what they mean in a work tree,
        and none of them is one of git's own files."""
        env = {"GIT_DIR": str(self.store), "GIT_WORK_TREE": str(self.place)}
        objects = self.store / "objects"
        return Repository(self.place, self.store, objects, env, has_work_tree=False)

    def tip(self, branch: str) -> str:
        """The commit of a branch of the origin, or an empty string."""
        return self.refs.get(f"{HEADS}{branch}", "")


def fresh(member: Member) -> Clone:
    """A member's repository, fetched when it has something new. Raises MlfactoryError."""
    address, person = source_of(member)
    default, listing = listing_of(address)
    name = re.split(r"[/:]", address.rstrip("/"))[-1].removesuffix(".git").strip(".")
    key = hashlib.sha256(address.encode()).hexdigest()[:20]
    place = history.cache() / "fleet" / key / "as" / (name or "repository")
    place.mkdir(parents=True, exist_ok=True)
    clone = Clone(address, place, mirror.refs(listing), default, remark_on(person))
    mirror.refresh(clone.store, address, listing)
    return clone


def source_of(member: Member) -> tuple[str, Path | None]:
    """What git fetches from, and the person's clone that names it. Raises MlfactoryError."""
    if not member.is_path:
        return git_url(member.address), None
    path = Path(member.address)
    if not path.is_dir():
        raise MlfactoryError(f"{path} is not a directory", f"Mend line {member.line}.")
    argv = ("rev-parse", "--is-bare-repository", "--show-prefix")
    answer = git.run(*argv, cwd=path, ok=(0, 128))
    check_owner(answer.err)
    if answer.code or answer.out.split("\n")[1:2] != [""]:
        text = f"{path} is not the top of a git repository"
        raise MlfactoryError(text, "Name the top as `path`, and what is inside as `folder`.")
    if answer.out.startswith("true"):
        return str(path), None
    if not (name := remote_of(path)):
        return str(main_of(path)), path
    address = git.run("remote", "get-url", name, cwd=path).out.rstrip("\n")
    near = path / address
    return (str(near.resolve()) if near.is_dir() else address), path


def main_of(path: Path) -> Path:
    """The main work tree of a repository, of which `path` may be another one."""
    argv = ("rev-parse", "--path-format=absolute", "--git-common-dir")
    home = Path(git.run(*argv, cwd=path).out.rstrip("\n"))
    return home.parent if home.name == ".git" else path


def remote_of(path: Path) -> str:
    """The remote of a person's clone that counts: `origin`, the only one, or that of the branch
    which they are on; empty where there is none. Raises MlfactoryError where none of these is."""
    names = git.run("remote", cwd=path).out.split("\n")[:-1]
    if len(names) < 2 or "origin" in names:
        return "origin" if "origin" in names else "".join(names)
    branch = git.run("symbolic-ref", "--quiet", "--short", "HEAD", cwd=path, ok=(0, 1)).out.strip()
    argv = ("config", "--get", f"branch.{branch}.remote")
    name = git.run(*argv, cwd=path, ok=(0, 1)).out.strip() if branch else ""
    if name in names:
        return name
    text = f"{path} has several remotes, and none is called origin: {', '.join(names)}"
    raise MlfactoryError(text, "Name the address of the one that counts as `url`.")


def listing_of(address: str) -> tuple[str, str]:
    """The default branch of a repository, and all that it has. Raises MlfactoryError."""
    if address.startswith("-"):
        raise MlfactoryError(f"{address} is no address", "Give a git URL.")
    listing = mirror.listing_of(address, address, "--symref", what="")
    head, lines = "", []
    for line in listing.splitlines(keepends=True):
        if line.startswith("ref: "):
            name, _, ref = line.removeprefix("ref: ").rstrip("\n").partition("\t")
            head = name if ref == "HEAD" else head
        else:
            lines.append(line)
    return head.removeprefix(HEADS), "".join(lines)


def remark_on(person: Path | None) -> str:
    """What a person's clone is in the middle of, or an empty string. Nothing of theirs is run:
    neither monitors and hooks, nor the filters that their configuration names."""
    around = git.look_up(person) if person else None
    if around is None or person is None:
        return ""
    quiet = replace(around[0], env=git.silent(git.drivers_off(person)), passive=True)
    update = unfinished.load(quiet)
    if update and unfinished.observe(quiet, update).is_running:
        return "update not finished"
    if running := operation(quiet):
        return f"{running} not finished"
    if not around[1]:
        return ""
    is_detached = quiet.run("symbolic-ref", "--quiet", "HEAD", ok=(0, 1)).code
    dirt = git.head_and_dirt(quiet)[1]
    words = ("detached" if is_detached else "", f"{len(dirt)} not committed" if dirt else "")
    return ", ".join(filter(None, words))


def project_in(clone: Clone, member: Member) -> Project:
    """The member's project as the origin's branch has it. Raises MlfactoryError."""
    tip = tip_of(clone, member)
    try:
        return record.at_commit(clone.repository, tip, member.folder, member.answers_file)
    except MlfactoryError as error:  # it names files where our copy would have them
        text = error.message.replace(f"{clone.place}/", "")
        raise MlfactoryError(text, error.hint) from error


def tip_of(clone: Clone, member: Member) -> str:
    """The commit of the branch that the member is developed on. Raises MlfactoryError."""
    branch = member.branch or clone.default
    if tip := clone.tip(branch):
        return tip
    raise MlfactoryError(*no_branch(clone, member, branch))


def no_branch(clone: Clone, member: Member, branch: str) -> tuple[str, str]:
    """What is said of a repository that has not the branch which is meant."""
    names = sorted(n.removeprefix(HEADS) for n in clone.refs if n.startswith(HEADS))
    if not names:
        return f"{member.name} has no branch yet", "Push something to it first."
    there = f"It has: {', '.join(names[:8])}."
    if branch:
        return f"{member.name} has no branch {branch}", there
    text = f"the default branch of {member.name} is not there"
    return text, f"{there} Name one of them as its `branch`."
