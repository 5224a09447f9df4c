"""`mlfactory doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlfactory.base.errors import ERROR, OK


def doctor(
    project: Annotated[
        str, typer.Argument(metavar="PROJECT", help="The factory; else the current directory.")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ] = False,
) -> int:
    """Can this machine and this factory work? Each finding comes with the command that mends it."""
    from mlfactory.doctor import run

    from . import console

    findings = run.examine(Path(project) if project else None)
    sound = all(finding.state != "error" for finding in findings)
    if as_json:
        console.show_json({"ok": sound, "findings": [console.plain(f) for f in findings]})
    else:
        console.show_findings(findings)
    return OK if sound else ERROR
