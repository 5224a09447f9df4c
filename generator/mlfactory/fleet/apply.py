"""`mlfactory fleet apply`: exactly what a plan says, on branches, and never anything twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mlfactory.base import git, lock, objects
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.render.result import RenderOptions
from mlfactory.template.repository import Version
from mlfactory.update import workbench
from mlfactory.update.checks import LOCK
from mlfactory.update.course import Course, version_of
from mlfactory.update.plan import preview
from mlfactory.update.ready import IDENTITY, shorten

from . import forge, inventory, plan, proposal, renew, request, states, work
from .clone import Clone
from .inventory import Fleet
from .plan import FleetPlan, Step
from .scout import Place, Progress, scout
from .states import FAILURES, Result
from .work import Failure

KEPT = "refs/mlfactory/fleet/"


@dataclass(frozen=True)
class Options:
    """How to apply: `push` to the origins; only those that failed; stop after so many failures."""

    push: bool = False
    resume: bool = False
    only_failed: bool = False
    stop_at: int = 5
    jobs: int = 0


@dataclass(frozen=True)
class Run:
    """A plan at work: what its file of states remembers, and where it is kept."""

    fleet: Fleet
    plan: FleetPlan
    file: Path
    options: Options
    author: Mapping[str, str]


def apply(file: Path, options: Options, progress: Progress) -> list[Result]:
    """Apply a plan, wave by wave; what is done is not done again. Raises MlfactoryError."""
    whole = plan.read(file)
    fleet = inventory.read(Path(whole.fleet))
    memory = file.with_suffix(".state.json")
    with lock.hold(file.with_suffix(".lock"), "mlfactory fleet apply", str(file)):
        run = Run(fleet, whole, memory, options, author())
        results = states.load(memory, whole)
        for steps in waves(run, results):
            work_on(run, steps, results, progress)
    return [results[step.name] for step in whole.steps if step.name in results]


def only_failed(word: str) -> bool:
    """What --only means. Raises UsageError for anything but `failed`."""
    if word not in ("", "failed"):
        raise UsageError(f"--only cannot be {word}", "Write: --only failed")
    return word == "failed"


def author() -> Mapping[str, str]:
    """Who proposes. Raises MlfactoryError where git does not know."""
    name, _, rest = git.identity(Path.cwd(), "AUTHOR").partition(" <")
    if not name:
        raise MlfactoryError("git does not know who commits", IDENTITY)
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": rest.partition("> ")[0]}


def waves(run: Run, results: Mapping[str, Result]) -> Iterator[list[Step]]:
    """The steps to work on, wave by wave; without a push all at once, for that is a rehearsal."""
    steps = [step for step in run.plan.steps if is_due(run.options, results.get(step.name))]
    if not run.options.push:
        yield steps
        return
    for wave in sorted({step.wave for step in run.plan.steps}):
        yield [step for step in steps if step.wave == wave]


def is_due(options: Options, result: Result | None) -> bool:
    if options.only_failed:
        return result is not None and result.state in FAILURES
    settled = ("current", "conflict", "refused", "merged")
    return not (options.resume and result and result.state in settled)


def work_on(
    run: Run, steps: Sequence[Step], results: dict[str, Result], progress: Progress
) -> None:
    """Do the steps of one wave; what comes of each is remembered as soon as it is known."""
    if reason := hold_back(run, steps, results):
        for step in steps:
            remember(run, results, Result(step.name, "waiting", note=reason))
        return
    members = {one.name: one for one in run.fleet.members}
    ready = []
    for step in steps:
        if step.action == "update" and step.name in members:
            ready.append(step)
        else:
            remember(run, results, fate(run, step))
    if ready:
        places = scout([members[step.name] for step in ready], progress)
        make_and_push(run, list(zip(ready, places, strict=True)), results, progress)


def fate(run: Run, step: Step) -> Result:
    """What becomes of a step for which there is nothing to do."""
    if step.action == "update":
        return Result(step.name, "refused", note=f"{run.plan.fleet} no longer names it")
    edits = ", ".join(clash.path for clash in step.clashes)
    return Result(step.name, step.action, note=step.reason or edits)


def hold_back(run: Run, steps: Sequence[Step], results: Mapping[str, Result]) -> str:
    """Why a wave has to wait, or an empty string: too much has failed, or the one before it is not
    merged yet."""
    if not run.options.push or not steps:
        return ""
    if reason := too_many_failures(run, results):
        return reason
    before = [step.name for step in run.plan.of("update") if step.wave < steps[0].wave]
    merged = {name for name, one in results.items() if one.state == "merged"}
    if names := [name for name in before if name not in merged]:
        return f"{len(names)} of the waves before are not merged yet: {shorten(names)}"
    return ""


def too_many_failures(run: Run, results: Mapping[str, Result]) -> str:
    """What is said when so many steps have failed that the others had better wait."""
    names = [step.name for step in run.plan.of("update") if step.name in results]
    count = sum(results[name].state in FAILURES for name in names)
    if not run.options.stop_at or count < run.options.stop_at:
        return ""
    return f"{count} have failed: mend them, then: --only failed"


def make_and_push(
    run: Run,
    pairs: Sequence[tuple[Step, Place | Failure]],
    results: dict[str, Result],
    progress: Progress,
) -> None:
    """Make the commits in processes, and push them in threads, each as soon as its wave allows."""
    for step, place in pairs:
        if isinstance(place, Failure):
            remember(run, results, Result(step.name, "refused", note=place.message))
    todo = [(step, place) for step, place in pairs if isinstance(place, Place)]
    commits: list[tuple[Step, Clone, Result]] = []
    with progress.count("Commit", len(todo)) as tick:
        for number, result in work.compute(partial(make, run.author), todo, run.options.jobs):
            step, place = todo[number]
            one = (
                Result(step.name, "refused", note=result.message)
                if isinstance(result, Failure)
                else result
            )
            remember(run, results, one)
            commits += [(step, place.clone, one)] if one.state == "updated" else []
            tick()
    if run.options.push and commits:
        with progress.count("Push", len(commits)) as tick:
            push_all(run, commits, results, tick)


def push_all(
    run: Run,
    commits: Sequence[tuple[Step, Clone, Result]],
    results: dict[str, Result],
    tick: Callable[[], None],
) -> None:
    """Push until all is pushed, or too much has failed; what is left waits."""
    for _, _, one in commits:
        remember(run, results, replace(one, state="waiting", note="not pushed yet"))
    for number, result in work.wait_for(publish, commits):
        one = commits[number][2]
        if isinstance(result, Failure):
            result = replace(one, state="push-failed", note=result.message)
        remember(run, results, result)
        tick()
        if too_many_failures(run, results):
            break


def remember(run: Run, results: dict[str, Result], result: Result) -> Result:
    """Write down what came of a step."""
    results[result.name] = result
    states.save(run.file, run.plan, results)
    return result


def make(author: Mapping[str, str], pair: tuple[Step, Place]) -> Result:
    """Make the commit that a step plans, in the copy. Raises MlfactoryError where it cannot be as
    planned: then nothing is made."""
    step, place = pair
    project, clone = place.project, place.clone
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
            return Result(step.name, "updated", commit)
    new = Version(step.to_version, step.to_commit)
    course = Course(project, place.up, version_of(project, place.up), new)
    if not has_tree(place, step):
        merge_again(course, step)
    commit = objects.commit_tree(
        clone.repository, step.tree, step.head, message=step.message, author=author
    )
    commit, note = renew.relock(clone, course, commit)
    clone.repository.run("update-ref", f"{KEPT}{step.branch}", commit)
    return Result(step.name, "updated", commit, note=note)


def has_tree(place: Place, step: Step) -> bool:
    """Whether what is planned lies in the copy: it was planned here, and not long ago."""
    argv = ("cat-file", "-e", f"{step.tree}^{{tree}}")
    return place.clone.repository.run(*argv, ok=(0, 1, 128)).code == 0


def merge_again(course: Course, step: Step) -> None:
    """Make the tree of a plan. Raises MlfactoryError when something else comes of it."""
    with preview(course, RenderOptions(step.settings)) as view:
        if view.merge.conflicts or view.merge.tree != step.tree:
            raise MlfactoryError("it comes to something else than planned", "Plan again.")
        workbench.adopt(view.pair.bench)


def has_it(place: Place, step: Step) -> bool:
    """Whether the origin's branch has what is planned: it records the version, or it has the very
    commit that was made for it."""
    if step.from_version != step.to_version:
        return place.project.version == step.to_version
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


def publish(item: tuple[Step, Clone, Result]) -> Result:
    """Push a commit and open its request. Raises MlfactoryError."""
    step, clone, result = item
    forge.check_pushable(clone)
    if clone.tip(step.branch) != result.commit:
        forge.push(clone, step.branch, result.commit)
    title, _, _ = step.message.partition("\n")
    at = forge.propose(clone, step.branch, result.commit, title, request.text_of(step))
    todo = "" if at else f"open a request for {step.branch}"
    note = "; ".join(filter(None, (result.note, todo)))
    return replace(result, pushed=True, request=at, note=note)
