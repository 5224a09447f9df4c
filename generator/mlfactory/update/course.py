"""Where a project stands in its template's history, and where an update takes it."""

from __future__ import annotations

from dataclasses import dataclass

from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.project.record import Project
from mlfactory.template import mirror, repository
from mlfactory.template.repository import Upstream, Version

CURRENT = ":current:"


@dataclass(frozen=True)
class Course:
    """Where a project stands and where it goes.

    `foreign` is a newer version that was not made from the one that the project has: nobody goes
    there who does not say so.
    """

    project: Project
    up: Upstream
    old: Version
    new: Version
    foreign: Version | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said of a newer version that is passed over."""
        if not self.foreign:
            return ()
        newer, old = self.foreign.name, self.old.name
        return (f"{newer} is newer, and was not made from {old}: what only {old} has is not in it",)


def find_course(project: Project, to: str = "") -> Course:
    """Raises an error when the template cannot be reached or has no such version.

    `:current:` is the version that the project has.
    """
    return course_in(mirror.of_project(project), project, project.version if to == CURRENT else to)


def course_in(up: Upstream, project: Project, to: str) -> Course:
    """The same with the template at hand: without `to` a project goes to the newest version that
    was made from its own. Raises an error when the template has no such version."""
    old, new = version_of(project, up), repository.version(up, to or up.newest)
    if to or up.own or is_successor(up, new, old):
        return Course(project, up, old, new)
    return Course(project, up, old, repository.successor(up, old) or old, foreign=new)


def is_successor(up: Upstream, new: Version, old: Version) -> bool:
    """Whether a version has all that an older one has; one that is not newer is no matter here."""
    is_same = new.commit == old.commit
    return is_same or not repository.apart(up, new, old)[1] or repository.is_older(up, new, old)


def version_of(project: Project, up: Upstream) -> Version:
    """The version that the project has. Raises MlfactoryError when the template lost it."""
    try:
        return repository.version(up, project.version)
    except UsageError as error:
        raise MlfactoryError(
            f"{error.message}, which {project.name} records",
            f"Write another one into {project.file}, and commit. {error.hint}",
        ) from error


def check_forward(course: Course, to: str) -> None:
    """Raises MlfactoryError for a way back that nobody asked for."""
    if not to and repository.is_older(course.up, course.new, course.old):
        raise MlfactoryError(
            f"{course.project.name} is at {course.old.name}, and {course.new.name} is older",
            f"If you mean it: mlfactory update --to {course.new.name}",
        )


def check_line(course: Course) -> None:
    """Raises MlfactoryError where all that is newer was made from something else."""
    if course.foreign:
        hint = f"If you mean it: mlfactory update --to {course.foreign.name}"
        raise MlfactoryError(course.notes[0], hint)
