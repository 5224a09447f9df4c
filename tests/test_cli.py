from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory import __version__

from .conftest import Command
from .waiting import PATIENCE


def test_the_version_is_shown(mlfactory: Any) -> None:
    assert mlfactory("--version").stdout == f"mlfactory {__version__}\n"


@pytest.mark.parametrize("verb", [(), ("new",), ("doctor",)])
def test_help_is_shown_on_stdout(mlfactory: Any, verb: tuple[str, ...]) -> None:
    assert "Usage: " in mlfactory(*verb, "--help").stdout


def test_help_imports_nothing_slow() -> None:
    script = (
        "import sys; sys.argv = ['mlfactory', '--help']; from mlfactory.cli import main; main();"
        "print(*sys.modules, file=sys.stderr)"
    )
    err = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stderr
    loaded = {name.split(".")[0] for name in err.split()}
    slow = {
        "copier",
        "polars",
        "pydantic",
        "rich",
        "yaml",
        "jinja2",
        "uv",
        "packaging",
        "sqlalchemy",
    }
    assert loaded.isdisjoint(slow)


@pytest.mark.parametrize(
    "argv", [("nwe",), ("new",), ("new", "x", "--task", "guess"), ("new", "x", "--nothing")]
)
def test_a_wrong_call_ends_with_2(mlfactory: Any, argv: tuple[str, ...]) -> None:
    assert "Error: " in mlfactory(*argv, code=2).stderr


def test_an_error_of_ours_is_a_message_and_a_hint(mlfactory: Any, tmp_path: Any) -> None:
    (tmp_path / "x").touch()
    result = mlfactory("new", tmp_path, code=1)
    assert result.stderr.startswith(f"error: {tmp_path} is not empty\nhint: ")
    assert result.stdout == ""


def test_a_usage_error_of_ours_ends_with_2(mlfactory: Any, tmp_path: Any) -> None:
    mlfactory("new", tmp_path / "churn", "--set", "nonsense", code=2)


def run_main(body: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The program with a command that does what `body` says."""
    script = f"""
import sys
from mlfactory.cli import app, main
@app.app.command()
def broken() -> None:
    {body}
sys.argv = ["mlfactory", "broken"]
sys.exit(main())
"""
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**env, "HOME": "/"}
    )


def test_the_unexpected_is_one_short_message() -> None:
    result = run_main("raise KeyError('x')")
    assert result.returncode == 1
    assert result.stderr == (
        "error: KeyError: 'x'\n"
        "hint: This is a bug in mlfactory: please report it.\n"
        "hint: The traceback comes with MLFACTORY_DEBUG=1.\n"
    )


def test_the_traceback_comes_on_demand() -> None:
    assert "Traceback" in run_main("raise KeyError('x')", MLFACTORY_DEBUG="1").stderr


def test_an_interruption_ends_with_130() -> None:
    result = run_main("raise KeyboardInterrupt")
    assert (result.returncode, result.stderr) == (130, "error: interrupted\n")


def test_the_shell_completes_commands(command: Command) -> None:
    variables = {
        "_MLFACTORY_COMPLETE": "complete_bash",
        "COMP_WORDS": "mlfactory ne",
        "COMP_CWORD": "1",
    }
    assert command("mlfactory", code=None, **variables).stdout.split() == ["new"]


def test_on_a_terminal_the_open_questions_are_asked(tmp_path: Path, table: Path) -> None:
    """The target comes from a list; then copier asks, and each Enter takes its default."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execlp("mlfactory", "mlfactory", "new", "made", "--no-setup", "--data", str(table))
    screen = converse(terminal, ("column", "churned\r"), *[("?", "\r")] * 10)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, screen
    assert "Who answers for it?" in screen
    answers = yaml.safe_load((tmp_path / "made/.copier-answers.yml").read_text())
    assert (answers["target"], answers["serving"]) == ("churned", "batch")


def converse(terminal: int, *talk: tuple[str, str]) -> str:
    """Answer each question once its sign has appeared; returns all that was shown."""
    screen, waiting, position = "", list(talk), 0
    while True:
        assert select.select([terminal], [], [], PATIENCE)[0], screen
        try:
            screen += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # the program has ended
            return screen
        if "\x1b[6n" in screen[position:]:  # where is the cursor? asked by the prompt
            os.write(terminal, b"\x1b[1;1R")
        if waiting and waiting[0][0] in screen[position:]:
            os.write(terminal, waiting.pop(0)[1].encode())
            position = len(screen)
