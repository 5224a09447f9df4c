"""Commits on their way to the origin: pushed, with a request beside the branch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlfactory_runtime.visible import visible

from mlfactory.base.credentials import mask
from mlfactory.base.errors import MlfactoryError

from . import forge, request
from .clone import Clone
from .forges.hosts import Hosts
from .forges.kinds import Wish
from .forges.opening import DeclinedError
from .plan import Step
from .states import Result


@dataclass(frozen=True)
class Parcel:
    """What is to be pushed: a step's commit, and the repository that it belongs to."""

    step: Step
    clone: Clone
    result: Result


def publish(hosts: Hosts, parcel: Parcel) -> Result:
    """Push a commit and open its request. Raises MlfactoryError."""
    step, clone, result = parcel.step, parcel.clone, parcel.result
    forge.check_pushable(clone)
    if result.state == "conflict" and not forge.of(hosts, clone)[0]:
        raise MlfactoryError("a conflict is only proposed as a draft, and no forge is known here")
    if clone.tip(step.branch) != result.commit:
        forge.push(clone, step.branch, result.commit)
    try:
        at, todo = forge.propose(hosts, clone, wish(step, result))
    except DeclinedError as error:
        return replace(result, state="refused", pushed=True, note=error.message)
    note = "; ".join(filter(None, (result.note, todo)))
    return replace(result, pushed=True, request=at, note=note)


def wish(step: Step, result: Result) -> Wish:
    """The request of a step: a draft where somebody has to look before it can be merged."""
    title = visible(mask(step.message.partition("\n")[0]))[:250]
    facts = {"conflict": result.state == "conflict", "checks-failed": bool(result.failures)}
    labels = tuple(name for name, holds in facts.items() if holds)
    text = request.text_of(step, result.failures)
    where = (step.branch, result.commit, step.base)
    return Wish(*where, title, text, step.tree, is_draft=bool(labels), labels=labels)
