"""The first look and the factory say the same of a column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from mlfactory.look import facts, look, table
from mlfactory.look.target import TargetFacts
from mlfactory_runtime.tables.kinds import find_kind, odd_words

ROWS = 120
INTEGERS = [str(n) for n in range(60)]
WORDS = ["unknown", "refused", "later", "lost", "open"]
COLUMNS: dict[str, tuple[Sequence[str], str, str]] = {
    "apostrophes and commas": (["1'234,5", "12'000,1", "3'000,7"], "float", "number"),
    "german markers": (["1.5", "k.A.", "s.o.", "3.1"], "float", "number"),
    "words and markers": (
        [*INTEGERS, *WORDS, "-", "--", ".", "na", "None"],
        "int",
        "whole",
    ),
    "six words": ([*INTEGERS, *WORDS, "sixth"], "string", "mixed"),
    "dollars": (["$5", "$1,234.50", "-$3", "($7)"], "float", "number"),
    "whole floats": (["1.0", "2.0", "35.0"], "float", "whole float"),
    "units": (["5 kg", "1,200 kg"], "int", "whole"),
    "two units": (["5 kg", "3 g"], "float", "whole float"),
    "units apart": (["25 °C", "77 °F"], "string", "name"),
    "codes": (["007", "123"], "string", "name"),
    "long codes": (["12345678901234567890", "1"], "string", "name"),
    "truth": (["ja", "nein"], "bool", "name"),
    "days": (["31.01.2025", "01.02.2025"], "date", "moment"),
    "compact days": (["20250131", "20250201"], "date", "moment"),
    "moments": (["2025-01-31 10:00", "2025-02-01 12:30"], "datetime", "moment"),
    "endless": ([*map(str, range(20)), "0.5", "inf"], "float", "number"),
    "question marks": (["?", "1", "2"], "int", "whole"),
}


@pytest.mark.parametrize(("values", "dtype", "kind"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_is_the_same_to_both(values: Sequence[str], dtype: str, kind: str) -> None:
    column = pl.Series("y", values)
    reading = find_kind(column, european=False)
    target = described(column)
    assert (reading.dtype, target.kind) == (dtype, kind)
    assert target.present == len(values) - column.is_in(reading.missing).sum()
    assert target.odd == odd_words(reading)


def described(column: pl.Series, *, classes: bool = False) -> TargetFacts:
    frame = column.to_frame()
    sample = table.Table("a.csv", frame, frame.height, True, ("String",))
    return facts.describe(sample, column.name, classes=classes)


def test_the_files_own_style_decides_for_both(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [f"{n % 90 + 1}.{n:03}" for n in range(ROWS)], ";")
    assert table.is_european(pl.DataFrame({"y": ["1.234", "2.500"]}), ";")
    assert look(path, "y").task == "regression"


def test_words_among_numbers_are_classes_where_classes_are_predicted(tmp_path: Path) -> None:
    values = [("0", "1", "unknown")[n % 9 // 4] for n in range(ROWS)]
    facts = look(write(tmp_path / "a.csv", values), "y")
    assert facts.reason == ("the target 'y' holds 3 different names, so the task is classification")
    assert facts.warnings == ()


def write(path: Path, values: Sequence[str], separator: str = ",") -> Path:
    """A table of two columns, the second with these values."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, delimiter=separator)
        rows.writerows([("x", "y"), *enumerate(values)])
    return path
