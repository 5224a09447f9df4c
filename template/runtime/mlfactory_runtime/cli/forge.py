"""What the jobs of this factory ask of the forge that runs them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .alert import alerting
from .page import publish
from .program import app, here, print_text, say

if TYPE_CHECKING:
    from ..records.monitoring import Monitored

PROPOSAL, PATCH = "request.json", "request.patch"

forge_app = typer.Typer(help="For the jobs of a CI.", no_args_is_help=True)
app.add_typer(forge_app, name="forge")


@forge_app.command()
def approver() -> None:
    """Print who approved the change that was merged as this commit."""
    from ..forge.place import forge

    place = forge()
    print_text(place.review(place.commit()).names)


@forge_app.command()
def issue(file: Path) -> None:
    """Keep one issue open while the monitor's result in FILE is not healthy, or FILE is empty."""
    from ..forge.issue import alarms, keep_issue

    folder, result = folder_here(), monitored(file)
    if result:
        publish(f"The monitor: **{result.verdict}**.\n\n{alarms(result, folder)}")
    say(keep_issue(result, folder))


@forge_app.command()
def rot(
    outcome: Annotated[str, typer.Argument(help="How the checks ended: success, or not.")],
) -> None:
    """Keep one issue open while the checks with the newest packages do not pass."""
    from ..forge.issue import keep_rot

    say(keep_rot(outcome == "success", folder_here()))


def folder_here() -> str:
    """Where the factory stands in a larger repository; empty where the repository is its own."""
    from ..git import tries

    return tries(here().root, "rev-parse", "--show-prefix").rstrip("/")


def monitored(file: Path) -> "Monitored | None":
    """The monitor's result; None where it failed, and wrote nothing."""
    from ..records.monitoring import Monitored
    from ..records.record import parse

    text = file.read_text("utf-8") if file.is_file() else ""
    return parse(Monitored, text, file.name) if text else None


@forge_app.command()
def due(file: Path) -> None:
    """Print which alarms in the monitor's result FILE call for a retraining (monitor.retrain)."""
    from ..jobs.retrain import due

    print_text(due(here(), monitored(file)))


@forge_app.command()
def retrain(
    why: Annotated[str, typer.Option(help="The reason, for the commit.")] = "",
) -> None:
    """Retrain on what is new and commit it: request.json is what `factory forge request` opens, and
    request.patch the commit. Without news neither is written."""
    from dataclasses import asdict

    from ..files import write_json
    from ..jobs.retrain import propose

    project = here()
    for name in (PROPOSAL, PATCH):
        (project.root / name).unlink(missing_ok=True)
    with alerting(project, "retrain", "retraining-fails"):
        result = propose(project, why)
    if result is None:
        publish("Nothing is new: the model stays as it is.")
        return
    proposal, patch = result
    (project.root / PATCH).write_text(patch, "utf-8", newline="\n")
    write_json(project.root / PROPOSAL, asdict(proposal))
    publish(f"**{proposal.title}**\n\n{proposal.text}")


@forge_app.command()
def template(file: Path) -> None:
    """Propose what `mlfactory update --json` says in FILE: request.json is what `factory forge
    request` opens, a draft where the template is in conflict. Without news it is not written."""
    from dataclasses import asdict

    from ..files import write_json
    from ..jobs.template import propose
    from ..records.record import parse
    from ..records.update import Update

    project = here()
    for name in (PROPOSAL, PATCH):
        (project.root / name).unlink(missing_ok=True)
    proposal, patch = propose(project, parse(Update, file.read_text("utf-8"), file.name))
    if proposal is None:
        publish(patch)
        say(patch)
        return
    (project.root / PATCH).write_text(patch, "utf-8", newline="\n")
    write_json(project.root / PROPOSAL, asdict(proposal))
    publish(f"**{proposal.title}**\n\n{proposal.text}")


@forge_app.command()
def request() -> None:
    """Push HEAD to the branch that request.json names, and keep one request with its text. Without
    that file nothing is done."""
    from ..forge.proposal import proposal_of
    from ..forge.request import keep_request

    project = here()
    if not (file := project.root / PROPOSAL).is_file():
        say("nothing is proposed")
        return
    proposal = proposal_of(json.loads(file.read_text("utf-8")))
    say(keep_request(project.root, proposal))


@forge_app.command()
def rows() -> None:
    """Pull the data, or make rows up; print why they are made up."""
    from ..change import rows

    print_text(rows(here()))


@forge_app.command()
def report(
    missing: Annotated[str, typer.Option(help="Why the rows are made up.")] = "",
) -> None:
    """Write what the last commit does to the model, for who reviews it. Ends with 4 if what is
    committed is not what its pipeline makes, and on a request if the model is worse."""
    from ..change import report

    text, is_well = report(here(), missing)
    publish(text)
    print_text(text)
    raise typer.Exit(0 if is_well else 4)


@forge_app.command()
def comment(
    pages: Annotated[
        list[Path] | None, typer.Argument(help="What this pipeline reports, on GitLab.")
    ] = None,
    outcome: Annotated[str, typer.Option(help="How it ended: success, or not.")] = "success",
) -> None:
    """Keep one comment on the request that a run is of, with what it reports: of the run that this
    job was started by, or with PAGES of the pipeline that it is part of."""
    from ..forge.comment import keep_comment, keep_own_comment

    folder = folder_here()
    say(keep_own_comment(pages, outcome, folder) if pages else keep_comment(folder))
