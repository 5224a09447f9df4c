"""Models by version and stage."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .alert import alerting
from .page import publish as put_on_page
from .program import Json, app, here, print_json, print_text, say

if TYPE_CHECKING:
    from ..project import Project
    from ..records.registry import Promoted

KEY_ENV = "FACTORY_SIGNING_KEY"
PrivateKey = Annotated[
    Path | None, typer.Option(envvar=KEY_ENV, help="Sign it: the file of the private key.")
]


@app.command()
def register(
    bump: Annotated[
        Literal["major", "minor", "patch"], typer.Option(help="How much is new.")
    ] = "minor",
    ref: Annotated[str, typer.Option(help="The commit whose model it is.")] = "HEAD",
    key: PrivateKey = None,
    as_json: Json = False,
) -> None:
    """Make the committed model a version: a git tag on its commit."""
    from ..git import remote_of
    from ..learn.looks import looks_text
    from ..registry.register import register

    project = here()
    result = register(project, bump, ref, key)
    if as_json:
        print_json(asdict(result))
        return
    for warning in result.warnings:
        say(f"warning: {warning}")
    say(
        f"{result.version} {'is' if result.new else 'was before'} the model of {result.commit[:12]}"
    )
    if result.looks:
        say(looks_text(result.looks))
    if remote := remote_of(project.root):
        say(f"next: git push {remote} '{result.tag}' && dvc push")


@app.command()
def compare(
    a: Annotated[
        str, typer.Argument(help="A stage, a version or a folder; or a file of answers.")
    ] = "prod",
    b: Annotated[str, typer.Argument(help="What is compared with it.")] = "models/model",
    as_json: Json = False,
) -> None:
    """Is model B better than A, on rows that neither has learned from? Ends with 4 if it is worse,
    or if the rows cannot tell."""
    from ..gate.compare import PAGE
    from ..gate.outside import compare
    from ..learn.looks import looks_text

    project = here()
    with alerting(project, "compare", "the-comparison-is-worse-or-undecided"):
        record = compare(project, a, b)
    if as_json:
        print_json(record.model_dump())
    else:
        say(f"{record.verdict}: {record.reason}")
        if record.looks:
            say(looks_text(record.looks))
        say(PAGE.as_posix())
    raise typer.Exit(0 if record.verdict in ("better", "same") else 4)


@app.command()
def promote(
    version: str,
    to: Annotated[Literal["staging", "prod"], typer.Option(help="The stage.")],
    force: Annotated[bool, typer.Option(help="Though it is not proven to be better.")] = False,
    why: Annotated[str, typer.Option(help="Stands in the record.")] = "",
    approver: Annotated[str, typer.Option(help="Who approved it; else you.")] = "",
    as_json: Json = False,
) -> None:
    """Put a version on a stage: a record and a tag; where CI makes the tags, propose the record."""
    from ..gate.compare import measured
    from ..organisation import approving
    from ..registry.promote import has_ci, promote

    project = here()
    with alerting(project, "promote", "a-promotion-is-refused"):
        if not has_ci(project):
            approving(approver or "you")
        promotion = promote(project, version, to, measured, force=force, why=why, approver=approver)
    report(project, promotion, as_json)


@app.command()
def rollback(
    why: Annotated[str, typer.Option(help="Stands in the record.")] = "",
    approver: Annotated[str, typer.Option(help="Who approved it; else you.")] = "",
    as_json: Json = False,
) -> None:
    """Put back into production what was there before."""
    from ..registry.promote import rollback

    project = here()
    with alerting(project, "rollback", "the-model-in-production-is-bad"):
        promotion = rollback(project, why, approver)
    report(project, promotion, as_json)


def report(project: "Project", promotion: "Promoted", as_json: bool) -> None:
    """What a promotion has changed, and how others get to know; without a remote, how it goes on
    here."""
    from ..git import remote_of

    if as_json:
        print_json(promotion.model_dump())
        return
    remote = remote_of(project.root)
    for warning in promotion.warnings:
        say(f"warning: {warning}")
    if promotion.changed and promotion.tag:
        only = ", in this clone until you push it" if remote else ""
        say(f"{promotion.stage} is {promotion.version} now{only}")
    elif promotion.changed:
        say(f"{promotion.version} is proposed for {promotion.stage}; nothing is promoted yet")
    else:
        before = "proposed" if promotion.branch else "there"
        say(f"{promotion.version} was {before} before; nothing changed")
    names = " ".join(f"'{name}'" for name in (promotion.branch, promotion.tag) if name)
    if remote:
        say(f"next: git push --atomic {remote} {names if promotion.branch else 'HEAD ' + names}")
    if promotion.branch and remote:
        say(f"then: propose {promotion.branch} for the main branch")
    elif promotion.branch:
        tags = "" if promotion.tag else " && factory promotions apply"
        say(f"next, as this repository has no remote: git merge '{promotion.branch}'{tags}")


promotions_app = typer.Typer(help="The records of promotions/.", no_args_is_help=True)
app.add_typer(promotions_app, name="promotions")


@promotions_app.command()
def apply(
    approver: Annotated[str, typer.Option(help="Else who merged the record.")] = "",
    forge: Annotated[
        bool, typer.Option("--forge", help="Ask the forge who approved each; in a job of its CI.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the tags of records that were merged; push them then: git push --tags."""
    from ..forge.place import forge as place
    from ..forge.review import Review
    from ..registry.promote import apply

    project = here()
    with alerting(project, "promotions apply", "a-merged-promotion-is-left-out"):
        person = Review((approver,)) if approver else None
        result = apply(project, place().review if forge else lambda _: person)
    if as_json:
        print_json(result.model_dump())
    for name in result.stale:
        warning = f"{name} is left out: its stage holds another version now"
        say(f"warning: {warning}. Remove the record,")
        say("and compare and promote again")
        put_on_page(f"**{warning}.** Remove the record, and compare and promote again.")
    for name in result.own:
        line = f"{name} is refused: nobody but its author approved it"
        mend = "Have it approved by another, or set release.second_person: false in params.yaml"
        say(f"warning: {line}. {mend}")
        put_on_page(f"**{line}.** {mend}, and run this again.")
    for tag in [] if as_json else result.made:
        print_text(tag)
    put_on_page(f"Tags made: {', '.join(f'`{tag}`' for tag in result.made) or 'none'}.")
    raise typer.Exit(4 if result.stale or result.own else 0)


@app.command()
def models(
    remote: Annotated[str, typer.Option(help="Ask this remote what it has: origin.")] = "",
    publish: Annotated[
        bool, typer.Option("--publish", help="Push catalog.json to the branch `status` of origin.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Versions and stages: what is in use, since when, from what, approved by whom."""
    from ..registry.catalog import publish as push
    from ..registry.models import models

    project = here()
    overview = models(project, remote)
    if publish:
        say(f"catalog.json is on the branch {push(project)} of origin")
    if as_json:
        print_json(overview.model_dump())
        return
    for name, stage in overview.stages.items():
        approval = f", approved by {stage.approved_by}" if stage.approved_by else ""
        since = f" since {stage.since[:16]}" if stage.since else ""
        print_text(f"{name}: {stage.version}{since}{approval}")
    for one in overview.versions:
        metric = one.metrics.get(one.metric or "")
        good = f", {one.metric} {metric.value:.4g}" if metric and metric.value is not None else ""
        signature = f", signed by {one.signed_by}" if one.signed_by else ""
        print_text(f"{one.version}: commit {one.commit[:12]}, data {one.data}{good}{signature}")
    for tag in overview.odd:
        say(f"warning: {tag} is another commit on {remote} than here: git fetch --tags --force")
    if not overview.versions:
        say("nothing is registered here: git fetch --tags, or factory register")


@app.command()
def reproduce(version: str, as_json: Json = False) -> None:
    """Build a version again from its commit, data and locks: is it the same to the last byte?"""
    from ..registry.reproduce import reproduce

    comparison = reproduce(here(), version)
    if as_json:
        print_json(asdict(comparison))
    elif comparison.equal:
        say(f"{version} was built again, and every byte of the model is the same")
    else:
        for one in comparison.differs:
            print_text(f"{one.file} differs from line {one.line} on")
        for cause in comparison.causes:
            say(cause)
    raise typer.Exit(0 if comparison.equal else 4)


@app.command()
def extract(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that is not there yet.")],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A stage, a version or a folder.")
    ] = "models/model",
    as_json: Json = False,
) -> None:
    """Write the model and the least code that scores as a package that needs no factory."""
    from ..extract.write import extract
    from ..registry.resolve import resolve

    project = here()
    source = resolve(project, model)
    package = extract(source.project, target.absolute(), source.model)
    if as_json:
        print_json(asdict(package))
    else:
        say(f"{package.files} files in {package.path}; {package.rows} made-up rows hold its tests")


@app.command()
def retrain(
    why: Annotated[str, typer.Option(help="The reason, for the commit.")] = "",
    commit: Annotated[bool, typer.Option("--commit", help="Commit what it wrote.")] = False,
    fewer: Annotated[
        bool, typer.Option("--fewer", help="Though fewer rows come than are here, or older ones.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take in new data and predictions whose outcome is known; train, and compare with production.
    Ends with 4 if the new model is worse, or if the rows cannot tell."""
    from ..retrain.retrain import retrain

    project = here()
    with alerting(project, "retrain", "retraining-fails"):
        attempt = retrain(project, why, commit=commit, fewer=fewer)
    record = attempt.comparison
    if as_json:
        print_json(attempt.json())
    elif record is None:
        say(f"nothing new: {attempt.data}; the model stays as it is")
    else:
        say(f"trained anew: {attempt.data}")
        say(f"{record.verdict}: {record.reason}")
        if not attempt.commit:
            say(f"next: git add {' '.join(attempt.files)} && git commit")
        say("next: factory register")
    raise typer.Exit(0 if record is None or record.verdict in ("better", "same") else 4)
