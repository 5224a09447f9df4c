"""The commands. Nothing slow is imported before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from mlfactory import __version__

from .adopt import adopt
from .diff import diff, restore
from .doctor import doctor
from .extract import extract
from .lessons import fleet
from .new import new
from .quick import QuickCommand, QuickGroup
from .simulate import simulate
from .status import status
from .template import template
from .update import update

app = typer.Typer(
    cls=QuickGroup,
    help="A factory of model factories: from a data file to a trained, versioned repository.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (new, adopt, update, status, diff, restore, extract, doctor, simulate):
    app.command(cls=QuickCommand)(command)
app.add_typer(template, name="template")
app.add_typer(fleet, name="fleet")


def show_version(value: bool) -> None:
    if value:
        typer.echo(f"mlfactory {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A factory of model factories: from a data file to a trained, versioned repository."""
