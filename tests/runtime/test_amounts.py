"""Amounts that each name their unit, and times as clocks show them."""

import polars as pl
import pytest
from mlfactory_runtime.tables.formats import read
from mlfactory_runtime.tables.kinds import find_kind, of_moments


def column_of(texts: list[str | None] | list[str]) -> pl.Series:
    return pl.Series("v", texts, dtype=pl.String)


@pytest.mark.parametrize(
    ("texts", "form", "numbers"),
    [
        (["1,5 kg", "50 g", "20 g"], "in g", [1500, 50, 20]),
        (["1.5 GB", "512 MB"], "in mb", [1536, 512]),
        (["5'11\"", "6'0\""], "in in", [71, 72]),
        (["5'11", "6'2"], "in in", [71, 74]),
        (["5 ft 11 in", "6 ft"], "in ft", [5 + 11 / 12, 6]),
        (["4h 8m", "45m"], "in m", [248, 45]),
        (["PT2H30M", "PT45M", "P1DT2H"], "in m", [150, 45, 1560]),
        (["1 year", "2 years", "3 years"], "in years", [1, 2, 3]),
        (["3 Jahre und 2 Monate", "1 Jahr", "8 Monate"], "in monate", [38, 12, 8]),
        (["5時30分", "12時05分"], "in 分", [330, 725]),
        (["2.5h", "30min", "n/a"], "in min", [150, 30, None]),
        (["0 days 01:02:03", "1 days 00:00:00.5"], "in s", [3723, 86_400.5]),
        (["1:23:45", "45:10", "59:00", "50:00", "DNF"], "in s", [5025, 2710, 3540, 3000, None]),
        (["07:30", "18:15 Uhr"], "1:30", [7.5, 18.25]),
        (["7:30 a.m.", "12:15 PM", "12:00 am"], "1:30", [7.5, 12.25, 0]),
        (["14h30", "9h05"], "in min", [870, 545]),
        (["10m", "2km", "30m"], "in meter", [10, 2000, 30]),
        (["30 days", "60 Days"], "in days", [30, 60]),
    ],
)
def test_amounts_are_numbers_of_one_unit(
    texts: list[str], form: str, numbers: list[float | None]
) -> None:
    column = column_of(texts)
    kind = find_kind(column, european=False)
    assert (kind.dtype, kind.format) == ("float", form)
    assert read(column, "float", form).to_list() == pytest.approx(numbers)
    plain = column_of(["7.25", None])
    assert read(plain, "float", form).to_list() == [7.25, None]
    assert of_moments(kind, column.head(2)) == kind


@pytest.mark.parametrize(
    "texts",
    [
        ["8y", "6m"],  # minutes, or months
        ["2.0t", "1.6d"],
        ["16:9", "4:3"],
        ["12 Main St", "13 Oak"],
        ["5,250 g", "2 kg"],
        ["25 °C", "77 °F"],
        ["5 kg", "3 l"],
        ["1 2 kg", "2 g"],
    ],
)
def test_what_may_be_something_else_is_none(texts: list[str]) -> None:
    assert find_kind(column_of(texts), european=False).dtype == "string"
