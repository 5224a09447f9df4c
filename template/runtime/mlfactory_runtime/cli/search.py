"""Better settings by search, and other libraries on the same rows."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .program import Json, app, here, print_json, print_text, say

if TYPE_CHECKING:
    from ..project import Project
    from ..search.tune import Outcome


@app.command()
def tune(
    trials: Annotated[
        int | None, typer.Option(min=0, help="So many attempts in all; 50 without a limit.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Or as many as so many minutes allow.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the search that was stopped.")
    ] = False,
    switch: Annotated[
        list[str] | None,
        typer.Option(metavar="FEATURE", help="Try without this feature, too; once for each."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write params.yaml without a question.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the change of params.yaml, and do not write it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Search better settings on rows that are not held out; shows what to change in params.yaml.
    Can be stopped at any time: what was found is kept."""
    from ..progress import progress
    from ..search.tune import Budget, tune
    from ..search.words import lines

    project, budget = here(), Budget(trials, minutes)
    with progress("tune") as tell:
        outcome = tune(project, budget, tuple(switch or ()), resume=resume, tell=tell)
    for line in lines(outcome.search):
        say(line)
    if as_json:
        print_json(outcome.search.json() | {"diff": outcome.change.diff if outcome.change else ""})
    elif outcome.change:
        print_text(outcome.change.diff)
    if outcome.change and not dry_run:
        write(project, outcome, yes)


def write(project: "Project", outcome: "Outcome", yes: bool) -> None:
    """Put the change in place once somebody agrees, and say how the model is made and compared."""
    from ..search.words import next_steps

    asks = sys.stdin.isatty() and sys.stderr.isatty()
    if outcome.change and (yes or (asks and typer.confirm("Write params.yaml?", err=True))):
        outcome.change.write()
        for line in next_steps(project):
            say(line)
    elif not asks:
        say("params.yaml is as it was; write it: factory tune --resume --trials 0 --yes")


@app.command()
def benchmark(
    contenders: Annotated[
        str, typer.Option("--with", help="Any of catboost,ebm,xgboost,hgb,linear,autogluon.")
    ] = "catboost,xgboost,ebm,hgb,linear",
    as_json: Json = False,
) -> None:
    """Measure other libraries, each in an environment of its own, on the rows that tune looks at.
    What does not install is left out, and said."""
    from ..progress import progress
    from ..report.benchmark import FILE, lines, missing, warnings
    from ..search.benchmark import benchmark

    project, names = here(), [name.strip() for name in contenders.split(",") if name.strip()]
    with progress("benchmark") as tell:
        record = benchmark(project, names, tell)
    if as_json:
        print_json(record.model_dump())
    for one in [] if as_json else lines(record):
        gain = f", gain {one['gain']}" if one["gain"] else ""
        cost = f"{one['seconds']} s, {one['memory']} MB"
        print_text(f"{one['name']}: {record.metric} {one['value']}{gain}, {cost}")
    for text in (*missing(record), *warnings(record)):
        say(text)
    say(f"{FILE}; into the report: dvc repro --force --single-item report")
