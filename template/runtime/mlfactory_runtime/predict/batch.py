"""Scoring a table batch by batch: memory does not grow with the rows."""

import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import polars as pl

from ..errors import FactoryError
from ..project import Project
from ..scratch import scratch, temporary
from ..settings.params import Data
from ..tables.conversion import readable
from ..tables.read import read_batches, with_partitions
from .places import aside_of, check_target
from .refusals import absent_by
from .scorer import Scorer, open_scorer, score

MAX_INVALID = 0.05
FORMULA = r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]"  # wide ones, too, as they are typed in Japan
NUMBER = r"^[-+]?[0-9]+([.,][0-9]+)*([eE][-+]?[0-9]+)?$"

Put = Callable[[pl.DataFrame], None]


@dataclass(frozen=True)
class Scored:
    """How many rows were scored, how many were not, and the file that holds those with reasons.

    How many are in the prediction log, under which request, why it lacks the others, and which
    sensitive columns it leaves out. `earlier` are quarantine files that stood there before.
    """

    rows: int
    invalid: int
    quarantine: Path | None
    logged: int = 0
    request_id: str | None = None
    unlogged: str = ""
    left_out: tuple[str, ...] = ()
    earlier: tuple[Path, ...] = ()


def predict_file(
    project: Project,
    source: Path,
    target: Path,
    folder: Path | None = None,
    *,
    explain: int = 0,
    max_invalid: float = MAX_INVALID,
    url_env: str | None = None,
    table: str | None = None,
    log: bool = True,
    spreadsheet: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Score the rows of `source` into `target` (CSV or Parquet), which appears when it is whole.

    A `.sql` is a query: its rows come from the database whose URL stands in the environment
    variable `url_env`, else in that of data.url_env. Of a workbook or a database in a file, `table`
    names the sheet or the table, else data.table does.

    Rows that break the contract, and rows that lack a value which never was missing in training,
    go with the reason into a file beside it, whose name is free. A FactoryError if their share is
    above `max_invalid`; then only that file is written. With `spreadsheet` no value of either is
    taken for a formula.
    """
    check_target(project, source, target)
    scorer = open_scorer(project, folder or project.model_folder, explain)
    return score_file(
        logging(scorer) if log else scorer,
        source,
        target,
        aside_of(target),
        max_invalid=max_invalid,
        url_env=url_env,
        table=table,
        spreadsheet=spreadsheet,
        progress=progress,
    )


def logging(scorer: Scorer, batch: str = "") -> Scorer:
    """The same with a run of the prediction log, unless params.yaml wants none; of a `batch` of
    several runs, if it is named.
    """
    if not scorer.params.log.enabled:
        return scorer
    from ..log.batch import BatchLog

    return replace(scorer, log=BatchLog(scorer.params, scorer.catalog, scorer.signature, batch))


def score_file(
    scorer: Scorer,
    source: Path,
    target: Path,
    asides: tuple[Path, tuple[Path, ...]],
    *,
    max_invalid: float = MAX_INVALID,
    url_env: str | None = None,
    table: str | None = None,
    spreadsheet: bool = False,
    progress: Callable[[int], None] = lambda _: None,
    notes: Mapping[str, str] = MappingProxyType({}),
) -> Scored:
    """Score a file into a place that was looked at, by a model that is read already.

    `asides` are the name for rows without an answer, and the files of earlier runs. `notes` stand
    in the Parquet file's own metadata.
    """
    aside, earlier = asides
    if scorer.log:
        notes = {**notes, "request_id": scorer.log.request_id}
    with ExitStack() as stack:
        if scorer.log:
            stack.enter_context(scorer.log)
        put = stack.enter_context(whole(target, spreadsheet=spreadsheet, notes=notes))
        with whole(aside, spreadsheet=spreadsheet) as put_aside:
            batches = stack.enter_context(
                closing(rows_of(source, scorer.params.data, url_env, table))
            )
            total, invalid = score_all(batches, scorer, put, put_aside, progress)
        if not total:
            raise FactoryError(f"{source} holds no row", "give a file with rows")
        if invalid > max_invalid * total:
            raise FactoryError(
                f"{invalid:,} of {total:,} rows cannot be scored, and {max_invalid:.1%} may not be",
                f"{aside} says why; mend them at the source, or allow more with --max-invalid",
            )
    result = Scored(total - invalid, invalid, aside if invalid else None, earlier=earlier)
    if not scorer.log:
        return result
    return replace(
        result,
        logged=scorer.log.rows,
        request_id=scorer.log.request_id,
        unlogged=scorer.log.problem,
        left_out=scorer.log.left_out,
    )


def score_all(
    batches: Iterable[pl.DataFrame],
    scorer: Scorer,
    put: Put,
    put_aside: Put,
    progress: Callable[[int], None],
) -> tuple[int, int]:
    """Hand on the answers and the rows that have none; how many rows there were, and of these.

    Rows that lack a column are counted for the log, all that there are, before it is an error.
    """
    total, invalid, batches = 0, 0, iter(batches)
    needed = scorer.catalog.inputs(scorer.params)
    for raw in batches:
        if scorer.log and not needed.keys() <= {*raw.columns}:
            rows = total + raw.height + sum(rest.height for rest in batches)
            scorer.log.refuse(absent_by(raw, needed, rows), rows, scorer.version)
        good, bad = score(raw, scorer, total)
        put(good)
        put_aside(bad)
        total, invalid = total + raw.height, invalid + bad.height
        progress(total)
    return total, invalid


def rows_of(
    source: Path, data: Data, url_env: str | None, table: str | None = None
) -> Generator[pl.DataFrame, None, None]:
    """The raw rows of a file, or of a query, in batches.

    Those of a query stand in a file before the first one is scored: the database is held no longer
    than they take to arrive, and a column has one type in all batches.
    """
    if source.suffix != ".sql":
        with readable(source, data, table or data.table) as copy:
            for raw in read_batches(copy, data):
                yield with_partitions(raw, source, raw.columns)
        return
    from ..tables.query import URL_ENV, write_query

    with temporary() as folder:
        rows = folder / "rows.parquet"
        setting = "--url-env" if url_env else URL_ENV
        write_query(source, url_env or data.url_env, rows, setting)
        yield from read_batches(rows, data)


@contextmanager
def whole(
    target: Path,
    *,
    spreadsheet: bool = False,
    notes: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Put]:
    """Write frames one after the other; the file appears when all went well, if any had rows."""
    with scratch(target.parent) as folder:
        count = 0

        def put(frame: pl.DataFrame) -> None:
            nonlocal count
            if frame.height:
                frame = inert(frame) if spreadsheet else frame
                frame.write_parquet(folder / f"{count:06}.parquet")
                count += 1

        yield put
        gather(folder, target, notes) if count else target.unlink(missing_ok=True)


def inert(frame: pl.DataFrame) -> pl.DataFrame:
    """Text, names of columns too, that no spreadsheet takes for a formula: with a ' before it.

    Numbers are none, with whatever sign.
    """
    text = pl.col(pl.String)
    formula = text.str.contains(FORMULA) & ~text.str.contains(NUMBER)
    safe = frame.with_columns(pl.when(formula).then("'" + text).otherwise(text).name.keep())
    names = {n: f"'{n}" for n in frame.columns if re.match(FORMULA, n)}
    return safe.rename(names)


def gather(parts: Path, target: Path, notes: Mapping[str, str]) -> None:
    """Make one file of all parts, streaming, and put it in place in one move."""
    table, output = pl.scan_parquet(parts / "*.parquet"), parts / f"whole{target.suffix}"
    if target.suffix == ".csv":
        table.sink_csv(output)
    else:
        table.sink_parquet(output, metadata=dict(notes))
    with output.open("rb") as file:
        os.fsync(file.fileno())  # what is in place is whole after a power cut, too
    output.replace(target)
