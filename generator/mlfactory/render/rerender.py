"""Rendering a project's template again: as it was made, or as a newer version would make it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from mlfactory.base.model import Wish
from mlfactory.project import record as linked
from mlfactory.project.record import CRUFT, Project
from mlfactory.template import repository as upstream
from mlfactory.template.repository import Upstream, Version

from . import result as renders
from .result import Render

FORM = 1  # of the kept renders; another number makes them anew


def base(project: Project, up: Upstream, version: Version, *, trust: bool = False) -> Render:
    """What the template made of this project's answers, at the version that it records."""
    name = base_key(project, version)
    if found := renders.cached(name) or renders.kept(project.top, name):
        return found
    return made(project, up, version, name, Wish(trust=trust), recorded=True)


def theirs(project: Project, up: Upstream, version: Version, wish: Wish) -> Render:
    """What a version would make of this project's answers, and of defaults for new questions."""
    name = renders.key("theirs", facts_of(project), version.commit, project.version, wish.settings)
    if not wish.ask and (found := renders.cached(name)):
        return found
    return made(project, up, version, name, wish, recorded=False)


def made(
    project: Project, up: Upstream, version: Version, name: str, wish: Wish, *, recorded: bool
) -> Render:
    """Render now, and keep the result."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        template, out = Path(scratch) / "template", Path(scratch) / "made"
        upstream.checkout(up, version.commit, template)
        out.mkdir()
        if project.kind == CRUFT:
            from . import cookiecutter as cookie

            found = cookie.render(project, template, version, out, wish)
        else:
            from . import again

            act = again.as_recorded if recorded else again.as_updated
            found = act(project, template, version, out / project.name, wish)
    if not wish.ask:
        renders.cache(name, found)
    return found


def base_key(project: Project, version: Version) -> str:
    """The name under which the render of a project as it is recorded is kept."""
    return renders.key("base", facts_of(project), version.commit)


def facts_of(project: Project) -> tuple[Any, ...]:
    """What decides on a render, the version aside."""
    where = (project.source, project.name, project.file, project.directory, project.skip)
    return (FORM, project.kind, *where, dict(project.answers))


def as_updated(project: Project, render: Render) -> Project:
    """The project as it will be recorded once it has taken a render."""
    text = render.text(project.file) or project.text
    reader = linked.read_cruft if project.kind == CRUFT else linked.read_copier
    return reader(project.path, project.top, project.prefix, project.file, text)
