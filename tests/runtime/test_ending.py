"""What stands above a table and below it."""

from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.draft.ending import find_ending
from mlfactory_runtime.settings.params import Data
from mlfactory_runtime.tables.read import check_table, column_names, read_batches

DATA = Data(path="a.csv", target="y")
ROWS = "".join(f"c{n},{n}.5,{n % 7}\n" for n in range(60))


@pytest.mark.parametrize(
    "above",
    [
        "# source: office\n",
        "# source: office, of, statistics\n# made, on\n\n",
        "% a comment\n",
        "// one\n// two\n",
        "sep=,\n",
    ],
)
def test_comments_above_the_header_are_skipped(above: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{above}id,a,b\n{ROWS}")
    check_table(path, DATA)
    assert column_names(path, DATA) == ["id", "a", "b"]
    assert sum(batch.height for batch in read_batches(path, DATA)) == 60


@pytest.mark.parametrize("above", ["", "# made in 2024\n"])
def test_a_comment_may_be_the_header(above: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{above}#id,a,b\n{ROWS}")
    assert column_names(path, DATA) == ["#id", "a", "b"]


@pytest.mark.parametrize(
    ("above", "line"),
    [("Station,Berlin\nLat,52.5\n\n", 4), ("Sales in 2024\n", 2), ("Sales,,\n,,\n", 3)],
)
def test_a_preamble_is_named(above: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{above}id,a,b\n{ROWS}")
    with pytest.raises(errors.FactoryError, match=f"begins in line {line}"):
        check_table(path, DATA)


def test_a_title_above_years_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Population\n\nland,2019,2020\n" + "x,1.5,2\n" * 60)
    with pytest.raises(errors.FactoryError, match="begins in line 3"):
        check_table(path, DATA)


def ending(*rows: tuple[str | None, int | None, int | None]) -> str:
    table = [(f"c{n}", n, n % 7) for n in range(60)]
    frame = pl.DataFrame([*table, *rows], schema=["id", "a", "b"], orient="row")
    return " ".join(find_ending(frame.lazy(), frame, DATA))


@pytest.mark.parametrize(
    "name", ["Total", "Grand total", "Summe", "Gesamt", "TOTAL:", "Somme", "合計", "Promedio"]
)
def test_a_total_at_the_end_is_named(name: str) -> None:
    assert f"a row at the end is {name!r}" in ending((name, 1770, 176))


def test_a_sum_without_a_name_is_named_and_so_is_a_note() -> None:
    assert ending((None, 1770, 174)) == "the last row is the sum of the others: delete it"
    assert "holds 'Source: office' only" in ending(("Source: office", None, None))


def test_sums_between_the_rows_are_named() -> None:
    months = [f"c{n % 5}" if n % 6 != 5 else "Zwischensumme" for n in range(60)]
    sales = [float(n % 7) if n % 6 != 5 else 15.0 for n in range(60)]
    rows = pl.DataFrame({"who": months, "sales": sales})
    said = find_ending(rows.lazy(), rows, DATA)
    assert said == ["10 rows have 'Zwischensumme' in 'who': delete them if they sum up others"]
    kinds = ["total", "partial"] * 30  # of a cover, whose numbers are as all others
    covers = pl.DataFrame({"cover": kinds, "sales": [float(n % 7) for n in range(60)]})
    assert find_ending(covers.lazy(), covers, DATA) == []


def test_a_table_without_a_total_ends_as_it_began() -> None:
    assert ending() == ""
    assert ending(*[("Total", n, 1) for n in range(9)]) == ""
    assert ending(("Totalled", 3, 4)) == ""
