"""`mlfactory diff` and `mlfactory restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .update import AnswersFile, AsJson, Trust


def diff(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PROJECT|PATH",
            help="A project, else the current directory; then files of it.",
        ),
    ] = None,
    to: Annotated[
        str, typer.Option(metavar="REF", help="What an update to this version would change.")
    ] = "",
    update: Annotated[
        bool, typer.Option("--update", help="What an update to the newest would change.")
    ] = False,
    reverse: Annotated[
        bool,
        typer.Option("--reverse", help="Your edits, as a patch to carry back into the template."),
    ] = False,
    runtime: Annotated[
        bool,
        typer.Option(
            "--runtime",
            help="What an update would change in the library that the factory runs on.",
        ),
    ] = False,
    answers_file: AnswersFile = "",
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """The project against a fresh render of its recorded version, as a patch."""
    from mlfactory.update import library
    from mlfactory.update.diff import diff as patch_of
    from mlfactory.update.diff import project_and_names

    from . import console

    start, names = project_and_names(paths or [])
    color = console.is_coloured() and not as_json
    if runtime:
        difference = library.difference(
            start, to=to, reverse=reverse, color=color, file=answers_file
        )
        exact = {**console.plain(difference), "patch": console.patch_of(difference.patch)}
        console.show_json(exact, exact=True) if as_json else console.write(exact["patch"])
        return
    patch = patch_of(
        start,
        names,
        to=to,
        update=update,
        reverse=reverse,
        color=color,
        file=answers_file,
        trust=trust,
    )
    patch = console.patch_of(patch)
    console.show_json({"patch": patch}, exact=True) if as_json else console.write(patch)


def restore(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files or folders; . for all of them.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be put back, and change nothing.")
    ] = False,
    answers_file: AnswersFile = "",
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Put drifted or deleted files back as the template has them at the recorded version."""
    from mlfactory.update import restore

    from . import console

    result = restore.restore(Path.cwd(), paths, dry_run=dry_run, file=answers_file, trust=trust)
    if as_json:
        console.show_json(console.plain(result))
    else:
        console.show_restoring(result)
