"""Watching the model in production."""

from pathlib import Path
from typing import Annotated

import typer

from .alert import alerting
from .program import Json, app, here, print_json, say


@app.command()
def monitor(
    window: Annotated[
        str | None, typer.Option(help="How long a window is: 7d, 24h, 30m, 20s, month, batch.")
    ] = None,
    current: Annotated[
        Path | None, typer.Option(help="Look at the rows of a file, not at the prediction log.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page about it.")] = None,
    as_json: Json = False,
) -> None:
    """Is the model still seeing, saying and getting right what it did? Exit 4 if not, or unseen."""
    from ..alerts import notify
    from ..monitor import monitor
    from ..monitor.window import length_of
    from ..predict.places import check_file
    from ..records.registry import Drift
    from ..registry.catalog import write_catalog

    if window:
        length_of(window)  # what is mistyped is nobody else's alarm
    project = here()
    if html:
        check_file(project, html, "<!doctype")
    with alerting(project, "monitor", "the-monitor-fails"):
        result = monitor(project, window, current)
    if current is None:
        write_catalog(project, Drift(status=result.verdict, time=result.window.end or ""))
        for line in notify(project, result):
            say(line)
    if html:
        from ..monitor.page import write

        write(project, result, html)
    if as_json:
        print_json(result.model_dump())
    else:
        for check in result.checks:
            may_be_blind = check.kind == "operation" or check.name == "coverage"
            is_blind = check.status == "unknown" and may_be_blind
            if is_blind or check.status in ("alarm", "warning"):
                whom = ", ".join(filter(None, (check.source, check.owner)))
                about = f" [{whom}]" if whom else ""
                say(f"{check.status}: {check.message}{about} (runbook: {check.runbook})")
        for line in result.unseen:
            say(f"not seen: {line}")
        span = result.window
        ends = f", {span.begin} to {span.end}" if current is None else ""
        say(f"{result.verdict}: {span.rows:,} rows{ends}")
    raise typer.Exit(0 if result.verdict == "healthy" else 4)
