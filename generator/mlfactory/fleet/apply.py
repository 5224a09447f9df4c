"""`mlfactory fleet apply`: exactly what a plan says, on branches, and never anything twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeGuard

from mlfactory.base import git, lock
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.update.ready import IDENTITY, shorten

from . import forge, inventory, plan, states, work
from .forges.hosts import Hosts
from .inventory import Fleet
from .make import Task, Terms, make
from .plan import FleetPlan, Step
from .publish import Parcel, publish
from .scout import Place, Progress, scout
from .states import Result
from .work import Failure


@dataclass(frozen=True)
class Options:
    """How to apply: `push` to the origins; only those that failed; stop after so many failures.
    With `trust` checks are run before and after; with `drafts` conflicts are proposed, too."""

    push: bool = False
    resume: bool = False
    only_failed: bool = False
    stop_at: int = 5
    jobs: int = 0
    trust: bool = False
    drafts: bool = False


@dataclass(frozen=True)
class Run:
    """A plan at work: what its file of states remembers, and where it is kept."""

    fleet: Fleet
    plan: FleetPlan
    file: Path
    options: Options
    author: Mapping[str, str]
    hosts: Hosts

    @property
    def terms(self) -> Terms:
        return Terms(self.author, self.fleet.check, self.options.trust)


def apply(file: Path, options: Options, progress: Progress) -> list[Result]:
    """Apply a plan, wave by wave; what is done is not done again. Raises MlfactoryError."""
    whole = plan.read(file)
    fleet = inventory.read(Path(whole.fleet))
    memory = file.with_suffix(".state.json")
    with lock.hold(file.with_suffix(".lock"), "mlfactory fleet apply", str(file)):
        hosts = Hosts(fleet.forges, fleet.pace)
        run = Run(fleet, whole, memory, options, author(), hosts)
        results = states.load(memory, whole)
        for steps in waves(run, results):
            work_on(run, steps, results, progress)
    return [results[step.name] for step in whole.steps if step.name in results]


def only_failed(word: str) -> bool:
    """What --only means. Raises UsageError for anything but `failed`."""
    if word not in ("", "failed"):
        raise UsageError(f"--only cannot be {word}", "Write: --only failed")
    return word == "failed"


def plan_and_names(file: Path, names: list[str], usual: Path) -> tuple[Path, list[str]]:
    """The plan and the repositories of it: where only these are given, of the usual plan."""
    if file.exists() or file.suffix == usual.suffix or not usual.exists():
        return file, names
    return usual, [str(file), *names]


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
        return result is not None and result.has_failed
    settled = ("current", "conflict")
    return not (options.resume and result and (result.state in settled or result.is_over))


def work_on(
    run: Run, steps: Sequence[Step], results: dict[str, Result], progress: Progress
) -> None:
    """Do the steps of one wave; what comes of each is remembered as soon as it is known."""
    if reason := hold_back(run, steps, results):
        for step in steps:
            before = results.get(step.name)
            is_news = not before or not (before.has_failed or before.pushed)
            if is_news or step.action == "conflict":
                remember(run, results, Result(step.name, "waiting", note=reason))
        return
    members = {one.name: one for one in run.fleet.members}
    ready = []
    for step in steps:
        if is_work(run, step) and step.name in members:
            ready.append(step)
        else:
            remember(run, results, fate(run, step))
    if ready:
        places = scout([members[step.name] for step in ready], progress)
        make_and_push(run, list(zip(ready, places, strict=True)), results, progress)


def is_work(run: Run, step: Step) -> bool:
    """Whether there is something to do for a step: drafts of conflicts only when they are wanted,
    and where they go."""
    drafts = run.options.drafts and run.options.push and bool(step.tree)
    return step.action == "update" or (step.action == "conflict" and drafts)


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
    again = {step.name for step in steps} if run.options.only_failed else set()
    rest = {name: one for name, one in results.items() if name not in again}
    if reason := too_many_failures(run, rest):
        return reason
    skips = {one.name for one in run.fleet.members if one.skip}
    before = [step.name for step in run.plan.of("update") if step.wave < steps[0].wave]
    over = {name for name, one in results.items() if one.is_over} | skips
    names = [name for name in before if name not in over]
    if any(n in results and results[n].state == "merged" for n in names):
        return f"{len(names)} of the waves before are not merged and green yet: {shorten(names)}"
    return f"{len(names)} of the waves before are not merged yet: {shorten(names)}" if names else ""


def too_many_failures(run: Run, results: Mapping[str, Result]) -> str:
    """What is said when so many steps have failed that the others had better wait."""
    names = [step.name for step in run.plan.of("update") if step.name in results]
    count = sum(results[name].has_failed for name in names)
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
    none = Result("", "waiting")
    todo = [Task(s, place, results.get(s.name, none)) for s, place in pairs if usable(place)]
    parcels: list[Parcel] = []
    with progress.count("Commit", len(todo)) as tick:
        for number, result in work.compute(partial(make, run.terms), todo, run.options.jobs):
            step, place = todo[number].step, todo[number].place
            one = (
                Result(step.name, "refused", note=result.message)
                if isinstance(result, Failure)
                else result
            )
            if one.state == "merged" and run.options.push:
                one = with_verdict(run, place, one)
            remember(run, results, one)
            parcels += [Parcel(step, place.clone, one)] if one.commit else []
            tick()
    if run.options.push and parcels:
        with progress.count("Push", len(parcels)) as tick:
            push_all(run, parcels, results, tick)


def usable(place: Place | Failure) -> TypeGuard[Place]:
    return isinstance(place, Place)


def with_verdict(run: Run, place: Place, result: Result) -> Result:
    """What is merged, with what the forge's checks say of the branch since."""
    verdict = work.attempt(partial(forge.verdict, run.hosts, place.clone), place.project.head)
    if isinstance(verdict, Failure):
        return replace(result, checks="unknown", note=verdict.message)
    words = {"failed": "; its checks fail", "running": "; its checks are running"}
    return replace(result, checks=verdict, note=f"{result.note}{words.get(verdict, '')}")


def push_all(
    run: Run, parcels: Sequence[Parcel], results: dict[str, Result], tick: Callable[[], None]
) -> None:
    """Push until all is pushed, or too much has failed; what is left waits."""
    for parcel in parcels:
        remember(run, results, replace(parcel.result, state="waiting", note="not pushed yet"))
    for number, result in work.wait_for(partial(publish, run.hosts), parcels):
        one = parcels[number].result
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
