"""`mlfactory fleet ...`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

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
Html = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a page that needs nothing else.")
]
Jobs = Annotated[
    int, typer.Option(metavar="N", min=0, help="So many processes; 0 is one per processor.")
]
Shard = Annotated[
    str, typer.Option(metavar="I/N", help="Only the I-th of N parts, for runs side by side.")
]
FLEET, PLAN = Path("fleet.yml"), Path("fleet-plan.json")


def show(document: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """What a command gives, as one object or line by line."""
    from . import console

    if as_json:
        console.show_json(document)
    else:
        console.show_text("".join(f"{text}\n" for text in lines))


fleet = typer.Typer(
    cls=QuickGroup,
    help="Many repositories at once: how they are, and what brings them forward.",
    no_args_is_help=True,
)


@fleet.command(cls=QuickCommand)
def init(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|HOST/ORG",
            help="A folder with clones, or an organisation or group: github.com/acme.",
        ),
    ],
    kind: Annotated[
        str, typer.Option("--forge", metavar="KIND", help="Of another host: github or gitlab.")
    ] = "",
    ssh: Annotated[
        bool, typer.Option("--ssh", help="Name repositories by their addresses for ssh.")
    ] = False,
    file: File = FLEET,
    as_json: AsJson = False,
) -> None:
    """Write fleet.yml for a folder or all of an organisation; no clone is touched."""
    from mlfactory.fleet import roster

    from . import console

    result = roster.begin(place, file, kind, console.Terminal(), ssh=ssh)
    show(console.plain(result), result.lines, as_json=as_json)
    if not as_json:
        console.note(result.summary)


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
    document = {"repositories": [console.plain(one) for one in members]}
    show(document, fleets.member_lines(members), as_json=as_json)


@fleet.command(cls=QuickCommand)
def status(
    names: Names = None,
    group: Group = "",
    files: Annotated[
        bool, typer.Option("--files", help="Also list the files that differ.")
    ] = False,
    html: Html = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 4 when one needs attention.")
    ] = False,
    shard: Shard = "",
    jobs: Jobs = 0,
    file: File = FLEET,
    as_json: AsJson = False,
) -> int:
    """How every repository stands to its template, and what it has in production."""
    from mlfactory.base import outputs
    from mlfactory.fleet import inventory
    from mlfactory.fleet import status as look

    from . import console, fleets

    if html:
        outputs.check(html)
    all_of_them = inventory.read(file)
    members = inventory.choose(all_of_them, names or [], group, shard)
    rows = look.statuses(all_of_them, members, console.Terminal(), jobs)
    if html:
        from mlfactory.fleet import page

        page.write(rows, html, all_of_them.groups)
    show(fleets.status(rows), fleets.status_lines(rows, files=files), as_json=as_json)
    if any(row.error for row in rows):
        return ERROR
    return ATTENTION if exit_code and any(row.needs_attention for row in rows) else OK


@fleet.command(cls=QuickCommand)
def catalog(
    names: Names = None,
    group: Group = "",
    html: Html = None,
    file: File = FLEET,
    as_json: AsJson = False,
) -> int:
    """What is in production everywhere, by tags and the branch `status` alone."""
    from mlfactory.base import outputs
    from mlfactory.fleet import catalog as listing
    from mlfactory.fleet import inventory

    from . import console, fleets

    if html:
        outputs.check(html)
    members = inventory.choose(inventory.read(file), names or [], group)
    result = listing.catalog(members, console.Terminal())
    if html:
        from mlfactory.fleet import page

        page.write_catalog(result, html)
    show(console.plain(result), fleets.catalog_lines(result), as_json=as_json)
    return ERROR if any(one.error for one in result.entries) else OK


@fleet.command(cls=QuickCommand)
def plan(
    names: Names = None,
    to: Annotated[
        str, typer.Option(metavar="REF", help="A version, tag, branch or commit; else the newest.")
    ] = "",
    group: Group = "",
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the plan is written.")] = PLAN,
    shard: Shard = "",
    jobs: Jobs = 0,
    file: File = FLEET,
    as_json: AsJson = False,
) -> int:
    """What an update of all of them would do; nothing but the plan is written."""
    from mlfactory.base import outputs
    from mlfactory.fleet import inventory
    from mlfactory.fleet import plan as planning

    from . import console, fleets

    outputs.check(out, outputs.DOCUMENT)
    all_of_them = inventory.read(file)
    members = inventory.choose(all_of_them, names or [], group, shard)
    whole = planning.plan(all_of_them, members, console.Terminal(), to, jobs)
    planning.write(whole, out)
    show(console.plain(whole), fleets.plan_lines(whole), as_json=as_json)
    if not as_json:
        console.note(f"written to {out}; next: mlfactory fleet apply {out}")
    return ATTENTION if whole.of("conflict") or whole.of("refused") else OK


@fleet.command(cls=QuickCommand)
def apply(
    file: Annotated[
        Path, typer.Argument(metavar="PLAN", help="What `fleet plan` has written.")
    ] = PLAN,
    push: Annotated[
        bool, typer.Option("--push", help="Push the branches and open requests, wave by wave.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out what is settled already.")
    ] = False,
    only: Annotated[
        str, typer.Option(metavar="failed", help="Only what failed the last time.")
    ] = "",
    stop_at: Annotated[
        int, typer.Option(metavar="N", min=0, help="Stop after so many failures; 0 is never.")
    ] = 5,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the fleet's check before and after each update.")
    ] = False,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="Propose conflicts, too, as drafts with git's marks.")
    ] = False,
    jobs: Jobs = 0,
    as_json: AsJson = False,
) -> int:
    """Do what a plan says, each repository on a branch of its own; nothing is done twice."""
    from mlfactory.fleet import apply as work

    from . import console, fleets

    options = work.Options(push, resume, work.only_failed(only), stop_at, jobs, trust, drafts)
    results = work.apply(file, options, console.Terminal())
    show(fleets.results(results), fleets.result_lines(results), as_json=as_json)
    return ATTENTION if any(one.needs_attention for one in results) else OK


@fleet.command(cls=QuickCommand)
def run(
    command: Annotated[
        list[str],
        typer.Argument(metavar="-- COMMAND", help="What is run in each, without a shell."),
    ],
    branch: Annotated[
        str, typer.Option(metavar="NAME", help="The branch that its change goes to.")
    ],
    message: Annotated[
        str, typer.Option(metavar="TEXT", help="The commit's message; else the command.")
    ] = "",
    group: Group = "",
    push: Annotated[
        bool, typer.Option("--push", help="Push the branches and open requests.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="So long it may take in each.")
    ] = 900,
    shard: Shard = "",
    jobs: Jobs = 0,
    file: File = FLEET,
    as_json: AsJson = False,
) -> int:
    """Run a command in a copy of each repository, and propose what it has changed."""
    from mlfactory.fleet import inventory
    from mlfactory.fleet import run as errands

    from . import console, fleets

    all_of_them = inventory.read(file)
    members = inventory.choose(all_of_them, [], group, shard)
    task = errands.errand(command, branch, message, timeout)
    results = errands.run(all_of_them, members, task, console.Terminal(), push=push, jobs=jobs)
    show(fleets.results(results), fleets.result_lines(results), as_json=as_json)
    return ATTENTION if any(one.needs_attention for one in results) else OK
