"""Reading files as they come."""

import gzip
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.data import rows as data_rows
from mlfactory_runtime.settings import params
from mlfactory_runtime.tables import read

TEXT = "name;größe\nÄnne;1,5\n\nЖ;2\n"
LATIN = TEXT.replace("Ж", "é")


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        gzip.compress(TEXT.encode()),
        b"sep=;\r\n" + TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace(";", "|").encode(),
        TEXT.replace(";", "\t").encode(),
    ],
    ids=["plain", "mark", "utf-16", "gzip", "note", "returns", "bar", "tab"],
)
def test_the_same_table_in_many_dresses(content: bytes, tmp_path: Path) -> None:
    assert rows(tmp_path / "rows.csv", content) == [("Änne", "1,5"), ("Ж", "2")]


def rows(path: Path, content: bytes) -> list[tuple[object, ...]]:
    """What is read of a file with this content."""
    path.write_bytes(content)
    settings = params.Data(path=str(path), target="name")
    assert read.column_names(path, settings) == ["name", "größe"]
    return [row for batch in read.read_batches(path, settings) for row in batch.rows()]


def test_letters_of_western_europe_are_recognised(tmp_path: Path) -> None:
    assert rows(tmp_path / "rows.csv", LATIN.encode("cp1252")) == [("Änne", "1,5"), ("é", "2")]


def test_another_encoding_can_be_declared(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("имя,y\nЖ,1\n".encode("koi8_r"))
    settings = params.Data(path=str(path), target="y", encoding="koi8_r")

    assert next(read.read_batches(path, settings)).rows() == [("Ж", "1")]


def test_a_damaged_byte_does_not_turn_the_rest_into_something_else(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("city,y\nKöln,1\nMálaga,2\n".encode() + b"n\xffrth,3\n")

    with pytest.raises(errors.FactoryError, match="is UTF-8, but for some bytes"):
        read.column_names(path, params.Data(path=str(path), target="y"))


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode() * 1000)[:-20])

    with pytest.raises(errors.FactoryError, match=r"rows\.csv\.gz cannot be read"):
        list(read.read_batches(path, params.Data(path=str(path), target="name")))


def test_a_column_without_a_name_is_named_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(",a,\n1,2,3\n", "utf-8")

    names = read.column_names(path, params.Data(path=str(path), target="a"))

    assert names == ["column_1", "a", "column_3"]


def test_what_holds_no_plain_values_is_left_out_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    odd = {"list": [[1]], "bytes": [b"x"], "span": [timedelta(1)]}
    pl.DataFrame({"ratio": [float("inf")], **odd}).write_parquet(path)

    settings = params.Data(path=str(path), target="y")
    raw = data_rows.missing_as_null(pl.concat(read.read_batches(path, settings)), settings)

    assert raw.to_dict(as_series=False) == {"ratio": [None]}
