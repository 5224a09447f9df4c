from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from mlfactory.base import process
from mlfactory.base.errors import MlfactoryError


def test_a_failure_shows_command_code_and_the_end_of_stderr() -> None:
    script = "import sys; print('why', file=sys.stderr); sys.exit(3)"
    with pytest.raises(process.ProcessError, match=r"(?s)python.*code 3.*why"):
        process.run([sys.executable, "-c", script])


def test_a_missing_program_is_named() -> None:
    with pytest.raises(MlfactoryError, match="no-such-program cannot be started"):
        process.run(["no-such-program"])


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(MlfactoryError, match="did not end within 0 s"):
        process.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)


def test_variables_that_locate_a_repository_are_not_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -4")
    env = process.environment()
    assert "GIT_DIR" not in env
    assert env["GIT_SSH_COMMAND"] == "ssh -4"


def test_the_programs_beside_python_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    first = process.environment()["PATH"].split(os.pathsep)[0]
    assert Path(first) == Path(sys.executable).parent
