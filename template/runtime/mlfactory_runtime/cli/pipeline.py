"""Building and checking the model."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import FactoryError
from ..visible import plain
from .page import publish
from .program import Json, app, here, print_json, print_text, say

if TYPE_CHECKING:
    from ..records.evaluation import Interval


@app.command()
def prepare() -> None:
    """Stage 1: read the data, check the contract, hold rows out."""
    from ..learn.split import prepare

    rows = prepare(here()).rows
    say(", ".join(f"{count:,} {part}" for part, count in rows.items()) + " rows")


@app.command()
def train() -> None:
    """Stage 2: fit the model, measure it against the baselines."""
    from ..learn.train import train
    from ..progress import progress

    with progress("train") as tell:
        result = train(here(), tell)
    scores = result.validation
    if scores and (value := scores.metrics[result.metric]) is not None:
        say(f"{result.metric} {value:.4g} in validation ({scores.by}), constant {scores.naive:.4g}")
    say(f"{result.verdict} on the holdout: {result.reason}")
    if result.refit:
        say(f"then it was fitted anew on all {result.refit:,} rows")


@app.command()
def report(
    copy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Only a copy to hand on, with commit and day of training."
        ),
    ] = None,
) -> None:
    """Stage 3: write the report, the model card and the data card."""
    from ..predict.places import check_file
    from ..report.dated import write_copy
    from ..report.report import write_report

    project = here()
    if copy:
        check_file(project, copy, "<!doctype")
    say(project.relative(write_copy(project, copy) if copy else write_report(project)))


@app.command()
def check(
    strict: Annotated[bool, typer.Option(help="Treat what is assumed as an error.")] = False,
    data: Annotated[bool, typer.Option(help="Check the data too, not only the catalog.")] = True,
    as_json: Json = False,
) -> None:
    """Is the catalog valid, is every feature available, do the data keep the contract?"""
    from ..data.check import check, lines
    from ..data.extensions import extensions
    from ..upkeep import upkeep

    project = here()
    findings = check(project, strict=strict, data=data) + upkeep(project)
    own = extensions(project)
    errors = [finding for finding in findings if finding.level == "error"]
    if as_json:
        own_entries = [asdict(extension) for extension in own]
        entries = [asdict(finding) for finding in findings]
        print_json({"ok": not errors, "findings": entries, "extensions": own_entries})
    else:
        for one in own:
            say(f"your own {one.kind} {one.name}: {one.file}")
        for line in lines(findings):
            say(line)
        say("the check found errors" if errors else "all is in order")
    if errors:
        publish(
            "\n".join(["**The check found errors.**\n", *(f"- {plain(e)}" for e in lines(errors))])
        )
    raise typer.Exit(1 if errors else 0)


@app.command()
def summary(as_json: Json = False) -> None:
    """How good is the current model?"""
    from ..learn.looks import looks_text
    from ..report.summary import summary

    result = summary(here())
    if as_json:
        print_json(result.model_dump())
        return
    say(f"{result.verdict}: {result.reason}")
    for name, interval in result.metrics["model"].items():
        if interval.value is None:
            say(f"  {name:18} not defined on these rows")
        else:
            say(f"  {name:18} {interval_text(interval)}")
    if coverage := result.coverage:
        say(f"  {'coverage':18} {interval_text(coverage.share)} of {coverage.nominal:g}")
        say(f"  {'interval width':18} {interval_text(coverage.width)}")
    if result.looks:
        say(looks_text(result.looks))


def interval_text(interval: "Interval") -> str:
    """A value with its interval, where too few draws do not leave it open."""
    if interval.low is None or interval.high is None:
        return f"{interval.value:.4g}"
    return f"{interval.value:.4g}  [{interval.low:.4g}, {interval.high:.4g}]"


@app.command()
def experiments(as_json: Json = False) -> None:
    """The experiments of DVC: which settings differ, how good each is in validation."""
    from ..experiments import experiments, table

    lines = experiments(here())
    if as_json:
        print_json({"experiments": [asdict(line) for line in lines]})
        return
    for line in table(lines):
        print_text(line)


@app.command()
def synth(
    target: Annotated[Path | None, typer.Argument(help="Else where the raw data stand.")] = None,
    rows: int = 1000,
) -> None:
    """Write made-up rows that keep the contract, for tests without access to the data."""
    from ..learn.synth import write
    from ..predict.places import check_file

    project = here()
    target = target or project.raw
    check_file(project, target)
    write(project, target, rows)
    say(f"{rows:,} synthesised rows in {project.relative(target)}")


@app.command(hidden=True)
def packages() -> None:
    """Which packages training depends on; a stage, so that other tools make no model stale."""
    from ..packages import write

    project = here()
    say(project.relative(write(project)))


@app.command(hidden=True)
def sides(source: Path, target: Path) -> None:
    """Which side each row of a table is on by this factory's split.py; for `factory compare`."""
    from ..data.own import write_sides

    write_sides(here(), source, target)


@app.command()
def update() -> None:
    """Say how the template's improvements come in: that takes mlfactory on this machine."""
    message = (
        "the template's improvements come as one commit, made by a program beside this factory"
    )
    raise FactoryError(
        message, "mlfactory update (once, to have it: uv tool install ADDRESS, see README.md)"
    )
