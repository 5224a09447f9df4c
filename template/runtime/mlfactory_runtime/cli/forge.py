"""What the jobs of this factory ask of the forge that runs them."""

from pathlib import Path
from typing import Annotated

import typer

from .page import publish
from .program import app, here, print_text, say

forge_app = typer.Typer(help="For the jobs of a CI.", no_args_is_help=True)
app.add_typer(forge_app, name="forge")


@forge_app.command()
def approver() -> None:
    """Print who approved the change that was merged as this commit."""
    from ..forge.place import forge

    place = forge()
    print_text(place.approver(place.commit()))


@forge_app.command()
def issue(file: Path) -> None:
    """Keep one issue open while the monitor's result in FILE is not healthy, or FILE is empty."""
    from ..forge.issue import alarms, keep_issue
    from ..git import tries
    from ..records.monitoring import Monitored
    from ..records.record import parse

    folder = tries(here().root, "rev-parse", "--show-prefix").rstrip("/")
    text = file.read_text("utf-8") if file.is_file() else ""
    result = parse(Monitored, text, file.name) if text else None
    if result:
        publish(f"The monitor: **{result.verdict}**.\n\n{alarms(result, folder)}")
    say(keep_issue(result, folder))


@forge_app.command()
def rows() -> None:
    """Pull the data, or make rows up; print why they are made up."""
    from ..change import rows

    print_text(rows(here()))


@forge_app.command()
def report(
    missing: Annotated[str, typer.Option(help="Why the rows are made up.")] = "",
) -> None:
    """Write what the last commit does to the model, for who reviews it. Ends with 4 if what is
    committed is not what its pipeline makes."""
    from ..change import report

    text, is_whole = report(here(), missing)
    publish(text)
    print_text(text)
    raise typer.Exit(0 if is_whole else 4)
