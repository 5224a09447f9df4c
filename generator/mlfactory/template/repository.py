"""A template's repository, as far as updates need it: its versions, its changes, its files."""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.version import InvalidVersion
from packaging.version import Version as Number

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.project.record import CRUFT, Project

from . import history as source

SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
LISTING = "mlfactory-listing"
MAX_SUBJECTS = 30
SHA256 = 64  # digits of an id in repositories of that kind


@dataclass(frozen=True)
class Upstream:
    """A bare repository on this disk with all of the template's versions.

    `newest` is what an update goes to unless somebody names another version.
    """

    source: str
    folder: Path
    newest: str
    own: bool = False

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags that are versions, oldest first."""
        listed = git.run(
            "for-each-ref", "--format=%(refname:strip=2)", "refs/tags", cwd=self.folder
        )
        return in_order(listed.out.splitlines())


@dataclass(frozen=True)
class Version:
    """One state of a template: its commit, and the name that a project records for it."""

    name: str
    commit: str


@dataclass(frozen=True)
class Release:
    """A version as `mlfactory template versions` lists it."""

    version: str
    date: str
    commit: str
    title: str


def opened(project: Project) -> Upstream:
    """The template of a project, fetched when it has something new.

    Raises MlfactoryError when it cannot be reached.
    """
    if project.source == source.SOURCE:
        return own(project.path)
    follow = project.checkout if project.kind == CRUFT else ""
    # A relative path is copier's from where it was called, which is the project for an update.
    near = project.path / project.source
    address = str(near.resolve()) if near.is_dir() else project.source
    return mirrored(address, follow, tagged=project.kind != CRUFT)


def own(place: Path) -> Upstream:
    """The template that travels with the program."""
    folder = source.repository_for(place)
    return Upstream(source.SOURCE, folder, f"v{source.history().newest}", own=True)


def mirrored(address: str, follow: str = "", *, tagged: bool = True) -> Upstream:
    """A template elsewhere, by way of a copy in the user's cache that is as fresh as its origin."""
    url = git_url(address)
    folder = copy_of(url)
    listing = listed(url, address)
    with locked(folder):
        if not (folder / "HEAD").is_file():
            form = "sha256" if len(listing.partition("\t")[0]) == SHA256 else "sha1"
            form = f"--object-format={form}"
            git.run("init", "--quiet", "--bare", "--template=", form, str(folder))
        seen = folder / LISTING
        if not seen.is_file() or seen.read_text("utf-8", "surrogateescape") != listing:
            fetch(folder, url, listing)
            seen.write_text(listing, "utf-8", "surrogateescape")
    releases = in_order(re.findall(r"\trefs/tags/(.+?)(?:\^\{\})?$", listing, re.MULTILINE))
    stable = [tag for tag in releases if not Number(tag).is_prerelease]
    newest = follow or (stable[-1] if stable and tagged else "refs/mlfactory/HEAD")
    return Upstream(address, folder, newest)


def copy_of(url: str) -> Path:
    """Where the copy of a repository is in the user's cache."""
    return source.cache() / "templates" / f"{hashlib.sha256(url.encode()).hexdigest()[:20]}.git"


def remembered(address: str) -> Upstream | None:
    """A template as it was when it was last reached, or None."""
    folder = copy_of(git_url(address))
    return Upstream(address, folder, "refs/mlfactory/HEAD") if folder.exists() else None


def fetch(folder: Path, url: str, listing: str) -> None:
    """Copy all branches and tags. A repository's HEAD may name a branch that it does not have."""
    specs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    if "HEAD" in refs(listing):
        specs.append("+HEAD:refs/mlfactory/HEAD")
    argv = ("fetch", "--quiet", "--prune", "--no-tags", "--", url, *specs)
    git.run(*argv, cwd=folder, hint=trying(url))


def refs(listing: str) -> dict[str, str]:
    """The commit of each ref in a listing of git's; of an annotated tag, that which it names."""
    found = {}
    for line in listing.splitlines():
        oid, name = line.split(maxsplit=1)
        found[name.removesuffix("^{}")] = oid
    return found


def git_url(address: str) -> str:
    """What git takes for a template's recorded address, as copier reads it."""
    for short, full in SHORT.items():
        if address.startswith(short):
            return full + address.removeprefix(short).strip("/").removesuffix(".git") + ".git"
    address = address.removeprefix("git+")
    path = Path(address).expanduser()
    return str(path.resolve()) if path.exists() else address


def listed(url: str, address: str) -> str:
    """Every ref of a repository. Raises MlfactoryError when it cannot be reached."""
    try:
        return git.run("ls-remote", "--", url, env={"GIT_TERMINAL_PROMPT": "0"}).out
    except MlfactoryError as error:
        lines = [text.strip() for text in error.message.strip().splitlines()]
        last = next((text for text in lines if text.startswith("fatal: ")), lines[-1])
        last = last.removeprefix("fatal: ")
        raise MlfactoryError(
            f"the template {address} cannot be reached: {last}", trying(url)
        ) from error


def trying(url: str) -> str:
    return f"Try `git ls-remote {url}`."


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time works on a copy."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def in_order(tags: list[str]) -> tuple[str, ...]:
    """Those that are version numbers, each once, oldest first."""
    return tuple(sorted((tag for tag in set(tags) if number(tag)), key=Number))


def number(name: str) -> Number | None:
    """A version's number, or None for names that have none."""
    try:
        return Number(name)
    except InvalidVersion:
        return None


def version(up: Upstream, ref: str) -> Version:
    """The state that a tag, a branch or a commit names. Raises UsageError when there is none."""
    head = ("refs/mlfactory/HEAD",) if ref == "HEAD" else ()
    for name in (*head, f"refs/tags/{ref}", f"refs/tags/v{ref}", f"refs/heads/{ref}", ref):
        if ref.startswith("-"):
            break
        found = git.run(
            "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=up.folder, ok=(0, 1, 128)
        )
        if found.code == 0:
            return Version(described(up, found.out.strip()), found.out.strip())
    known = f"It has {', '.join(up.tags[-8:])}." if up.tags else trying(git_url(up.source))
    raise UsageError(f"the template {up.source} has no version {ref}", known)


def described(up: Upstream, commit: str) -> str:
    """What copier records for a commit."""
    return git.run("describe", "--tags", "--always", commit, cwd=up.folder).out.strip()


def is_older(up: Upstream, new: Version, old: Version) -> bool:
    """Whether `new` came before `old`: in the history, else by its number."""
    if new.commit == old.commit:
        return False
    span = f"{new.commit}...{old.commit}"
    counted = git.run("rev-list", "--left-right", "--count", span, cwd=up.folder).out.split()
    ahead, behind = map(int, counted)
    numbers = number(new.name), number(old.name)
    if not ahead:
        return True
    if not behind or None in numbers or any(n and n.is_devrelease for n in numbers):
        return False
    return bool(numbers[0] and numbers[1] and numbers[0] < numbers[1])


def checkout(up: Upstream, commit: str, folder: Path) -> None:
    """Write a version's files below `folder`, with its submodules when it has some."""
    if git.text_at(up.folder, commit, ".gitmodules") is not None:
        return cloned(up, commit, folder)
    folder.mkdir(parents=True)
    with_index = {"GIT_INDEX_FILE": f"{folder}.index"}
    git.run("read-tree", commit, cwd=up.folder, env=with_index)
    where = {"GIT_DIR": str(up.folder), "GIT_WORK_TREE": str(folder)}
    git.run(
        "checkout-index", "--all", "--force", "--quiet", cwd=folder, env={**with_index, **where}
    )
    return Path(f"{folder}.index").unlink()


def cloned(up: Upstream, commit: str, folder: Path) -> None:
    """The same by a clone: submodules may be named relative to the template's address."""
    git.run("clone", "--quiet", "--no-checkout", "--", git_url(up.source), str(folder))
    git.run("checkout", "--quiet", "--detach", commit, cwd=folder)
    git.run("submodule", "--quiet", "update", "--init", "--recursive", cwd=folder)


def releases(up: Upstream) -> list[Release]:
    """All versions, newest first."""
    form = "%(refname:strip=2)%00%(creatordate:short)%00%(*objectname)%00%(objectname)%00%(subject)"
    listed = git.run("for-each-ref", f"--format={form}", "refs/tags", cwd=up.folder).out
    rows = {}
    for line in listed.splitlines():
        name, date, peeled, commit, title = line.split("\0")
        rows[name] = Release(name, date, peeled or commit, title)
    return [rows[tag] for tag in reversed(up.tags)]


def changes(up: Upstream, old: Version | None, new: Version) -> str:
    """What people should know between two versions, newest first; without `old`, all there is.

    The template that travels with the program tells it in its commits. Elsewhere it is what its
    changelog gained, else the subjects of its commits.
    """
    span = f"{old.commit}..{new.commit}" if old else new.commit
    if up.own:
        told = git.run("log", "--format=%B%x00", span, cwd=up.folder).out
        return "\n\n".join(filter(None, (body.strip() for body in told.split("\0"))))
    if old and (gained := changelog_gained(up, old, new)):
        return gained
    limit = f"--max-count={MAX_SUBJECTS}"
    return git.run("log", "--format=- %s", "--no-merges", limit, span, cwd=up.folder).out.strip()


def changelog_gained(up: Upstream, old: Version, new: Version) -> str:
    """The lines that were added to CHANGELOG, in whichever way it is written."""
    where = ":(top,icase,glob)changelog*"
    shown = git.run(
        "diff", "--unified=0", "--no-color", "--no-ext-diff", old.commit, new.commit, "--", where,
        cwd=up.folder,
    ).out  # fmt: skip
    lines, inside = [], False
    for line in shown.splitlines():
        inside = line.startswith("@@") or (inside and not line.startswith("diff "))
        lines += [line[1:]] if inside and line.startswith("+") else []
    return "\n".join(lines).strip()
