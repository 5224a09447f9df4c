"""What the workflows of this factory ask of the forge."""

from pathlib import Path

import typer

from .program import app, here, print_text, say

forge_app = typer.Typer(help="For the jobs of a CI, which have a token.", no_args_is_help=True)
app.add_typer(forge_app, name="forge")


@forge_app.command()
def approver() -> None:
    """Print who approved the change that was merged as this commit."""
    from ..forge import approver

    print_text(approver())


@forge_app.command()
def issue(file: Path) -> None:
    """Keep one issue open while the monitor's result in FILE is not healthy."""
    from ..forge import keep_issue
    from ..git import tries
    from ..records.monitoring import Monitored
    from ..records.record import parse

    folder = tries(here().root, "rev-parse", "--show-prefix").rstrip("/")
    say(keep_issue(parse(Monitored, file.read_text("utf-8"), file.name), folder))
