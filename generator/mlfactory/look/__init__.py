"""A quick look at the data, before anything is written or installed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlfactory_runtime.tables.file import HEAD, is_parquet, partitions
from mlfactory_runtime.tables.header import check_names

from ..base.errors import MlfactoryError
from . import file, header, text
from . import target as targets
from .faults import as_ours
from .target import Parts

if TYPE_CHECKING:
    import polars as pl

    from .table import Table

__all__ = ["Look", "columns", "look", "look_frame"]


@dataclass(frozen=True)
class Look:
    """What a first look says of a table.

    `rows` is None when only the beginning of a large file was read; `reason` is the sentence that
    explains `task`; `dtypes` are guesses from the first rows, in the order of `columns`. Of several
    files, `path`, `separator` and `encoding` are those of the first.
    """

    path: Path
    rows: int | None
    columns: tuple[str, ...]
    dtypes: tuple[str, ...]
    target: str
    task: str
    reason: str
    separator: str
    warnings: tuple[str, ...]
    encoding: str = "utf-8"


@as_ours()
def look(
    paths: Path | tuple[Path, ...],
    target: str,
    *,
    identifier: str = "",
    time: str = "",
    task: str = "auto",
) -> Look:
    """Read the table, or the beginning of a large one, and decide the task.

    Several files are one table: all have the same columns, in any order. Raises MlfactoryError
    when this is no table that a model can be trained on, and UsageError when the options do not
    fit it.
    """
    parts = Parts(target, identifier, time, task)
    paths = (paths,) if isinstance(paths, Path) else paths
    names, source = columns(paths), source_name(paths)
    targets.check(source, names, parts)
    if is_parquet(paths[0]):
        from . import table

        return judge(paths[0], names, table.read_parquets(source, paths, parts.columns), parts)
    return look_at_texts(source, paths, names, parts)


def look_at_texts(
    source: str, paths: tuple[Path, ...], names: tuple[str, ...], parts: Parts
) -> Look:
    """Text is read file after file, until enough of it is looked at."""
    from . import table

    budget, texts = file.SAMPLE_BYTES, []
    for path in paths:
        if budget > 0:
            texts.append(text.read(path, budget))
            budget -= len(texts[-1].content)
    whole = len(texts) == len(paths) and all(one.whole for one in texts)
    sample = table.read_texts(source, texts, parts.columns, whole)
    look = judge(paths[0], names, sample, parts)
    return replace(look, separator=texts[0].separator, encoding=texts[0].encoding)


@as_ours()
def look_frame(
    name: str,
    frame: pl.DataFrame,
    rows: int | None,
    *,
    target: str,
    identifier: str = "",
    time: str = "",
    task: str = "auto",
) -> Look:
    """The same for a table that was read elsewhere, `name` in messages.

    The frame is the whole table if it has `rows` rows, and its beginning if not.
    """
    from . import table

    parts = Parts(target, identifier, time, task)
    names = tuple(frame.columns)
    check_names(name, names, text=False)
    targets.check(name, names, parts)
    return judge(Path(name), names, table.of_frame(name, frame, rows, parts.columns), parts)


def judge(path: Path, names: tuple[str, ...], sample: Table, parts: Parts) -> Look:
    """Decide the task, and see whether the columns can play their parts."""
    from . import facts

    target = facts.describe(sample, parts.target)
    targets.check_rows(sample.name, target, sample.whole)
    task, reason = targets.decide(target, parts.task)
    if task == "classification" and target.odd:
        target = facts.describe(sample, parts.target, classes=True)
        task, reason = targets.decide(target, parts.task)
    identifier, time = parts.identifier, parts.time
    return Look(
        path=path,
        rows=sample.rows,
        columns=names,
        dtypes=(*sample.dtypes, *["String"] * (len(names) - len(sample.dtypes))),
        target=parts.target,
        task=task,
        reason=reason,
        separator=",",
        warnings=(
            *sample.warnings,
            *header.name_warnings(names),
            *targets.target_warnings(target, task, sample.whole),
            *(targets.check_identifier(facts.spread(sample, identifier)) if identifier else ()),
            *(targets.check_time(facts.span(sample, time)) if time else ()),
        ),
    )


@as_ours()
def columns(paths: Path | tuple[Path, ...]) -> tuple[str, ...]:
    """The names in the header. Raises MlfactoryError when the file is no table."""
    paths = (paths,) if isinstance(paths, Path) else paths
    for path in paths:
        file.check(path, with_name=len(paths) == 1)
    kinds = {is_parquet(path): path for path in paths}
    if len(kinds) > 1:
        raise MlfactoryError(
            f"{kinds[False]} is text, and {kinds[True]} is Parquet",
            "Give files of one kind.",
        )
    first, *others = (names_in(path, several=len(paths) > 1) for path in paths)
    check_names(str(paths[0]), first, text=not is_parquet(paths[0]))
    for path, names in zip(paths[1:], others, strict=True):
        header.check_same(paths[0], first, path, names)
    return first


def names_in(path: Path, *, several: bool) -> tuple[str, ...]:
    """The names in the header; of one of several files also those in the names of its folders."""
    if is_parquet(path):
        from . import table

        names = table.parquet_names(path)
    else:
        names = text.read(path, HEAD).names
    folders = partitions(path) if several else {}
    return (*names, *(name for name in folders if name not in names))


def source_name(paths: tuple[Path, ...]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
