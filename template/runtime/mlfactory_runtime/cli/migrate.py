"""Coming from a release in which the library stood in the factory's own package."""

from dataclasses import asdict
from typing import Annotated

import typer

from .program import Json, app, here, print_json, print_text, say


@app.command()
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Rewrite imports in your own files that factories of 0.1 to 0.3 have."""
    from ..migrate import is_done, migrate

    changes = migrate(here(), dry_run=dry_run)
    if as_json:
        print_json(
            {
                "changes": [asdict(one) for one in changes],
                "changed": not dry_run and any(map(is_done, changes)),
            }
        )
        return
    for one in changes:
        after = one.after or f"by hand: {one.by_hand}"
        print_text(f"{one.file}:{one.line}: {one.before}\n    {after}")
    verb, count = "would be rewritten" if dry_run else "rewritten", sum(map(is_done, changes))
    say(f"{count} imports {verb}" if changes else "nothing imports what has moved")
