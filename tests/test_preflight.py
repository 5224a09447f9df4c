from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from mlfactory.errors import MlfactoryError, UsageError
from mlfactory.preflight import columns, look


@pytest.fixture
def table() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer id": [f"C{n:03}" for n in range(90)],
            "day": [f"2025-01-{1 + n % 28:02}" for n in range(90)],
            "amount": [n * 1.5 for n in range(90)],
            "visits": [n % 7 for n in range(90)],
            "churned": ["yes" if n % 3 else "no" for n in range(90)],
        }
    )


@pytest.fixture
def file(tmp_path: Path, table: pl.DataFrame) -> Path:
    table.write_csv(tmp_path / "customers.csv")
    return tmp_path / "customers.csv"


def refused(path: Path, target: str = "churned", **options: str) -> MlfactoryError:
    with pytest.raises(MlfactoryError) as caught:
        look(path, target, **options)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("target", "task"),
    [("churned", "classification"), ("visits", "classification"), ("amount", "regression")],
)
def test_the_task_follows_from_the_target(file: Path, target: str, task: str) -> None:
    assert look(file, target).task == task


def test_the_task_can_be_given(file: Path) -> None:
    assert look(file, "visits", task="regression").task == "regression"


def test_parquet_is_looked_at_like_csv(tmp_path: Path, table: pl.DataFrame) -> None:
    table.write_parquet(tmp_path / "customers.parquet")
    seen = look(tmp_path / "customers.parquet", "churned", identifier="customer id")
    assert (seen.rows, seen.columns) == (90, tuple(table.columns))


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_found(tmp_path: Path, table: pl.DataFrame, separator: str) -> None:
    table.write_csv(tmp_path / "t.csv", separator=separator)
    assert columns(tmp_path / "t.csv") == tuple(table.columns)


def test_a_mark_of_byte_order_is_no_part_of_a_name(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert look(file, "churned", identifier="customer id").columns[0] == "customer id"


def test_dates_that_cannot_be_read_are_refused(file: Path) -> None:
    assert look(file, "churned", time="day").rows == 90
    file.write_text(file.read_text().replace("2025-01-05", "soon"))
    assert "'day'" in refused(file, time="day").message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("id,churned\n", "no row"),
        ("id,id,churned\n1,2,3\n", "two columns named 'id'"),
        ("id,,churned\n1,2,3\n", "has no name"),
        ("id,churned\n" + "1,yes\n" * 20, "20 rows"),
        ("id,churned\n" + "1,\n" * 90, "missing in every row"),
        ("id,churned\n" + "1,yes\n" * 90, "in every row"),
        ("id,churned\n" + "1,yes\n" * 90 + "1,no\n", "'no'"),
        ("id,churned\n" + "".join(f"1,class {n}\n" for n in range(150)), "150 classes"),
        ("id,churned\n" + "1,yes,no,perhaps\n" * 90, "cannot be read as a table"),
    ],
)
def test_what_is_wrong_with_the_data_is_told(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    assert said in refused(tmp_path / "t.csv").message


def test_a_file_that_is_not_there_is_looked_for(file: Path) -> None:
    assert "customers.csv" in refused(file.with_name("custmers.csv")).hint


def test_a_directory_is_no_table(tmp_path: Path) -> None:
    assert "directory" in refused(tmp_path).message


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    assert ".csv" in refused(tmp_path / "t.xlsx").message


def test_bytes_that_are_no_parquet_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"nothing")
    assert "no Parquet" in refused(tmp_path / "t.parquet").message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(bytes(range(128, 256)) * 50)
    assert str(tmp_path / "t.csv") in refused(tmp_path / "t.csv").message


def test_a_target_that_is_not_there_has_a_neighbour(file: Path) -> None:
    assert "'churned'" in refused(file, "Churn").hint


def test_a_name_cannot_be_predicted_as_a_number(file: Path) -> None:
    assert "no number" in refused(file, task="regression").message


def test_columns_have_one_part_each(file: Path) -> None:
    with pytest.raises(UsageError):
        look(file, "churned", identifier="churned")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"identifier": "nobody"}, "'nobody'"),
        ({"identifier": "visits"}, "names no rows"),
        ({"time": "amount"}, "not dates"),
    ],
)
def test_id_and_time_must_be_what_they_say(file: Path, options: dict[str, str], said: str) -> None:
    assert said in refused(file, **options).message
