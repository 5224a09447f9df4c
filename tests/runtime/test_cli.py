"""The program: what it says of itself, and what that costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlfactory_runtime import cli

PROGRAM = "import sys; sys.argv = ['factory', *sys.argv[1:]]; "


def told(program: str, *argv: str) -> str:
    env = {**os.environ, "COLUMNS": "100", "TERM": "dumb"}
    line = [sys.executable, "-c", PROGRAM + program, *argv]
    return subprocess.run(line, env=env, check=True, capture_output=True, text=True).stdout


def test_the_help_that_is_kept_is_what_the_commands_say() -> None:
    text = told("from mlfactory_runtime.cli.commands import run; run()", "--help")
    if os.environ.get("UPDATE_DOCS"):
        Path(cli.HELP).write_text(text, "utf-8")
    assert told("from mlfactory_runtime.cli import main; main()", "--help") == text, (
        "UPDATE_DOCS=1 pytest tests/runtime/test_cli.py"
    )


def test_the_help_imports_nothing_that_takes_time() -> None:
    program = (
        "from mlfactory_runtime.cli import main; main(); "
        "print(sorted({'typer', 'polars', 'pydantic', 'yaml', 'pathlib'} & set(sys.modules)))"
    )
    assert told(program, "--help").splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", ["check", "predict", "monitor", "migrate"])
def test_a_command_outside_of_a_factory_says_so(verb: str, tmp_path: Path) -> None:
    argv = {"predict": ["predict", "a.csv", "b.csv"]}.get(verb, [verb])
    line = [sys.executable, "-c", PROGRAM + "from mlfactory_runtime.cli import main; main()", *argv]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 1
    assert (
        done.stderr
        == "error: params.yaml is not here\nhint: run this in the factory's own folder\n"
    )


def test_the_commands_are_listed_without_what_reads_tables() -> None:
    program = (
        "import mlfactory_runtime.cli.commands; "
        "print(sorted({'polars', 'pydantic', 'numpy', 'yaml', 'dvc'} & set(sys.modules)))"
    )
    assert told(program) == "[]\n"


@pytest.mark.parametrize("module", ["project", "registry.catalog", "registry.promote"])
def test_what_asks_for_models_waits_for_no_tables(module: str) -> None:
    program = (
        f"import mlfactory_runtime.{module}; "
        "print(sorted({'polars', 'numpy', 'lightgbm', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert told(program) == "[]\n"
