"""What an update would do, found out without touching anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfactory.base import answers, git
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.model import Plan, Wish
from mlfactory.project.record import Project
from mlfactory.render import rerender as replay
from mlfactory.render.result import Render
from mlfactory.template import history as source
from mlfactory.template import repository as upstream
from mlfactory.template import wheel
from mlfactory.template.repository import Upstream, Version

from . import merge as merging
from . import unfinished as pending
from . import workbench as trees
from .merge import Merge
from .workbench import Bench

CURRENT = ":current:"


@dataclass(frozen=True)
class Course:
    """Where a project stands and where it goes."""

    project: Project
    up: Upstream
    old: Version
    new: Version


@dataclass(frozen=True)
class Prepared:
    """A plan together with the merge that it tells of."""

    plan: Plan
    course: Course
    base: Render
    theirs: Render
    bench: Bench
    merge: Merge

    @property
    def torn_from_library(self) -> tuple[str, ...]:
        return torn_from_library(self.merge, self.theirs)


def course(project: Project, to: str = "") -> Course:
    """Raises an error when the template cannot be reached or has no such version.

    Without `to` a project goes to the newest version; `:current:` is the one that it has.
    """
    to = project.version if to == CURRENT else to
    up = upstream.opened(project)
    return Course(project, up, recorded(project, up), upstream.version(up, to or up.newest))


def recorded(project: Project, up: Upstream) -> Version:
    """The version that the project has. Raises MlfactoryError when the template lost it."""
    try:
        return upstream.version(up, project.version)
    except UsageError as error:
        raise MlfactoryError(
            f"{error.message}, which {project.name} records",
            f"Write another one into {project.file}, and commit. {error.hint}",
        ) from error


def check_forward(found: Course, to: str) -> None:
    """Raises MlfactoryError for a way back that nobody asked for."""
    if not to and upstream.is_older(found.up, found.new, found.old):
        raise MlfactoryError(
            f"{found.project.name} is at {found.old.name}, and {found.new.name} is older",
            f"If you mean it: mlfactory update --to {found.new.name}",
        )


@contextmanager
def prepared(found: Course, wish: Wish) -> Iterator[Prepared]:
    """Render both sides, merge them in memory and make the plan of it."""
    project = found.project
    check_settings(project, wish)
    base = replay.base(project, found.up, found.old, trust=wish.trust)
    theirs = replay.theirs(project, found.up, found.new, wish)
    with trees.bench(project) as bench:
        sides = merging.sides(bench, base, theirs)
        told = upstream.changes(found.up, found.old, found.new)
        text = message(found, theirs, told)
        merge = merging.merged(bench, sides, text, author(project))
        made = plan(found, base, theirs, bench, merge, told)
        yield Prepared(made, found, base, theirs, bench, merge)


def check_settings(project: Project, wish: Wish) -> None:
    """Raises UsageError for names that begin like copier's own entries."""
    for name in wish.settings:
        if name.startswith("_"):
            raise UsageError(
                f"{name} in {project.file} is not an answer", "Use --to for a version."
            )


def author(project: Project) -> Mapping[str, str]:
    """Who updates is the author; a preview needs nobody."""
    asked = ("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
    name, known, rest = git.run(*asked, cwd=project.top, ok=(0, 128)).out.partition(" <")
    if not known:
        return {}
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": rest.partition("> ")[0]}


def message(found: Course, theirs: Render, told: str) -> str:
    """The update's commit message: what changed in the template and which answers are new."""
    title = f"Update {found.project.name} from {found.old.name} to {found.new.name}"
    if found.old.commit == found.new.commit:
        title = f"Answer the template's questions of {found.project.name} anew"
    new = [f"{name}: {value!r}" for name, value in theirs.facts.questions.items()]
    asked = "New questions, answered with: " + ", ".join(new) if new else ""
    # git takes lines that begin with # for comments when somebody edits the message.
    body = re.sub(r"^#+ *", "", "\n\n".join(filter(None, [told, asked])), flags=re.MULTILINE)
    return f"{title}\n\n{body}".rstrip() + "\n"


def plan(
    found: Course, base: Render, theirs: Render, bench: Bench, merge: Merge, told: str
) -> Plan:
    """The plan in the words of `mlfactory update`."""
    return Plan(
        project=str(found.project.path),
        source=found.project.source,
        from_version=found.old.name,
        to_version=found.new.name,
        released=not (found.up.own and found.new.name.removeprefix("v") == development()),
        changelog=told,
        questions=theirs.facts.questions,
        settings=new_settings(found.project, base, theirs),
        changes=merge.changes,
        conflicts=merge.conflicts,
        blocked=blocked(bench, merge),
        warnings=(*theirs.facts.notes, *library_notes(torn_from_library(merge, theirs))),
    )


def torn_from_library(merge: Merge, theirs: Render) -> tuple[str, ...]:
    """Files that somebody edited and that are part of the library in vendor/ now."""
    if not any(entry.name.startswith(f"vendor/{wheel.PACKAGE}") for entry in theirs.entries):
        return ()
    torn = (one for one in merge.conflicts if one.reason.startswith("modify/delete"))
    return tuple(one.path for one in torn if one.path.startswith("src/"))


def library_notes(torn: tuple[str, ...]) -> tuple[str, ...]:
    """How edits of such files are kept."""
    if not torn:
        return ()
    count = (
        "1 file that you edited is" if len(torn) == 1 else f"{len(torn)} files that you edited are"
    )
    told = f"{count} part of the library now, and read by nobody: {', '.join(torn)}"
    return (f"{told}. Their edits go along with: mlfactory update --set runtime=source",)


def development() -> str:
    return source.history().development


def blocked(bench: Bench, merge: Merge) -> tuple[str, ...]:
    """Files that git does not track, ignored ones too, where the update would put others."""
    top, prefix = bench.project.top, bench.project.prefix
    tracked = {f"{prefix}{name}" for name in (*bench.leaves, *bench.others)}
    found = pending.in_the_way(top, tracked, (f"{prefix}{name}" for name in merge.added))
    return tuple(name.removeprefix(prefix) for name in found)


def new_settings(project: Project, base: Render, theirs: Render) -> dict[str, Any]:
    """Settings that the new version writes, and neither the old one nor the project has."""
    file = answers.tool_table(theirs.text("pyproject.toml"), "mlfactory").get("settings")
    if not file:
        return {}
    own = git.text_at(project.top, "HEAD", f"{project.prefix}{file}")
    known = {**flat(base.text(file), file), **flat(own, file)}
    return {k: v for k, v in flat(theirs.text(file), file).items() if k not in known}


def flat(text: str | None, file: str) -> dict[str, Any]:
    """The leaves of a YAML text by their dotted names; of a text that is not YAML, nothing."""
    try:
        found: Any = answers.parse(text or "{}", Path(file))
    except MlfactoryError:
        return {}
    return dict(dotted(found))


def dotted(found: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
