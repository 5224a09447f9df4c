"""A template's repository, as far as updates need it: its versions, its changes, its files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from shlex import quote

from packaging.version import InvalidVersion
from packaging.version import Version as Number

from mlfactory.base import git
from mlfactory.base.errors import UsageError
from mlfactory.base.git import Repository

SHORTEST = 7  # digits of a commit
SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


@dataclass(frozen=True)
class Upstream:
    """A bare repository on this disk with all of the template's versions.

    `newest` is what an update goes to unless somebody names another version. Where a repository
    holds more than the template, the tags of its versions have a `prefix`. Where many projects are
    at work, the files of some commits stand in `checkouts` already, each in a folder of its name.
    """

    source: str
    folder: Path
    newest: str
    own: bool = False
    prefix: str = ""
    checkouts: Path | None = None

    @property
    def repository(self) -> Repository:
        return git.bare(self.folder)

    @cached_property
    def commits(self) -> Mapping[str, str]:
        """What each tag names, empty where that is no commit."""
        form = "%(refname:strip=2)%00%(objecttype) %(objectname)%00%(*objecttype) %(*objectname)"
        listing = self.repository.run("for-each-ref", f"--format={form}", "refs/tags").out
        return {name: commit_of(facts) for name, *facts in map(fields, lines(listing))}

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that are versions, oldest first."""
        return in_order(list(self.commits), self.prefix)

    @cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The tags of each commit."""
        tags: dict[str, tuple[str, ...]] = {}
        for name, commit in self.commits.items():
            tags[commit] = (*tags.get(commit, ()), name)
        return tags


@dataclass(frozen=True)
class Version:
    """One state of a template: its commit, and the name that a project records for it."""

    name: str
    commit: str

    def is_recorded(self, text: str) -> bool:
        """Whether a record means it: cruft's has the commit, also of what has a name."""
        return text == self.name or (len(text) >= SHORTEST and self.commit.startswith(text))


@dataclass(frozen=True)
class Release:
    """A version as `mlfactory template versions` lists it."""

    version: str
    date: str
    commit: str
    title: str


def git_url(address: str) -> str:
    """What git takes for a template's recorded address, as copier reads it."""
    for short, full in SHORT.items():
        if address.startswith(short):
            return full + address.removeprefix(short).strip("/").removesuffix(".git") + ".git"
    address = address.removeprefix("git+")
    path = Path(address).expanduser()
    return str(path.resolve()) if path.exists() else address


def trying(url: str) -> str:
    return f"Try `git ls-remote {quote(url)}`."


def in_order(tags: list[str], prefix: str = "") -> tuple[str, ...]:
    """Those that are version numbers behind a prefix, each once, oldest first."""
    numbers = {tag: n for tag in tags if (n := number(tag, prefix))}
    return tuple(sorted(numbers, key=lambda tag: numbers[tag]))


def stable(tags: Iterable[str], prefix: str = "") -> list[str]:
    """Those of the versions that are no trials of a version to come."""
    return [tag for tag in tags if (n := number(tag, prefix)) and not n.is_prerelease]


def number(name: str, prefix: str = "") -> Number | None:
    """A version's number, or None for names that have none or another prefix."""
    if not name.startswith(prefix):
        return None
    try:
        return Number(name.removeprefix(prefix))
    except InvalidVersion:
        return None


def prefix_of(name: str) -> str:
    """What stands before the number in the name of a version: `churn/` of `churn/v1.2.0`, `churn-`
    of `churn-1.2.0`. It begins with a letter, so that neither dates nor commits have one."""
    ends = (match.end() for match in re.finditer(r"[^A-Za-z0-9.]", name))
    has_one = number(name) is None and re.match(r"[@A-Za-z]", name)
    return next((name[:end] for end in ends if has_one and number(name[end:])), "")


def number_of(name: str) -> Number | None:
    """The number of a version, whatever prefix it has."""
    return number(name, prefix_of(name))


def version(up: Upstream, ref: str) -> Version:
    """The state that a tag, a branch or a commit names. Raises UsageError when there is none.

    Of a template whose tags have a prefix, a number alone is one of its own versions.
    """
    head = ("refs/mlfactory/HEAD",) if ref == "HEAD" else ()
    own = (f"{up.prefix}{ref}", f"{up.prefix}v{ref}") if up.prefix else ()
    for tag in () if head else (*own, ref, f"v{ref}"):
        if commit := up.commits.get(tag):
            return Version(version_name(up, commit), commit)
    for name in (*head, f"refs/tags/{ref}", f"refs/tags/v{ref}", f"refs/heads/{ref}", ref):
        if ref.startswith("-"):
            break
        result = git.run(
            "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=up.folder, ok=(0, 1, 128)
        )
        if result.code == 0:
            return Version(version_name(up, result.out.strip()), result.out.strip())
    hint = f"It has {', '.join(up.tags[-8:])}." if up.tags else trying(git_url(up.source))
    raise UsageError(f"the template {up.source} has no version {ref}", hint)


def version_name(up: Upstream, commit: str) -> str:
    """What copier records for a commit: its tag, else what git makes of those before it. Tags that
    are no versions of the template, and those of others in its repository, do not count."""
    tags = up.names.get(commit, ())
    own = in_order(list(tags), up.prefix)
    if (len(tags) == 1 and not up.prefix) or len(own) == 1:
        return (own or tags)[0]
    argv = ("describe", "--tags", "--always", *([f"--match={up.prefix}*"] if up.prefix else ()))
    return git.run(*argv, commit, cwd=up.folder).out.strip()


def lines(text: str) -> list[str]:
    return text.split("\n")[:-1]


def fields(line: str) -> list[str]:
    return line.split("\0")


def commit_of(facts: list[str]) -> str:
    """The commit among what a tag is and what it names, each as type and object."""
    return next((f.removeprefix("commit ") for f in facts if f.startswith("commit ")), "")


def apart(up: Upstream, new: Version, old: Version) -> tuple[int, int]:
    """How many commits `new` has that `old` lacks, and the other way round."""
    return distance(up.folder, new.commit, old.commit)


@lru_cache
def distance(folder: Path, new: str, old: str) -> tuple[int, int]:
    """The same of full ids, between which nothing ever changes; git is asked once."""
    argv = ("rev-list", "--left-right", "--count", f"{new}...{old}")
    ahead, behind = git.run(*argv, cwd=folder).out.split()
    return int(ahead), int(behind)


def successor(up: Upstream, old: Version) -> Version | None:
    """The newest release that was made from a version: it has all that this one has."""
    form = ("--format=%(refname:strip=2)", f"--contains={old.commit}", "refs/tags")
    made_from = set(lines(git.run("for-each-ref", *form, cwd=up.folder).out))
    for tag in reversed(stable(up.tags, up.prefix)):
        if tag in made_from and up.commits[tag] != old.commit:
            return version(up, tag)
    return None


def is_older(up: Upstream, new: Version, old: Version) -> bool:
    """Whether `new` came before `old`: in the history, else by its number."""
    if new.commit == old.commit:
        return False
    ahead, behind = apart(up, new, old)
    numbers = number_of(new.name), number_of(old.name)
    if not ahead:
        return True
    if not behind or None in numbers or any(n and n.is_devrelease for n in numbers):
        return False
    return bool(numbers[0] and numbers[1] and numbers[0] < numbers[1])


def files_of(up: Upstream, commit: str, folder: Path) -> Path:
    """Where a version's files stand: in `folder` unless they are checked out already."""
    if up.checkouts and (up.checkouts / commit).is_dir():
        return up.checkouts / commit
    checkout(up, commit, folder)
    return folder


def checkout(up: Upstream, commit: str, folder: Path) -> None:
    """Write a version's files below `folder`, with its submodules when it has some."""
    folder.mkdir(parents=True)
    index = Path(f"{folder}.index")
    where = {"GIT_DIR": str(up.folder), "GIT_WORK_TREE": str(folder), "GIT_INDEX_FILE": str(index)}
    argv = ("read-tree", "--reset", "-u", "--no-sparse-checkout", "--no-recurse-submodules", commit)
    git.run(*argv, cwd=folder, env=where)
    index.unlink()
    if (folder / ".gitmodules").is_file():
        shutil.rmtree(folder)
        clone(up, commit, folder)


def clone(up: Upstream, commit: str, folder: Path) -> None:
    """The same by a clone: submodules may be named relative to the template's address."""
    git.run("clone", "--quiet", "--no-checkout", "--", git_url(up.source), str(folder))
    git.run("checkout", "--quiet", "--detach", commit, cwd=folder)
    hint = "See that git may fetch it: its address stands in the template's .gitmodules."
    git.run("submodule", "--quiet", "update", "--init", "--recursive", cwd=folder, hint=hint)
    forget_submodules(folder)


def forget_submodules(folder: Path) -> None:
    """Drop what makes repositories of a clone's submodules: a template's folder is only files."""
    for link in folder.rglob(".git"):
        if link.parent != folder and link.is_file():
            link.unlink()


def releases(up: Upstream) -> list[Release]:
    """All versions, newest first."""
    form = "%(refname:strip=2)%00%(creatordate:short)%00%(*objectname)%00%(objectname)%00%(subject)"
    listing = git.run("for-each-ref", f"--format={form}", "refs/tags", cwd=up.folder).out
    rows = {}
    for line in listing.splitlines():
        name, date, target, commit, title = line.split("\0")
        rows[name] = Release(name, date, target or commit, title)
    return [rows[tag] for tag in reversed(up.tags)]
