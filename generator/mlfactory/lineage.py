"""`mlfactory template`: the template's versions, and a git server of a team's own for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from . import git, linked, source, update, upstream
from .errors import MlfactoryError, UsageError
from .linked import CRUFT
from .upstream import Release, Upstream


@dataclass(frozen=True)
class Changelog:
    """What changed between two versions."""

    source: str
    from_version: str
    to_version: str
    text: str


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
    """The template at an address; without one, that of the project around, or mlfactory's own."""
    if url and url not in (source.SOURCE, source.URL):
        return upstream.mirrored(url)
    return upstream.own(Path.cwd())


def versions(url: str = "") -> list[Release]:
    """All released versions, newest first."""
    return upstream.releases(template(url))


def changelog(span: str, url: str = "") -> Changelog:
    """The changes of a span FROM..TO; either end may be left out."""
    up = template(url)
    if not up.tags:
        raise MlfactoryError(f"the template {up.source} has no released versions")
    first, dots, last = span.partition("..")
    if span and not dots:
        first, last = "", span
    new = upstream.version(up, last or up.newest)
    if first:
        old = upstream.version(up, first)
        return Changelog(up.source, old.name, new.name, upstream.changes(up, old, new))
    return Changelog(up.source, "", new.name, upstream.changes(up, None, new))


def publish(url: str) -> tuple[str, ...]:
    """Push every release, same commits, to a team's repository; returns what it then has.

    Raises MlfactoryError when it has another history.
    """
    found = source.released(source.HISTORY)
    address = upstream.git_url(url)
    if address.startswith("-"):
        raise UsageError(f"{url} is no address", "Give a git URL.")
    tags = [f"refs/tags/v{name}" for name in found.versions]
    hint = (
        f"Give an empty repository, or one that was published to before. Try `git ls-remote {url}`."
    )
    argv = ("push", "--quiet", "--", address, "refs/heads/main", *tags)
    env = {"GIT_TERMINAL_PROMPT": "0"}
    git.run(*argv, cwd=source.repository(found), env=env, hint=hint)
    return tuple(f"v{name}" for name in found.versions)


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
    old_up, new_up = upstream.opened(project), upstream.mirrored(new)
    here = upstream.version(old_up, project.version)
    there = upstream.version(new_up, project.version)
    if here.commit != there.commit:
        raise MlfactoryError(
            f"{url} has another {project.version}: {there.commit[:10]}, not {here.commit[:10]}",
            "Publish the same history there: mlfactory template publish GIT_URL",
        )
    moved = Moved(str(project.path), project.source, new, project.version, not dry_run)
    if not dry_run:
        record(project, new)
    return moved


def address_of(url: str, *, cruft: bool) -> str:
    """The address as it is recorded, so that copier takes it for git's."""
    if cruft or url in (source.SOURCE, source.URL):
        return source.SOURCE if url == source.URL else url
    from . import engine

    return engine.template_source(url)


def record(project: linked.Project, new: str) -> None:
    """Write the address into the file that records the template, and commit it."""
    path = project.path / project.file
    text = path.read_text("utf-8")
    if project.kind == CRUFT:
        fresh = re.sub(
            r'("template"\s*:\s*)"(?:[^"\\]|\\.)*"', lambda m: f'{m[1]}"{new}"', text, count=1
        )
    else:
        fresh = re.sub(
            r"^_src_path:.*$", lambda _: f"_src_path: {new}", text, count=1, flags=re.MULTILINE
        )
    path.write_text(fresh, "utf-8")
    spec = project.spec(project.file)
    git.run("add", "--", spec, cwd=project.top)
    text = f"Take the template of {project.name} from {new}"
    git.run(
        "commit", "--quiet", "--no-verify", "--message", text, "--", spec,
        cwd=project.top, hint=git.SIGNING,
    )  # fmt: skip
