"""Which forms the moments of a column have, found from its values."""

from collections.abc import Iterator, Sequence

import polars as pl

from .formats import (
    CLOCKS,
    DATED,
    DAY_FIRST,
    MONTH_FIRST,
    NAMED,
    SAMPLE,
    YEAR_FIRST,
    read,
    reads,
)
from .periods import FIRST, PERIODS, first_year, is_year_short_and_first


def find_moment(values: pl.Series, european: bool) -> tuple[str, list[str]] | None:
    """`date` or `datetime` and the further forms under which every value is one."""
    rest = values.unique(maintain_order=True)
    if not rest.head(SAMPLE).str.contains(DATED).all():
        return None
    if reads(rest, "date"):
        return "date", []
    for forms in orders(rest, european):
        for dtype in ("date", "datetime"):
            if reads(rest, dtype, forms):
                return dtype, [of_century(rest, form) for form in forms]
    return None


def of_century(values: pl.Series, form: str) -> str:
    """The form with the first year that its years of two digits are counted from, where it has to
    be said.
    """
    first = first_year(read(values, "datetime", form).dt.year()) if "%y" in form else None
    return f"{form}{FIRST}{first}" if first else form


def no_moments(values: pl.Series, european: bool) -> pl.Series:
    """The different values that are no moments, in the forms that leave out fewest."""
    rest = values.unique(maintain_order=True)
    return min((unread(rest, forms) for forms in orders(rest, european)), key=len)


def orders(values: pl.Series, european: bool) -> Iterator[list[str]]:
    """The forms that read most of different values: day before month or after it, never both."""
    sample = values.head(SAMPLE)
    european = european or starts_months(sample)
    first, second = (DAY_FIRST, MONTH_FIRST) if european else (MONTH_FIRST, DAY_FIRST)
    first = YEAR_FIRST if is_year_short_and_first(sample) else first
    for days in ((*first, *NAMED), (*second, *NAMED)):
        with_clock = [f"{form}{clock}" for form in days for clock in CLOCKS]
        yield greedy(sample, [*with_clock, *PERIODS])


def starts_months(values: pl.Series) -> bool:
    """Whether dates like 01/02/2025 begin with 01 over years: firsts of months, not Januaries."""
    parts = values.str.extract_groups(r"^(0?1)[/-](\d\d?)[/-](\d+)").struct.unnest()
    _, second, year = (parts[name].n_unique() for name in parts.columns)
    return not parts[parts.columns[0]].has_nulls() and second > 1 and year > 1


def greedy(values: pl.Series, forms: Sequence[str]) -> list[str]:
    """The forms that are needed, the one that reads most values first."""
    order: list[str] = []
    rest = unread(values, [])
    while len(rest):
        counts = {form: len(unread(rest, [form])) for form in forms}
        best = min(counts, key=lambda form: counts[form])
        if counts[best] == len(rest):
            break
        order.append(best)
        rest = unread(rest, [best])
    return order


def unread(values: pl.Series, forms: Sequence[str]) -> pl.Series:
    """The values that are no moments in any of the forms."""
    return values.filter(read(values, "datetime", forms).is_null())
