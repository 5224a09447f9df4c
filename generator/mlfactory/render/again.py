"""Rendering a copier project once more: as it was made, or as another version would make it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfactory.base import answers
from mlfactory.base.model import Template, Wish
from mlfactory.project.record import Project
from mlfactory.template import repository as upstream
from mlfactory.template.repository import Version

from .copier import copier_at_work, fresh_worker, questions_of
from .result import MIGRATIONS, Facts, Render, collected

if TYPE_CHECKING:
    from copier._main import Worker

TRUST = "An update would run it. If you trust it, add --trust."


def as_recorded(
    project: Project, template: Path, version: Version, folder: Path, wish: Wish
) -> Render:
    """What a version makes of the recorded answers, as when the project was rendered with it."""
    return replayed(project, template, version, folder, wish, project.answers)


def as_updated(
    project: Project, template: Path, version: Version, folder: Path, wish: Wish
) -> Render:
    """What another version makes of them: copier reads the recorded answers as the last ones.

    It drops those that are no longer valid, and asks or takes the default for new questions.
    """
    folder.mkdir(parents=True)
    (folder / project.file).parent.mkdir(parents=True, exist_ok=True)
    (folder / project.file).write_text(project.text, encoding="utf-8")
    return replayed(project, template, version, folder, wish, wish.settings)


def replayed(
    project: Project,
    template: Path,
    version: Version,
    folder: Path,
    wish: Wish,
    data: Mapping[str, Any],
) -> Render:
    """Let copier render a checked-out version into a folder of its own, and collect the result."""
    which = Template(project.source, version.name)
    with copier_at_work(which, trusting=TRUST):
        worker = recording_worker()(
            project.source,
            folder,
            answers_file=None if project.file == answers.FILE else Path(project.file),
            vcs_ref=version.name,
            data=dict(data),
            defaults=not wish.ask,
            skip_answered=wish.ask,
            overwrite=True,
            quiet=True,
            unsafe=wish.trust,
        )
        place(worker, template, version)
        if wish.settings:
            answers.check(wish.settings, questions_of(worker.template.questions_data))
        worker.run_copy()
        return collected(folder, facts_of(worker, project, version, wish))


def place(worker: Worker, template: Path, version: Version) -> None:
    """Tell copier what it would have asked git for."""
    worker.template.local_abspath = template.resolve()
    worker.template.commit = version.name
    worker.template.commit_hash = version.commit
    worker.template.version = upstream.number(version.name)
    worker.template.git_index_modes = {}


def facts_of(worker: Any, project: Project, version: Version, wish: Wish) -> Facts:
    """What the worker knows once it has rendered."""
    had = {*project.answers, *wish.settings, *worker.answers.hidden}
    user = worker.answers.user
    new = {name: user[name] for name in worker.template.questions_data if name in user}
    notes = (MIGRATIONS,)
    return Facts(
        version.name,
        {k: v for k, v in worker._answers_to_remember().items() if not k.startswith("_")},
        tuple(map(worker._render_string, worker.all_skip_if_exists)),
        tuple(map(worker._render_string, worker.all_exclusions)),
        {name: value for name, value in new.items() if name not in had},
        dict(worker.origins),
        notes if worker.template._raw_config.get("_migrations") else (),
    )


def recording_worker() -> type[Worker]:
    """The same worker, which also notes the template's file for each one that it writes."""

    class RecordingWorker(fresh_worker()):  # type: ignore[misc]
        @cached_property
        def origins(self) -> dict[str, str]:
            return {}

        def _render_file(self, src_relpath: Path, dst_relpath: Path, *more: Any, **kw: Any) -> None:
            super()._render_file(src_relpath, dst_relpath, *more, **kw)
            self.origins[dst_relpath.as_posix()] = src_relpath.as_posix()

    return RecordingWorker
