"""What is needed of each member before anything is computed: its repository, its record, and the
template, which is asked once for all that have it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from mlfactory.base.credentials import mask
from mlfactory.project.record import Project
from mlfactory.template import mirror, repository
from mlfactory.template.repository import Upstream, Version
from mlfactory.update.course import Course, course_in

from . import work
from .clone import Clone, fresh, project_in, tip_of
from .inventory import Fleet, Member, same_address
from .work import Failure

Key = tuple[str, str, str, str]
A = TypeVar("A", "Stop", "Visit")


class Progress(Protocol):
    """The console has it: how far a long command has come."""

    def count(self, title: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Show a step with its number of parts; call what it gives when one is done."""

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""


@dataclass(frozen=True)
class Stop:
    """A member with its repository, fetched a moment ago, and the commit of its branch."""

    member: Member
    clone: Clone
    head: str


@dataclass(frozen=True)
class Visit:
    """A member with its repository, fetched a moment ago, and its project's record."""

    member: Member
    clone: Clone
    project: Project


@dataclass(frozen=True)
class Place:
    """The same with the project's template. `stamp` is another one as soon as something of that
    has moved."""

    member: Member
    clone: Clone
    project: Project
    up: Upstream
    stamp: str

    def course(self, to: str = "") -> Course:
        """From the version that the project has to another one, else to that of its pin, else to
        the newest. Raises an error where the template has no such version."""
        return course_in(self.up, self.project, to or self.member.pin)


def scout(members: Sequence[Member], progress: Progress) -> list[Place | Failure]:
    """Look at each member's origin; for each the result or why there is none, in their order."""
    places = visits(members, progress)
    ups = templates(place.project for place in places if isinstance(place, Visit))
    return [place if isinstance(place, Failure) else join(place, ups) for place in places]


def visits(members: Sequence[Member], progress: Progress) -> list[Visit | Failure]:
    """The same without their templates."""
    return once(fetch(visit, members, progress))


def fetch(
    act: Callable[[Member], A], members: Sequence[Member], progress: Progress
) -> list[A | Failure]:
    """What comes of each, many at a time, in their order."""
    places: list[A | Failure] = [Failure("")] * len(members)
    with progress.count("Fetch", len(members)) as tick:
        for number, result in work.wait_for(act, members):
            places[number] = result
            tick()
    return places


def once(places: Sequence[A | Failure]) -> list[A | Failure]:
    """The same, but that what two entries of a fleet lead to counts for the first of them: two
    clones of a repository, or a clone and an address."""
    names: dict[tuple[str, str, str], str] = {}
    rows: list[A | Failure] = []
    for place in places:
        if not isinstance(place, Failure):
            member = place.member
            address = place.clone.address.removeprefix("file://")
            key = (same_address(address), member.folder, member.answers_file)
            if first := names.get(key):
                text = f"it is the same repository as {first}: {mask(address)}"
                place = Failure(text, f"Take line {member.line} out of the fleet's file.")
            else:
                names[key] = member.name
        rows.append(place)
    return rows


def join(place: Visit, ups: Mapping[Key, tuple[Upstream, str] | Failure]) -> Place | Failure:
    up = ups[key_of(place.project)]
    if isinstance(up, Failure):
        return up
    return Place(place.member, place.clone, place.project, *up)


def visit(member: Member) -> Visit:
    clone = fresh(member)
    return Visit(member, clone, project_in(clone, member))


def stop_at(member: Member) -> Stop:
    """A member whose record is not asked for. Raises MlfactoryError."""
    clone = fresh(member)
    return Stop(member, clone, tip_of(clone, member))


def templates(projects: Iterable[Project]) -> dict[Key, tuple[Upstream, str] | Failure]:
    """The template of each project: one call for all that have the same."""
    kinds = {key_of(project): project for project in projects}
    keys, firsts = list(kinds), list(kinds.values())
    return {keys[place]: up for place, up in work.wait_for(template_of, firsts)}


def template_of(project: Project) -> tuple[Upstream, str]:
    """A template with its versions read, so that whoever is handed it need not; and its stamp."""
    up = mirror.of_project(project)
    argv = ("rev-parse", "--quiet", "--verify", up.newest)
    head = up.repository.run(*argv, ok=(0, 1)).out.strip()
    facts = (up.newest, head, sorted(up.commits.items()), sorted(up.names))
    return up, hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()


def key_of(project: Project) -> Key:
    prefix = repository.prefix_of(project.version)
    return project.kind, project.source, project.checkout, prefix


@contextmanager
def at_hand(places: Sequence[Place], to: str = "") -> Iterator[list[Place]]:
    """The same places, with the versions that they need checked out once for all of them."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-", ignore_cleanup_errors=True) as folder:
        checkouts = Path(folder)
        for place in places:
            course = work.attempt(place.course, place.member.pin or to)
            if not isinstance(course, Failure):
                for version in {course.old, course.new}:
                    lay_out(place.up, version, checkouts)
        yield [replace(place, up=replace(place.up, checkouts=checkouts)) for place in places]


def lay_out(up: Upstream, version: Version, checkouts: Path) -> None:
    """Check a version out, unless it is there. What fails here is told where it is needed."""
    folder = checkouts / version.commit
    if not folder.exists():
        result = work.attempt(partial(repository.checkout, up, version.commit), folder)
        if isinstance(result, Failure):
            shutil.rmtree(folder, ignore_errors=True)


def of_template(fleet: Fleet, project: Project) -> bool:
    """Whether a project is made of the fleet's template, where the fleet names one."""
    if not fleet.template:
        return True
    names = (
        repository.git_url(name).removesuffix(".git") for name in (fleet.template, project.source)
    )
    return len({*names}) == 1
