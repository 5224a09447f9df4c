"""`mlfactory status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlfactory.base.errors import ATTENTION, ERROR, OK

from .update import AnswersFile, AsJson, Trust


def status(
    projects: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROJECT", help="Projects; else the current directory."),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 4 when behind or in conflict.")
    ] = False,
    answers_file: AnswersFile = "",
    trust: Trust = False,
    as_json: AsJson = False,
) -> int:
    """How projects stand to their template: version, drift, and what an update would meet."""
    from mlfactory.update import drift

    from . import console

    starts = [Path(name) for name in projects or ["."]]
    statuses = drift.statuses(starts, answers_file, trust=trust)
    if as_json:
        console.show_json({"projects": [console.status(one) for one in statuses]})
    else:
        console.show_statuses(statuses)
    if any(one.error for one in statuses):
        return ERROR
    return ATTENTION if exit_code and any(one.needs_attention for one in statuses) else OK
