"""`mlfactory fleet run -- COMMAND`: any change to many, each on a branch with a request of its own.

The command runs in a work tree of the origin's branch that is thrown away, and never in a clone of
somebody's. What it leaves there is committed, but for what the project keeps out of git.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mlfactory.base import git, objects, process
from mlfactory.base.errors import MlfactoryError, UsageError

from . import inventory, proposal, work
from .apply import author
from .forges.hosts import Hosts
from .inventory import Fleet, Member
from .make import KEPT
from .plan import Step
from .publish import Parcel, publish
from .renew import work_tree
from .scout import Progress, Stop, fetch, once, stop_at
from .states import Result
from .work import Failure

SECONDS = 900


@dataclass(frozen=True)
class Errand:
    """A command, the branch that its change goes to, the commit's message, who commits, and how
    many seconds it may take in each."""

    argv: tuple[str, ...]
    branch: str
    message: str
    author: Mapping[str, str]
    seconds: float = SECONDS


def errand(argv: Sequence[str], branch: str, message: str, seconds: float = SECONDS) -> Errand:
    """Raises an error for a branch that cannot be, and where git does not know who commits."""
    if inventory.BAD_BRANCH.search(branch):
        raise UsageError(f"{branch!r} cannot be the name of a branch", "Write: --branch fix-it")
    words = " ".join(argv)
    return Errand(tuple(argv), branch, f"{message or f'Run {words}'}\n", author(), seconds)


def run(
    fleet: Fleet,
    members: Sequence[Member],
    task: Errand,
    progress: Progress,
    *,
    push: bool = False,
    jobs: int = 0,
) -> list[Result]:
    """What came of it for each member that is not skipped, in their order."""
    if task.branch == fleet.branch:
        raise UsageError(f"{task.branch} is where updates are proposed", "Name another --branch.")
    active = [member for member in members if not member.skip]
    places = once(fetch(stop_at, active, progress))
    results = [Result(member.name, "current") for member in active]
    steps = act_all(task, places, results, progress, jobs)
    if push:
        push_all(Hosts(fleet.forges, fleet.pace), steps, places, results, progress)
    return results


def act_all(
    task: Errand,
    places: Sequence[Stop | Failure],
    results: list[Result],
    progress: Progress,
    jobs: int,
) -> dict[int, Step]:
    """Run it everywhere; gives what is to be pushed, by its number in the results."""
    ready = {number: place for number, place in enumerate(places) if isinstance(place, Stop)}
    for number, place in enumerate(places):
        if isinstance(place, Failure):
            results[number] = refusal(results[number], place)
    steps: dict[int, Step] = {}
    with progress.count("Run", len(ready)) as tick:
        for at, pair in work.compute(partial(act, task), list(ready.values()), jobs):
            number = list(ready)[at]
            if isinstance(pair, Failure):
                results[number] = refusal(results[number], pair)
            else:
                step, results[number] = pair
                steps |= {number: step} if results[number].state == "updated" else {}
            tick()
    return steps


def push_all(
    hosts: Hosts,
    steps: Mapping[int, Step],
    places: Sequence[Stop | Failure],
    results: list[Result],
    progress: Progress,
) -> None:
    clones = {n: place.clone for n, place in enumerate(places) if isinstance(place, Stop)}
    items = [Parcel(step, clones[number], results[number]) for number, step in steps.items()]
    with progress.count("Push", len(items)) as tick:
        for at, result in work.wait_for(partial(publish, hosts), items):
            number = list(steps)[at]
            if isinstance(result, Failure):
                result = replace(results[number], state="push-failed", note=result.message)
            results[number] = result
            tick()


def refusal(result: Result, why: Failure) -> Result:
    return replace(result, state="refused", note=why.message)


def act(task: Errand, place: Stop) -> tuple[Step, Result]:
    """Run the command for one member and commit what it changed. Raises MlfactoryError."""
    member, clone, head = place.member, place.clone, place.head
    store, branch = clone.repository, proposal.branch_of(task.branch, member.folder)
    tip = clone.tip(branch)
    if tip and not proposal.is_ours(clone, head, tip):
        raise MlfactoryError(f"{branch} is changed by a person, and stays as it is")
    with work_tree(clone, head) as top:
        call(task, folder_in(top, member.folder))
        tree = tree_after(top)
    step = Step(member.name, "update", head=head, branch=branch, tree=tree)
    step = replace(step, base=member.branch or clone.default, message=task.message)
    if tree == store.run("rev-parse", f"{head}^{{tree}}").out.strip():
        return step, Result(member.name, "current")
    facts = store.run("log", "-1", "--format=%T %P", tip).out.strip() if tip else ""
    if facts == f"{tree} {head}":
        return step, Result(member.name, "updated", tip)
    commit = objects.commit_tree(store, tree, head, message=task.message, author=task.author)
    store.run("update-ref", f"{KEPT}{branch}", commit)
    return step, Result(member.name, "updated", commit)


def folder_in(top: Path, name: str) -> Path:
    """The member's folder. Raises MlfactoryError for none, and for a link that leads elsewhere."""
    folder = (top / name).resolve()
    if not folder.is_dir() or not folder.is_relative_to(top.resolve()):
        raise MlfactoryError(f"there is no folder {name} in it", "Mend its `folder`.")
    return folder


def call(task: Errand, folder: Path) -> None:
    """Raises MlfactoryError: what became of it, and the last that it wrote, since the command is
    the same for all."""
    try:
        process.run_whole(task.argv, folder, {}, timeout=task.seconds)
    except MlfactoryError as error:
        words = " ".join(task.argv)
        first, *rest = error.message.replace(f"`{words}`", "the command", 1).splitlines()
        text = f"{first}: {rest[-1].strip()}" if rest else first
        raise MlfactoryError("\n".join((text, *rest)), error.hint) from error


def tree_after(top: Path) -> str:
    """All that stands in a work tree. Raises MlfactoryError where it is none any more."""
    if not (around := git.look_up(top)) or around[0].top != top.resolve():
        raise MlfactoryError("the command has taken git's own file out of the work tree")
    git.add_all(around[0], ":(top)")
    return around[0].run("write-tree").out.strip()
