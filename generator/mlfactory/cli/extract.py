"""`mlfactory extract`."""

from __future__ import annotations

from typing import Annotated

import typer

from .update import AsJson


def extract(
    out: Annotated[
        str,
        typer.Argument(metavar="OUT", help="A folder that is not there; else PROJECT-model."),
    ] = "",
    project: Annotated[
        str, typer.Option(metavar="PROJECT", help="The factory; else the current directory.")
    ] = ".",
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A stage, a version or a folder of it.")
    ] = "models/model",
    as_json: AsJson = False,
) -> None:
    """Write a factory's model and the least code that scores as a package of its own."""
    from mlfactory.adopt import extract as way_out

    from . import console

    package = way_out.extract(out, project, model)
    if as_json:
        console.show_json(dict(package))
        return
    console.line("done", "green", f"{package['files']} files in {package['path']}")
    console.line("next", "cyan", f"cd {package['path']} && uv run pytest")
