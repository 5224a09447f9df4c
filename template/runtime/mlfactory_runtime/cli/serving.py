"""Predictions, what became of them, and who is forgotten."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import FactoryError
from .program import Json, app, count, here, print_json, print_text, say

if TYPE_CHECKING:
    from ..predict.folder import FolderScore

Model = Annotated[str, typer.Option(help="A stage, a version, or the folder of a model.")]


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(metavar="[INPUT] OUTPUT", show_default=False)],
    model: Model = "models/model",
    explain: Annotated[
        int, typer.Option(min=0, help="Add so many features that moved each row's score most.")
    ] = 0,
    max_invalid: Annotated[
        float, typer.Option(min=0, max=1, help="Fail when a larger share of rows is invalid.")
    ] = 0.05,
    query: Annotated[
        Path | None, typer.Option(metavar="FILE.sql", help="Take the rows from a database instead.")
    ] = None,
    url_env: Annotated[
        str | None, typer.Option(help="Environment variable with its URL; else data.url_env.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="A sheet or table of INPUT; else data.table.")
    ] = None,
    log: Annotated[bool, typer.Option(help="Write the rows to the prediction log.")] = True,
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="Put a ' before text that looks like a formula.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=0, help="Of a folder: so many files at once, a core each; 0: all.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Score every row of INPUT into OUTPUT (CSV or Parquet both); invalid rows go beside it.

    INPUT may be a folder of Parquet files: OUTPUT becomes one with the same names, and what is
    finished there already is left as it is."""
    from ..predict.places import check_output
    from ..registry.hand_over import hand_over
    from ..registry.resolve import resolve

    sources, target = [*files[:-1], *([query] if query else [])], files[-1]
    if len(sources) != 1:
        raise typer.BadParameter("give INPUT and OUTPUT, or --query FILE.sql and OUTPUT")
    if query and query.suffix != ".sql":
        raise typer.BadParameter(f"call it {query.stem}.sql", param_hint="--query")
    project = here()
    check_output(project, sources[0], target)
    version = resolve(project, model)
    if version.commit:
        options = [*["--no-log"] * (not log), *["--json"] * as_json]
        options += ["--spreadsheet"] * spreadsheet
        options += ["--url-env", url_env] if url_env else []
        options += ["--table", table] if table else []
        options += ["--jobs", str(jobs)] if sources[0].is_dir() else []
        numbers = ["--explain", str(explain), "--max-invalid", str(max_invalid)]
        paths = [str(sources[0].absolute()), str(target.absolute())]
        hand_over(project, version, ["predict", *paths, *numbers, *options])
    progress = count if sys.stderr.isatty() else lambda _: None
    if sources[0].is_dir():
        from ..predict.folder import Task, predict_folder

        places = (project.root, version.model, sources[0].absolute(), target.absolute())
        task = Task(*places, explain, max_invalid, log, spreadsheet)
        tell_folder(predict_folder(project, task, jobs, progress), target, as_json)
        return
    from ..predict.batch import predict_file

    result = predict_file(
        project, sources[0], target, version.model, explain=explain, max_invalid=max_invalid,
        url_env=url_env, table=table, log=log, spreadsheet=spreadsheet, progress=progress,
    )  # fmt: skip
    if result.unlogged:
        say(f"warning: {result.rows - result.logged:,} rows are not in the log: {result.unlogged}")
    elif result.left_out:
        names = ", ".join(map(repr, result.left_out))
        say(f"the log leaves out {names}: sensitive, and there is no key (log.key_env)")
    if as_json:
        aside = str(result.quarantine) if result.quarantine else None
        content = {"rows": result.rows, "invalid": result.invalid, "quarantine": aside}
        print_json({**content, "logged": result.logged, "request_id": result.request_id})
        return
    say(f"{result.rows:,} rows scored into {target}")
    if result.invalid:
        say(f"warning: {result.invalid:,} rows could not be scored: {result.quarantine} says why")
    for name in result.earlier:
        say(f"{name} is of an earlier run, and stays as it is")


def tell_folder(result: "FolderScore", target: Path, as_json: bool) -> None:
    """What became of a folder's files. FactoryError that names those without answers."""
    if as_json:
        print_json(result.json())
    say(f"{result.rows:,} rows of {len(result.files):,} files are scored in {target}")
    if earlier := len(result.files) - len(result.new) - len(result.failures):
        say(f"{earlier:,} of them were finished before, or hold no row")
    if result.invalid:
        say(f"warning: {result.invalid:,} rows could not be scored: {target}/_quarantine says why")
    for one in result.new:
        if one.unlogged:
            say(f"warning: the rows of {one.file} are not in the log: {one.unlogged}")
    if failures := result.failures:
        names = ", ".join(one.file for one in failures[:5]) + ", ..." * (len(failures) > 5)
        message = f"{len(failures):,} files have no answers ({names}): {failures[0].error}"
        raise FactoryError(message, "mend them, and run it again: what is finished stays")


@app.command()
def label(
    file: Path,
    time: Annotated[
        str | None, typer.Option(help="The column that says when an outcome was known.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take in outcomes from FILE (CSV or Parquet), found by data.id or by request_id and row."""
    from ..log.labels import label

    counts = label(here(), file, time)
    if as_json:
        print_json(asdict(counts))
        return
    message = (
        f"outcomes: {counts.new:,} new, {counts.changed:,} changed, {counts.same:,} as they were"
    )
    say(f"{message}, {counts.blank:,} not known yet")
    if counts.unknown:
        none = "the log has no prediction before them, or none since the outcome before"
        say(f"warning: {counts.unknown:,} were left out: {none}")
    if counts.shared:
        say(
            f"{counts.shared:,} count for several predictions each, made at different times: "
            "if they tell of one, label by request_id and row"
        )


@app.command()
def forget(
    entity: Annotated[str, typer.Argument(metavar="ID", help="As it stands in the data.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Erase an entity from the log and its outcomes; name the models that learned from it."""
    from ..forget import forget

    erasure = forget(here(), entity, dry_run=dry_run)
    if as_json:
        print_json(asdict(erasure))
        return
    verb = "would be erased" if dry_run else "erased"
    say(f"{verb}: predictions {erasure.predictions:,}, outcomes {erasure.labels:,}")
    for one in erasure.models:
        print_text(f"{one['model']}: trained on it, commit {one['commit'] or 'not made yet'}")
    for line in erasure.remains:
        say(line)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="So many processes answer.")] = 1,
    model: Model = "models/model",
    renew: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Take a new model without a gap: look so often, with 0 only on SIGHUP.",
        ),
    ] = None,
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Answer requests for predictions over HTTP, until stopped."""
    from importlib.util import find_spec

    from ..registry.hand_over import hand_over
    from ..registry.resolve import resolve

    if find_spec("fastapi") is None:
        raise FactoryError(
            "this factory was made for batches, and has no service",
            "mlfactory update --set serving=online, and `mode: online` under serving: "
            "in params.yaml",
        )
    project = here()
    if renew is not None:
        from ..serving.renewal import keep_serving

        raise typer.Exit(keep_serving(project, host, port, workers, model, renew))
    version = resolve(project, model)
    if version.commit:
        address = ["--host", host, "--port", str(port), "--workers", str(workers)]
        hand_over(project, version, ["serve", *address])
    from ..serving import serve

    serve(project, host, port, workers, version.model, fd)
