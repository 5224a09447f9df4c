"""`mlfactory adopt`: an existing repository under a template, on a branch, by one merge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlfactory.base import addresses, answers, git, mainline, organisation
from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.objects import Leaf
from mlfactory.base.talk import Talk
from mlfactory.new import arrival, intake, journal, rendered
from mlfactory.new import run as setting_up
from mlfactory.new.journal import Run
from mlfactory.new.request import Goal
from mlfactory.new.request import Request as NewRequest
from mlfactory.project.record import PYPROJECT, Project
from mlfactory.render.result import Render
from mlfactory.template import choice

from . import branch, link, place, rendering, tasks, traces
from .compose import OWN, Composition, Sides, compose
from .place import BRANCH, Place
from .request import ADDED, ASK, GOES, File, Piece, Report, Request

CHOICES = ("keep mine", "take the template's")
GITLAB = (".gitlab-ci.yml", ".gitlab")
OF_PLACE = ("folder", "branch")  # answers that follow from where it stands, whatever is asked


def adopt(request: Request, goal: Goal, talk: Talk, *, ask: bool = False) -> Report:
    """Put a repository under the template, on a branch of its own, and set it up there.

    Run again on that branch, it goes on where it stopped. Raises MlfactoryError.
    """
    if request.keep == ASK and not (ask or request.dry_run):
        raise UsageError("--keep ask asks a person, and there is none", "Leave it: yours stay.")
    addresses.refuse("--template", request.template)
    git.require()
    here = place.place(request.project)
    if here.branch == BRANCH and not request.dry_run:
        return go_on(here, request, goal, talk)
    old = place.old_record(here)
    template = choice.template(request.template, request.ref)
    trust = goal.trust or choice.is_trusted(template.source)
    with rendering.sheet(template, trust=trust) as sheet:
        if request.template and not keeps_contract(sheet):
            return link.link(here, old, template, request)
        place.check_apart(here)
        place.check_alone(here)
        if not request.dry_run:
            place.check_quiet(here)
        place.check_branch(here, BRANCH)
        sides, warnings = sides_of(here, old, sheet, request, goal, talk)
    if request.data:
        place.check_data(here, request.data, str(sides.ours.facts.answers.get("data_file", "")))
    files = compose(sides, chooser(talk) if request.keep == ASK and ask else None)
    report = written(request, sides, files, warnings)
    if request.dry_run:
        return report
    rendering.keep_version(here, sheet.template)
    return set_up(report, here, request, goal, talk)


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
    values, notes = answers_of(here, sheet, request)
    values, more = with_data(here, sheet, request, values, talk)
    ours = sheet.render(str(values["project_name"]), values)
    package = package_of(ours)
    base, odd = base_of(here, old, goal)
    folder = str(values.get("folder") or "")
    facts = replace(ours.facts, answers=values)
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


def answers_of(
    here: Place, sheet: rendering.Sheet, request: Request
) -> tuple[dict[str, Any], list[str]]:
    """The answers that were typed, and those that the repository itself gives."""
    values = answers.merge(request.answers, request.settings, {})
    addresses.refuse_answers(values)
    if "folder" in values:
        raise UsageError("folder follows from where the project stands")
    name, notes = project_name(here), list[str]()
    if "project_name" not in values:
        values["project_name"] = free_name(here, name)
        if values["project_name"] != name:
            notes.append(
                f"the factory's own package is called {values['project_name'].replace('-', '_')}, "
                f"as {name.replace('-', '_')} is yours"
            )
    if "branch" in sheet.questions:
        values = {"branch": here.main_branch or mainline.MAIN, **values}
    if here.prefix and "folder" in sheet.questions:
        values["folder"] = here.prefix.rstrip("/")
    if "ci" not in values and "ci" in sheet.questions:
        values["ci"] = ci_of(here)
    answers.check({k: v for k, v in values.items() if k not in OF_PLACE}, sheet.questions)
    organisation.check_names(values)
    return values, notes


def project_name(here: Place) -> str:
    """What the project calls itself, as a factory can be called."""
    text = here.text(PYPROJECT)
    names = (
        answers.table(text, "project").get("name"),
        answers.table(text, "tool", "poetry").get("name"),
        here.path.name,
    )
    name = next(one for one in names if isinstance(one, str) and one)
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    words = words.lstrip("-0123456789") or "factory"
    return f"{words}-model" if answers.is_taken(words) else words


def free_name(here: Place, name: str) -> str:
    """A name whose package has no features or model of theirs in it, and hides none of theirs."""
    package = name.replace("-", "_")
    tops = {n.split("/")[0].removesuffix(".py") for n in here.names if n.endswith(".py")}
    own = {n.split("/")[1] for n in here.names if OWN.fullmatch(n)}
    return f"{name}-factory" if package in tops | own else name


def ci_of(here: Place) -> str:
    """The forge whose files are there, or that the origin names."""
    tops = {name.split("/")[0] for name in here.leaves}
    origin = git.config(here.repository, "remote.origin.url")
    is_gitlab = bool(tops & {*GITLAB}) or ("gitlab" in origin and ".github" not in tops)
    return "gitlab" if is_gitlab else "github"


def with_data(
    here: Place, sheet: rendering.Sheet, request: Request, values: Answers, talk: Talk
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The answers about data, after a look at them, as `mlfactory new` does."""
    if not request.data:
        return dict(values), ()
    asked_for = NewRequest(str(here.path), request.data, template=request.template)
    run = Run(here.path, asked_for, sheet.template.source, "", True, prefix=here.prefix)
    own = {name: value for name, value in values.items() if name not in OF_PLACE}
    run = replace(run, request=replace(asked_for, answers=own))
    with TemporaryDirectory(prefix="mlfactory-") as folder:
        run = intake.gather(run, here.path, sheet.questions)
        run = arrival.convert(
            run, intake.sources(run), Path(folder), talk, sheet.questions, ask=False
        )
        run = intake.look(intake.choose_target(run, talk, ask=False))
    place = {name: values[name] for name in OF_PLACE if name in values}
    return {**run.given, **place}, run.warnings


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
    branch.switch(here, BRANCH, commit)
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
    journal.file_of(here.repository, here.prefix).unlink(missing_ok=True)  # of an earlier branch
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
    asked_for = NewRequest(str(here.path), data, template=request.template)
    summary = setting_up.new(asked_for, goal, talk)
    files = [name for name in (tasks.FILE, tasks.OTHER_FILE) if here.has(name)]
    ways = (f"$EDITOR {files[-1]}",) if files else ()
    return replace(report, setup=asdict(summary), warnings=summary.warnings, next=ways)
