"""All that adopting asks of rendering: ours, and what an older template made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlfactory.base import answers, git
from mlfactory.base.answers import Answers, Question
from mlfactory.base.errors import UsageError
from mlfactory.project.record import COPIER, CRUFT, CRUFT_FILE, Project
from mlfactory.render import cookiecutter, copier, rerender, result
from mlfactory.render.result import Facts, Render, RenderOptions
from mlfactory.template import history, mirror, repository
from mlfactory.template.choice import Template
from mlfactory.template.repository import Upstream, Version

from .place import Place


@dataclass(frozen=True)
class Sheet:
    """A template at hand: what it asks, and what makes a tree of answers."""

    template: Template
    questions: Mapping[str, Question]
    inner: Any

    def render(self, name: str, values: Answers) -> Render:
        """All files of a project of this name, and the version that is recorded."""
        with TemporaryDirectory(prefix="mlfactory-") as folder:
            target = Path(folder) / name
            version = copier.render(self.inner, target, values)
            target.mkdir(exist_ok=True)
            return result.collect(target, Facts(version, dict(values)))


@contextmanager
def sheet(template: Template, *, trust: bool = False) -> Iterator[Sheet]:
    """Fetch a template once, to look at its questions and then to render it."""
    with copier.open_sheet(template, trust=trust) as inner:
        yield Sheet(template, inner.questions, inner)


def old_render(project: Project, *, trust: bool = False) -> Render:
    """What the old template made of the recorded answers. Raises MlfactoryError without it."""
    up = mirror.of_project(project)
    version = repository.version(up, project.version)
    return rerender.base(project, up, version, trust=trust)


def keep_version(here: Place, template: Template) -> None:
    """Let the repository have an unreleased template, so that it can be updated."""
    if template.repository is not None and not template.released:
        tag = f"refs/tags/v{template.version}"
        git.fetch(here.repository, template.repository, tag, f"{history.REF}{template.version}")


def upstream(source: str) -> Upstream:
    """A template elsewhere with all of its versions. Raises MlfactoryError without it."""
    return mirror.of_address(source)


def candidates(up: Upstream, ref: str, most: int) -> list[Version]:
    """The versions that a project may come from, newest first: all releases, or the one named."""
    names = [ref] if ref else [*reversed(up.tags)][:most]
    return [repository.version(up, name) for name in names or [up.newest]]


def questions_at(up: Upstream, version: Version) -> tuple[tuple[str, ...], str]:
    """What a version asks, and whose kind of template it is. Raises UsageError for neither."""
    with TemporaryDirectory(prefix="mlfactory-") as folder:
        files = repository.files_of(up, version.commit, Path(folder) / "template")
        if (file := files / "cookiecutter.json").is_file():
            names = json.loads(file.read_text("utf-8"))
            return tuple(name for name in names if not name.startswith("_")), CRUFT
        if (files / "copier.yml").is_file() or (files / "copier.yaml").is_file():
            with copier.open_sheet(Template(str(files))) as inner:
                return tuple(inner.questions), COPIER
    text = f"{up.source} {version.name} is no template: no copier.yml, and no cookiecutter.json"
    raise UsageError(text, "Name another one: --template URL, or --ref REF.")


def at_version(project: Project, up: Upstream, version: Version) -> Render:
    """What a version makes of a project's answers. Raises MlfactoryError where it cannot."""
    return rerender.base(project, up, version)


def files_at(url: str, ref: str, folder: Path) -> Path:
    """The files of a template's version: a folder of their own, or where a plain folder stands."""
    path = Path(url).expanduser()
    if path.is_dir() and not (path / ".git").exists() and not (path / "HEAD").exists():
        if ref:
            raise UsageError(f"{url} is a plain folder, which has no {ref}", "Leave --ref out.")
        return path.resolve()
    up = mirror.of_address(url)
    return repository.files_of(up, repository.version(up, ref or up.newest).commit, folder)


def cookiecutter_variables(home: Path, source: str) -> dict[str, Any]:
    """What cookiecutter.json holds. Raises MlfactoryError for what is no such template."""
    project = stranger(source, {})
    cookiecutter.check_inside(home, home)
    return cookiecutter.read_variables(project, home)


def stranger(source: str, values: Answers) -> Project:
    """A project of a cookiecutter template that stands in no repository."""
    none = git.bare(Path())
    return Project(Path(), none, "", "", CRUFT_FILE, "{}", CRUFT, source, "none", dict(values))


def cookiecutter_tree(home: Path, source: str, values: Answers) -> dict[str, tuple[str, bytes]]:
    """Mode and content of what cookiecutter makes of some answers, its hooks left out."""
    with TemporaryDirectory(prefix="mlfactory-") as scratch:
        copy, out = Path(scratch) / "template", Path(scratch) / "out"
        shutil.copytree(home, copy, symlinks=True, ignore=shutil.ignore_patterns("hooks", ".git"))
        out.mkdir()
        where = (copy, Version("none", "none"), out, RenderOptions())
        render = cookiecutter.render(stranger(source, values), *where)
    return {e.name: (e.mode, e.content) for e in render.entries if e.name != CRUFT_FILE}


def copier_tree(template: Path, values: Answers) -> dict[str, tuple[str, bytes]]:
    """The same of a copier template, without the file of answers."""
    with sheet(Template(str(template))) as one:
        render = one.render("project", values)
    return {e.name: (e.mode, e.content) for e in render.entries if e.name != answers.FILE}
