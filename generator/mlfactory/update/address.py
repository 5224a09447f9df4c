"""`mlfactory template use`: another address for a project's template."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import addresses, git
from mlfactory.base.errors import MlfactoryError
from mlfactory.project import record
from mlfactory.project.record import CRUFT, Project
from mlfactory.template import choice, mirror, published, repository
from mlfactory.template.repository import Upstream

from .ready import check_ready
from .working import working

PLAIN = re.compile(r"[\w/.~][\w./:@+~-]*")  # what YAML takes without quotes


@dataclass(frozen=True)
class Move:
    """A project whose template has another address now; `done` is false for a dry run."""

    project: str
    old: str
    new: str
    version: str
    done: bool

    @property
    def summary(self) -> str:
        if self.old == self.new:
            return f"{self.project} is there already: {self.new}"
        verb = "moved" if self.done else "would move"
        return f"{self.project} {verb} from {self.old} to {self.new}, at {self.version}"


def use(url: str, start: Path, *, dry_run: bool = False, file: str = "") -> Move:
    """Record another address of the same template, in a commit of its own.

    Raises MlfactoryError unless the project's version is there, as the same commit.
    """
    addresses.refuse("GIT_URL", url)
    if dry_run:
        return move(url, start, dry_run=True, file=file)
    with working(start, "mlfactory template use"):
        return move(url, start, dry_run=False, file=file)


def move(url: str, start: Path, *, dry_run: bool, file: str) -> Move:
    """The same without keeping others out."""
    project = record.find(start, file)
    new = address_of(url, cruft=project.kind == CRUFT)
    if new == project.source:
        return Move(str(project.path), new, new, project.version, done=False)
    if not dry_run:
        check_ready(project)
    version = same_version(project, url, new)
    result = Move(str(project.path), project.source, new, version, not dry_run)
    if not dry_run:
        write(project, new, version)
    return result


def same_version(project: Project, url: str, new: str) -> str:
    """What the project's version is called at another address: a company's template has the
    releases that it was made from as commits, and none of their tags.

    Raises MlfactoryError unless it has the same commit.
    """
    old_up = template_of(project)
    if old_up.own and published.is_development(project.version):
        raise MlfactoryError(
            f"{project.name} is at {project.version}, which is not released: nobody else has it",
            "Update it to a released version first: mlfactory template versions",
        )
    new_up = mirror.own(project.path) if published.is_own(new) else mirror.of_address(new)
    here = repository.version(old_up, project.version)
    names = (project.version, f"v{project.version}")
    is_untagged = new_up.commits.keys().isdisjoint(names) and project.kind != CRUFT
    if is_untagged and git.ref_exists(new_up.repository, here.commit):
        return repository.version_name(new_up, here.commit)
    there = repository.version(new_up, project.version)
    if here.commit != there.commit:
        raise MlfactoryError(
            f"{url} has another {project.version}: {there.commit[:10]}, not {here.commit[:10]}",
            "Publish the same history there: mlfactory template publish GIT_URL",
        )
    return project.version


def template_of(project: Project) -> Upstream:
    """A project's template; that its server is gone is a reason to move."""
    try:
        return mirror.of_project(project)
    except MlfactoryError:
        if up := mirror.last_of(project.source):
            return up
        raise


def address_of(url: str, *, cruft: bool) -> str:
    """The address as it is recorded: copier and Renovate must both take it for git's, and Renovate
    hands it to git as it is. So `.git` is put behind it rather than `git+` before it."""
    if not published.is_own(url) and url.startswith((*repository.SHORT, "git+")):
        url = repository.git_url(url)
    if cruft:
        return repository.git_url(url)
    source = choice.template_source(url)
    longer = f"{source.removeprefix('git+').rstrip('/')}.git"
    is_plain = source.startswith("git+") and not published.is_own(source)
    return longer if is_plain and is_there(longer) else source


def is_there(url: str) -> bool:
    try:
        return bool(mirror.listing_of(url, url))
    except MlfactoryError:
        return False


def write(project: Project, new: str, version: str) -> None:
    """Write the address into the file that records the template, and commit it."""
    path = project.path / project.file
    path.write_text(with_address(project, new, version), "utf-8")
    spec = project.spec(project.file)
    project.repository.run("add", "--", spec)
    text = f"Take the template of {project.title} from {new}"
    argv = ("commit", "--quiet", "--no-verify", "--message", text, "--", spec)
    project.repository.run(*argv, hint=git.SIGNING)


def with_address(project: Project, new: str, version: str) -> str:
    """The text of that file with the new address, and with the version's name there; nothing else
    of it changes."""
    if project.kind == CRUFT:
        entry, fresh = r'"template"\s*:\s*"(?:[^"\\]|\\.)*"', f'"template": {json.dumps(new)}'
    else:
        value = new if PLAIN.fullmatch(new) else json.dumps(new)
        entry, fresh = r"^_src_path:.*(?:\n[ \t]+.*)*$", f"_src_path: {value}"
    text = re.sub(entry, lambda _: fresh, project.text, count=1, flags=re.MULTILINE)
    if version == project.version:
        return text
    return re.sub(r"^_commit:.*$", f"_commit: '{version}'", text, count=1, flags=re.MULTILINE)
