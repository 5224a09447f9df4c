"""`mlfactory new`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from .options import Identifier, Json, NoTrain, Owner, Remote, Setting, Target, Task, by_question


def new(
    directory: Annotated[
        str, typer.Argument(metavar="DIRECTORY", help="Where the factory is made; its name, too.")
    ],
    data: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A file, a folder, 'exports/*.csv', or - for a pipe. Else sample data.",
        ),
    ] = "",
    table: Annotated[
        str, typer.Option(metavar="NAME", help="Which sheet or table of it, if it has several.")
    ] = "",
    query: Annotated[
        str, typer.Option(metavar="FILE.sql", help="Take the data from a database instead.")
    ] = "",
    url_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Environment variable with its SQLAlchemy URL."),
    ] = None,
    target: Target = None,
    identifier: Identifier = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="The column that dates a row; the newest are held out."
        ),
    ] = None,
    task: Task = "auto",
    serving: Annotated[
        Literal["batch", "online"] | None,
        typer.Option(help="How predictions are made: batch unless said otherwise."),
    ] = None,
    ci: Annotated[
        Literal["github", "gitlab", "none"] | None, typer.Option(help="Which CI runs the factory.")
    ] = None,
    remote: Remote = None,
    owner: Owner = None,
    setting: Setting = None,
    answers: Annotated[
        str, typer.Option(metavar="FILE", help="YAML file with answers; options come first.")
    ] = "",
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take the defaults.")
    ] = False,
    template: Annotated[
        str, typer.Option(metavar="URL", help="Another copier template: git URL or directory.")
    ] = "",
    ref: Annotated[
        str, typer.Option(metavar="REF", help="The template's version, tag, branch or commit.")
    ] = "",
    tag_prefix: Annotated[
        str,
        typer.Option(
            metavar="PREFIX", help="What that template's tags begin with, such as churn/ ."
        ),
    ] = "",
    inside: Annotated[
        bool | None,
        typer.Option(
            "--inside/--own-repository",
            help="Whether it becomes a part of the repository around it; else it is asked.",
            show_default=False,
        ),
    ] = None,
    no_setup: Annotated[
        bool, typer.Option("--no-setup", help="Stop after the first commit; download nothing.")
    ] = False,
    no_train: NoTrain = False,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Let another template run code: tasks, packages, programs."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a factory from data and train its first model; run it again to resume."""
    from mlfactory.base.answers import parse_settings
    from mlfactory.new import run
    from mlfactory.new.request import Goal, Request

    from . import console

    request = Request(
        directory=directory,
        data=data,
        query=query,
        table=table,
        answers=by_question(
            url_env=url_env,
            target=target,
            id_column=identifier,
            time_column=time,
            task=None if task == "auto" else task,
            serving=serving,
            ci=ci,
            remote=remote,
            owner=owner,
        ),
        settings=parse_settings(setting or ()),
        answers_file=answers,
        template=template,
        ref=ref,
        tag_prefix=tag_prefix,
        inside=inside,
    )
    outcome = run.new(
        request,
        Goal(setup=not no_setup, train=not (no_setup or no_train), trust=trust),
        console.Terminal(),
        ask=console.is_interactive() and not defaults,
    )
    console.show_summary(outcome)
    if as_json:
        console.show_json(console.plain(outcome))
