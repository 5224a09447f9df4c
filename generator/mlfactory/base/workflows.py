"""Files of a project that stand at the top of a larger repository, as a forge wants it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

HOME = ".github/workflows"


def name_of(folder: str, name: str) -> str:
    """Where a file of the project in `folder` stands, from the top of the repository; an empty
    string for one that stays in the project. Two projects cannot take each other's."""
    path = PurePosixPath(name)
    is_workflow = path.parent.as_posix() == HOME and path.suffix in (".yml", ".yaml")
    return f"{HOME}/{folder.replace('/', '.')}.{path.name}" if folder and is_workflow else ""


def names_in(top: Path, folder: str) -> list[str]:
    """Those of a project that stand at the top."""
    paths = (top / HOME).glob(f"{folder.replace('/', '.')}.*") if folder else ()
    own = (path.name.removeprefix(f"{folder.replace('/', '.')}.") for path in paths)
    return [name_of(folder, f"{HOME}/{name}") for name in sorted(own) if name.count(".") == 1]
