"""The steps inside a new factory. Each takes the run and returns it as it is afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlfactory.base import git, index, process
from mlfactory.base.errors import MlfactoryError
from mlfactory.render import copier
from mlfactory.template.choice import Template, is_local

from . import around, journal
from .journal import MANY, PIPE, QUERY, Run

QUIET = {"DVC_NO_ANALYTICS": "1"}
# The setting of git in which a clone keeps where its data lie; a factory's library reads it.
FOLDER = "factory.dataFolder"
HERE = "the repository names {}, and only this clone knows its folder: git config {}"


def copy_data(run: Run) -> Run:
    """Copy the data to where the factory expects them.

    Of a query, its text; the rows are fetched when the factory can do that itself. Raises
    MlfactoryError when the first commit would then hold the data: git never forgets.
    """
    from mlfactory.look import foreign

    if not git.ignored(run.repository, [f"{run.prefix}{data_path(run)}"]):
        raise MlfactoryError(f"the template does not keep {data_path(run)} out of git")
    if run.form != MANY:
        name = str(run.answers["data_source"]) if run.form == QUERY else data_path(run)
        target = run.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.exists() and target.samefile(run.data)):
            foreign.copy(Path(run.data), table_of(run), target)
    return keep_folder(run)


def table_of(run: Run) -> str | None:
    """The sheet or table that was chosen."""
    return str(run.given.get("data_table") or run.request.table) or None


def keep_folder(run: Run) -> Run:
    """Let this clone, and nobody else, know the folder of data that lie elsewhere."""
    source = str(run.answers.get("data_source") or "")
    folder = run.data.removesuffix(f"/{source}")
    if run.form == QUERY or not source or folder == run.data:
        return run
    git.run("config", FOLDER, folder or "/", cwd=run.path)
    return journal.with_warnings(run, [HERE.format(source, FOLDER)])


def data_path(run: Run) -> str:
    return f"data/raw/{run.answers['data_file']}"


def commit_first(run: Run) -> Run:
    return commit(run, f"Start {run.name} from {origin(run)}")


def commit_scaffold(run: Run) -> Run:
    has_commit = git.has_commit(run.repository, *around.specs(run))
    text = "Lock the packages, track the data and draft the catalog"
    return commit(run, text) if has_commit else commit_first(run)


def commit_trained(run: Run) -> Run:
    return commit(run, "Train the first model")


def origin(run: Run) -> str:
    name = Path(run.source).name if is_local(run.source) else run.source
    return f"{'mlfactory' if run.contract else name} {run.version}".strip()


def commit(run: Run, message: str) -> Run:
    """Commit everything that the factory does not ignore, and nothing else of its repository."""
    specs = around.specs(run)
    with index.hold(run.repository) as mine:
        git.add_all(mine, *specs)
        return journal.with_warnings(run, filter(None, [git.commit(mine, message, *specs)]))


def install(run: Run) -> Run:
    """Lock and install the packages."""
    from mlfactory.base import uv

    uv.clear(run.path)  # a half environment looks whole to uv
    return journal.with_warnings(run, uv.install(run.path))


@contextmanager
def compiling(run: Run) -> Iterator[None]:
    """Compile meanwhile what the training imports, which else waits for that; an older library
    does not know how, and nothing is lost."""
    from mlfactory.base import uv

    python = run.path / ".venv" / "bin" / "python"
    if os.environ.get("PYTHONDONTWRITEBYTECODE") or not python.is_file():
        yield
        return
    argv = (str(python), "-P", "-m", "mlfactory_runtime.bytecode")
    with process.background(argv, run.path, uv.environment(run.path)):
        yield


def run_tasks(run: Run) -> Run:
    """Let the template run what it wants to, with what it was rendered with. It is read once more:
    a task that failed, or was not trusted, runs when somebody comes back."""
    template = Template(run.source, template_ref(run))
    with copier.open_sheet(template, trust=True) as sheet:
        copier.run_tasks(sheet, run.path, run.answers)
    return run


def template_ref(run: Run) -> str | None:
    """The version that was rendered. A folder with edits that no commit has is read as it is."""
    folder = Path(run.source)
    if folder.is_dir() and not (run.commit and git.ref_exists(git.bare(folder), run.commit)):
        return run.request.ref or None
    return run.commit or None


def commit_tasks(run: Run) -> Run:
    return commit(run, "Run the template's tasks")


def track_data(run: Run) -> Run:
    """Hand the data to DVC; a factory that fetches them says where they come from, too."""
    if not (run.path / ".dvc").is_dir():
        call(run, "dvc", "init")
    if not run.fetches:
        call(run, "dvc", "add", data_path(run))
    elif run.form not in (MANY, QUERY):
        sample = "a pipe" if run.form == PIPE else f"{Path(run.data).name}, a sample of mlfactory"
        origin = run.answers.get("data_source") or sample
        call(run, "factory", "data", "pull", "--from", data_path(run), "--origin", str(origin))
    else:
        call(run, "factory", "data", "pull")
    return run


def draft_catalog(run: Run) -> Run:
    """Let the factory describe its columns."""
    draft = call_json(run, "factory", "catalog", "draft", "--json")
    return journal.with_warnings(run, map(str, draft.get("warnings", ())))


def install_hooks(run: Run) -> Run:
    call(run, "pre-commit", "install")
    return run


def train(run: Run) -> Run:
    """Run the pipeline; this may take as long as it takes."""
    call(run, "dvc", "repro")
    return run


def trained_state(run: Run) -> Mapping[str, Any]:
    """What the factory tells about the model it has trained."""
    return call_json(run, "factory", "summary", "--json")


def call(run: Run, name: str, *args: str) -> process.Result:
    """Start a program of the factory's own environment."""
    from mlfactory.base import uv

    program = run.path / ".venv" / "bin" / name
    env = {**uv.environment(run.path), **QUIET}
    hint = f"Try it: cd {run.path} && source .venv/bin/activate && {name} {' '.join(args)}"
    return process.run([str(program), *args], run.path, env=env, timeout=None, hint=hint)


def call_json(run: Run, name: str, *args: str) -> dict[str, Any]:
    """The object that a verb of the factory prints."""
    out = call(run, name, *args).out
    try:
        document = json.loads(out)
    except ValueError as error:
        raise MlfactoryError(f"`{name} {' '.join(args)}` printed no JSON: {out[:200]}") from error
    if not isinstance(document, dict):
        raise MlfactoryError(f"`{name} {' '.join(args)}` printed no object: {out[:200]}")
    return document
