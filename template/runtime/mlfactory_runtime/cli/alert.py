"""Alerts, and the failures that raise them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from .failures import explain
from .program import Json, app, from_here, here, print_json, say

if TYPE_CHECKING:
    from ..project import Project

alert_app = typer.Typer(help="Who is told when something is wrong.", no_args_is_help=True)
app.add_typer(alert_app, name="alert")


@alert_app.command()
def test(as_json: Json = False) -> None:
    """Send a message to every channel, and say which took it."""
    from ..alerts import send

    results = send(
        here(), "a test", "This is a test: here you will be told when something is wrong."
    )
    if as_json:
        print_json({"channels": [asdict(one) for one in results]})
    else:
        for one in results:
            say(f"channel {one.channel}: {'taken' if one.taken else f'not taken: {one.reason}'}")
    raise typer.Exit(0 if any(one.taken for one in results) else 1)


@contextmanager
def alerting(project: "Project", command: str, entry: str) -> Iterator[None]:
    """Send an alert when this fails, with the runbook's entry, and a note when it works again.

    Who sits at a terminal reads what failed there: nobody else is told.
    """
    from ..alerts import alert, settle

    try:
        yield
    except Exception as failure:
        if sys.stderr.isatty() or (error := explain(failure)) is None:
            raise
        text = from_here(f"{error.message}\n{error.hint}\ndocs/runbook.md#{entry}")
        for line in alert(project, command, text):
            say(line)
        raise
    for line in settle(project, command):
        say(line)
