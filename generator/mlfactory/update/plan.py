"""What an update would do, found out without touching anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlfactory.base import addresses, answers, organisation
from mlfactory.base.answers import Answers
from mlfactory.base.credentials import mask
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.objects import text_at
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.render import rerender
from mlfactory.render.result import Render, RenderOptions, Replaced
from mlfactory.template import history, news, wheel

from . import moves, new_record, workbench
from .changes import Change, Conflict
from .course import Course
from .merge import Merge, Sides, compose, merge
from .obstacles import in_the_way
from .workbench import Workbench


@dataclass(frozen=True)
class UpdatePlan:
    """What an update would do; `--dry-run` prints exactly this.

    `questions` and `settings` are new, with the values that they get; `dropped` are recorded
    answers to questions that are gone, `replaced` those that the new version does not take.
    `skipped_tasks` and `skipped_migrations` are commands that
    the template would run and that are not trusted. `blocked` are files that are not git's and
    stand where the update would put others.
    """

    project: str
    source: str
    from_version: str
    to_version: str
    released: bool = True
    changelog: str = ""
    questions: Answers = field(default_factory=dict)
    settings: Answers = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    blocked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    dropped: Answers = field(default_factory=dict)
    replaced: tuple[Replaced, ...] = ()
    skipped_tasks: tuple[str, ...] = ()
    skipped_migrations: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return self.from_version == self.to_version and not self.changes


@dataclass(frozen=True)
class Pair:
    """Both renders of a project, as they are merged."""

    course: Course
    base: Render
    theirs: Render
    bench: Workbench
    sides: Sides


@dataclass(frozen=True)
class Preview:
    """A plan together with the merge that it tells of."""

    plan: UpdatePlan
    pair: Pair
    merge: Merge

    @property
    def library_edits(self) -> tuple[str, ...]:
        return library_edits(self.merge, self.pair.theirs)


@contextmanager
def pair(course: Course, options: RenderOptions) -> Iterator[Pair]:
    """Render both sides and lay them out for a merge."""
    project = course.project
    check_settings(project, options)
    base = rerender.base(project, course.up, course.old, trust=options.trust)
    theirs = rerender.theirs(project, course.up, course.new, options, base)
    with workbench.at_head(project, base, theirs) as bench:
        yield Pair(course, base, theirs, bench, compose(bench, base, theirs))


@contextmanager
def preview(
    course: Course, options: RenderOptions, author: Mapping[str, str] | None = None
) -> Iterator[Preview]:
    """Render both sides, merge them in memory and make the plan of it; `author` is who updates."""
    with pair(course, options) as both:
        new_record.check(course.project, both.theirs, options.settings)
        organisation.check_new_names(course.project.answers, both.theirs.facts.answers)
        changelog = news.changes(course.up, course.old, course.new)
        text = message(course, both.theirs, changelog)
        outcome = merge(both.bench, both.sides, text, author or {})
        yield Preview(plan_of(both, outcome, changelog), both, outcome)


def check_settings(project: Project, options: RenderOptions) -> None:
    """Raises UsageError for names that begin like copier's own entries, and for secrets."""
    for name in options.settings:
        if name.startswith("_"):
            raise UsageError(
                f"{name} in {project.file} is not an answer", "Use --to for a version."
            )
    addresses.refuse_answers(options.settings)


def message(course: Course, theirs: Render, changelog: str) -> str:
    """The update's commit message: what changed in the template and which answers are new."""
    title = f"Update {course.project.title} from {course.old.name} to {course.new.name}"
    if course.old.commit == course.new.commit:
        title = f"Answer the template's questions of {course.project.title} anew"
    new = [f"{name}: {value!r}" for name, value in theirs.facts.questions.items()]
    old = "\n".join(one.text for one in theirs.facts.replaced)
    questions = "New questions, answered with: " + ", ".join(new) if new else ""
    # git takes lines that begin with # for comments when somebody edits the message.
    body = re.sub(
        r"^#+ *", "", "\n\n".join(filter(None, [changelog, questions, old])), flags=re.MULTILINE
    )
    return mask(f"{title}\n\n{body}".rstrip() + "\n")


def plan_of(both: Pair, outcome: Merge, changelog: str) -> UpdatePlan:
    """The plan in the words of `mlfactory update`."""
    course, facts = both.course, both.theirs.facts
    notes = (*addresses.warning(course.project.source), *facts.notes)
    return UpdatePlan(
        project=str(course.project.path),
        source=course.project.source,
        from_version=course.old.name,
        to_version=course.new.name,
        released=not (course.up.own and course.new.name.removeprefix("v") == development()),
        changelog=changelog,
        questions=facts.questions,
        settings=new_settings(course.project, both.base, both.theirs),
        changes=outcome.changes,
        conflicts=outcome.conflicts,
        blocked=obstacles_to(both.bench, outcome),
        warnings=(*notes, *notes_of(both, outcome)),
        dropped=facts.dropped,
        replaced=facts.replaced,
        skipped_tasks=facts.skipped_tasks,
        skipped_migrations=facts.skipped_migrations,
    )


def notes_of(both: Pair, outcome: Merge) -> Iterator[str]:
    """What else somebody has to know before it is done."""
    yield from both.course.notes
    yield from further(both.course.project)
    yield from (one.text for one in both.theirs.facts.replaced)
    yield from library_notes(library_edits(outcome, both.theirs))
    yield from moves.notes(both.bench, both.sides.moves, both.base)
    yield from organisation.misnomers(both.theirs.facts.answers)


def further(project: Project) -> Iterator[str]:
    """What is said of a folder that several templates have made."""
    for name in record.files_in(project.path):
        if name != project.file:
            way = f"mlfactory update --answers-file {name}"
            yield f"{name} records another template, which is not part of this: {way}"


def library_edits(merge: Merge, theirs: Render) -> tuple[str, ...]:
    """Files that somebody edited and that are part of the library in vendor/ now."""
    if not any(entry.name.startswith(f"vendor/{wheel.PACKAGE}") for entry in theirs.entries):
        return ()
    conflicts = (one for one in merge.conflicts if one.reason.startswith("modify/delete"))
    return tuple(one.path for one in conflicts if one.path.startswith("src/"))


def library_notes(names: tuple[str, ...]) -> tuple[str, ...]:
    """How edits of such files are kept."""
    if not names:
        return ()
    count = (
        "1 file that you edited is"
        if len(names) == 1
        else f"{len(names)} files that you edited are"
    )
    text = f"{count} part of the library now, and read by nobody: {', '.join(names)}"
    return (f"{text}. Their edits go along with: mlfactory update --set runtime=source",)


def development() -> str:
    return history.load().development


def obstacles_to(bench: Workbench, outcome: Merge) -> tuple[str, ...]:
    """Files that git does not track, ignored ones too, where the update would put others."""
    place_of = bench.project.place_of
    tracked = {place_of(name) for name in (*bench.leaves, *bench.others)}
    standing = in_the_way(bench.project.top, tracked, map(place_of, outcome.added))
    return tuple(map(bench.project.name_of, standing))


def new_settings(project: Project, base: Render, theirs: Render) -> dict[str, Any]:
    """Settings that the new version writes, and neither the old one nor the project has."""
    file = answers.tool_table(theirs.text("pyproject.toml"), "mlfactory").get("settings")
    if not file:
        return {}
    own = text_at(project.repository, project.head, f"{project.prefix}{file}")
    old = {**flat(base.text(file), file), **flat(own, file)}
    return {k: v for k, v in flat(theirs.text(file), file).items() if k not in old}


def flat(text: str | None, file: str) -> dict[str, Any]:
    """The leaves of a YAML text by their dotted names; of a text that is not YAML, nothing."""
    try:
        document: Any = answers.parse(text or "{}", Path(file))
    except MlfactoryError:
        return {}
    return dict(leaves(document))


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
