"""`mlfactory adopt`: an existing repository under a template, on a branch, by one merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mlfactory.base import addresses, answers, git
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.objects import Leaf
from mlfactory.base.talk import Talk
from mlfactory.new import journal, rendered
from mlfactory.new import run as setting_up
from mlfactory.new.request import Goal
from mlfactory.new.request import Request as NewRequest
from mlfactory.project.record import PYPROJECT, Project
from mlfactory.render.result import Render
from mlfactory.template import choice

from . import branch, crossing, link, place, rendering, tasks, traces, values
from .compose import Composition, Sides, compose
from .place import BRANCH, Place
from .request import ADDED, ASK, GOES, File, Piece, Report, Request

CHOICES = ("keep mine", "take the template's")


def adopt(request: Request, goal: Goal, talk: Talk, *, ask: bool = False) -> Report:
    """Put a repository under the template, on a branch of its own, and set it up there.

    Run again, also after a kill at any moment, it goes on where it stopped. Raises MlfactoryError.
    """
    if request.keep == ASK and not (ask or request.dry_run):
        raise UsageError("--keep ask asks a person, and there is none", "Leave it: yours stay.")
    addresses.refuse("--template", request.template)
    git.require()
    here = place.place(request.project)
    if request.dry_run:
        return first(here, request, goal, talk, ask=ask)
    with crossing.alone(here):
        is_there = here.branch == BRANCH
        report = None if is_there else first(here, request, goal, talk, ask=ask)
    if report is None:
        return go_on(here, request, goal, talk)
    return set_up(report, here, request, goal, talk)


def first(here: Place, request: Request, goal: Goal, talk: Talk, *, ask: bool) -> Report:
    """The merge on its branch, or with `dry_run` what it would be; of a template that is none of
    factories, the link to it."""
    old = place.old_record(here)
    template = choice.template(request.template, request.ref)
    trust = goal.trust or choice.is_trusted(template.source)
    with rendering.sheet(template, trust=trust) as sheet:
        if request.template and not keeps_contract(sheet):
            return link.link(here, old, template, request)
        notes = check(here, request)
        sides, warnings = sides_of(here, old, sheet, request, goal, talk)
        warnings = (*notes, *warnings)
    if request.data:
        place.check_data(here, request.data, str(sides.ours.facts.answers.get("data_file", "")))
    files = compose(sides, chooser(talk) if request.keep == ASK and ask else None)
    if not request.dry_run:
        journal.file_of(here.repository, here.prefix).unlink(missing_ok=True)  # of an older branch
        rendering.keep_version(here, sheet.template)
    return written(request, sides, files, warnings)


def check(here: Place, request: Request) -> tuple[str, ...]:
    """What would stop it if it was done now. Raises MlfactoryError for a repository that cannot be
    adopted."""
    place.check_apart(here)
    place.check_alone(here)
    notes = place.unready(here, dry_run=request.dry_run)
    place.check_branch(here, BRANCH)
    return notes


def keeps_contract(sheet: rendering.Sheet) -> bool:
    """Whether a template is one of factories: others are only linked."""
    return {"data_file", "target", "project_name"} <= sheet.questions.keys()


def chooser(talk: Talk) -> Any:
    def choose(path: str) -> bool:
        return talk.choose(f"{path} is there, and the template has another:", CHOICES) == CHOICES[1]

    return choose


def sides_of(
    here: Place,
    old: Project | None,
    sheet: rendering.Sheet,
    request: Request,
    goal: Goal,
    talk: Talk,
) -> tuple[Sides, tuple[str, ...]]:
    """The render of the answers, and what an older template made, with what is odd about them."""
    own, notes = values.answers_of(here, sheet, request)
    own, more = values.with_data(here, sheet, request, own, talk)
    ours = sheet.render(str(own["project_name"]), own)
    package = package_of(ours)
    base, odd = base_of(here, old, goal)
    folder = str(own.get("folder") or "")
    facts = replace(ours.facts, answers=own)
    return Sides(here, Render(ours.entries, facts), package, folder, old, base), (
        *notes, *more, *odd,
    )  # fmt: skip


def package_of(ours: Render) -> str:
    settings = answers.tool_table(ours.text(PYPROJECT), "mlfactory")
    return str(settings.get("package") or "")


def base_of(here: Place, old: Project | None, goal: Goal) -> tuple[Render | None, tuple[str, ...]]:
    """What the old template made; it may be gone, or not trusted, and then nothing is known."""
    if old is None:
        return None, ()
    try:
        old = old if old.version else link.nearest(here, old)
        return rendering.old_render(old, trust=goal.trust), ()
    except MlfactoryError as error:
        text = f"the old template cannot be rendered, so that all its files count as yours: {error}"
        return None, (text,)


def written(
    request: Request, sides: Sides, files: Composition, warnings: tuple[str, ...]
) -> Report:
    """The merge on its branch, or what it would be."""
    here, render = sides.here, sides.ours
    template = render.facts.version
    side, leaves = "TEMPLATE", dict[str, Leaf | None]()
    if not request.dry_run:
        leaves = {
            (p := sides.place_of(e.name)): branch.blob(here.repository, p, e.content, e.mode)
            for e in render.entries
        }
        message = f"The files of the template {template}, as it makes them"
        side = branch.template_side(here, leaves, message)
    todo = tuple(tasks.tasks(request, sides, files, side[:12]))
    checklist = tasks.FILE if not here.has(tasks.FILE) else tasks.OTHER_FILE
    data = str(render.facts.answers.get("data_file", "")) if request.data else ""
    paths = traces.remains(here, data)  # before anything is there
    page = tasks.page(todo, traces.names(here, paths))
    pieces = [*files.pieces, Piece(checklist, ADDED, page.encode())]
    commit = "" if request.dry_run else merged(sides, pieces, side, leaves)
    report = Report(
        "planned" if request.dry_run else "adopted",
        str(here.path),
        str(choice.template_source(request.template)),
        template,
        branch=BRANCH,
        origin=here.branch,
        commit=commit,
        files=tuple(File(one.path, one.state, one.diff) for one in pieces),
        todo=todo,
        checklist=checklist,
        warnings=warnings,
    )
    return replace(report, next=next_commands(report, here, paths))


def merged(sides: Sides, pieces: list[Piece], side: str, leaves: Mapping[str, Leaf | None]) -> str:
    """Make the commit, its branch, and go there."""
    here = sides.here
    ours = {sides.place_of(e.name): e.content for e in sides.ours.entries}
    changes: dict[str, Leaf | None] = {}
    for one in pieces:
        at = one.path[1:] if one.path.startswith("/") else f"{here.prefix}{one.path}"
        if one.content is not None and ours.get(at) == one.content:
            changes[at] = leaves[at]  # it is stored already
        elif one.content is not None:
            changes[at] = branch.blob(here.repository, at, one.content, one.mode)
        elif one.state == GOES:
            changes[at] = None
    title = f"Adopt the template of mlfactory {sides.ours.facts.version}".strip()
    commit = branch.join(
        here, side, changes, f"{title}\n\n{pieces[-1].path} says what is left to do."
    )
    crossing.switch(here, BRANCH, commit)
    return commit


def next_commands(report: Report, here: Place, paths: Iterable[Path]) -> tuple[str, ...]:
    """What to type now; the last one takes back what the set-up leaves at `paths`, too."""
    if report.state == "planned":
        return ()
    return (
        f"$EDITOR {report.checklist}",
        f"{traces.back(here)} && git merge --no-ff {BRANCH}     # takes it; "
        "`git revert -m 1 HEAD` takes it back",
        f"{traces.undo(here, paths)}     # leaves no trace",
    )


def set_up(report: Report, here: Place, request: Request, goal: Goal, talk: Talk) -> Report:
    """The steps of `mlfactory new` on the branch; without data there is nothing to set up."""
    if not (request.data and any(f.path == ".copier-answers.yml" for f in report.files)):
        return report
    full = str(Path(request.data).expanduser().absolute())
    again = NewRequest(str(here.path), full, template=request.template)
    summary = setting_up.new(again, goal, talk)
    return replace(report, setup=asdict(summary), warnings=(*report.warnings, *summary.warnings))


def go_on(here: Place, request: Request, goal: Goal, talk: Talk) -> Report:
    """The steps that are left, on the branch that an earlier run has made."""
    has_begun = journal.load(here.path) is not None
    if not (has_begun or (request.data and rendered.is_waiting(here.path))):
        text = f"{here.path} is adopted, on this branch"
        hint = f"Merge it: git switch {branch.before(here)} && git merge --no-ff {BRANCH}"
        raise MlfactoryError(text, hint)
    source = choice.template_source(request.template)
    report = Report("resumed", str(here.path), source, "", branch=BRANCH)
    data = str(Path(request.data).expanduser().absolute()) if request.data else ""
    asked_for = NewRequest(
        str(here.path), data, answers=request.answers, settings=request.settings,
        template=request.template, ref=request.ref,
    )  # fmt: skip
    summary = setting_up.new(asked_for, goal, talk)
    files = [name for name in (tasks.FILE, tasks.OTHER_FILE) if here.has(name)]
    ways = (f"$EDITOR {files[-1]}",) if files else ()
    return replace(report, setup=asdict(summary), warnings=summary.warnings, next=ways)
