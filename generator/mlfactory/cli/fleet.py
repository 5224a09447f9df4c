"""`mlfactory fleet ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlfactory.base.errors import ATTENTION, ERROR, OK

from .quick import QuickCommand, QuickGroup
from .update import AsJson

File = Annotated[
    Path, typer.Option("--fleet", metavar="FILE", help="The fleet's file.", show_default=True)
]
Group = Annotated[str, typer.Option(metavar="NAME", help="Only the repositories of this group.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="REPOSITORY", help="Repositories by name; else all of them."),
]
FLEET = Path("fleet.yml")

fleet = typer.Typer(
    cls=QuickGroup,
    help="Many repositories at once: how they are, and what brings them forward.",
    no_args_is_help=True,
)


@fleet.command(cls=QuickCommand)
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with clones.")],
    file: File = FLEET,
    as_json: AsJson = False,
) -> None:
    """Write fleet.yml for the repositories in a folder; no clone is touched."""
    from mlfactory.fleet import census

    from . import console

    written = census.begin(folder, file)
    if as_json:
        console.show_json(console.plain(written))
    else:
        console.show_text("".join(f"{text}\n" for text in written.lines))
        console.note(written.summary)


@fleet.command(cls=QuickCommand)
def add(
    addresses: Annotated[
        list[str], typer.Argument(metavar="REPOSITORY", help="URLs of repositories, or paths.")
    ],
    group: Annotated[str, typer.Option(metavar="NAME", help="The group they are in.")] = "",
    owner: Annotated[str, typer.Option(metavar="NAME", help="Who owns them.")] = "",
    folder: Annotated[
        str, typer.Option(metavar="PATH", help="The project's folder in the repository.")
    ] = "",
    branch: Annotated[
        str, typer.Option(metavar="NAME", help="Another branch than the default one.")
    ] = "",
    file: File = FLEET,
) -> None:
    """Add repositories to fleet.yml; what is written there stays as it is."""
    from mlfactory.fleet import census

    from . import console

    fields = {"folder": folder, "branch": branch, "group": group, "owner": owner}
    console.note(census.add(file, addresses, fields).summary)


@fleet.command("list", cls=QuickCommand)
def list_members(
    names: Names = None, group: Group = "", file: File = FLEET, as_json: AsJson = False
) -> None:
    """List what fleet.yml names, without asking anybody."""
    from mlfactory.fleet import inventory

    from . import console, fleets

    all_of_them = inventory.read(file)
    members = inventory.choose(all_of_them, names or [], group)
    if as_json:
        console.show_json({"repositories": [console.plain(one) for one in members]})
    else:
        console.show_text("".join(f"{text}\n" for text in fleets.member_lines(members)))


@fleet.command(cls=QuickCommand)
def status(
    names: Names = None,
    group: Group = "",
    files: Annotated[
        bool, typer.Option("--files", help="Also list the files that differ.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page that needs nothing else.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 4 when one needs attention.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(metavar="N", min=0, help="So many processes; 0 is one per processor.")
    ] = 0,
    file: File = FLEET,
    as_json: AsJson = False,
) -> int:
    """How every repository stands to its template, and what it has in production."""
    from mlfactory.fleet import inventory
    from mlfactory.fleet import status as look

    from . import console, fleets

    all_of_them = inventory.read(file)
    members = inventory.choose(all_of_them, names or [], group)
    rows = look.statuses(all_of_them, members, console.Terminal(), jobs)
    if html:
        from mlfactory.fleet import page

        page.write(rows, html)
    if as_json:
        console.show_json(fleets.status(rows))
    else:
        console.show_text("".join(f"{text}\n" for text in fleets.status_lines(rows, files=files)))
    if any(row.error for row in rows):
        return ERROR
    return ATTENTION if exit_code and any(row.needs_attention for row in rows) else OK
