"""A template within reach: the one that travels with the program, or a copy of one elsewhere."""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.project.record import CRUFT, Project

from . import history
from .repository import Upstream, git_url, in_order, prefix_of, stable, trying

LISTING = "mlfactory-listing"
SILENCE = 60  # so many seconds a server may say nothing when it is asked what it has
SHA256 = 64  # digits of an id in repositories of that kind


def of_project(project: Project) -> Upstream:
    """The template of a project, fetched when it has something new.

    Raises MlfactoryError when it cannot be reached.
    """
    if project.source == history.SOURCE:
        return own(project.path)
    follow = project.checkout if project.kind == CRUFT else ""
    # A relative path is copier's from where it was called, which is the project for an update.
    near = project.path / project.source
    address = str(near.resolve()) if near.is_dir() else project.source
    if project.kind == CRUFT:
        return of_address(address, follow, by_tag=False)
    return of_address(address, version=project.version)


def own(start: Path) -> Upstream:
    """The template that travels with the program."""
    folder = history.repository_for(start)
    return Upstream(history.SOURCE, folder, f"v{history.load().newest}", own=True)


def of_address(
    address: str, follow: str = "", *, by_tag: bool = True, version: str = "", prefix: str = ""
) -> Upstream:
    """A template elsewhere, by way of a copy in the user's cache that is as fresh as its origin.

    Its versions are the tags with a `prefix`: the one that a `version` has which is such a tag.
    """
    url = git_url(address)
    folder = copy_of(url)
    listing = listing_of(url, address)
    refresh(folder, url, listing)
    tags = re.findall(r"\trefs/tags/(.+?)(?:\^\{\})?$", listing, re.MULTILINE)
    prefix = prefix or (prefix_of(version) if version in tags else "")
    releases = stable(in_order(tags, prefix), prefix)
    newest = follow or (releases[-1] if releases and by_tag else "refs/mlfactory/HEAD")
    return Upstream(address, folder, newest, prefix=prefix)


def refresh(folder: Path, url: str, listing: str) -> None:
    """Make a copy as fresh as its origin, which has these refs; it is begun where there is none."""
    with lock(folder):
        if not (folder / "HEAD").is_file():
            form = "sha256" if len(listing.partition("\t")[0]) == SHA256 else "sha1"
            form = f"--object-format={form}"
            git.run("init", "--quiet", "--bare", "--template=", form, str(folder))
        record = folder / LISTING
        if not record.is_file() or record.read_text("utf-8", "surrogateescape") != listing:
            fetch(folder, url, listing)
            record.write_text(listing, "utf-8", "surrogateescape")


def copy_of(url: str) -> Path:
    """Where the copy of a repository is in the user's cache."""
    return history.cache() / "templates" / f"{hashlib.sha256(url.encode()).hexdigest()[:20]}.git"


def last_of(address: str) -> Upstream | None:
    """A template as it was when it was last reached, or None."""
    folder = copy_of(git_url(address))
    return Upstream(address, folder, "refs/mlfactory/HEAD") if folder.exists() else None


def fetch(folder: Path, url: str, listing: str) -> None:
    """Copy all branches and tags. A repository's HEAD may name a branch that it does not have.

    What comes is kept as one file: a file for each object takes longer to write, and to read.
    A history that ends early there ends early here, and goes on as soon as it does so there.
    """
    specs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    if "HEAD" in refs(listing):
        specs.append("+HEAD:refs/mlfactory/HEAD")
    one = ("-c", "fetch.unpackLimit=1")
    deeper = ("--unshallow",) if (folder / "shallow").is_file() else ()
    how = ("--quiet", "--prune", "--no-tags", "--update-shallow", *deeper)
    argv = (*one, "fetch", *how, "--", url, *specs)
    git.run(*argv, cwd=folder, hint=trying(url))


def refs(listing: str) -> dict[str, str]:
    """The commit of each ref in a listing of git's; of an annotated tag, that which it names."""
    commits = {}
    for line in listing.splitlines():
        oid, name = line.split(maxsplit=1)
        commits[name.removesuffix("^{}")] = oid
    return commits


def listing_of(url: str, address: str, *form: str, what: str = "the template ") -> str:
    """Every ref of a repository. Raises MlfactoryError when it cannot be reached."""
    try:
        limit = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": str(SILENCE)}
        env = {"GIT_TERMINAL_PROMPT": "0", **limit}
        return git.run("ls-remote", *form, "--", url, env=env).out
    except MlfactoryError as error:
        lines = [text.strip() for text in error.message.strip().splitlines()]
        last = next((text for text in lines if text.startswith("fatal: ")), lines[-1])
        last = last.removeprefix("fatal: ")
        raise MlfactoryError(f"{what}{address} cannot be reached: {last}", trying(url)) from error


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """One process at a time works on a copy."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
