"""Rendering a project's template again: as it was made, or as a newer version would make it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from mlfactory.project import record
from mlfactory.project.record import COPIER, CRUFT, Project
from mlfactory.template import repository
from mlfactory.template.repository import Upstream, Version

from . import cache
from .result import Render, RenderOptions

FORMS = {CRUFT: 2, COPIER: 3}  # of the kept renders; another number makes them anew


def base(project: Project, up: Upstream, version: Version, *, trust: bool = False) -> Render:
    """What the template made of this project's answers, at the version that it records."""
    name = base_key(project, version)
    if hit := cache.look_up(name, project.repository, trust=trust):
        return hit
    return render(project, up, version, name, RenderOptions(trust=trust))


def theirs(
    project: Project, up: Upstream, version: Version, options: RenderOptions, base: Render
) -> Render:
    """What a version would make of this project's answers, and of defaults for new questions.

    Migrations that are trusted begin with what the recorded version made, which is `base`.
    """
    name = cache.key("theirs", facts_of(project), version.commit, project.version, options.settings)
    if not options.ask and (hit := cache.look_up(name, trust=options.trust)):
        return hit
    return render(project, up, version, name, options, base)


def render(
    project: Project,
    up: Upstream,
    version: Version,
    name: str,
    options: RenderOptions,
    base: Render | None = None,
) -> Render:
    """Render now, and keep the result; with `base`, as an update of it."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        template = repository.files_of(up, version.commit, Path(scratch) / "template")
        out = Path(scratch) / "made"
        out.mkdir()
        if project.kind == CRUFT:
            from . import cookiecutter

            result = cookiecutter.render(project, template, version, out, options)
        else:
            from . import copier

            where = (project, template, version, out / project.name, options)
            result = copier.as_updated(*where, base) if base else copier.as_recorded(*where)
    if not options.ask and not result.facts.has_read_more:
        cache.write(cache.key_for(name, result), result)
    return result


def base_key(project: Project, version: Version) -> str:
    """The name under which the render of a project as it is recorded is kept."""
    return cache.key("base", facts_of(project), version.commit)


def facts_of(project: Project) -> tuple[Any, ...]:
    """What decides on a render, the version aside."""
    where = (project.source, project.name, project.file, project.directory, project.skip)
    return (FORMS[project.kind], project.kind, *where, dict(project.answers))


def as_updated(project: Project, theirs: Render) -> Project:
    """The project as it will be recorded once it has taken a render."""
    text = theirs.text(project.file) or project.text
    return record.with_text(project, text)
