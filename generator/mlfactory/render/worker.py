"""copier's worker as mlfactory runs it: what it may start, and what it may write.

`copier.run_copy` makes such a worker and runs it. copier is pinned to one minor version, and tests
hold what is relied on.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfactory.base import git, process

from . import external, safety, still
from .safety import Entry
from .still import Still, Stills
from .strings import Plain, compile_once, marks_of

if TYPE_CHECKING:
    from copier._jinja_ext import SandboxedEnvironment
    from copier._main import Worker
    from copier._template import Task

    from mlfactory.project.record import Project


def fresh_worker() -> type[Worker]:
    """copier's worker for a directory that is in no repository yet.

    Made here, it shows the questions before anybody is asked, without a second clone; it need not
    start git once per file to carry an executable bit into an index that does not exist; and it
    compiles each name once. What it renders is checked before a task sees it.
    """
    from copier import errors
    from copier._main import Worker

    class FreshWorker(Worker):
        def _sync_git_index_executable_bit(self, dst_relpath: Path, src_mode: int) -> None:
            """There is no index."""

        @cached_property
        def jinja_env(self) -> SandboxedEnvironment:
            environment = super().jinja_env
            compile_once(environment)
            return environment

        @cached_property
        def entry_names(self) -> list[str]:
            return []

        @cached_property
        def amount(self) -> Counter[str]:
            return Counter()

        def _render_string(self, string: str, extra_context: Any = None) -> str:
            """Most parts of most paths are plain, and all answers would be gathered for each."""
            compiled = self.jinja_env.from_string(string)
            if isinstance(compiled, Plain):
                return compiled.text
            return super()._render_string(string, extra_context)

        def _check_unsafe(self, *_: str) -> None:
            """Extensions are code that rendering needs; tasks are left out unless trusted. A list
            of trusted templates that copier keeps elsewhere is not asked: one word decides."""
            if self.template.jinja_extensions and not self.unsafe:
                raise errors.UnsafeTemplateError(["jinja_extensions"])

        def _render_file(self, src_relpath: Path, dst_relpath: Path, *more: Any, **kw: Any) -> None:
            """A pipe would never end, and a loop over names fills the disk: both stop here."""
            safety.check_name(dst_relpath.as_posix())
            safety.check_file(self.template.local_abspath / src_relpath, src_relpath.as_posix())
            super()._render_file(src_relpath, dst_relpath, *more, **kw)
            path = self.subproject.local_abspath / dst_relpath
            size = path.lstat().st_size if os.path.lexists(path) else 0
            self.amount.update(files=1, bytes=size)
            safety.check_amount(self.amount["files"], self.amount["bytes"])

        @cached_property
        def still(self) -> dict[str, Any]:
            """What does not change while files are rendered: copier gathers it for each name."""
            return {}

        @property
        def answers_relpath(self) -> Path:
            path: Path = self.still.get("path") or super().answers_relpath
            return path

        def _render_context(self) -> Any:
            context = self.still.get("context")
            return dict(context) if context else super()._render_context()

        def _render_template(self) -> None:
            self.still |= {"path": self.answers_relpath, "context": self._render_context()}
            try:
                super()._render_template()
            finally:
                self.still.clear()
            self.check_entries()

        def check_entries(self) -> None:
            entries = safety.entries_below(self.subproject.local_abspath)
            self.entry_names.extend(entry.name for entry in entries)

        def _execute_tasks(self, tasks: Any) -> None:
            with as_the_user(), own_output():
                super()._execute_tasks(tasks)

    return FreshWorker


def recording_worker() -> type[Worker]:
    """The same worker, which also notes the template's file for each one that it writes."""

    class RecordingWorker(fresh_worker()):  # type: ignore[misc]
        project: Project | None = None
        has_read_more = False  # than the template and the record
        is_read_only = False  # nobody looks into the folder: what is copied need not get there

        def _external_data(self) -> Any:
            own = self.project
            return external.data_of(self, own) if own else super()._external_data()

        def hidden_questions(self) -> set[str]:
            """Answer the questions, and render nothing; gives those that are not asked."""
            from copier._types import Phase

            with Phase.use(Phase.PROMPT):
                self._ask()
            return {*self.answers.hidden}

        @cached_property
        def origins(self) -> dict[str, str]:
            return {}

        @cached_property
        def clashes(self) -> set[str]:
            """Those that two files of the template write."""
            return set()

        @cached_property
        def links(self) -> set[str]:
            return set()

        @cached_property
        def aside(self) -> dict[str, Entry]:
            """Files that were not written, by their names."""
            return {}

        @cached_property
        def stills(self) -> Stills:
            own = self.template
            if not self.is_read_only or own.jinja_extensions:
                return Stills()
            where = (self.template_copy_root, own.local_abspath, own.templates_suffix)
            files = still.files_of(*where, marks_of(self.jinja_env))
            return files if files.stand_for(self.answers_relpath.as_posix()) else Stills()

        def _render_template(self) -> None:
            with still.passed_over(self.stills.sources):
                super()._render_template()
            if self.stills.meets({*self.origins, *self.links}):
                for notes in (self.origins, self.clashes, self.amount):
                    notes.clear()
                super()._render_template()
            else:
                self.render_aside()

        def render_aside(self) -> None:
            """The rest of the files, which are not written."""
            self.still["context"] = self._render_context()
            for one in self.stills.files:
                if not self.match_exclude(one.path):
                    self.aside[one.entry.name] = entry = self.entry_of(one)
                    self.origins[entry.name] = one.origin
                    self.amount.update(files=1, bytes=len(entry.content))
                    safety.check_amount(self.amount["files"], self.amount["bytes"])
            self.still.clear()

        def entry_of(self, one: Still) -> Entry:
            if not one.is_template:
                return one.entry
            from copier._jinja_ext import get_yield_context
            from copier.errors import YieldTagInFileError

            text = self.jinja_env.get_template(one.origin).render(**self._render_context())
            if get_yield_context(self.jinja_env).yield_name:
                reason = f"File {one.origin} contains a yield tag, but it is not allowed."
                raise YieldTagInFileError(reason)
            return replace(one.entry, content=text.encode())

        def _render_symlink(self, src_relpath: Path, dst_relpath: Path) -> None:
            self.links.add(dst_relpath.as_posix())
            super()._render_symlink(src_relpath, dst_relpath)

        def check_entries(self) -> None:
            """Without tasks nobody sees them before they are collected, and checked for that."""
            if not self.skip_tasks:
                super().check_entries()

        def _render_file(self, src_relpath: Path, dst_relpath: Path, *more: Any, **kw: Any) -> None:
            super()._render_file(src_relpath, dst_relpath, *more, **kw)
            name, origin = dst_relpath.as_posix(), src_relpath.as_posix()
            if self.origins.setdefault(name, origin) != origin:
                self.clashes.add(name)
            self.origins[name] = origin

    return RecordingWorker


def settle(worker: Any) -> None:
    """Take away what trusted code left that is no part of a project: a repository of its own, and
    what the project's own rules keep out of git, such as an environment."""
    folder = worker.dst_path
    names = {*worker.entry_names}
    shutil.rmtree(folder / ".git", ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        git.run("init", "--quiet", "--bare", "--template=", scratch)
        where = {"GIT_DIR": scratch, "GIT_WORK_TREE": str(folder)}
        rules = ("-c", "core.bare=false", "-c", f"core.excludesFile={os.devnull}")
        argv = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z")
        ignored = git.run(*rules, *argv, cwd=folder, env=where).out.split("\0")
    for name in filter(None, ignored):
        path = folder / name
        if name.endswith("/"):
            shutil.rmtree(path)
        elif name not in names:
            path.unlink()


def commands(worker: Any, tasks: Iterable[Task], operation: str) -> Iterator[str]:
    """What tasks would run, as somebody would type it; those whose condition fails are left out."""
    from copier._tools import cast_to_bool

    for task in tasks:
        context = {f"_{key}": value for key, value in task.extra_vars.items()}
        context["_copier_operation"] = operation
        if cast_to_bool(worker._render_value(task.condition, context)):
            parts = [task.cmd] if isinstance(task.cmd, str) else task.cmd
            texts = [worker._render_string(str(part), context) for part in parts]
            yield texts[0] if isinstance(task.cmd, str) else shlex.join(texts)


@contextmanager
def own_output() -> Iterator[None]:
    """What a template's code prints must not get between the data on stdout."""
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


@contextmanager
def environment(source: str = "") -> Iterator[None]:
    """What copier's git sees: mlfactory's own remote helper, no repository of its caller's, and
    nothing that it would start, neither for the user nor for the repository at `source`.

    plumbum, which starts git for copier, keeps an environment of its own.
    """
    from plumbum import local

    folder = Path(source).expanduser() if source else Path()
    drivers = git.drivers_off(folder) if source and folder.is_dir() else {}
    # The submodules of a stranger's repository have configurations of their own.
    settings = {**drivers, "diff.ignoreSubmodules": "dirty"}
    with local.env():
        local.env.clear()
        local.env.update({**process.environment(), **git.silent(settings)})
        yield


@contextmanager
def as_the_user() -> Iterator[None]:
    """The environment without that: a trusted task runs as when somebody types it."""
    from plumbum import local

    with local.env():
        local.env.clear()
        local.env.update(process.environment())
        yield
