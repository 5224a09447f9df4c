"""`mlfactory fleet revert`: what is open is closed, and what is merged gets a way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlfactory.base import lock, objects
from mlfactory.base.errors import MlfactoryError, UsageError

from . import forge, inventory, plan, proposal, work
from .apply import author
from .forges.hosts import Hosts
from .forges.kinds import Wish
from .make import KEPT, commit_before, has_it
from .plan import Step
from .proposal import version_in
from .scout import Place, Progress, scout
from .states import Result
from .work import Failure

ENDING = "-revert"
MOST = 100  # so many commits that changed the record are looked at


@dataclass(frozen=True)
class Way:
    """How a step is taken back: its branch is closed, or a commit proposed that undoes it."""

    step: Step
    place: Place


def revert(file: Path, names: list[str], progress: Progress, *, push: bool) -> list[Result]:
    """Take a plan back, or what is named of it. Raises an error for names that it has not."""
    whole = plan.read(file)
    fleet = inventory.read(Path(whole.fleet))
    proposals = [
        s for s in whole.steps if s.action == "update" or (s.action == "conflict" and s.tree)
    ]
    steps = [step for step in proposals if not names or step.name in names]
    if missing := {*names} - {step.name for step in steps}:
        raise UsageError(f"{file} updates no {', '.join(sorted(missing))}")
    members = {one.name: one for one in fleet.members}
    strangers = [step for step in steps if step.name not in members]
    hosts = Hosts(fleet.forges, fleet.pace)
    with lock.hold(file.with_suffix(".lock"), "mlfactory fleet revert", str(file)):
        ready = [step for step in steps if step.name in members]
        places = scout([members[step.name] for step in ready], progress)
        pairs = list(zip(ready, places, strict=True))
        ways = [Way(step, place) for step, place in pairs if isinstance(place, Place)]
        results = {s.name: failure(s, place) for s, place in pairs if isinstance(place, Failure)}
        results |= {
            s.name: failure(s, Failure(f"{whole.fleet} no longer names it")) for s in strangers
        }
        for number, result in work.wait_for(partial(take_back, hosts, author(), push=push), ways):
            step = ways[number].step
            results[step.name] = failure(step, result) if isinstance(result, Failure) else result
    return [results[step.name] for step in steps]


def failure(step: Step, why: Failure) -> Result:
    return Result(step.name, "refused", note=why.message)


def take_back(hosts: Hosts, author: Mapping[str, str], way: Way, *, push: bool) -> Result:
    """Close a proposal, or propose the way back. Raises MlfactoryError."""
    step, place = way.step, way.place
    clone, project = place.clone, place.project
    if commit := merged_commit(place, step):
        return propose(hosts, author, way, commit, push=push)
    if project.version != step.from_version and not step.target.is_recorded(project.version):
        text = f"{step.base} has {project.version} by now, and not {step.to_version}"
        raise MlfactoryError(text)
    tip = clone.tip(step.branch)
    if not tip:
        if push:  # the branch may be gone, and its request not
            forge.withdraw(hosts, clone, step.branch)
        return Result(step.name, "current", note="nothing of it is there")
    if not proposal.is_ours(clone, project.head, tip):
        raise MlfactoryError(f"{step.branch} is changed by a person, and stays as it is")
    if push:
        forge.check_pushable(clone)
        forge.withdraw(hosts, clone, step.branch)
    return Result(step.name, "closed", tip, push, note="" if push else "closed with --push")


def merged_commit(place: Place, step: Step) -> str:
    """The commit of the origin's branch that brought the version, or an empty string where it does
    not have it; whether it was merged, squashed or rebased does not matter. Of what somebody had to
    resolve it is the merge, so that this goes, too."""
    project = place.project
    if not step.moves:
        return (has_it(place, step) and commit_before(place, step)) or ""
    if not step.target.is_recorded(project.version):
        return ""
    way = ("--first-parent",) if step.action == "conflict" else ()
    argv = ("log", *way, f"--max-count={MOST}", "--format=%H", project.head, "--")
    commits = project.repository.run(*argv, project.spec(project.file)).out.split()
    return next((commit for commit in commits if is_way(place, step, commit)), "")


def is_way(place: Place, step: Step, commit: str) -> bool:
    """Whether a commit leads from the one version to the other."""
    is_there = step.target.is_recorded(at(place, commit))
    return is_there and at(place, f"{commit}^") == step.from_version


def at(place: Place, commit: str) -> str:
    """The version that a commit of the project records."""
    project = place.project
    return version_in(place.clone, project, f"{commit}:{project.prefix}{project.file}")


def propose(
    hosts: Hosts, author: Mapping[str, str], way: Way, commit: str, *, push: bool
) -> Result:
    """A commit that undoes another one, merged in memory with all that came since."""
    step, clone, head = way.step, way.place.clone, way.place.project.head
    store, branch = clone.repository, f"{step.branch}{ENDING}"
    base = objects.commit_tree(store, f"{commit}^{{tree}}", message="base")
    ours = objects.commit_tree(store, f"{head}^{{tree}}", base, message="ours")
    theirs = objects.commit_tree(store, f"{commit}^^{{tree}}", base, message="theirs")
    tree, conflicts, _ = objects.merge_tree(store, ours, theirs)
    if conflicts:
        names = ", ".join(sorted({name for _, name in conflicts}))
        return Result(step.name, "conflict", note=f"somebody has changed since: {names}")
    tip = clone.tip(branch)
    if tip and not proposal.is_ours(clone, head, tip):
        raise MlfactoryError(f"{branch} is changed by a person, and stays as it is")
    title = f"Take {step.name} back from {step.to_version} to {step.start}"
    text = f"This reverts commit {commit}."
    back = objects.commit_tree(store, tree, head, message=f"{title}\n\n{text}\n", author=author)
    store.run("update-ref", f"{KEPT}{branch}", back)
    if not push:
        return Result(step.name, "updated", back)
    forge.check_pushable(clone)
    if tip != back:
        forge.push(clone, branch, back)
    wish = Wish(branch, back, step.base, title, f"{text}\n", tree)
    at, note = forge.propose(hosts, clone, wish)
    return Result(step.name, "updated", back, pushed=True, request=at, note=note)
