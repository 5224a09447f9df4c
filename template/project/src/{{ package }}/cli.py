"""The `factory` program."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from .errors import FactoryError

app = typer.Typer(
    help="Build, prove and run this factory's model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
catalog_app = typer.Typer(help="The feature catalog, features.yaml.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")
data_app = typer.Typer(help="The raw data and where they come from.", no_args_is_help=True)
app.add_typer(data_app, name="data")
params_app = typer.Typer(invoke_without_command=True)
app.add_typer(params_app, name="params")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def prepare() -> None:
    """Stage 1: read the data, check the contract, hold rows out."""
    from .split import prepare

    rows = prepare()["rows"]
    _say(", ".join(f"{count:,} {part}" for part, count in rows.items()) + " rows")


@app.command()
def train() -> None:
    """Stage 2: fit the model, measure it against the baselines."""
    from .train import train

    result = train()
    _say(f"{result['verdict']}: {result['reason']}")


@app.command()
def report() -> None:
    """Stage 3: write the report, the model card and the data card."""
    from .report import write_report

    _say(str(write_report()))


@app.command()
def check(
    strict: Annotated[bool, typer.Option(help="Treat what is assumed as an error.")] = False,
    data: Annotated[bool, typer.Option(help="Check the data too, not only the catalog.")] = True,
    as_json: Json = False,
) -> None:
    """Is the catalog valid, is every feature available, do the data keep the contract?"""
    from .check import check, told

    findings = check(strict=strict, data=data)
    ok = all(finding.level != "error" for finding in findings)
    if as_json:
        _print({"ok": ok, "findings": [finding.json() for finding in findings]})
    else:
        for line in told(findings):
            _say(line)
        _say("the check found errors" if not ok else "all is in order")
    raise typer.Exit(0 if ok else 1)


@app.command()
def predict(
    source: Path,
    target: Path,
    model: Annotated[Path, typer.Option(help="The folder of a model.")] = Path("models/model"),
    explain: Annotated[
        int, typer.Option(min=0, help="Add so many features that moved each row's score most.")
    ] = 0,
    max_invalid: Annotated[
        float, typer.Option(min=0, max=1, help="Fail when a larger share of rows is invalid.")
    ] = 0.05,
    log: Annotated[bool, typer.Option(help="Write the rows to the prediction log.")] = True,
    as_json: Json = False,
) -> None:
    """Score every row of SOURCE (CSV, Parquet or .sql) into TARGET; invalid rows go beside it."""
    from .predict import predict_file

    progress = _count if sys.stderr.isatty() else lambda rows: None
    done = predict_file(
        source, target, model, explain=explain, max_invalid=max_invalid, log=log, progress=progress
    )
    if done.unlogged:
        _say(f"warning: {done.rows - done.logged:,} rows are not in the log: {done.unlogged}")
    elif done.left_out:
        names = ", ".join(map(repr, done.left_out))
        _say(f"the log leaves out {names}: sensitive, and there is no key (log.key_env)")
    if as_json:
        aside = str(done.quarantine) if done.quarantine else None
        told = {"rows": done.rows, "invalid": done.invalid, "quarantine": aside}
        _print({**told, "logged": done.logged, "request_id": done.request_id})
        return
    _say(f"{done.rows:,} rows scored into {target}")
    if done.invalid:
        _say(f"warning: {done.invalid:,} rows could not be scored: {done.quarantine} says why")


@app.command()
def label(
    file: Path,
    time: Annotated[
        str | None, typer.Option(help="The column that says when an outcome was known.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take in outcomes from FILE (CSV or Parquet), found by data.id or by request_id and row."""
    from .labels import label

    done = label(file, time)
    if as_json:
        _print(asdict(done))
        return
    told = f"outcomes: {done.new:,} new, {done.changed:,} changed, {done.same:,} as they were"
    _say(f"{told}, {done.blank:,} not known yet")
    if done.unknown:
        _say(f"warning: {done.unknown:,} were left out: the log has no prediction of them")


@app.command()
def forget(
    entity: Annotated[str, typer.Argument(metavar="ID", help="As it stands in the data.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Erase an entity from the log and its outcomes; name the models that learned from it."""
    from .forget import forget

    done = forget(entity, dry_run=dry_run)
    if as_json:
        _print(asdict(done))
        return
    verb = "would be erased" if dry_run else "erased"
    _say(f"{verb}: predictions {done.predictions:,}, outcomes {done.labels:,}")
    for one in done.models:
        typer.echo(f"{one['model']}: trained on it, commit {one['commit'] or 'not made yet'}")
    for line in done.remains:
        _say(line)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="So many processes answer.")] = 1,
    model: Annotated[Path, typer.Option(help="The folder of a model.")] = Path("models/model"),
) -> None:
    """Answer requests for predictions over HTTP, until stopped."""
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec(".online", __package__) is None:
        raise FactoryError(
            "this factory was made for batches, and has no service",
            "mlfactory update --set serving=online, and `mode: online` under serving: "
            "in params.yaml",
        )
    import_module(".online", __package__).serve(host, port, workers, model)


@app.command()
def summary(as_json: Json = False) -> None:
    """How good is the current model?"""
    from .check import summary

    told = summary()
    if as_json:
        _print(told)
        return
    _say(f"{told['verdict']}: {told['reason']}")
    for name, found in told["metrics"]["model"].items():
        if found["value"] is None:
            _say(f"  {name:18} not defined on these rows")
        else:
            _say("  {:18} {value:.4g}  [{low:.4g}, {high:.4g}]".format(name, **found))


@app.command()
def synth(
    target: Annotated[Path | None, typer.Argument(help="Else where the raw data stand.")] = None,
    rows: int = 1000,
) -> None:
    """Write made-up rows that keep the contract, for tests without access to the data."""
    from .params import load_params
    from .synth import write

    target = target or Path(load_params().data.path)
    write(target, rows)
    _say(f"{rows:,} synthesised rows in {target}")


@app.command()
def update() -> None:
    """Take the template's improvements; this needs mlfactory on this machine."""
    from .update import update

    raise typer.Exit(update())


@params_app.callback()
def params(context: typer.Context, as_json: Json = False) -> None:
    """All settings of params.yaml: what each means, its value and its default."""
    from .params import load_params, settings

    if context.invoked_subcommand:
        return
    found = settings(load_params())
    if as_json:
        _print({"settings": found})
        return
    for one in found:
        value, default = (json.dumps(one[key], ensure_ascii=False) for key in ("value", "default"))
        usual = "" if one["required"] or value == default else f"   (default: {default})"
        typer.echo(f"{one['name']}: {value}{usual}\n    {one['meaning']}")


@params_app.command()
def add(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show them, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Write the settings that params.yaml does not name into it, each with its default."""
    from .edit import add_settings

    new = add_settings(dry_run=dry_run)
    if as_json:
        told = [{"name": s["name"], "value": s["value"], "meaning": s["meaning"]} for s in new]
        _print({"added": told, "changed": bool(new) and not dry_run})
        return
    for one in new:
        typer.echo(f"{one['name']}: {json.dumps(one['value'])}\n    {one['meaning']}")
    done = f"{len(new)} settings {'would be ' if dry_run else ''}added with their defaults"
    _say(f"{done}; the model stays the same" if new else "params.yaml names every setting")


@catalog_app.command()
def draft(as_json: Json = False) -> None:
    """Add the columns of the data that the catalog lacks. What you wrote stays as it is."""
    from .draft import draft

    drafted = draft()
    if as_json:
        told = {"decisions": drafted.decisions, "warnings": drafted.warnings}
        _print({"columns": drafted.columns, **told})
        return
    for line in (*drafted.decisions, *(f"warning: {text}" for text in drafted.warnings)):
        _say(line)
    _say(f"{drafted.columns} columns added to features.yaml")


@catalog_app.command()
def show(
    names: Annotated[list[str] | None, typer.Argument()] = None, as_json: Json = False
) -> None:
    """What each column is, and why."""
    from .catalog import load_catalog
    from .review import shown

    catalog = load_catalog()
    if unknown := [name for name in names or () if name not in catalog.columns]:
        raise FactoryError(f"features.yaml has no column {unknown[0]!r}", "factory catalog show")
    lines = [shown(n, column) for n, column in catalog.columns.items() if not names or n in names]
    if as_json:
        _print({"columns": lines})
        return
    for line in lines:
        name, why = line.pop("column"), line.pop("why")
        facts = ", ".join(fact for fact in line.values() if fact and fact != "none")
        typer.echo(f"{name}: {facts}\n    {why}")


@catalog_app.command()
def review(as_json: Json = False) -> None:
    """Decide on what is suspect or assumed, the most important column first."""
    from .review import Question, pending, review

    questions = pending()
    if as_json:
        _print({"pending": [question.json() for question in questions]})
        return

    def ask(question: Question) -> str:
        weight = (
            "" if question.importance is None else f" ({question.importance:.0%} of importance)"
        )
        _say(f"\n{question.name}{weight}: {question.column.drafted}")
        if question.kind == "suspect":
            _say(f"  suspect: {question.column.suspect}")
        _say(f"  it is said to be available: {question.column.availability}")
        prompt = "  known [o]nline, in [b]atch, only [a]fter the outcome; [i]gnore, [q]uit"
        prompt += "" if question.kind == "suspect" else "; b* for all that follow"
        return str(typer.prompt(prompt, default="", show_default=False, err=True))

    answered = review(ask, _say)
    _say(f"{answered} answered, {len(pending())} left; `dvc repro` trains with them")


@data_app.command()
def pull(
    source: Annotated[
        str | None, typer.Option("--from", help="FILE, GLOB or FILE.sql; else data.source.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="What is recorded as the origin; else the source.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a new snapshot of the data; one that breaks the contract changes nothing."""
    from .source import pull

    taken = pull(source, origin)
    if as_json:
        _print(taken)
        return
    for warning in taken["warnings"]:
        _say(warning)
    before = f" (before: {taken['before']['rows']:,})" if taken["before"] else ""
    _say(f"{taken['rows']:,} rows from {taken['origin']}{before}")
    _say("next: dvc repro" if taken["changed"] else "they are the same data as before")


def main() -> None:
    """Run the program; what goes wrong is told in a sentence, with what to do next."""
    try:
        app()
    except FactoryError as error:
        _say(f"error: {error.message}")
        if error.hint:
            _say(f"hint: {error.hint}")
        sys.exit(1)
    except (SyntaxError, ImportError) as error:  # features.py and model.py are yours
        _say(f"error: {error}")
        _say("hint: mend that line; a library of your own comes with: uv add LIBRARY")
        sys.exit(1)


def _say(text: str) -> None:
    """Messages go to stderr, so that stdout holds data only."""
    typer.echo(text, err=True)


def _count(rows: int) -> None:
    """How far a long run has come, on one line."""
    typer.echo(f"\r{rows:,} rows", err=True, nl=False)


def _print(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False))
