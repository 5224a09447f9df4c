"""`mlfactory update`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AnswersFile = Annotated[
    str, typer.Option(metavar="FILE", help="The answers file, where a folder has several.")
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Let a template that is not mlfactory's own run code.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def update(
    projects: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROJECT", help="Projects; else the current directory."),
    ] = None,
    to: Annotated[
        str, typer.Option(metavar="REF", help="A version, tag, branch or commit; else the newest.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and change nothing.")
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="QUESTION=VALUE", help="Answer a question; repeatable."),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: new questions get their defaults.")
    ] = False,
    check_command: Annotated[
        str | None,
        typer.Option(metavar="CMD", help="Check with this instead of the factory's own check."),
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Check nothing before and after.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on after the conflicts are resolved.")
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Put everything back to what it was before.")
    ] = False,
    answers_file: AnswersFile = "",
    trust: Trust = False,
    as_json: AsJson = False,
) -> int:
    """Bring a newer template into a project: one commit, merged by git, with your edits kept."""
    from mlfactory.base.answers import parse_settings
    from mlfactory.render.result import RenderOptions
    from mlfactory.update import run, several

    from . import console

    run.check_one_way(go_on, abort)
    talk = console.Terminal(quiet_plan=as_json)
    asks = console.is_interactive() and not (defaults or dry_run or as_json)
    render_options = RenderOptions(parse_settings(setting or ()), asks, trust)
    options = run.Options(to, render_options, dry_run, "" if no_check else check_command)

    def act(start: Path) -> run.Outcome:
        if go_on:
            return run.resume(start, talk, trust=trust)
        return run.abort(start) if abort else run.update(start, options, talk, answers_file)

    starts = [Path(name) for name in projects or ["."]]
    outcomes = []
    for outcome, code in several.each(starts, act, keep=as_json):
        outcomes.append((outcome, code))
        if not as_json:
            console.show_outcome(outcome, with_name=len(starts) > 1)
        elif outcome.error:
            console.show_error(outcome.error, outcome.hint)
    if as_json:
        console.show_outcomes([outcome for outcome, _ in outcomes])
    return several.worst(code for _, code in outcomes)
