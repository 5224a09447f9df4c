"""The names of the columns: as they are written, and what cannot be one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mlfactory.base.errors import MlfactoryError

Rows = Sequence[Sequence[str]]


def check_first(path: Path, rows: Rows, line: int) -> None:
    """The first line is a header, and no title above the table, which begins in `line`."""
    first = rows[0] if rows else []
    if not first:
        raise MlfactoryError(
            f"{path} has no header in its first line", "Put the names of the columns there."
        )
    if re.fullmatch(r"sep=.?", ",".join(first).strip(), re.IGNORECASE):
        raise MlfactoryError(
            f"the first line of {path} is a note for spreadsheets, not the header",
            "Delete the line `sep=`.",
        )
    if line > 1:
        raise MlfactoryError(
            f"the table in {path} begins in line {line}, below a title or notes: "
            f"{''.join(first).strip()[:60]!r}",
            "Delete the lines above the names of the columns.",
        )


def read_names(rows: Rows) -> tuple[str, ...]:
    """The names in the header, where a reader would rename one that comes twice.

    An empty one tells its place instead; it is left out where every line ends in a separator.
    """
    first = list(rows[0])
    last = len(first) - 1
    if last and not any(row[last].strip() for row in rows if len(row) > last):
        first.pop()
    return tuple(name if name.strip() else f"column_{n}" for n, name in enumerate(first, 1))


def unnamed_warnings(path: Path, rows: Rows) -> tuple[str, ...]:
    names = read_names(rows)
    unnamed = [n for n, old in zip(names, rows[0], strict=False) if not old.strip()]
    if not unnamed:
        return ()
    count = "a column" if len(unnamed) == 1 else f"{len(unnamed)} columns"
    return (f"{path.name} has {count} without a name, called {', '.join(unnamed[:5])} here",)


def check_names(source: str, names: Sequence[str], *, text: bool) -> None:
    """Every column has a name of its own, and the header of a text is not a row of data."""
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise MlfactoryError(f"{source} has two columns named {twice[0]!r}", "Rename one of them.")
    if patterns := [name for name in names if name == "*" or re.fullmatch(r"\^.*\$", name)]:
        raise MlfactoryError(
            f"{source} has a column named {patterns[0]!r}, which polars takes for a pattern",
            "Rename it in the data.",
        )
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise MlfactoryError(f"column {number} of {source} has no name", "Give it a name.")
        if re.search(r"[\x00-\x1f\x7f]", name):
            raise MlfactoryError(
                f"the name of column {number} of {source} has a line break or control character: "
                f"{name[:80]!r}",
                "Rename the column.",
            )
    if text and looks_like_data(names):
        raise MlfactoryError(
            f"the first line of {source} is not a header: it holds {', '.join(names[:5])}",
            "Put the names of the columns into the first line.",
        )
    if len(names) < 2:
        parts = "; comma, semicolon, tab or | must part them" if text else ""
        raise MlfactoryError(
            f"{source} has one column only: {', '.join(names)[:80]!r}",
            f"A model needs others to learn from{parts}.",
        )


def check_same(first: Path, names: Sequence[str], other: Path, others: Sequence[str]) -> None:
    """Another file of the same table has the same columns, in any order."""
    hint = "All files must have the same columns: mend it, or leave the file out."
    if lacking := [name for name in names if name not in others]:
        raise MlfactoryError(f"{other} has no column {lacking[0]!r}, which {first} has", hint)
    if added := [name for name in others if name not in names]:
        raise MlfactoryError(f"{other} has a column {added[0]!r}, which {first} has not", hint)
    if len(others) > len(names):
        check_names(str(other), others, text=False)


def looks_like_data(names: Sequence[str]) -> bool:
    """Years may be names of columns; fractions never are."""
    number = re.compile(r"\s*[-+]?\d+(\.\d+)?(e[-+]?\d+)?\s*", re.IGNORECASE)
    fraction = re.compile(r"\s*[-+]?\d*[.,]\d+\s*")
    return all(map(number.fullmatch, names)) or any(map(fraction.fullmatch, names))


def name_warnings(names: Sequence[str]) -> tuple[str, ...]:
    spaced = [name for name in names if name != name.strip()]
    if not spaced:
        return ()
    return (f"the name of the column {spaced[0]!r} begins or ends with a space",)
