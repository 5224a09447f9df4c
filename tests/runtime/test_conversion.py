"""Files that people have beside text and Parquet: read, or refused with the way out."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
from backports import zstd
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.settings.params import Data
from mlfactory_runtime.tables import conversion, read

from ..workbooks import write_workbook

ROWS = pl.DataFrame({"id": [1, 2, 3], "plan": ["a", "b", None], "price": [1.5, 2.0, 3.25]})
TEXT = ROWS.write_csv().encode()


def form(path: Path, **settings: object) -> Data:
    return Data.model_validate({"path": str(path), "target": "y", **settings})


def rows_of(path: Path, table: str | None = None) -> pl.DataFrame:
    with conversion.readable(path, form(path), table) as copy:
        return pl.concat(read.read_batches(copy, form(path)))


def refused(path: Path, table: str | None = None) -> str:
    with pytest.raises(FactoryError) as raised:
        rows_of(path, table)
    assert path.name in raised.value.message
    return f"{raised.value.message}; {raised.value.hint}"


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd.compress,
}


@pytest.mark.parametrize("suffix", PACK)
def test_a_packed_text_is_read_as_it_stands(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(PACK[suffix](TEXT))
    assert rows_of(path).equals(pl.read_csv(TEXT, infer_schema=False))
    path.write_bytes(PACK[suffix](TEXT * 5000)[:-20])
    assert "cannot be read" in refused(path)


def test_what_is_packed_and_grows_without_end_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zst"
    path.write_bytes(zstd.compress(b"x,y\n" + b"0,0\n" * 26_000_000))
    assert "unpacked more than" in refused(path)


def test_an_archive_of_one_text_is_that_text(tmp_path: Path) -> None:
    more = {"__MACOSX/._a.csv": b"x", "folder/": b""}
    assert rows_of(zipped(tmp_path / "a.zip", **{"folder/a.csv": TEXT}, **more)).height == 3
    assert "archive of 2 files: a.csv, b.csv; unpack it first: unzip" in refused(
        zipped(tmp_path / "b.zip", **{"a.csv": TEXT, "b.csv": TEXT})
    )


WORKBOOK = [
    ["id", "plan", "price", "since", None, "left"],
    [1, "a", 1.5, 45292.0, None, "over 100"],
    [2, "b", 2, 45293.0, None, 5],
    [None] * 6,
    [3, None, 3.25, 45294.0, None, 7],
]


def test_a_workbook_keeps_numbers_and_texts(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"Cover": [], "Customers": WORKBOOK})
    rows = rows_of(path)
    assert rows.columns == ["id", "plan", "price", "since", "left"]
    assert rows.select("id", "plan", "price").equals(ROWS)
    assert rows["left"].to_list() == ["over 100", "5", "7"]


def test_of_several_sheets_one_is_named(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"May": WORKBOOK, "June": WORKBOOK})
    assert conversion.tables_in(path) == ("May", "June")
    assert "holds 2 tables: 'May', 'June'; say which: --table May" in refused(path)
    assert "did you mean 'June'?" in refused(path, "Jun")
    assert rows_of(path, "June").height == 3


def test_a_title_above_the_names_and_two_alike_are_told(tmp_path: Path) -> None:
    title = write_workbook(tmp_path / "a.xlsx", {"A": [["Sales of May"], *WORKBOOK]})
    assert "'Sales of May'; delete the rows above" in refused(title)
    twice = write_workbook(tmp_path / "b.xlsx", {"A": [["id", "id"], [1, 2]]})
    assert "two columns named 'id'" in refused(twice)
    (tmp_path / "c.xlsx").write_bytes(b"a,b\n1,2\n")
    assert "no workbook that can be read" in refused(tmp_path / "c.xlsx")


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b" " * 110_000_000)
    assert "unpacked more than" in refused(path)


def test_json_is_a_list_or_lines_of_objects(tmp_path: Path) -> None:
    items = ROWS.to_dicts()
    (tmp_path / "a.json").write_text(json.dumps(items))
    (tmp_path / "b.json").write_text("\n".join(map(json.dumps, items)))
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, items)))
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    for name in ("a.json", "b.json", "a.jsonl", "a.ndjson.gz"):
        assert rows_of(tmp_path / name).equals(ROWS)


def test_types_of_json_fit_all_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [{"x": 1}] * 2000 + [{"x": 2.5, "late": "yes", "nested": {"a": 1}}]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert rows_of(path).schema == {"x": pl.Float64, "late": pl.String}


@pytest.mark.parametrize(
    "content", ['{"id": {"0": 1}}', '{"rows": [{"a": 1}, {"a": 2}]}', "[]", '[{"a": 1},', "[1, 2]"]
)
def test_json_of_another_shape_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    said = refused(tmp_path / "a.json")
    assert "cannot be read" in said or "orient='records'" in said


def test_arrow_is_read_as_a_file_and_as_a_stream(tmp_path: Path) -> None:
    ROWS.write_ipc(tmp_path / "a.feather", compression="zstd")
    ROWS.write_ipc_stream(tmp_path / "b.arrow")
    ROWS.write_avro(tmp_path / "a.avro")
    for name in ("a.feather", "b.arrow", "a.avro"):
        assert rows_of(tmp_path / name).equals(ROWS)
    (tmp_path / "c.feather").write_bytes(b"FEA1\0\0\0\0")
    assert "read_feather('c.feather')" in refused(tmp_path / "c.feather")


def test_a_table_of_sqlite_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    base = sqlite3.connect(path)
    base.execute("create table customers (id integer, plan text, price real)")
    base.executemany("insert into customers values (?, ?, ?)", ROWS.rows())
    base.commit()
    assert rows_of(path).equals(ROWS)
    base.execute('create view "our ""best""" as select * from customers where id > 1')
    base.commit()
    assert conversion.tables_in(path) == ("customers", 'our "best"')
    assert "say which: --table customers" in refused(path)
    assert rows_of(path, 'our "best"').height == 2
    base.close()
    assert {file.name for file in tmp_path.iterdir()} == {"shop.db"}


def test_a_table_of_duckdb_is_read(tmp_path: Path) -> None:
    path = tmp_path / "it's.duckdb"
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(str(path)) as base:
        base.execute(
            "create table t as select 1 as id, 'a' as plan, 1.5 as price, date '2024-05-01' as day,"
            " timestamptz '2024-05-01 12:00+02' as at, [1] as list, interval 1 day as span,"
            " 12::hugeint as total, uuid() as key"
        )
    rows = rows_of(path)
    assert rows["price"].to_list() == [1.5]
    assert rows["total"].to_list() == [12]
    assert str(rows["at"][0]) == "2024-05-01 10:00:00"
    assert rows.schema["list"] == pl.String
    with duckdb.connect(str(path)) as base:
        base.execute(f"create view v as from '{tmp_path}/secret.csv'")
    assert "cannot be read" in refused(path, "v")


def test_a_package_that_is_not_here_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fastexcel", None)
    path = write_workbook(tmp_path / "a.xlsx", {"A": WORKBOOK})
    assert "uv add --group train fastexcel" in refused(path)


@pytest.mark.parametrize(
    ("name", "said"), [("a.sav", "read_spss('a.sav').to_parquet('a.parquet')"), ("a.rds", "arrow")]
)
def test_what_is_not_read_names_the_conversion(name: str, said: str) -> None:
    assert said in conversion.advice(Path(name))
