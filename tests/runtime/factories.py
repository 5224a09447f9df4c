"""Factories of people's data, made in place, and their program as a person runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import yaml
from jinja2 import DictLoader, Environment
from mlfactory_runtime.cli.commands import run
from mlfactory_runtime.project import Project, forget
from mlfactory_runtime.testing.trained import write_yaml

from ..warm import before

WARM = "WARM"  # folders of programs that need not start
SKELETON = Path(__file__).parents[2] / "template" / "project"
STARTED: list[subprocess.Popen[str]] = []  # by the test that runs
PROGRAM = "from mlfactory_runtime.cli import main; main()"
PYPROJECT = """[project]
name = "{0}"

[tool.mlfactory]
contract = 2
package = "{0}"
"""


def end_started() -> None:
    """End what a test that failed has left running, lest the next one fails for it."""
    while STARTED:
        process = STARTED.pop()
        if process.returncode is None:
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    out: str
    err: str
    code: int


@dataclass(frozen=True)
class Factory:
    """A factory's folder."""

    path: Path

    @property
    def project(self) -> Project:
        """The factory with its settings as they are now."""
        return Project(self.path)

    def run(self, *argv: str, code: int | None = 0) -> Done:
        """Run `factory` in its folder, in this process; `code` is what it must end with."""
        out, err, ended = StringIO(), StringIO(), 0
        forget(self.project.package)  # its code may have been edited
        with (
            chdir(self.path),
            redirect_stdout(out),
            redirect_stderr(err),
            patch.object(sys, "argv", ["factory", *argv]),
        ):
            try:
                run()
            except SystemExit as end:
                ended = int(end.code or 0)
        assert code in (None, ended), f"{argv}\n{out.getvalue()}\n{err.getvalue()}"
        return Done(out.getvalue(), err.getvalue(), ended)

    def json(self, *argv: str, code: int | None = 0) -> Any:
        return json.loads(self.run(*argv, code=code).out)

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[str]:
        """Run Python in its folder, in a process of its own."""
        options = {"stdout": subprocess.PIPE, "text": True, **options}
        process = subprocess.Popen([sys.executable, *argv], cwd=self.path, **options)
        STARTED.append(process)
        return process

    def tool(self, *argv: str) -> str:
        """Run another program in its folder; returns what it prints."""
        env = {**os.environ, "PATH": program_path()}
        done = subprocess.run(argv, cwd=self.path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def text(self, name: str) -> str:
        return (self.path / name).read_text("utf-8")

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, "utf-8")

    def settings(self, name: str = "params.yaml") -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.text(name))
        return found

    def change(self, name: str = "params.yaml", **entries: dict[str, Any]) -> None:
        """Put entries into sections of a file of settings."""
        content = self.settings(name)
        for section, values in entries.items():
            content[section] = {**(content.get(section) or {}), **values}
        write_yaml(self.path / name, content)

    def column(self, name: str, **entries: Any) -> None:
        """Put entries into a column of the catalog."""
        columns = self.settings("features.yaml")["columns"]
        self.change("features.yaml", columns={name: {**columns[name], **entries}})

    def copy(self, path: Path) -> Factory:
        """The same factory elsewhere, without its log, to be changed."""
        left = shutil.ignore_patterns("log", "__pycache__")
        shutil.copytree(self.path, path, ignore=left)
        return Factory(path)


def program_path() -> str:
    """PATH with the programs that are installed beside this Python, warm ones before them."""
    warm = map(Path, filter(None, os.environ.get(WARM, "").split(os.pathsep)))
    return before(os.environ["PATH"], *warm, Path(sys.executable).parent)


def rendered(name: str, **answers: str) -> str:
    """A file of the skeleton with answers, of a template whose slots nothing fills."""
    empty = Environment(loader=DictLoader({}), keep_trailing_newline=True)
    return empty.from_string((SKELETON / name).read_text("utf-8")).render(answers)


def make(folder: Path, package: str) -> Factory:
    """What stands in every new factory and is not asked for: code, a name, the pages for people."""
    shutil.copytree(SKELETON / "src" / "{{ package }}", folder / "src" / package)
    for name in ("docs", "data"):
        shutil.copytree(SKELETON / name, folder / name)
    runbook = folder / "docs" / "runbook.md"
    runbook.write_text(rendered("docs/runbook.md.jinja"), "utf-8")
    for name in ("features.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(SKELETON / name, folder)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(package), "utf-8")
    return Factory(folder)


def drafted(folder: Path, table: pl.DataFrame, task: str, **data: str) -> Factory:
    """A factory of a table, whose catalog is drafted."""
    factory = make(folder, "churn")
    raw = folder / "data/raw/customers.csv"
    table.write_csv(raw)
    settings = {"path": "data/raw/customers.csv", **data}
    write_yaml(folder / "params.yaml", {"task": task, "data": settings})
    factory.run("params", "add")
    factory.run("catalog", "draft")
    return factory


def train(factory: Factory) -> Factory:
    """Run the pipeline."""
    for stage in ("prepare", "train", "report"):
        factory.run(stage)
    return factory


def committed(factory: Factory) -> Factory:
    """Make a repository of it, with one commit."""
    factory.tool("git", "init", "--quiet", "--initial-branch=main")
    return commit(factory, "The first model")


def commit(factory: Factory, message: str) -> Factory:
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    factory.tool("git", "add", "--all")
    factory.tool("git", *who, "commit", "--quiet", "--message", message)
    return factory


def in_dvc(factory: Factory) -> Factory:
    """Hand its data and its pipeline to DVC, as they are."""
    answers = {"package": "churn", "task": "classification", "runtime": "index"}
    factory.write("dvc.yaml", rendered("dvc.yaml.jinja", **answers))
    factory.write("uv.lock", "version = 1\n")
    factory.write("models/packages.txt", "")
    factory.write("docs/about.md", "# About it\n")
    write_yaml(factory.path / ".copier-answers.yml", answers)
    factory.tool("dvc", "init", "--quiet")
    factory.tool("dvc", "config", "core.analytics", "false")
    factory.tool("dvc", "add", "--quiet", "data/raw/customers.csv")
    return kept(factory, "Hand data and model to DVC")


def kept(factory: Factory, message: str) -> Factory:
    """Record in DVC what the pipeline has made, and commit that."""
    factory.tool("dvc", "commit", "--quiet", "--force")
    return commit(factory, message)
