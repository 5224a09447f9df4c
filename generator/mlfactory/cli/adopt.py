"""`mlfactory adopt`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from .options import Identifier, Json, NoTrain, Owner, Remote, Setting, Target, Task, by_question


def adopt(
    project: Annotated[
        str,
        typer.Argument(
            metavar="PROJECT", help="The repository; else the current one.", show_default=False
        ),
    ] = ".",
    data: Annotated[
        str, typer.Option(metavar="FILE", help="What the model learns from; else none is moved.")
    ] = "",
    target: Target = None,
    identifier: Identifier = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column that dates a row.")
    ] = None,
    task: Task = "auto",
    serving: Annotated[
        Literal["batch", "online"] | None, typer.Option(help="How predictions are made.")
    ] = None,
    ci: Annotated[
        Literal["github", "gitlab", "none"] | None,
        typer.Option(help="Which CI runs it; else the one whose files are there."),
    ] = None,
    remote: Remote = None,
    owner: Owner = None,
    setting: Setting = None,
    template: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Another template; one that is not of factories is only "
            "linked, at the version that fits best.",
        ),
    ] = "",
    ref: Annotated[str, typer.Option(metavar="REF", help="The template's version.")] = "",
    keep: Annotated[
        Literal["ours", "ask"],
        typer.Option(help="Where both have a file: yours stays, or each is asked for."),
    ] = "ours",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    no_setup: Annotated[
        bool, typer.Option("--no-setup", help="Stop after the merge; download nothing.")
    ] = False,
    no_train: NoTrain = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let another template, old or new, run code.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put an existing repository under the template: one merge, on a branch; yours stays."""
    from mlfactory.adopt import run
    from mlfactory.adopt.request import Request
    from mlfactory.base.answers import parse_settings
    from mlfactory.new.request import Goal

    from . import console, ways

    options = by_question(
        target=target,
        id_column=identifier,
        time_column=time,
        task=None if task == "auto" else task,
        serving=serving,
        ci=ci,
        remote=remote,
        owner=owner,
    )
    request = Request(
        project, data, options, parse_settings(setting or ()), template, ref, keep, dry_run
    )
    goal = Goal(setup=not no_setup, train=not (no_setup or no_train), trust=trust)
    report = run.adopt(request, goal, console.Terminal(), ask=console.is_interactive())
    if as_json:
        console.show_json(console.plain(report))
    else:
        ways.show_adoption(report)
