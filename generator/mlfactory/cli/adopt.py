"""`mlfactory adopt`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


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
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column to predict.")
    ] = None,
    identifier: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="The column that names a row.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column that dates a row.")
    ] = None,
    task: Annotated[
        Literal["auto", "classification", "regression"],
        typer.Option(help="What is predicted; auto looks at the target."),
    ] = "auto",
    serving: Annotated[
        Literal["batch", "online"] | None, typer.Option(help="How predictions are made.")
    ] = None,
    ci: Annotated[
        Literal["github", "gitlab", "none"] | None,
        typer.Option(help="Which CI runs it; else the one whose files are there."),
    ] = None,
    remote: Annotated[
        str | None, typer.Option(metavar="URL", help="DVC remote for data and models.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for the factory.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="QUESTION=VALUE", help="Answer any question; repeatable."),
    ] = None,
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
    no_train: Annotated[bool, typer.Option("--no-train", help="Stop before training.")] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let another template, old or new, run code.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ] = False,
) -> None:
    """Put an existing repository under the template: one merge, on a branch; yours stays."""
    from mlfactory.adopt import run
    from mlfactory.adopt.request import Request
    from mlfactory.base.answers import parse_settings
    from mlfactory.new.request import Goal

    from . import console, ways
    from .new import by_question

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
