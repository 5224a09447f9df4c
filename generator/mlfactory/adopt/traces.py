"""What adopting leaves beside git, and the commands that take all of it back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from mlfactory.new import journal

from .place import BRANCH, Place

ENVIRONMENT, HOOK = ".venv", "pre-commit"
# What the set-up makes and git does not track; the data are named apart.
MADE = (ENVIRONMENT, ".dvc", "data/prepared", "models", "reports/plots")


def back(here: Place) -> str:
    """How to be again where we were: on a branch, or on a commit alone."""
    where = quote(here.branch) if here.branch else f"--detach {here.head[:12]}"
    return f"git switch {where}"


def remains(here: Place, data: str) -> tuple[Path, ...]:
    """The folders and files that are new once there is a model; `data` is the name of its data,
    and without any there is none. What is there before is not among them."""
    paths = [*MADE, f"data/raw/{data}"] if data else []
    new = [outermost(here.path, path) for path in paths if not os.path.lexists(here.path / path)]
    record = journal.file_of(here.repository, here.prefix)
    hook = here.repository.path_of("hooks") / HOOK
    more = [record, *([] if hook.exists() or here.prefix else [hook])] if data else []
    return tuple(dict.fromkeys([*new, *more]))


def outermost(top: Path, path: str) -> Path:
    """The path itself, or the first of the folders around it that is not there yet."""
    whole = top / path
    folders = [one for one in reversed(whole.parents) if one.is_relative_to(top)]
    return next(one for one in (*folders, whole) if not os.path.lexists(one))


def undo(here: Place, paths: Iterable[Path]) -> str:
    """The command after which nothing of it is there any more, wherever it is typed in the
    repository."""
    names = [quote(str(path)) for path in sorted(paths)]
    away = f" && rm -rf -- {' '.join(names)}" if names else ""
    return f"{back(here)} && git branch -D {BRANCH}{away}"


def names(here: Place, paths: Iterable[Path]) -> tuple[str, ...]:
    """The same paths as they are from the project's folder."""
    return tuple(os.path.relpath(path, here.path) for path in sorted(paths))
