"""What is odd about the names of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlfactory_runtime.tables.header import Rows, check_names, read_names

from ..base.errors import MlfactoryError


def unnamed_warnings(path: Path, rows: Rows) -> tuple[str, ...]:
    names = read_names(rows)
    unnamed = [n for n, old in zip(names, rows[0], strict=False) if not old.strip()]
    if not unnamed:
        return ()
    count = "a column" if len(unnamed) == 1 else f"{len(unnamed)} columns"
    return (f"{path.name} has {count} without a name, called {', '.join(unnamed[:5])} here",)


def check_same(first: Path, names: Sequence[str], other: Path, others: Sequence[str]) -> None:
    """Another file of the same table has the same columns, in any order."""
    hint = "All files must have the same columns: mend it, or leave the file out."
    if lacking := [name for name in names if name not in others]:
        raise MlfactoryError(f"{other} has no column {lacking[0]!r}, which {first} has", hint)
    if extra := [name for name in others if name not in names]:
        raise MlfactoryError(f"{other} has a column {extra[0]!r}, which {first} has not", hint)
    if len(others) > len(names):
        check_names(str(other), others, text=False)


def name_warnings(names: Sequence[str]) -> tuple[str, ...]:
    spaced = [name for name in names if name != name.strip()]
    if not spaced:
        return ()
    return (f"the name of the column {spaced[0]!r} begins or ends with a space",)
