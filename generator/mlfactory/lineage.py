"""`mlfactory template`: the template's versions, and a git server of a team's own for them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import git, linked, source, update, upstream
from .errors import MlfactoryError, UsageError
from .linked import CRUFT, Project
from .upstream import Release, Upstream

MAIN, TAGS = "refs/heads/main", "refs/tags/"
PLAIN = re.compile(r"[\w/.~][\w./:@+~-]*")  # what YAML takes without quotes


@dataclass(frozen=True)
class Changelog:
    """What changed between two versions."""

    source: str
    from_version: str
    to_version: str
    text: str


@dataclass(frozen=True)
class Published:
    """What a team's repository has, and what of it is new; `done` is false for a dry run."""

    url: str
    versions: tuple[str, ...]
    new: tuple[str, ...]
    done: bool

    @property
    def told(self) -> str:
        if not self.new:
            return f"{self.url} has all of them already: {', '.join(self.versions)}"
        verb = "has got" if self.done else "would get"
        return f"{self.url} {verb} {', '.join(self.new)}"


@dataclass(frozen=True)
class Moved:
    """A project whose template has another address now; `done` is false for a dry run."""

    project: str
    old: str
    new: str
    version: str
    done: bool

    @property
    def told(self) -> str:
        if self.old == self.new:
            return f"{self.project} is there already: {self.new}"
        verb = "moved" if self.done else "would move"
        return f"{self.project} {verb} from {self.old} to {self.new}, at {self.version}"


def template(url: str) -> Upstream:
    """The template at an address; without one, mlfactory's own."""
    if is_own(url):
        return upstream.own(Path.cwd())
    return upstream.mirrored(url)


def is_own(url: str) -> bool:
    return url in ("", source.SOURCE, source.URL)


def versions(url: str = "") -> list[Release]:
    """All released versions, newest first."""
    found = upstream.releases(template(url))
    return [one for one in found if not is_development(one.version)]


def is_development(version: str) -> bool:
    """Whether a version is one of a checkout, that nobody else has."""
    found = upstream.number(version)
    return found is not None and found.is_devrelease


def changelog(span: str, url: str = "") -> Changelog:
    """The changes of a span FROM..TO; either end may be left out."""
    up = template(url)
    if not up.tags:
        raise MlfactoryError(f"the template {up.source} has no released versions")
    first, dots, last = span.partition("..")
    if span and not dots:
        first, last = "", span
    new = upstream.version(up, last or up.newest)
    if not first:
        return Changelog(up.source, "", new.name, upstream.changes(up, None, new))
    old = upstream.version(up, first)
    if upstream.is_older(up, new, old):
        raise UsageError(f"{new.name} is older than {old.name}", f"Write {last}..{first}.")
    return Changelog(up.source, old.name, new.name, upstream.changes(up, old, new))


def publish(url: str, *, dry_run: bool = False) -> Published:
    """Push the releases that a team's repository lacks, same commits.

    Raises MlfactoryError when it has another history; nothing is ever forced.
    """
    found = source.released(source.HISTORY)
    repository, address = source.repository(found), upstream.git_url(url)
    if address.startswith("-"):
        raise UsageError(f"{url} is no address", "Give a git URL.")
    ours = upstream.refs(git.run("show-ref", "--dereference", cwd=repository).out)
    there = upstream.refs(upstream.listed(address, url))
    check_history(url, ours, there)
    tags = [name for name in ours if name.startswith(TAGS) and name not in there]
    new = tuple(name.removeprefix(TAGS) for name in tags)
    if tags and not dry_run:
        argv = ("push", "--quiet", "--atomic", "--", address, MAIN, *tags)
        env = {"GIT_TERMINAL_PROMPT": "0"}
        git.run(*argv, cwd=repository, env=env, hint=upstream.trying(address))
    all_of_them = tuple(f"v{name}" for name in found.versions)
    return Published(url, all_of_them, tuple(n for n in all_of_them if n in new), not dry_run)


def check_history(url: str, ours: Mapping[str, str], there: Mapping[str, str]) -> None:
    """Raises MlfactoryError unless a repository is empty or has a part of the same history; that
    it has more, which a newer program published, is well."""
    other = [name for name in ours if name in there and name != MAIN and ours[name] != there[name]]
    known = {commit for name, commit in ours.items() if name.startswith(TAGS)}
    has_all = all(name in there for name in ours)
    if other or (MAIN in there and there[MAIN] not in known and not has_all):
        what = ", ".join(name.removeprefix(TAGS) for name in other) or "main"
        raise MlfactoryError(
            f"{url} has another history: its {what} is not the template's",
            "Give an empty repository, or one that was published to before.",
        )


def use(url: str, place: Path, *, dry_run: bool = False, file: str = "") -> Moved:
    """Record another address of the same template, in a commit of its own.

    Raises MlfactoryError unless the project's version is there, as the same commit.
    """
    project = linked.find(place, file)
    new = address_of(url, cruft=project.kind == CRUFT)
    if new == project.source:
        return Moved(str(project.path), new, new, project.version, done=False)
    if not dry_run:
        update.check_ready(project)
    check_same(project, url, new)
    moved = Moved(str(project.path), project.source, new, project.version, not dry_run)
    if not dry_run:
        record(project, new)
    return moved


def check_same(project: Project, url: str, new: str) -> None:
    """Raises MlfactoryError unless an address has the project's version, as the same commit."""
    old_up = known(project)
    if old_up.own and is_development(project.version):
        raise MlfactoryError(
            f"{project.name} is at {project.version}, which is not released: nobody else has it",
            "Update it to a released version first: mlfactory template versions",
        )
    new_up = upstream.own(project.path) if is_own(new) else upstream.mirrored(new)
    here = upstream.version(old_up, project.version)
    there = upstream.version(new_up, project.version)
    if here.commit != there.commit:
        raise MlfactoryError(
            f"{url} has another {project.version}: {there.commit[:10]}, not {here.commit[:10]}",
            "Publish the same history there: mlfactory template publish GIT_URL",
        )


def known(project: Project) -> Upstream:
    """A project's template; that its server is gone is a reason to move."""
    try:
        return upstream.opened(project)
    except MlfactoryError:
        if found := upstream.remembered(project.source):
            return found
        raise


def address_of(url: str, *, cruft: bool) -> str:
    """The address as it is recorded: copier and Renovate must both take it for git's, and Renovate
    hands it to git as it is. So `.git` is put behind it rather than `git+` before it."""
    if not is_own(url) and url.startswith((*upstream.SHORT, "git+")):
        url = upstream.git_url(url)
    if cruft:
        return upstream.git_url(url)
    from . import engine

    found = engine.template_source(url)
    longer = f"{found.removeprefix('git+').rstrip('/')}.git"
    is_plain = found.startswith("git+") and not is_own(found)
    return longer if is_plain and is_there(longer) else found


def is_there(url: str) -> bool:
    try:
        return bool(upstream.listed(url, url))
    except MlfactoryError:
        return False


def record(project: Project, new: str) -> None:
    """Write the address into the file that records the template, and commit it."""
    path = project.path / project.file
    path.write_text(readdressed(project, new), "utf-8")
    spec = project.spec(project.file)
    git.run("add", "--", spec, cwd=project.top)
    text = f"Take the template of {project.name} from {new}"
    argv = ("commit", "--quiet", "--no-verify", "--message", text, "--", spec)
    git.run("-c", "core.hooksPath=/dev/null", *argv, cwd=project.top, hint=git.SIGNING)


def readdressed(project: Project, new: str) -> str:
    """The text of that file with the new address; nothing else of it changes."""
    if project.kind == CRUFT:
        entry, fresh = r'"template"\s*:\s*"(?:[^"\\]|\\.)*"', f'"template": {json.dumps(new)}'
    else:
        value = new if PLAIN.fullmatch(new) else json.dumps(new)
        entry, fresh = r"^_src_path:.*(?:\n[ \t]+.*)*$", f"_src_path: {value}"
    return re.sub(entry, lambda _: fresh, project.text, count=1, flags=re.MULTILINE)
