"""The program itself, how it speaks, and where its errors end."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ..compiled import cut_off
from ..interrupts import Interrupted, interruptible
from ..visible import escaped, plain, visible
from .failures import explain
from .page import publish

if TYPE_CHECKING:
    from ..project import Project


class Commands(TyperGroup):
    """All commands; typer takes an EOFError for somebody who ends the input, and says no more."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except EOFError as error:
            if cut_off(error):
                raise ImportError(str(error)) from error
            raise


app = typer.Typer(
    cls=Commands,
    help="Build, prove and run this factory's model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run() -> None:
    """Run the program; what goes wrong is told in a sentence, with what to do next."""
    try:
        with interruptible():
            app()
    except Interrupted as stopped:
        say(f"interrupted ({stopped})")
        sys.exit(stopped.code)
    except Exception as error:
        if (failure := explain(error)) is None:
            raise
        say(from_here(f"error: {failure.message}"))
        publish(f"**Failed**: {plain(from_here(failure.message))}.")
        if failure.hint:
            say(from_here(f"hint: {failure.hint}"))
            publish(f"What to do: {plain(from_here(failure.hint))}.")
        sys.exit(1)


def here() -> "Project":
    """The factory that the command was called in."""
    from ..project import Project

    return Project.find(Path.cwd())


def from_here(text: str) -> str:
    """A text in which paths below the working directory are told without it."""
    return text.replace(f"{Path.cwd()}{os.sep}", "")


def say(text: str) -> None:
    """Messages go to stderr, so that stdout holds data only."""
    typer.echo(visible(text), err=True)


def print_text(text: str) -> None:
    """What was asked for goes to stdout."""
    typer.echo(visible(text))


def count(rows: int) -> None:
    """How far a long run has come, on one line."""
    typer.echo(f"{rows:,} rows\r", err=True, nl=False)


def print_json(content: dict[str, Any]) -> None:
    """Data go to stdout."""
    typer.echo(escaped(json.dumps(content, ensure_ascii=False)))
