"""The program and its commands. Nothing slow is imported before a command runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from mlfactory import __version__

from .quick import QuickCommand, QuickGroup

# The module of each command, in the order of `--help`.
COMMANDS = {
    "new": "new",
    "adopt": "adopt",
    "update": "update",
    "status": "status",
    "diff": "diff",
    "restore": "diff",
    "extract": "extract",
    "doctor": "doctor",
    "simulate": "simulate",
    "template": "template",
    "fleet": "lessons",
}


def show_version(value: bool) -> None:
    if value:
        typer.echo(f"mlfactory {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A factory of model factories: from a data file to a trained, versioned repository."""


def program(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The program with these commands."""
    app = typer.Typer(
        cls=QuickGroup,
        help="A factory of model factories: from a data file to a trained, versioned repository.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for name in names:
        command = getattr(import_module(f".{COMMANDS[name]}", __package__), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(cls=QuickCommand)(command)
    return app


def program_for(arguments: Sequence[str]) -> typer.Typer:
    """The program that runs these arguments: of the others, typer would build each option first."""
    name = arguments[0] if arguments else ""
    if name in COMMANDS:
        return program([name])
    from .app import app

    return app
