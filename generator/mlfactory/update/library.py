"""What an update changes in the library that a factory runs on, as text."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.objects import text_at
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.template import mount, stream, wheel
from mlfactory.template.stream import Files

from . import diff
from .course import Course, find_course


@dataclass(frozen=True)
class Difference:
    """From the wheel in the factory to that of a version of the template, in git's form."""

    project: str
    from_version: str
    to_version: str
    patch: str


def difference(
    start: Path, *, to: str = "", reverse: bool = False, color: bool = False, file: str = ""
) -> Difference:
    """Compare what is in the two wheels; without `to` with the newest version's.

    Raises MlfactoryError when one of them is missing.
    """
    project = record.find(start, file)
    course = find_course(project, to)
    old, new = own(project), of_template(course)
    sides = (new, old) if reverse else (old, new)
    old_version, new_version = (wheel.version_of(name) for name, _ in sides)
    patch = compare(*(wheel.listing(content) for _, content in sides), color=color)
    return Difference(str(project.path), old_version, new_version, patch)


def own(project: Project) -> tuple[str, bytes]:
    """The wheel that stands in the factory."""
    paths = sorted((project.path / "vendor").glob(f"{wheel.PACKAGE}-*.whl"))
    if not paths:
        raise MlfactoryError(
            f"{project.name} has no wheel of the library in vendor/",
            "mlfactory diff --update shows all that an update changes.",
        )
    return paths[-1].name, paths[-1].read_bytes()


def of_template(course: Course) -> tuple[str, bytes]:
    """The wheel that a version of the template renders."""
    listing = git.run(
        "ls-tree", "-z", "--name-only", course.new.commit, mount.VENDOR, cwd=course.up.folder
    )
    for path in listing.out.split("\0"):
        name = path.removeprefix(mount.VENDOR)
        if name.startswith(wheel.PACKAGE):
            text = text_at(course.up.repository, course.new.commit, path) or ""
            return name, text.encode("utf-8", "surrogateescape")
    raise MlfactoryError(
        f"{course.new.name} of {course.project.source} has no wheel of the library",
        "Name a later version with --to.",
    )


def compare(old: Files, new: Files, *, color: bool) -> str:
    """A patch from some files to others."""
    first, second = stream.Commit("1", "", 0, old), stream.Commit("2", "", 0, new)
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        place = Path(scratch) / "library.git"
        git.import_history(place, stream.dump(first) + stream.dump(second, first))
        look = (diff.COLOURED,) if color else ("--no-color",)
        return git.run(*diff.PLAINLY, *look, "v1", "v2", cwd=place).out
