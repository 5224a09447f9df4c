"""A quick look at the data, before anything is written or installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import file, roles

__all__ = ["Look", "columns", "look"]


@dataclass(frozen=True)
class Look:
    """What a first look says of a table.

    `rows` is None when only the beginning of a large file was read; `reason` is the sentence that
    explains `task`; `dtypes` are guesses from the first rows, in the order of `columns`.
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


def look(
    path: Path, target: str, *, identifier: str = "", time: str = "", task: str = "auto"
) -> Look:
    """Read the table, or the beginning of a large one, and decide the task.

    Raises MlfactoryError when the file is no table that a model can be trained on, and UsageError
    when the options do not fit it.
    """
    from . import table

    names = columns(path)
    roles.check(path, names, target=target, identifier=identifier, time=time, task=task)
    separator = file.separator(path)
    found = table.read(path, separator, tuple(filter(None, (target, identifier, time))))
    facts = table.describe(found, target)
    roles.check_rows(path, facts, found.whole)
    decided, reason = roles.decide(facts, task)
    return Look(
        path=path,
        rows=found.rows,
        columns=names,
        dtypes=found.dtypes,
        target=target,
        task=decided,
        reason=reason,
        separator=separator,
        warnings=(
            *found.warnings,
            *file.name_warnings(names),
            *roles.target_warnings(facts, decided, found.whole),
            *(roles.check_identifier(table.spread(found, identifier)) if identifier else ()),
            *(roles.check_time(table.span(found, time)) if time else ()),
        ),
    )


def columns(path: Path) -> tuple[str, ...]:
    """The names in the header. Raises MlfactoryError when the file is no table."""
    file.check(path)
    if path.suffix == ".csv":
        names = file.header(path)
    else:
        from . import table

        names = table.parquet_names(path)
    file.check_names(path, names)
    return names
