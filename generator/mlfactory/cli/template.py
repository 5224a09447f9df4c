"""`mlfactory template ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .compose import compose
from .quick import QuickCommand, QuickGroup
from .update import AnswersFile, AsJson

Where = Annotated[
    str, typer.Option("--template", metavar="URL", help="Another template than mlfactory's own.")
]

TagPrefix = Annotated[
    str,
    typer.Option(
        metavar="PREFIX", help="What its tags begin with, where its repository holds more."
    ),
]

template = typer.Typer(
    cls=QuickGroup,
    help="The template: its versions, and a git server of your own.",
    no_args_is_help=True,
)
template.command(cls=QuickCommand)(compose)


@template.command(cls=QuickCommand)
def versions(url: Where = "", tag_prefix: TagPrefix = "", as_json: AsJson = False) -> None:
    """List the released versions, newest first."""
    from mlfactory.template import published

    from . import console

    releases = published.versions(url, tag_prefix)
    if as_json:
        console.show_json({"versions": [console.plain(one) for one in releases]})
    else:
        console.show_text("".join(f"{v.version}  {v.date}  {v.commit[:10]}\n" for v in releases))


@template.command(cls=QuickCommand)
def changelog(
    span: Annotated[
        str, typer.Argument(metavar="FROM..TO", help="Two versions; else all of them.")
    ] = "",
    url: Where = "",
    tag_prefix: TagPrefix = "",
    as_json: AsJson = False,
) -> None:
    """What changes in a project between two versions."""
    from mlfactory.template import published

    from . import console

    changes = published.changelog(span, url, tag_prefix)
    if as_json:
        console.show_json(console.plain(changes))
    else:
        console.show_text(f"{changes.text}\n")


@template.command(cls=QuickCommand)
def publish(
    url: Annotated[str, typer.Argument(metavar="GIT_URL", help="A repository of your team.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be pushed, and push nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Push the released history, same commits, to a git server of your own."""
    from mlfactory.template import published

    from . import console

    result = published.publish(url, dry_run=dry_run)
    if as_json:
        console.show_json(console.plain(result))
    else:
        console.note(result.summary)


@template.command(cls=QuickCommand)
def use(
    url: Annotated[
        str, typer.Argument(metavar="GIT_URL", help="Where the template is from now on.")
    ],
    project: Annotated[
        str,
        typer.Argument(
            metavar="PROJECT", help="The project; else the current directory.", show_default=False
        ),
    ] = ".",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and change nothing.")
    ] = False,
    answers_file: AnswersFile = "",
    as_json: AsJson = False,
) -> None:
    """Move a project to another address of its template, in one commit."""
    from mlfactory.update import address

    from . import console

    move = address.use(url, Path(project), dry_run=dry_run, file=answers_file)
    if as_json:
        console.show_json(console.plain(move))
    else:
        console.note(move.summary)


@template.command("import", cls=QuickCommand)
def import_(
    url: Annotated[str, typer.Argument(metavar="COOKIECUTTER_URL", help="A git URL, or a folder.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="A folder that is not there yet.")],
    ref: Annotated[
        str, typer.Option(metavar="REF", help="A tag, branch or commit; else the newest release.")
    ] = "",
    directory: Annotated[
        str, typer.Option(metavar="FOLDER", help="Where in its repository the template stands.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Rewrite a cookiecutter template for copier, and render both to see that they are equal.
    Ends with 4 if something is left to do by hand."""
    from mlfactory.adopt import conversion
    from mlfactory.base.errors import ATTENTION

    from . import console, ways

    report = conversion.convert(url, out, ref, directory)
    if as_json:
        console.show_json(console.plain(report))
    else:
        ways.show_import(report)
    return ATTENTION if report.needs_attention else 0
