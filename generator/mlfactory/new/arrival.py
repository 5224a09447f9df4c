"""Data that are no text and no Parquet, or come through a pipe: files that can be looked at."""

from __future__ import annotations

import shutil
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.talk import Talk

from .journal import MANY, PIPE, QUERY, Run

PIPED = "-"


def drain(run: Run, folder: Path) -> Run:
    """Read a pipe to its end, into a file of the folder."""
    from mlfactory.look import foreign

    name = run.request.data
    path = Path("/dev/stdin" if name == PIPED else name).expanduser()
    if not name or not (name == PIPED or path.is_fifo()):
        return run
    copy = folder / "data"
    try:
        with path.open("rb") as source, copy.open("wb") as target:
            if source.isatty():
                raise UsageError("nothing is piped in", "Type: PROGRAM | mlfactory new … --data -")
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise MlfactoryError(f"{name} cannot be read: {error.strerror}") from error
    whole = copy.rename(copy.with_name(f"data{foreign.ending_of(copy)}"))
    return replace(run, request=replace(run.request, data=str(whole)), form=PIPE)


def convert(
    run: Run,
    files: tuple[Path, ...],
    folder: Path,
    talk: Talk,
    questions: Container[str],
    *,
    ask: bool,
) -> Run:
    """Convert the data, as far as they have to be, to Parquet files in the folder.

    Which sheet or table is meant, an option says, or the person at the terminal.
    """
    from mlfactory.look import foreign

    if run.form == QUERY or not foreign.any_of(files):
        if run.request.table:
            raise UsageError(f"{run.request.data} has no tables to choose from", "Leave --table.")
        return run
    table = choose_table(run, files[0], talk, ask=ask)
    tables = [foreign.convert(file, folder / str(n), table) for n, file in enumerate(files)]
    more = {"data_table": table} if table and "data_table" in questions else {}
    request = replace(run.request, table=table or "")  # the command to type again has it, too
    run = replace(run, request=request, tables=tuple(map(str, tables)))
    return replace(run, given={**run.given, **more})


def choose_table(run: Run, path: Path, talk: Talk, *, ask: bool) -> str | None:
    """The sheet or table, where the file has several."""
    from mlfactory.look import foreign

    if run.request.table or run.form == MANY or not ask:
        return run.request.table or None
    names = foreign.tables_in(path)
    return talk.choose(f"Which table of {path.name} is it?", names) if len(names) > 1 else None


@contextmanager
def naming(tables: tuple[str, ...], files: tuple[Path, ...]) -> Iterator[None]:
    """What goes wrong with a converted table is told of the file that it comes from."""
    try:
        yield
    except MlfactoryError as error:
        message = error.message
        for table, file in zip(tables, files, strict=False):
            message = message.replace(table, str(file))
        raise type(error)(message, error.hint) from error
