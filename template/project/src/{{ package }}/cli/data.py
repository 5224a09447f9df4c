"""The raw data, and where they come from."""

from typing import Annotated

import typer

from .app import Json, app, print_json, say

data_app = typer.Typer(help="The raw data and where they come from.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@data_app.command()
def pull(
    source: Annotated[
        str | None, typer.Option("--from", help="FILE, GLOB or FILE.sql; else data.source.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="What is recorded as the origin; else the source.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a new snapshot of the data; one that breaks the contract changes nothing."""
    from ..source import pull

    taken = pull(source, origin)
    if as_json:
        print_json(taken)
        return
    for warning in taken["warnings"]:
        say(warning)
    before = f" (before: {taken['before']['rows']:,})" if taken["before"] else ""
    say(f"{taken['rows']:,} rows from {taken['origin']}{before}")
    say("next: dvc repro" if taken["changed"] else "they are the same data as before")
