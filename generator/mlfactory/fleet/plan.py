"""`mlfactory fleet plan`: what an update of many would do, found out without touching anything."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mlfactory.base import objects
from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError, OpenQuestionError
from mlfactory.project.record import Project
from mlfactory.render.result import RenderOptions
from mlfactory.template.repository import Version
from mlfactory.update import workbench
from mlfactory.update.changes import Change
from mlfactory.update.course import Course, check_forward, check_line
from mlfactory.update.plan import Preview, preview

from . import proposal, work
from .inventory import Fleet, Member
from .scout import Place, Progress, at_hand, of_template, scout
from .work import Failure

COMMIT = re.compile(r"^([0-9a-f]{7})[0-9a-f]{33,57}$")
FORMAT, FILE = 1, Path("fleet-plan.json")
Action = Literal["update", "current", "conflict", "refused"]


@dataclass(frozen=True)
class Clash:
    """A file that cannot be merged. `edit` is the same wherever a project's edit is the same."""

    path: str
    reason: str
    edit: str


@dataclass(frozen=True)
class Step:
    """What a plan says of one member.

    From the commit `head` of `base` comes `tree`, under `message`, on `branch`; whatever else comes
    of it when the plan is applied is refused. `reason` says why one is refused. Of a conflict the
    tree has git's marks in it. `resolutions` are files whose conflict was resolved elsewhere.
    """

    name: str
    action: Action
    folder: str = ""
    group: str = ""
    wave: int = 0
    reason: str = ""
    base: str = ""
    head: str = ""
    branch: str = ""
    from_version: str = ""
    to_version: str = ""
    to_commit: str = ""
    settings: Answers = field(default_factory=dict)
    questions: Answers = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    clashes: tuple[Clash, ...] = ()
    tree: str = ""
    message: str = ""
    changelog: str = ""
    warnings: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()

    @property
    def target(self) -> Version:
        return Version(self.to_version, self.to_commit)

    @property
    def moves(self) -> bool:
        """Whether it leads to another version, and not only to other answers."""
        return not self.target.is_recorded(self.from_version)

    @property
    def start(self) -> str:
        """The version that it begins with, as people read it."""
        return COMMIT.sub(r"\1", self.from_version)


@dataclass(frozen=True)
class FleetPlan:
    """A plan for many. `fleet` is the file of the fleet that it was made for."""

    fleet: str
    steps: tuple[Step, ...]
    format: int = FORMAT

    def of(self, action: Action) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action == action)

    @property
    def edits(self) -> dict[str, list[str]]:
        """The members that made the same edit, for each edit that cannot be merged."""
        groups: dict[str, list[str]] = {}
        for step in self.of("conflict"):
            for clash in step.clashes:
                groups.setdefault(f"{clash.path} ({clash.edit})", []).append(step.name)
        return dict(sorted(groups.items(), key=lambda pair: -len(pair[1])))

    @property
    def questions(self) -> dict[str, list[str]]:
        """The members that are asked the same, for each new question with its answer."""
        groups: dict[str, list[str]] = {}
        for step in self.steps:
            for name, value in step.questions.items():
                text = f"{name}: {json.dumps(value, default=str, ensure_ascii=False)}"
                groups.setdefault(text, []).append(step.name)
        return groups


def plan(
    fleet: Fleet, members: Sequence[Member], progress: Progress, to: str = "", jobs: int = 0
) -> FleetPlan:
    """A step for each member that is not skipped, in the order of the waves."""
    active = [member for member in members if not member.skip]
    steps = [outline(fleet, member) for member in active]
    todo = []
    for number, place in enumerate(scout(active, progress)):
        if isinstance(place, Failure):
            steps[number] = refusal(steps[number], place)
        else:
            todo.append((number, place))
    places = [place for _, place in todo]
    with progress.count("Merge in memory", len(todo)) as tick, at_hand(places, to) as own:
        for at, step in work.compute(partial(step_of, fleet, to), own, jobs):
            number = todo[at][0]
            steps[number] = refusal(steps[number], step) if isinstance(step, Failure) else step
            tick()
    return FleetPlan(str(fleet.file), tuple(sorted(steps, key=lambda step: step.wave)))


def refusal(step: Step, why: Failure) -> Step:
    return replace(step, action="refused", reason=why.message)


def outline(fleet: Fleet, member: Member) -> Step:
    wave = fleet.wave_of(member)
    return Step(member.name, "current", member.folder, member.group, wave)


def step_of(fleet: Fleet, to: str, place: Place) -> Step:
    """What is to be done for one member. Raises an error for what cannot be."""
    member, project, clone = place.member, place.project, place.clone
    branch = proposal.branch_of(fleet.branch, member.folder)
    step = replace(
        outline(fleet, member),
        base=member.branch or clone.default,
        head=project.head,
        branch=branch,
        from_version=project.version,
    )
    if not of_template(fleet, project):
        return replace(step, action="refused", reason=f"it is made from {project.source}")
    target = member.pin or to
    settings = {k: v for k, v in member.answers.items() if project.answers.get(k) != v}
    course = place.course(target)
    check_forward(course, target)
    step = replace(step, to_version=course.new.name, to_commit=course.new.commit)
    if course.old.commit == course.new.commit and not settings:
        check_line(course)
        return step
    state, where = proposal.state(clone, project, branch, course.new)
    if state in ("changed by a person", "open elsewhere"):
        return replace(step, action="refused", reason=f"{where} is {state}")
    return with_merge(step, course, fleet, settings)


def with_merge(step: Step, course: Course, fleet: Fleet, settings: Answers) -> Step:
    """The step with what comes of a merge in memory; what the fleet answers is not asked."""
    try:
        return with_answers(step, course, fleet, settings)
    except OpenQuestionError as error:
        name = error.question
        if name in settings or name not in fleet.answers:
            text = f"the template asks {name}: answer it under `answers` in {fleet.file.name}"
            raise MlfactoryError(text) from error
        return with_merge(step, course, fleet, {**settings, name: fleet.answers[name]})


def with_answers(step: Step, course: Course, fleet: Fleet, settings: Answers) -> Step:
    """The same. Raises OpenQuestionError for a question that has no default."""
    with preview(course, RenderOptions(settings)) as view:
        answers = {k: v for k, v in fleet.answers.items() if k in view.plan.questions}
        fresh = {k: v for k, v in answers.items() if view.plan.questions[k] != v}
        if not fresh:
            return with_preview(step, view, {**settings, **answers})
    with preview(course, RenderOptions({**settings, **answers})) as view:
        return with_preview(step, view, {**settings, **answers})


def with_preview(step: Step, view: Preview, settings: Answers) -> Step:
    tree, one = in_words(view), view.plan
    questions = {k: v for k, v in one.questions.items() if k not in settings}
    step = replace(
        step,
        settings=settings,
        questions=questions,
        changes=one.changes,
        clashes=tuple(clashes(view)),
        message=message_of(view),
        changelog=one.changelog,
        warnings=one.warnings,
    )
    if tree == tree_of(view.pair.course.project):
        return step
    workbench.adopt(view.pair.bench)  # of the copy: what is planned need not be merged again
    return replace(step, action="conflict" if step.clashes else "update", tree=tree)


def in_words(view: Preview) -> str:
    """The tree of a merge; in files with conflicts the sides are called by words, so that the same
    merge is the same tree every time."""
    bench, one = view.pair.bench, view.merge
    paths = {conflict.path for conflict in one.conflicts} & one.leaves.keys()
    if not paths:
        return one.tree
    twin, pick = one.names
    words = {twin.encode(): b"the project", pick.encode(): b"the template"}
    leaves = dict(one.leaves)
    for path in paths:
        mode, oid = leaves[path]
        content = objects.blobs(bench.repository, [oid])[0]
        for name, word in words.items():
            content = content.replace(name, word)
        argv = ("hash-object", "-w", "--no-filters", "--stdin")
        leaves[path] = (mode, bench.git(*argv, stdin=content).strip())
    return workbench.tree(bench, leaves)


def tree_of(project: Project) -> str:
    return project.repository.run("rev-parse", f"{project.head}^{{tree}}").out.strip()


def message_of(view: Preview) -> str:
    """The message of the commit that the merge was made with."""
    return view.pair.bench.git("log", "-1", "--format=%B", view.merge.pick).rstrip() + "\n"


def clashes(view: Preview) -> Iterator[Clash]:
    """The files in conflict, each with a name for what the project has changed in it."""
    bench, sides = view.pair.bench, view.merge.sides
    for one in view.merge.conflicts:
        argv = ("diff", "--unified=0", "--no-color", "--no-ext-diff", sides.base_tree, bench.head)
        patch = bench.git(*argv, "--", bench.project.spec(one.path))
        lines = [text for text in patch.split("\n") if text[:1] in ("+", "-")]
        text = "\n".join(line for line in lines if not line.startswith(("+++ ", "--- ")))
        yield Clash(one.path, one.reason, digest(text))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def write(plan: FleetPlan, file: Path) -> None:
    """Write a plan in one move. Raises MlfactoryError."""
    save(json.dumps(asdict(plan), indent=1, default=str), file)


def save(text: str, file: Path) -> None:
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(f"{text}\n", "utf-8", "surrogateescape")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MlfactoryError(f"{file} cannot be written: {error.strerror}") from error


def read(file: Path) -> FleetPlan:
    """A plan out of its file. Raises MlfactoryError for anything else."""
    again = "Make it anew: mlfactory fleet plan"
    try:
        document = json.loads(file.read_text("utf-8", "surrogateescape"))
        if document["format"] != FORMAT:
            raise MlfactoryError(f"{file} is of format {document['format']}, not {FORMAT}", again)
        return FleetPlan(document["fleet"], tuple(map(step_from, document["steps"])))
    except OSError as error:
        raise MlfactoryError(f"{file} cannot be read: {error.strerror}", again) from error
    except (ValueError, KeyError, TypeError) as error:
        raise MlfactoryError(f"{file} is no plan of a fleet: {error}", again) from error


def step_from(fields: Mapping[str, Any]) -> Step:
    changes = tuple(Change(**one) for one in fields["changes"])
    several = tuple(Clash(**one) for one in fields["clashes"])
    texts = {name: tuple(fields.get(name, ())) for name in ("warnings", "resolutions")}
    return Step(**{**fields, "changes": changes, "clashes": several, **texts})
