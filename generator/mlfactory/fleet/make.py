"""The commits that a plan asks for, made in the copies and never twice, and the checks around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlfactory.base import objects
from mlfactory.base.errors import MlfactoryError
from mlfactory.project.record import Project
from mlfactory.render.result import RenderOptions
from mlfactory.update import checks, workbench
from mlfactory.update.checks import LOCK, CheckResult
from mlfactory.update.course import Course, version_of
from mlfactory.update.plan import preview

from . import proposal, renew
from .plan import Step, in_words
from .scout import Place
from .states import Result, State

KEPT = "refs/mlfactory/fleet/"
OWN_CHECK = "uv run --frozen --quiet factory check"


@dataclass(frozen=True)
class Terms:
    """How commits are made: who proposes, the command that checks, and whether code is trusted."""

    author: Mapping[str, str]
    check: str = ""
    trust: bool = False


@dataclass(frozen=True)
class Task:
    """A step with its repository, and what came of it the last time."""

    step: Step
    place: Place
    before: Result


def make(terms: Terms, task: Task) -> Result:
    """Make the commit that a step plans, in the copy, and check it. Raises MlfactoryError where it
    cannot be as planned: then nothing is made."""
    result = commit_of(terms, task)
    if not result.commit or result.state == "conflict":
        return result
    before = task.before
    if result.commit == before.commit and before.checks:
        return replace(result, checks=before.checks, failures=before.failures)
    return with_checks(terms, task, result)


def with_checks(terms: Terms, task: Task, result: Result) -> Result:
    """What fails after the update and did not before."""
    place = task.place
    if not terms.trust or not (command := terms.check or own_check(place)):
        return result
    talk, outcomes = renew.Silence(), []
    for commit in (task.step.head, result.commit):
        with renew.checkout(place.clone, place.project, commit) as copy:
            outcomes.append(attempt(copy, command, talk))
    failures = outcomes[1].news(outcomes[0]).failures
    notes = () if outcomes[1].failures == failures else ("the check fails before the update, too",)
    note = "; ".join(filter(None, (result.note, *failures, *notes)))
    verdict = "failed" if failures else "passed"
    return replace(result, checks=verdict, failures=failures, note=note)


def attempt(copy: Project, command: str, talk: renew.Silence) -> CheckResult:
    """What a check says; one that does not end or start is a fault."""
    try:
        return checks.look(copy, command, talk, "Check")
    except MlfactoryError as error:
        return CheckResult((error.message.splitlines()[0],))


def own_check(place: Place) -> str:
    """What a factory is checked by, where the fleet names nothing."""
    is_factory = checks.is_factory(place.project)
    return OWN_CHECK if is_factory else ""


def commit_of(terms: Terms, task: Task) -> Result:
    """The commit of a step, made where it is not there yet. Raises MlfactoryError."""
    step, place = task.step, task.place
    project, clone = place.project, place.clone
    state: State = "conflict" if step.action == "conflict" else "updated"
    if has_it(place, step):
        return Result(step.name, "merged", note="the origin has it")
    if project.head != step.head:
        text = f"{step.base} has moved since the plan was made"
        raise MlfactoryError(text, "Plan again: mlfactory fleet plan")
    tip = clone.tip(step.branch)
    if tip and not proposal.is_ours(clone, project.head, tip):
        raise MlfactoryError(f"{step.branch} is changed by a person, and stays as it is")
    for commit in filter(None, (tip, commit_before(place, step))):
        if is_made(place, step, commit):
            return Result(step.name, state, commit)
    course = Course(project, place.up, version_of(project, place.up), step.target)
    if not has_tree(place, step):
        merge_again(course, step)
    commit = objects.commit_tree(
        clone.repository, step.tree, step.head, message=step.message, author=terms.author
    )
    note = ""
    if state == "updated":
        commit, note = renew.relock(clone, course, commit)
    clone.repository.run("update-ref", f"{KEPT}{step.branch}", commit)
    return Result(step.name, state, commit, note=note)


def has_tree(place: Place, step: Step) -> bool:
    """Whether what is planned lies in the copy: it was planned here, and not long ago."""
    argv = ("cat-file", "-e", f"{step.tree}^{{tree}}")
    return place.clone.repository.run(*argv, ok=(0, 1, 128)).code == 0


def merge_again(course: Course, step: Step) -> None:
    """Make the tree of a plan. Raises MlfactoryError when something else comes of it."""
    with preview(course, RenderOptions(step.settings)) as view:
        if step.resolutions or in_words(view) != step.tree:
            raise MlfactoryError("it comes to something else than planned", "Plan again.")
        workbench.adopt(view.pair.bench)


def has_it(place: Place, step: Step) -> bool:
    """Whether the origin's branch has what is planned: it records the version, or it has the very
    commit that was made for it."""
    if step.moves:
        return step.target.is_recorded(place.project.version)
    commit = commit_before(place, step)
    is_this = bool(commit) and is_made(place, step, commit)
    return is_this and proposal.is_merged(place.clone, commit, place.project.head)


def commit_before(place: Place, step: Step) -> str:
    """What an earlier run has committed for the branch, here, or an empty string."""
    argv = ("rev-parse", "--quiet", "--verify", f"{KEPT}{step.branch}")
    return place.clone.repository.run(*argv, ok=(0, 1)).out.strip()


def is_made(place: Place, step: Step, tip: str) -> bool:
    """Whether a branch holds exactly what is planned, its lock aside, which is renewed."""
    parents = place.clone.repository.run("log", "-1", "--format=%P", tip).out.strip()
    lock_file = place.project.spec(LOCK).replace(":(", ":(exclude,", 1)
    argv = ("diff", "--quiet", step.tree, tip, "--", ":(top)", lock_file)
    if parents != step.head or not has_tree(place, step):
        return False
    return not place.clone.repository.run(*argv, ok=(0, 1)).code
