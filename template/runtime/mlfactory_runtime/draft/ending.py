"""Rows of a table that are none of it: a total or a note at its end, sums between others."""

import re

import polars as pl

from ..data.rows import missing_as_null
from ..settings.params import Data

LAST, CLOSE, SUMS = 3, 1e-6, 20
TOTAL = (
    r"(?i)^\W*(?:(?:grand|sub|overall)[ -]?)?(?:totale?s?|sums?|summe|gesamt\w*|insgesamt|suma"
    r"|average|averages|mean|durchschnitt|mittelwert|schnitt|promedio|media|moyenne|gemiddelde"
    r"|somma|somme|totaux|ensemble|totaal|soma|razem|итого|всего|合計|总计)\b(?:\W.*)?$"
)
SUMMED = (
    r"(?i)^\W*(?:(?:grand|overall)[ -]?total|total(?:es?|s|en)?|sub[ -]?total(?:es)?(?:\W.*)?"
    r"|insgesamt|(?:zwischen|gesamt)summe|gesamt|итого|всего|合計|小計|总计|小计)\W*$"
)
LARGER = 1.3  # than those of other rows are the numbers of sums


def find_ending(rows: pl.LazyFrame, sample: pl.DataFrame, data: Data) -> list[str]:
    """What to say of the last raw rows; `sample` are typed rows, perhaps all of them."""
    last = missing_as_null(rows.tail(LAST).collect(), data)
    texts = last.select(pl.all().cast(pl.String).str.strip_chars())
    for row in texts.iter_rows(named=True):
        cells = {name: text for name, text in row.items() if text}
        if len(cells) == 1 < len(row) - 1:
            label = next(iter(cells.values()))[:60]
            note = f"a row at the end holds {label!r} only: delete it if it is a note"
            return [note, *sums_between(sample)]
        for name, text in cells.items():
            if re.search(TOTAL, text) and is_rare(rows, name, text):
                return [f"a row at the end is {text!r}, not one like the others: delete it"]
    whole = sample.height == rows.select(pl.len()).collect().item()
    return [*(sums(sample) if whole else []), *sums_between(sample)]


def sums_between(rows: pl.DataFrame) -> list[str]:
    """What to say of rows between the others that sum them up, such as those of a pivot table.

    That they do is told by a word, and by numbers that are larger there.
    """
    marks = rows.select(pl.col(pl.String).str.contains(SUMMED).fill_null(False))
    some = [marked for marked in marks if 0 < marked.sum() <= rows.height / 2]
    numbers = [one.cast(pl.Float64) for one in rows.select(pl.selectors.numeric())] if some else []
    for marked in some:
        word = str(rows[marked.name].filter(marked).mode().sort()[0])
        inner, other = (
            [as_float(column.filter(part).median()) for column in numbers]
            for part in (marked, ~marked)
        )
        if any(a > LARGER * b > 0 for a, b in zip(inner, other, strict=True)):
            text = f"{marked.sum():,} rows have {word!r} in {marked.name!r}"
            return [f"{text}: delete them if they sum up others"]
    return []


def as_float(median: object) -> float:
    return median if isinstance(median, float) else 0.0


def is_rare(rows: pl.LazyFrame, name: str, text: str) -> bool:
    """Whether a text stands in few other rows."""
    column = pl.col(name).cast(pl.String).str.strip_chars()
    return bool(rows.select((column == text).sum()).collect().item() <= LAST)


def sums(rows: pl.DataFrame) -> list[str]:
    """Whether the last row is the sum of the others in all of its numbers."""
    numbers = rows.select(pl.selectors.numeric()).to_dict().values()
    candidates = [one for one in numbers if len(one) > LAST and one[-1] and one.n_unique() > LAST]
    if len(candidates) < 2:
        return []
    for one in candidates[:SUMS]:
        total = float(one[:-1].sum())
        if abs(total - float(one[-1])) > CLOSE * abs(total):
            return []
    return ["the last row is the sum of the others: delete it"]
