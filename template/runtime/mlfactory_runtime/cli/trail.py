"""What happened, by whom, and whether that is all."""

import json
from typing import Annotated

import typer

from .program import Json, app, here, print_json, print_text, say

trail_app = typer.Typer(help="What was served, labelled, forgotten and promoted, and by whom.")
app.add_typer(trail_app, name="trail")


@trail_app.callback(invoke_without_command=True)
def trail(
    context: typer.Context,
    newest: Annotated[int, typer.Option(min=1, help="So many of the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """What was served, labelled, forgotten and promoted, and by whom."""
    from ..registry.audit import events

    if context.invoked_subcommand:
        return
    entries = events(here(), newest)
    if as_json:
        print_json({"events": [one.model_dump() for one in entries]})
        return
    for one in entries:
        number = f" #{one.number}" if one.number else ""
        about = ", ".join(f"{name} {text_of(value)}" for name, value in one.about.items())
        print_text(f"{one.time[:19]}{number} {one.kind} by {one.who or 'nobody known'}: {about}")
    if not entries:
        say("nothing has happened here yet")


def text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@trail_app.command()
def verify(as_json: Json = False) -> None:
    """Does everything fit, and is nothing missing? Ends with 4 if not."""
    from ..registry.audit import verify

    audit = verify(here())
    if as_json:
        print_json(audit.model_dump())
    else:
        for line in audit.faults:
            print_text(line)
        for line in audit.notes:
            say(line)
        if audit.since and audit.head:
            say(f"{audit.entries:,} entries since {audit.since[:19]}, the last {audit.head.hash}")
        say("it does not fit" if audit.faults else "everything fits")
    raise typer.Exit(4 if audit.faults else 0)
