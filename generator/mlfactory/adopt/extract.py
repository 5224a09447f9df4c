"""`mlfactory extract`: the model of a factory as a package that needs neither of us."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from mlfactory.base import answers, process
from mlfactory.base.errors import MlfactoryError
from mlfactory.project import record
from mlfactory.project.record import PYPROJECT

UNKNOWN = "No such command"


def extract(out: str, start: str, model: str) -> Mapping[str, Any]:
    """Let a factory write its model and the least code that scores to a folder that is not there.

    Raises MlfactoryError where there is no factory, no environment, or a release without it.
    """
    from mlfactory.base import uv

    project = record.find(Path(start))
    if "contract" not in answers.tool_table(project_text(project.path), "mlfactory"):
        raise MlfactoryError(f"{project.path} is no factory", "Name one: --project PATH")
    target = Path(out or f"{project.path}-model").expanduser().absolute()
    program = project.path / ".venv" / "bin" / "factory"
    if not program.exists():
        hint = f"cd {quote(str(project.path))} && uv sync"
        raise MlfactoryError(f"{project.path} has no environment", hint)
    argv = [str(program), "extract", str(target), "--model", model, "--json"]
    try:
        result = process.run(argv, project.path, env=uv.environment(project.path), timeout=None)
    except process.ProcessError as error:
        raise refusal(error) from error
    return dict(json.loads(result.out))


def project_text(path: Path) -> str:
    file = path / PYPROJECT
    return file.read_text("utf-8", errors="replace") if file.is_file() else ""


def refusal(error: process.ProcessError) -> MlfactoryError:
    """What the factory says, without the call that we made."""
    text = error.result.err
    if UNKNOWN in text:
        return MlfactoryError("this factory's library cannot extract yet", "mlfactory update")
    lines = text.splitlines()
    parts = {
        word: next(
            (one.removeprefix(f"{word}: ") for one in lines if one.startswith(f"{word}: ")), ""
        )
        for word in ("error", "hint")
    }
    return MlfactoryError(parts["error"] or error.message, parts["hint"])
