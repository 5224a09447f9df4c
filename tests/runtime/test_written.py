"""How values are written, where that hides what they are."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.draft.parts import Part
from mlfactory_runtime.draft.written import find_written
from mlfactory_runtime.tables.formats import read
from mlfactory_runtime.tables.kinds import Kind, find_kind

from .factories import drafted

CATEGORY, TEXT, ROWS = Part("categorical", ""), Part("text", ""), Part("identifier", "")


def told(values: list[str | None], part: Part) -> str:
    column = pl.Series("v", values, dtype=pl.String)
    return find_written(column, column.str.strip_chars(), find_kind(column, european=False), part)


@pytest.mark.parametrize(
    ("ways", "share"),
    [
        (["North", "NORTH ", "south"], "33.3%"),
        (["New York", "new-york", "Boston", "Chicago"], "25.0%"),
        (["straße", "STRASSE"], "50.0%"),
        (["n/a yet", "é", "E", "A+", "A-", "A"], ""),
        (["blue-green", "blue", "green"], ""),
    ],
)
def test_one_value_written_in_several_ways_is_told(ways: list[str], share: str) -> None:
    for part in (CATEGORY, Part("target", "")):
        said = told([*ways * 20, None], part)
        assert ("differ only in how they are written" in said) == bool(share)
        assert f"({share} of the rows)" in told(ways * 20, part) if share else not said


@pytest.mark.parametrize(
    ("form", "part", "held"),
    [
        ("1{0}/7{0}", TEXT, True),
        ("{0}x3x{0} cm", ROWS, True),
        ("{0}.5, 9.25", ROWS, True),
        ("({0}; 2)", TEXT, True),
        ("oak {0} 2", TEXT, False),
        ("2023/{0}", ROWS, False),
        ("A-{0}/3", TEXT, False),
    ],
)
def test_several_numbers_in_one_value_are_told(form: str, part: Part, held: bool) -> None:
    said = told([form.format(n) for n in range(10, 60)], part)
    assert ("hold several numbers" in said) == held


def test_hours_of_elsewhere_are_told_and_those_of_utc_are_not() -> None:
    time = datetime(2024, 3, 4, 0, 30, tzinfo=UTC)
    for there in ("Europe/Berlin", "UTC"):
        moments = pl.Series("v", [time]).dt.convert_time_zone(there)
        said = find_written(moments, moments, Kind("datetime"), Part("datetime", ""))
        assert said.startswith(f"times of {there} are") == (there != "UTC")
    texts: list[str | None] = ["2024-03-04T00:30:00+01:00", "2024-07-04 00:30:00+0200", None]
    assert "times of +01, +02 are read as UTC" in told(texts, Part("datetime", ""))
    assert not told([f"2024-03-04T{n}:00:00{z}" for n in (10, 12) for z in ("Z", "+00:00")], ROWS)


def test_numbers_of_several_units_are_told() -> None:
    degrees = [f"{n} °{'CF'[n % 2]}" for n in range(40)]
    assert "'0 °C', '1 °F' are numbers in several ways" in told(degrees, CATEGORY)
    signs = [f"{n}{'.,'[n % 2]}5" for n in range(40)]
    assert "'0.5', '1,5' are numbers in several ways" in told(signs, CATEGORY)
    days = [f"{n}/{29 - n}/2024" for n in range(1, 29)]
    assert "whose days and months stand in two orders" in told(days, CATEGORY)
    codes = [f"{n:04d}" for n in range(40)]
    assert not told(codes, CATEGORY)
    assert not told([f"{n}{'abcdefghijklmnopqrstuvwxyz'[n % 26]}" for n in range(40)], CATEGORY)


def test_columns_of_parquet_that_are_not_read_are_told(tmp_path: Path) -> None:
    rows = pl.DataFrame({"z": range(60), "y": [*"ab"] * 30})
    factory = drafted(tmp_path / "a", rows, "classification", target="y")
    table = pl.DataFrame({"x": range(60), "y": [*"ab"] * 30, "tags": [["a"]] * 60})
    table = table.with_columns(wait=pl.duration(minutes="x"))
    table.write_parquet(factory.path / "data/raw/visits.parquet")
    factory.change(data={"path": "data/raw/visits.parquet"})
    first, again = (factory.run("catalog", "draft") for _ in range(2))
    assert "'tags', 'wait': lists, bytes or spans of time, and not read" in first.out + first.err
    assert "'wait'" not in again.out + again.err


def test_shares_among_percents_are_told() -> None:
    percents = [f"{n}%" for n in range(10, 40)]
    for others, said in ((["0.15", ".2"], "'0.15' stands beside percents (6.2%"), (["55"], "")):
        raw = pl.Series("v", [*percents, *others])
        kind = find_kind(raw, european=False)
        column = read(raw, kind.dtype, kind.format)
        assert find_written(raw, column, kind, Part("numeric", "")).startswith(said)
        assert bool(find_written(raw, column, kind, Part("numeric", ""))) == bool(said)


@pytest.mark.parametrize(
    ("years", "text"), [((45, 61), "are read as 1"), ((20, 27), ""), ((80, 99), "")]
)
def test_of_which_century_short_years_are_is_told(years: tuple[int, int], text: str) -> None:
    """Births and maturities look the same: whoever drafts has to see it."""
    days = [f"{day:02d}.03.{year}" for year in range(*years) for day in (1, 15, 28)]
    column = pl.Series("v", days)
    kind = find_kind(column, european=True)
    said = find_written(column, read(column, kind.dtype, kind.format), kind, Part("datetime", ""))
    assert text in said
    assert bool(said) == bool(text)
