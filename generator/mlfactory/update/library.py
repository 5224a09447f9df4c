"""What an update changes in the library that a factory runs on, as text."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.model import Files
from mlfactory.project import record as linked
from mlfactory.project.record import Project
from mlfactory.template import mount, stream, wheel

from . import drift
from . import plan as planning
from .plan import Course


@dataclass(frozen=True)
class Difference:
    """From the wheel in the factory to that of a version of the template, in git's form."""

    project: str
    from_version: str
    to_version: str
    patch: str


def difference(
    place: Path, *, to: str = "", reverse: bool = False, color: bool = False, file: str = ""
) -> Difference:
    """Compare what is in the two wheels; without `to` with the newest version's.

    Raises MlfactoryError when one of them is missing.
    """
    project = linked.find(place, file)
    found = planning.course(project, to)
    old, new = own(project), of_template(found)
    sides = (new, old) if reverse else (old, new)
    old_version, new_version = (wheel.version_of(name) for name, _ in sides)
    patch = compared(*(wheel.listing(content) for _, content in sides), color=color)
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


def of_template(found: Course) -> tuple[str, bytes]:
    """The wheel that a version of the template renders."""
    listed = git.run(
        "ls-tree", "-z", "--name-only", found.new.commit, mount.VENDOR, cwd=found.up.folder
    )
    for path in listed.out.split("\0"):
        name = path.removeprefix(mount.VENDOR)
        if name.startswith(wheel.PACKAGE):
            text = git.text_at(found.up.folder, found.new.commit, path) or ""
            return name, text.encode("utf-8", "surrogateescape")
    raise MlfactoryError(
        f"{found.new.name} of {found.project.source} has no wheel of the library",
        "Name a later version with --to.",
    )


def compared(old: Files, new: Files, *, color: bool) -> str:
    """A patch from some files to others."""
    first, second = stream.Commit("1", "", 0, old), stream.Commit("2", "", 0, new)
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        place = Path(scratch) / "library.git"
        git.import_history(place, stream.written(first) + stream.written(second, first))
        look = (drift.COLOURED,) if color else ("--no-color",)
        return git.run(*drift.PLAINLY, *look, "v1", "v2", cwd=place).out
