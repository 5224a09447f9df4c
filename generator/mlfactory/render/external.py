"""Data that a template reads from other files of the project: copier's `_external_data`.

copier looks for them where it renders. Here that is an empty folder, so that they are read from
the project instead, as its last commit has them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mlfactory.base.errors import MlfactoryError
from mlfactory.base.objects import text_at
from mlfactory.project.record import Project


def data_of(worker: Any, project: Project) -> Mapping[str, Any]:
    """What each name of `_external_data` stands for, read when a template asks for it."""
    from copier._types import LazyDict

    paths = worker.template.external_data
    if not isinstance(paths, Mapping):
        raise TypeError(f"{paths!r} is no table")
    return LazyDict({name: partial(load, worker, project, path) for name, path in paths.items()})


def load(worker: Any, project: Project, path: str) -> Any:
    """What a YAML file holds, as copier reads it, and an empty mapping where there is none.

    Raises copier's ForbiddenPathError for a path out of the project, unless it is trusted.
    """
    from copier._types import Phase
    from copier.errors import ForbiddenPathError

    with Phase.use(Phase.UNDEFINED):
        name = posixpath.normpath(worker._render_string(path))
    worker.has_read_more = True
    if name.startswith(("/", "../")) or name == "..":
        if not worker.unsafe:
            raise ForbiddenPathError(path=Path(name), hint="If you trust it, add --trust.")
        file = project.path / name
        return content(file.read_text("utf-8"), file) if file.is_file() else {}
    text = text_at(project.repository, project.head, project.place_of(name))
    return content(text, project.path / name) if text is not None else {}


def content(text: str, path: Path) -> Any:
    """Raises MlfactoryError for a text that is no YAML."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MlfactoryError(f"{path} is not YAML: {error}", "Mend it, and commit it.") from error
