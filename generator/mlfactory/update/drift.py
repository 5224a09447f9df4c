"""How a project differs from its template: status and diff."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlfactory.base import addresses, git, workflows
from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError, OpenQuestionError, UsageError
from mlfactory.base.objects import Leaves
from mlfactory.project import record
from mlfactory.project.record import Project, all_at
from mlfactory.render import rerender
from mlfactory.render.result import Render, RenderOptions, Replaced
from mlfactory.template import repository

from . import ignored, merge, new_record, unfinished, workbench
from .changes import Change, Conflict
from .course import Course, find_course
from .plan import Pair, pair
from .workbench import Workbench

CLEAN, EDITED, MISSING, MOVED, DIVERGED = "clean", "edited", "missing", "renamed", "diverged"
IGNORED, NOT_HERE = "ignored", "not here"
QUIET = (IGNORED, merge.LEFT_ALONE)  # meant only by their full names
STATES = {"D": MISSING, "R": MOVED}


@dataclass(frozen=True)
class Waiting:
    """An update that was begun and waits for somebody; `conflicts` are the files to resolve."""

    to_version: str
    conflicts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        ways = "mlfactory update --continue, or mlfactory update --abort"
        return f"the update to {self.to_version} is not finished: {ways}"


@dataclass(frozen=True)
class Status:
    """How a project stands to its template.

    `files` are the template's own: clean, edited, missing, renamed, ignored (the project keeps it
    out of git), left alone (it differs, and the project wants that) or diverged, which means that
    both the project and the newest template have changed them. `error` is all that is known of a
    project that cannot be looked at.
    """

    path: str
    source: str = ""
    version: str = ""
    newest: str = ""
    behind: bool = False
    questions: Answers = field(default_factory=dict)
    files: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""
    dropped: Answers = field(default_factory=dict)
    replaced: tuple[Replaced, ...] = ()
    answers_file: str = ""
    skipped_tasks: tuple[str, ...] = ()
    skipped_migrations: tuple[str, ...] = ()
    unfinished: Waiting | None = None

    @property
    def needs_attention(self) -> bool:
        return self.behind or bool(self.conflicts)


@dataclass(frozen=True)
class Comparison:
    """A project beside the fresh render of its recorded version.

    `tree` holds that render; `files` are the template's own, with their state and, of a renamed
    one, its new name.
    """

    project: Project
    render: Render
    bench: Workbench
    tree: str
    files: tuple[Change, ...]


@contextmanager
def comparison(course: Course, *, trust: bool = False) -> Iterator[Comparison]:
    """Render the recorded version again and compare the work tree with it."""
    base = rerender.base(course.project, course.up, course.old, trust=trust)
    with workbench.at_head(course.project, base) as bench:
        leaves = workbench.as_stored(bench, base)
        yield compare(bench, base, leaves, workbench.tree(bench, leaves))


def compare(bench: Workbench, base: Render, leaves: Leaves, tree: str) -> Comparison:
    """The same with a render whose files are on the bench already, and in a tree."""
    own = sorted(leaves.keys() - theirs_alone(bench, base, leaves))
    return Comparison(bench.project, base, bench, tree, tuple(states(bench, tree, own)))


def theirs_alone(bench: Workbench, base: Render, leaves: Leaves) -> set[str]:
    """What is not compared: the user's own files, and the record."""
    own = merge.user_files(bench, base, base, set(leaves)) | {bench.project.file}
    return own - ignored.left_alone(bench.project, set(leaves))


def tree_of(both: Pair) -> str:
    """The tree of base: the one that is merged, where it has all that is compared."""
    sides, bench = both.sides, both.bench
    different = {n for n, leaf in sides.whole_base.items() if sides.base.get(n) != leaf}
    if different <= theirs_alone(bench, both.base, sides.whole_base):
        return sides.base_tree
    return workbench.tree(bench, sides.whole_base)


def states(bench: Workbench, tree: str, own: list[str]) -> Iterator[Change]:
    """The state of each of the template's files, as it is in the work tree, or in HEAD where there
    is none."""
    name_of, here = bench.project.name_of, bench.repository.has_work_tree
    form = ("--raw", "-z", "-M", "-l0", "--no-abbrev", *(() if here else ("--cached",)))
    env = workbench.work_tree_index(bench) if here else None
    raw = bench.git("diff", *form, tree, "--", *bench.specs, env=env)
    parts, changes = iter(raw.split("\0")), {}
    for facts in parts:
        if not facts:
            break
        letter, name = facts.rsplit(" ", 1)[1][0], name_of(next(parts))
        new = name_of(next(parts)) if letter == "R" else ""
        changes[name] = Change(name, STATES.get(letter, EDITED), f"now {new}" if new else "")
    absent = [
        n for n, change in changes.items() if change.state == MISSING and n not in bench.leaves
    ]
    rules = ignored.rules(bench) if absent else None
    for name in absent:
        if rules and rules.ignore(name):
            is_here = os.path.lexists(bench.project.path / name)
            changes[name] = Change(name, IGNORED, "" if is_here else NOT_HERE)
    for name in ignored.left_alone(bench.project, set(changes)):
        state = changes[name].state
        changes[name] = Change(name, merge.LEFT_ALONE, NOT_HERE if state == MISSING else "")
    yield from (changes.get(name, Change(name, CLEAN)) for name in own)


def status(start: Path, file: str = "", *, trust: bool = False) -> Status:
    """How one project stands to its template. Raises MlfactoryError."""
    return status_of(find_course(record.find(start, file)), trust=trust)


def status_of(course: Course, *, trust: bool = False) -> Status:
    """The same for a project whose template is at hand."""
    project = course.project
    behind = course.old.commit != course.new.commit
    waits = waiting(project)
    notes = (*warning(project), *([waits.text] if waits else ()), *course.notes)
    common = (str(project.path), project.source, course.old.name, course.new.name)
    at_rest = Status(*common, warnings=notes, answers_file=project.file, unfinished=waits)
    if not behind or repository.is_older(course.up, course.new, course.old):
        return with_files(at_rest, course, trust=trust)
    try:
        return ahead(at_rest, course, trust=trust)
    except OpenQuestionError as error:
        way = f"{error.message}: mlfactory update {error.hint.removeprefix('Add ').rstrip('.')}"
        open_one = replace(at_rest, behind=True, warnings=(*notes, way))
        return with_files(open_one, course, trust=trust)


def with_files(plain: Status, course: Course, *, trust: bool) -> Status:
    """The same with how the files stand to the recorded version."""
    with comparison(course, trust=trust) as difference:
        facts = difference.render.facts
        warnings = (*plain.warnings, *facts.notes)
        skipped = facts.skipped_tasks
        return replace(plain, files=difference.files, warnings=warnings, skipped_tasks=skipped)


def ahead(plain: Status, course: Course, *, trust: bool) -> Status:
    """The same with what an update to the newest version would meet."""
    with pair(course, RenderOptions(trust=trust)) as both:
        difference = compare(both.bench, both.base, both.sides.whole_base, tree_of(both))
        result = merge.attempt(both.bench, both.sides, "Update", {})
        facts = both.theirs.facts
        return replace(
            plain,
            behind=True,
            questions=facts.questions,
            files=tuple(with_divergence(difference, both.sides)),
            conflicts=result.conflicts,
            warnings=(*plain.warnings, *facts.notes, *warnings_of(both)),
            dropped=facts.dropped,
            replaced=facts.replaced,
            skipped_tasks=facts.skipped_tasks,
            skipped_migrations=facts.skipped_migrations,
        )


def warnings_of(both: Pair) -> Iterator[str]:
    """What somebody should know before an update to the newest version."""
    yield from (one.text for one in both.theirs.facts.replaced)
    yield from new_record.warning(both.course.project, both.theirs)


def warning(project: Project) -> tuple[str, ...]:
    """What is said of a secret in the record, and of a folder that was moved."""
    return (*addresses.warning(project.source), *folder_warnings(project))


def waiting(project: Project) -> Waiting | None:
    """The update that waits for somebody to go on, or None."""
    update = unfinished.load(project.repository)
    if not update or not unfinished.observe(project.repository, update).is_running:
        return None
    return Waiting(update.to_version, tuple(git.unmerged(project.repository)))


def folder_warnings(project: Project) -> tuple[str, ...]:
    """What is said of a factory that was moved: workflows and tags are named after its folder."""
    old_folder, folder = str(project.answers.get("folder") or ""), project.prefix.rstrip("/")
    if (
        not old_folder
        or old_folder == folder
        or "contract" not in record.own_settings(project, "mlfactory")
    ):
        return ()
    way = f"mlfactory update --to :current: --set folder={folder}"
    return (f"it records the folder {old_folder}, and stands in {folder or 'the top'}: {way}",)


def with_divergence(comparison: Comparison, sides: merge.Sides) -> Iterator[Change]:
    """The same files; those that the newest template changes too have diverged."""
    for change in comparison.files:
        both = sides.base.get(change.path) != sides.theirs.get(change.path)
        if both and change.state in (EDITED, MOVED):
            yield Change(change.path, DIVERGED, change.note)
        else:
            yield change


def statuses(starts: list[Path], file: str = "", *, trust: bool = False) -> list[Status]:
    """The same for several, and for each template of one; what cannot be looked at does not keep
    the others back."""
    records = [one for start in starts for one in ([(start, file)] if file else all_at(start))]
    if len(records) < 2:
        return [status(start, name, trust=trust) for start, name in records]
    rows = []
    for start, name in records:
        try:
            rows.append(status(start, name, trust=trust))
        except MlfactoryError as error:
            rows.append(Status(str(start), error=error.message, answers_file=name))
    return rows


def is_meant(path: str, names: list[str]) -> bool:
    """Whether a path is one of the names, or below one of them."""
    return not names or any(path == n or path.startswith(f"{n.rstrip('/')}/") for n in names)


def inside(project: Project, start: Path, names: list[str]) -> list[str]:
    """The names as they are from the project's own folder. Raises UsageError for others."""
    paths = []
    for name in names:
        full = Path(os.path.normpath(Path(start).resolve() / name))
        if full.is_relative_to(project.path):
            paths.append(full.relative_to(project.path).as_posix())
        elif project.prefix and full.is_relative_to(project.top / workflows.HOME):
            paths.append(project.name_of(full.relative_to(project.top).as_posix()))
        else:
            raise UsageError(f"{name} is not in {project.path}")
    return [] if "." in paths else paths


def choose(comparison: Comparison, names: list[str]) -> list[Change]:
    """The drifted files that are meant; what is ignored may hold secrets, what is left alone is
    meant to differ, and both need their full names.

    Raises UsageError for names that are not the template's.
    """
    owns = [change.path for change in comparison.files]
    for name in names:
        if not any(is_meant(path, [name]) for path in owns):
            hint = "`mlfactory status` lists the template's files."
            raise UsageError(f"{name} is not one of the template's files, or it is yours", hint)
    changes = (c for c in comparison.files if c.state != CLEAN and is_meant(c.path, names))
    return [c for c in changes if c.state not in QUIET or c.path in names]
