"""The raw data, where they come from, and what they must be like."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .program import Json, app, here, print_json, say

data_app = typer.Typer(help="The raw data and where they come from.", no_args_is_help=True)
app.add_typer(data_app, name="data")
contract_app = typer.Typer(help="What the data must be like.", no_args_is_help=True)
app.add_typer(contract_app, name="contract")


@data_app.command()
def pull(
    source: Annotated[
        str | None, typer.Option("--from", help="FILE, FOLDER, GLOB or FILE.sql; else data.source.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="What is recorded as the origin; else the source.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="A sheet or table of it; else data.table.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a new snapshot of the data; one that breaks the contract changes nothing."""
    from ..data.source import pull

    result = pull(here(), source, origin, Path.cwd() if source else None, table=table)
    if as_json:
        print_json(result.json())
        return
    for warning in result.warnings:
        say(warning)
    before = f" (before: {result.before.rows:,})" if result.before else ""
    say(f"{result.snapshot.rows:,} rows from {result.snapshot.origin}{before}")
    say("next: dvc repro" if result.changed else "they are the same data as before")


@contract_app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="Else it is printed.")] = None,
) -> None:
    """Write the contract as JSON Schema of a row, for those who deliver the data."""
    from ..predict.places import check_file
    from ..settings.schema import contract_schema

    project = here()
    if file:
        check_file(project, file, "{")
    schema = contract_schema(project.catalog, project.params)
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    if file is None:
        typer.echo(text)
        return
    file.write_text(text + "\n", "utf-8")
    say(f"{len(schema['properties'])} columns in {file}")
