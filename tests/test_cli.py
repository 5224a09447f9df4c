from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

import pytest
from mlfactory import __version__


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
    assert loaded.isdisjoint({"copier", "polars", "rich", "yaml", "jinja2", "uv", "packaging"})


def test_help_takes_a_fraction_of_copiers() -> None:
    """Promised is 0.2, on an idle machine; the suite runs on busy ones."""

    def median(*argv: str) -> float:
        seconds = []
        for _ in range(5):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", *argv], capture_output=True, check=True)
            seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds)

    assert median("mlfactory", "--help") < 0.4 * median("copier", "--help")


@pytest.mark.parametrize(
    "argv", [("nwe",), ("new",), ("new", "x", "--task", "guess"), ("new", "x", "--nothing")]
)
def test_a_wrong_call_ends_with_2(mlfactory: Any, argv: tuple[str, ...]) -> None:
    assert "Error: " in mlfactory(*argv, code=2).stderr


def test_an_error_of_ours_is_a_message_and_a_hint(mlfactory: Any, tmp_path: Any) -> None:
    (tmp_path / "x").touch()
    done = mlfactory("new", tmp_path, code=1)
    assert done.stderr.startswith(f"error: {tmp_path} is not empty\nhint: ")
    assert done.stdout == ""


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
    done = run_main("raise KeyError('x')")
    assert done.returncode == 1
    assert done.stderr == (
        "error: KeyError: 'x'\n"
        "hint: This is a bug in mlfactory: please report it.\n"
        "hint: The traceback comes with MLFACTORY_DEBUG=1.\n"
    )


def test_the_traceback_comes_on_demand() -> None:
    assert "Traceback" in run_main("raise KeyError('x')", MLFACTORY_DEBUG="1").stderr


def test_an_interruption_ends_with_130() -> None:
    done = run_main("raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")
