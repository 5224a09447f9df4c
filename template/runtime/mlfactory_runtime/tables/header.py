"""The names of the columns: as they are written, and what cannot be one."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import FactoryError
from .dialect import LINES, USUAL, fit, records

Rows = Sequence[Sequence[str]]


def names_of(header: Sequence[str]) -> list[str]:
    """The names that polars found, as they are meant: one that is empty tells its place."""
    names = [name.replace('""', '"') for name in header]  # polars leaves them doubled
    unnamed = re.compile(r"\s*|_duplicated_\d+")
    return [placed(i, "" if unnamed.fullmatch(name) else name) for i, name in enumerate(names, 1)]


def placed(number: int, name: str) -> str:
    return name if name.strip() else f"column_{number}"


def read_names(rows: Rows) -> tuple[str, ...]:
    """The same from the first lines, where a reader would rename a name that comes twice.

    An empty name is left out where every line ends in a separator.
    """
    first = list(rows[0])
    last = len(first) - 1
    if last and not any(row[last].strip() for row in rows if len(row) > last):
        first.pop()
    return tuple(placed(number, name) for number, name in enumerate(first, 1))


def check_first(path: Path, text: str, rows: Rows) -> None:
    """Raises FactoryError when the first line is no header, but empty, a note or a title."""
    first = rows[0] if rows else []
    if not first:
        raise FactoryError(
            f"{path} has no header in its first line", "put the names of the columns there"
        )
    if re.fullmatch(r"sep=.?", ",".join(first).strip(), re.IGNORECASE):
        raise FactoryError(
            f"the first line of {path} is a note for spreadsheets, not the header",
            "delete the line `sep=`",
        )
    alike = sum(len(row) == len(first) for row in rows) / len(rows)
    if not (is_named(rows) and alike > 0.5) and (line := table_line(text)) > 1:
        raise FactoryError(
            f"the table in {path} begins in line {line}, below a title or notes: "
            f"{''.join(first).strip()[:60]!r}",
            "delete the lines above the names of the columns",
        )


def is_named(rows: Rows) -> bool:
    """Whether the first line has several names, and not a title with empty cells behind it."""
    return bool(rows) and sum(bool(name.strip()) for name in rows[0]) > 1


def is_title(rows: Rows) -> bool:
    """Whether the first line may be a header: several names, and no numbers but years."""
    number, year = re.compile(r"\s*[-+]?\d+[.,]?\d*\s*"), re.compile(r"\s*(19|20)\d\d\s*")
    return is_named(rows) and all(year.fullmatch(n) or not number.fullmatch(n) for n in rows[0])


def table_line(text: str) -> int:
    """The line in which a table begins, if all that follows has as many columns; 0 if none does."""
    lines = text.splitlines(keepends=True)
    for skipped in range(min(len(lines) - 1, LINES)):
        rest = "".join(lines[skipped : skipped + LINES])
        titles = any(is_title(records(lines[skipped], sign)) for sign in USUAL)
        if titles and max(fit(rest, sign)[1] for sign in USUAL) > 0.9:
            return skipped + 1
    return 0


def check_names(source: str, names: Sequence[str], *, text: bool) -> None:
    """Every column has a name of its own, and the header of a text is not a row of data."""
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise FactoryError(f"{source} has two columns named {twice[0]!r}", "rename one of them")
    if patterns := [name for name in names if name == "*" or re.fullmatch(r"\^.*\$", name)]:
        raise FactoryError(
            f"{source} has a column named {patterns[0]!r}, which polars takes for a pattern",
            "rename it in the data",
        )
    for number, name in enumerate(names, 1):
        check_name(source, number, name)
    if text and looks_like_data(names):
        raise FactoryError(
            f"the first line of {source} is not a header: it holds {', '.join(names[:5])}",
            "put the names of the columns into the first line",
        )
    if len(names) < 2:
        parts = "; comma, semicolon, tab or | must part them" if text else ""
        raise FactoryError(
            f"{source} has one column only: {', '.join(names)[:80]!r}",
            f"a model needs others to learn from{parts}",
        )


def check_name(source: str, number: int, name: str) -> None:
    """Raises FactoryError when a column cannot be named so."""
    if not name.strip():
        raise FactoryError(f"column {number} of {source} has no name", "give it a name")
    if re.search(r"[\x00-\x1f\x7f]", name):
        raise FactoryError(
            f"the name of column {number} of {source} has a line break or control character: "
            f"{name[:80]!r}",
            "rename the column",
        )


def looks_like_data(names: Sequence[str]) -> bool:
    """Years may be names of columns; fractions never are."""
    number = re.compile(r"\s*[-+]?\d+(\.\d+)?(e[-+]?\d+)?\s*", re.IGNORECASE)
    fraction = re.compile(r"\s*[-+]?\d*[.,]\d+\s*")
    return all(map(number.fullmatch, names)) or any(map(fraction.fullmatch, names))
