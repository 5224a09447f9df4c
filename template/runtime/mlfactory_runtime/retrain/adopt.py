"""Putting a model that was compared in place of the one before: all of it, or nothing.

What is to be done stands in a file before it begins. A kill in between leaves that file, and the
next run finishes what it says, or takes it back.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import FactoryError
from ..files import write_json
from ..git import dvc
from ..learn.folder import swapped
from ..project import LOCK, MODEL, Project
from ..records.adoption import Adoption
from ..records.record import read
from ..registry.artifact import lock_of
from ..registry.artifact import version as name_of

PLAN, FRESH, BEFORE = "plan.json", "factory", "before"
NOT_BACK = "and it could not be taken back"


def planned(work: Path) -> Adoption | None:
    """What a retraining that was cut off had begun to put in place."""
    return read(Adoption, work / PLAN)


def plan(project: Project, work: Path, adoption: Adoption) -> None:
    """Keep what stands there now, and write down what will."""
    for name in (*adoption.files, MODEL.as_posix()):
        source, target = project.root / name, work / BEFORE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.is_file():
            shutil.copy2(source, target)
    note(work, adoption)


def note(work: Path, adoption: Adoption) -> None:
    """Write the plan at once, to the disk itself."""
    fresh = work / "plan.new"
    write_json(fresh, adoption.model_dump())
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(work / PLAN)


def adopt(project: Project, work: Path, adoption: Adoption) -> None:
    """Put all in place; doing it again changes nothing."""
    put(project, work / FRESH, adoption.files)


def undo(project: Project, work: Path, adoption: Adoption) -> None:
    """Take all back; doing it again changes nothing."""
    note(work, adoption.model_copy(update={"undo": True}))
    put(project, work / BEFORE, adoption.files)
    (work / PLAN).unlink()


def put(project: Project, source: Path, files: Sequence[str]) -> None:
    """Files and model as they are in another folder; the rest as the pipeline's lock says."""
    if (source / MODEL).is_dir():
        with swapped(project.model_folder) as folder:
            shutil.copytree(source / MODEL, folder, dirs_exist_ok=True)
    for name in files:
        if (source / name).is_file():
            put_file(source / name, project.root / name)
        else:
            (project.root / name).unlink(missing_ok=True)
    outs = [name for name in lock_of(project.root) if name]
    if (project.root / LOCK).is_file() and outs:
        hint = "dvc checkout --force"
        dvc(project.root, "checkout", "--quiet", "--force", *outs, hint=hint)


def put_file(source: Path, target: Path) -> None:
    """Nobody ever reads half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, fresh)
    if target.is_file():
        shutil.copymode(target, fresh)
        fresh.chmod(fresh.stat().st_mode | 0o200)
    fresh.replace(target)


def is_ours(project: Project, work: Path, adoption: Adoption) -> bool:
    """Whether all that stands there is of before or of the plan: nobody worked on it since."""
    for name in adoption.files:
        here = content(project.root / name)
        if here not in (content(work / FRESH / name), content(work / BEFORE / name)):
            return False
    folders = (root / MODEL for root in (work / FRESH, work / BEFORE, project.root))
    fresh, before, now = (name_of(one) if one.is_dir() else None for one in folders)
    return now in (None, fresh, before)


def content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def settle(project: Project, work: Path) -> Adoption | None:
    """Finish what an earlier run has left in a folder, or take it back; gives what was finished."""
    adoption = planned(work)
    if adoption is None or not is_ours(project, work, adoption):
        return None
    if adoption.undo:
        undo(project, work, adoption)
        return None
    adopt(project, work, adoption)
    return adoption


def taken_back(project: Project, work: Path, adoption: Adoption, error: BaseException) -> None:
    """Undo after an error; FactoryError if even that fails, for then all is not as it was."""
    try:
        undo(project, work, adoption)
    except (FactoryError, OSError) as second:
        message = f"{error}; {NOT_BACK}: {second}"
        hint = "mend that, and `factory retrain` again: it begins with taking it back"
        raise FactoryError(message, hint) from error
