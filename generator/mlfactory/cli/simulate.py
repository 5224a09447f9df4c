"""`mlfactory simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlfactory.base.errors import ATTENTION, OK


def simulate(
    project: Annotated[
        str, typer.Argument(metavar="PROJECT", help="A factory; else one is made from a sample.")
    ] = "",
    days: Annotated[int, typer.Option(min=6, help="The world lasts so many days.")] = 14,
    drift: Annotated[int, typer.Option(min=0, help="It drifts on this one; 0: never.")] = 4,
    seconds: Annotated[int, typer.Option(min=4, help="A day takes so many seconds.")] = 8,
    rows: Annotated[int, typer.Option(min=100, help="So many rows are asked for a day.")] = 240,
    step: Annotated[
        int, typer.Option(min=1, help="A day is so many days of the calendar: 7 for weeks.")
    ] = 1,
    html: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the page with the plot is written.")
    ] = Path("simulation.html"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ] = False,
) -> int:
    """Replay a drifting world in minutes, on a copy of a factory: alarm, retraining, recovery."""
    from mlfactory.base import outputs
    from mlfactory.simulate import page, run

    from . import console

    outputs.check(html)
    scenario = run.Scenario(days, drift or None, seconds, rows, step=step)
    tell = console.note if as_json else console.show_line
    replay = run.simulate(Path(project) if project else None, scenario, console.Terminal(), tell)
    page.write(replay, html)
    console.note(f"the page is {html}")
    if as_json:
        console.show_json(console.plain(replay))
    return OK if replay.is_well else ATTENTION
