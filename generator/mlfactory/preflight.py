"""A quick look at the data, before anything is written or installed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from .errors import MlfactoryError, UsageError

SAMPLE_BYTES = 100_000_000
SAMPLE_ROWS = 200_000
MIN_ROWS = 50
FEW_CLASSES = 10
MANY_CLASSES = 100
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"]
SEPARATORS = ",;\t|"
MOMENTS = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f",
           "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")  # fmt: skip  # noqa: E501


@dataclass(frozen=True)
class Look:
    """What a first look says of a table; `rows` is None when only a sample was read."""

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
    """Read the table, or its beginning, and decide the task; MlfactoryError says what is wrong."""
    names = columns(path)
    for name, option in ((target, "--target"), (identifier, "--id"), (time, "--time")):
        if name:
            check_column(path, names, name, option)
    check_parts(target, identifier, time)
    table, whole = read(path)
    check_rows(path, table, target)
    check_time(path, table, time)
    decided, reason = decide_task(path, table[target].drop_nulls(), task)
    known = identifier_warnings(table, identifier)
    partial = () if whole else (f"{path.name} is large: only its beginning was looked at",)
    return Look(
        path=path,
        rows=table.height if whole else None,
        columns=names,
        dtypes=tuple(str(dtype) for dtype in table.dtypes),
        target=target,
        task=decided,
        reason=reason,
        separator=separator(path),
        warnings=(*partial, *known),
    )


def columns(path: Path) -> tuple[str, ...]:
    """The names in the header; MlfactoryError when the file is no table."""
    check_file(path)
    names = header(path)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MlfactoryError(
            f"{path} has two columns named {twice[0]!r}", "rename one of them in the file"
        )
    if "" in names:
        raise MlfactoryError(
            f"column {names.index('') + 1} of {path} has no name",
            "name it in the file's first line",
        )
    return names


def check_file(path: Path) -> None:
    """It is there, it can be read, it holds something, and its name says what it is."""
    if path.is_dir():
        raise MlfactoryError(f"{path} is a directory", "give one CSV or Parquet file")
    if not path.exists():
        near = get_close_matches(path.name, [p.name for p in siblings(path)], 1)
        hint = f"did you mean {path.parent / near[0]}?" if near else "check the path"
        raise MlfactoryError(f"there is no file {path}", hint)
    if path.suffix not in (".csv", ".parquet"):
        raise MlfactoryError(
            f"{path} ends neither in .csv nor in .parquet", "save the table as one of the two"
        )
    try:
        with path.open("rb") as file:
            beginning = file.read(4)
    except OSError as error:
        raise MlfactoryError(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    if not beginning:
        raise MlfactoryError(f"{path} is empty", "export the data again")
    if path.suffix == ".parquet" and beginning != b"PAR1":
        raise MlfactoryError(f"{path} is no Parquet file", "export the data again")


def siblings(path: Path) -> list[Path]:
    """The files beside it, where its folder exists."""
    return list(path.parent.iterdir()) if path.parent.is_dir() else []


def header(path: Path) -> tuple[str, ...]:
    """The first line, as written: polars would rename a column that comes twice."""
    if path.suffix == ".parquet":
        return tuple(_polars(path, lambda: pl.read_parquet_schema(path)))
    with path.open("r", encoding="utf-8-sig", newline="") as file:
        try:
            return tuple(next(csv.reader(file, delimiter=separator(path)), ()))
        except (UnicodeDecodeError, csv.Error) as error:
            raise MlfactoryError(
                f"{path} is no text in UTF-8 that reads as CSV", "save it as CSV in UTF-8"
            ) from error


def separator(path: Path) -> str:
    """The character that most often parts the first line."""
    if path.suffix == ".parquet":
        return ","
    with path.open("r", encoding="utf-8-sig", errors="replace") as file:
        line = file.readline(1_000_000)
    return max(SEPARATORS, key=line.count)


def read(path: Path) -> tuple[pl.DataFrame, bool]:
    """The table with types guessed, and whether it is the whole of it."""
    whole = path.stat().st_size <= SAMPLE_BYTES
    rows = None if whole else SAMPLE_ROWS
    if path.suffix == ".parquet":
        return _polars(path, lambda: pl.read_parquet(path, n_rows=rows)), whole
    return _polars(path, lambda: _read_csv(path, rows)), whole


def _read_csv(path: Path, rows: int | None) -> pl.DataFrame:
    return pl.read_csv(
        path, separator=separator(path), n_rows=rows, null_values=MISSING, infer_schema_length=None
    )


def _polars(path: Path, call: Any) -> Any:
    try:
        return call()
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        said = str(error).strip().splitlines()[0]
        raise MlfactoryError(
            f"{path} cannot be read as a table: {said}", "mend the file"
        ) from error


def check_column(path: Path, names: tuple[str, ...], name: str, option: str) -> None:
    """The column is there; the nearest name is suggested."""
    if name in names:
        return
    near = get_close_matches(name.lower(), [n.lower() for n in names], 1)
    meant = next((n for n in names if near and n.lower() == near[0]), None)
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    hint = f"did you mean {option} {meant!r}?" if meant else f"its columns are: {shown}"
    raise MlfactoryError(f"{path} has no column {name!r}", hint)


def check_parts(target: str, identifier: str, time: str) -> None:
    """A column cannot play two parts."""
    for name, option in ((identifier, "--id"), (time, "--time")):
        if name and name == target:
            raise UsageError(f"{name!r} is the target and {option} at once", "name another column")
    if identifier and identifier == time:
        raise UsageError(f"{time!r} is --id and --time at once", "name another column")


def check_rows(path: Path, table: pl.DataFrame, target: str) -> None:
    """Enough rows with a target to fit a model and to hold some out."""
    if table.is_empty():
        raise MlfactoryError(f"{path} has a header and no row", "export the data again")
    known = table.height - table[target].null_count()
    if not known:
        raise MlfactoryError(
            f"the target {target!r} is missing in every row", "name another column with --target"
        )
    if known < MIN_ROWS:
        raise MlfactoryError(
            f"{path} has {known} rows with a target; at least {MIN_ROWS} are needed to train "
            "and to hold some out",
            "collect more data first",
        )


def check_time(path: Path, table: pl.DataFrame, time: str) -> None:
    """Every row has a moment that can be read."""
    if not time:
        return
    column = table[time]
    if column.dtype == pl.String:
        read = [_moment(pl.col(time), form) for form in MOMENTS]
        column = table.select(pl.coalesce(read).alias(time))[time]
    elif not column.dtype.is_temporal():
        raise MlfactoryError(
            f"the time column {time!r} holds {column.dtype} values, not dates",
            "write dates as 2025-12-31 or 2025-12-31 23:59:59",
        )
    if unread := column.null_count():
        raise MlfactoryError(
            f"{unread:,} rows of {path} have no date in {time!r} that can be read",
            "write dates as 2025-12-31 or 2025-12-31 23:59:59, or leave --time out",
        )
    if column.n_unique() < 2:
        raise MlfactoryError(
            f"the time column {time!r} is the same in every row", "leave --time out"
        )


def _moment(value: pl.Expr, form: str) -> pl.Expr:
    text = value.str.strip_chars().str.replace("Z$", "+0000")
    return text.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone(None)


def identifier_warnings(table: pl.DataFrame, identifier: str) -> tuple[str, ...]:
    """What is odd about the column that names rows."""
    if not identifier:
        return ()
    if missing := table[identifier].null_count():
        raise MlfactoryError(
            f"the id column {identifier!r} is missing in {missing:,} rows",
            "fill it, or leave --id out",
        )
    distinct = table[identifier].n_unique()
    if distinct < 10:
        raise MlfactoryError(
            f"the id column {identifier!r} has {distinct} values only: it names no rows",
            "name the column that tells entities apart, or leave --id out",
        )
    return ()


def decide_task(path: Path, target: pl.Series, task: str) -> tuple[str, str]:
    """Class or number, and why; MlfactoryError where the target cannot be what was asked for."""
    decided, reason = guess_task(target)
    if task == "regression" and not target.dtype.is_numeric():
        raise MlfactoryError(
            f"the target {target.name!r} holds {target.dtype} values: no number can be predicted",
            "leave --task out, or say --task classification",
        )
    if task != "auto":
        decided, reason = task, "as asked for"
    distinct = target.n_unique()
    if distinct < 2:
        raise MlfactoryError(
            f"the target {target.name!r} is {target[0]!r} in every row of {path}",
            "a model needs at least two different values: name another column with --target",
        )
    if decided == "classification":
        check_classes(target, distinct)
    return decided, reason


def guess_task(target: pl.Series) -> tuple[str, str]:
    """Numbers are predicted as numbers, unless there are only a few whole ones."""
    distinct = target.n_unique()
    if not target.dtype.is_numeric():
        return "classification", f"the target holds {distinct} names"
    whole = target.dtype.is_integer() or bool((target == target.floor()).all())
    if whole and distinct <= (FEW_CLASSES if target.dtype.is_integer() else 2):
        return "classification", f"the target holds {distinct} different whole numbers"
    return "regression", "the target holds numbers"


def check_classes(target: pl.Series, distinct: int) -> None:
    """Not a class per row, and no class so rare that it cannot be trained on and held out."""
    if distinct > MANY_CLASSES:
        raise MlfactoryError(
            f"the target {target.name!r} has {distinct:,} classes",
            "name another column with --target, or say --task regression for numbers",
        )
    counts = target.value_counts().sort("count")
    name, rows = counts.row(0)
    if rows < 3:
        raise MlfactoryError(
            f"the class {name!r} of {target.name!r} has {rows} rows: too few to train and hold out",
            "add rows of this class, join it with another, or take its rows out",
        )
