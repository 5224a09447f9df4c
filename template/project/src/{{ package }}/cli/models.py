"""Models by version and stage."""

from dataclasses import asdict
from typing import Annotated

import typer

from .app import Json, app, print_json, say


@app.command()
def register(
    bump: Annotated[str, typer.Option(help="major, minor or patch.")] = "minor",
    ref: Annotated[str, typer.Option(help="The commit whose model it is.")] = "HEAD",
    as_json: Json = False,
) -> None:
    """Make the committed model a version: a git tag on its commit."""
    from ..registry.register import register

    made = register(bump, ref)
    if as_json:
        print_json(asdict(made))
        return
    for warning in made.warnings:
        say(f"warning: {warning}")
    say(f"{made.version} {'is' if made.new else 'was before'} the model of {made.commit[:12]}")
    say(f"next: git push origin '{made.tag}' && dvc push")


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A stage, a version or a folder.")] = "prod",
    b: Annotated[str, typer.Argument(help="What is compared with it.")] = "models/model",
    as_json: Json = False,
) -> None:
    """Is model B better than A, on rows that neither has learned from? Ends with 4 if it is worse,
    or if the rows cannot tell."""
    from ..registry.compare import PAGE, compare

    record = compare(a, b)
    if as_json:
        print_json(record)
    else:
        say(f"{record['verdict']}: {record['reason']}")
        say(str(PAGE))
    raise typer.Exit(0 if record["verdict"] in ("better", "same") else 4)
