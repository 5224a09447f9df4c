"""`mlfactory template compose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .update import AsJson


def compose(
    company: Annotated[
        str, typer.Argument(metavar="FILE", help="What the company adds.", show_default=True)
    ] = "company.yml",
    on: Annotated[
        str, typer.Option(metavar="VERSION", help="The release; else as FILE says, or the newest.")
    ] = "",
    publish: Annotated[
        str, typer.Option(metavar="GIT_URL", help="The company's repository; else as FILE says.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do and check everything, and push nothing.")
    ] = False,
    proposal: Annotated[
        bool, typer.Option("--next", help="Write the newest release into FILE, if it fits.")
    ] = False,
    checks: Annotated[
        Literal["few", "all", "none"],
        typer.Option(help="In how many combinations of answers a factory's own checks run."),
    ] = "few",
    init: Annotated[
        str, typer.Option(metavar="DIRECTORY", help="Begin: write a FILE and workflows there.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make the company's own version of a release, as FILE describes it, and publish it."""
    from mlfactory.compose import run, start

    from . import console

    path, talk = Path(company), console.Terminal()
    if init:
        result: start.Start | run.Proposal | run.Composition = start.start(Path(init), publish)
    elif proposal:
        result = run.propose(path, talk, checks)
    else:
        result = run.compose(path, talk, on=on, publish=publish, dry_run=dry_run, checks=checks)
    if as_json:
        console.show_json(console.plain(result))
    else:
        console.show_text(f"{result.summary}\n")
