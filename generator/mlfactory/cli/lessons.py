"""`mlfactory fleet revert`, `resolve`, `learn` and `schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlfactory.base.errors import ATTENTION, OK

from .fleet import FLEET, PLAN, File, Group, Jobs, Names, fleet, show
from .quick import QuickCommand
from .update import AsJson

__all__ = ["fleet"]


@fleet.command(cls=QuickCommand)
def revert(
    file: Annotated[
        Path, typer.Argument(metavar="PLAN", help="What was applied; else the usual plan.")
    ] = PLAN,
    names: Names = None,
    push: Annotated[
        bool, typer.Option("--push", help="Close what is open, and propose the way back.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Take a plan back: what is open is closed, for what is merged the way back is proposed."""
    from mlfactory.fleet import apply as arguments
    from mlfactory.fleet import revert as back

    from . import console, fleets

    plan, repositories = arguments.plan_and_names(file, names or [], PLAN)
    results = back.revert(plan, repositories, console.Terminal(), push=push)
    show(fleets.results(results), fleets.result_lines(results), as_json=as_json)
    return ATTENTION if any(one.needs_attention for one in results) else OK


@fleet.command(cls=QuickCommand)
def resolve(
    file: Annotated[
        Path, typer.Argument(metavar="PLAN", help="What `fleet plan` has written.")
    ] = PLAN,
    names: Names = None,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="PATH", help="Where resolutions are kept.")
    ] = Path("resolutions"),
    use: Annotated[
        bool, typer.Option("--use", help="Write what is resolved into the plan.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Resolve a conflict that many have once, and show where it holds before it is used."""
    from mlfactory.fleet import apply as arguments
    from mlfactory.fleet import resolve as resolving

    from . import console, fleets

    plan, repositories = arguments.plan_and_names(file, names or [], PLAN)
    result = resolving.resolve(plan, folder, console.Terminal(), repositories, use=use)
    show(console.plain(result), fleets.resolution_lines(result, folder), as_json=as_json)
    return ATTENTION if result.needs_attention else OK


@fleet.command(cls=QuickCommand)
def learn(
    names: Names = None,
    group: Group = "",
    least: Annotated[
        int, typer.Option(metavar="N", min=1, help="So many have to have made the same change.")
    ] = 2,
    patch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the change to the template.")
    ] = None,
    jobs: Jobs = 0,
    file: File = FLEET,
    as_json: AsJson = False,
) -> None:
    """What several have changed alike, as a change to the template, tried on all of them."""
    from mlfactory.fleet import inventory
    from mlfactory.fleet import learn as lessons

    from . import console, fleets

    members = inventory.choose(inventory.read(file), names or [], group)
    result = lessons.learn(members, console.Terminal(), least, jobs)
    show(console.plain(result), fleets.lesson_lines(result), as_json=as_json)
    if patch:
        console.note(lessons.write(result, patch))


@fleet.command(cls=QuickCommand)
def schedule(
    kind: Annotated[
        str, typer.Argument(metavar="github|gitlab", help="Where the fleet's file is.")
    ],
    folder: Annotated[
        Path, typer.Option("--folder", metavar="PATH", help="The fleet's repository.")
    ] = Path(),
) -> None:
    """Write the workflow that runs status and catalog every night, and publishes the page."""
    from mlfactory.fleet import schedule as nightly

    from . import console

    file = nightly.write(kind, folder)
    console.note(f"{file} is written; what it needs stands at its top")
