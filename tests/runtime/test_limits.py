"""Tables that are more than anybody can read are refused early."""

import gzip
import json
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.settings.params import Data
from mlfactory_runtime.tables import conversion, limits, read

from ..workbooks import write_workbook


def form(path: Path, **limits: float) -> Data:
    return Data.model_validate({"path": str(path), "target": "y", **limits})


def refused(path: Path, **limits: float) -> str:
    with pytest.raises(errors.FactoryError) as raised:
        read.column_names(path, form(path, **limits))
    with pytest.raises(errors.FactoryError):
        read.check_table(path, form(path, **limits))
    with pytest.raises(errors.FactoryError):
        list(read.read_batches(path, form(path, **limits)))
    return str(raised.value)


def unread(path: Path, **limits: float) -> str:
    """Why a file that is no text and no Parquet is not made one."""
    with (
        pytest.raises(errors.FactoryError) as raised,
        conversion.readable(path, form(path, **limits)),
    ):
        pass
    return str(raised.value)


def test_what_unpacks_to_a_thousand_times_its_size_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"x,y\n")
        for _ in range(300):
            file.write(b"0,0\n" * 250_000)
    began = time.process_time()  # another process may have the machine meanwhile
    assert "data.max_ratio" in refused(path)
    assert time.process_time() - began < 20


def test_parquet_that_repeats_a_value_many_million_times_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    zeros = pl.repeat(0, 7_000_000, dtype=pl.Int8)
    pl.select(x=zeros, y=zeros).write_parquet(path)
    for reader in (read.check_table, read.first_batch):
        with pytest.raises(errors.FactoryError, match="unpacked more than") as raised:
            reader(path, form(path))
        assert "data.max_ratio" in raised.value.hint
    raised_limit = form(path, max_ratio=1e9)
    assert sum(batch.height for batch in read.read_batches(path, raised_limit)) == 7_000_000


ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select x, x y from n"


@pytest.mark.parametrize("name", ["shop.sqlite", "shop.duckdb"])
def test_a_view_without_an_end_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SMALL", 1_000_000)
    path = tmp_path / name
    connect = duckdb.connect if name.endswith("duckdb") else sqlite3.connect
    with closing(connect(str(path))) as base:
        base.execute(f"create view endless as {ENDLESS}")
    message = unread(path, max_ratio=2)
    assert f"{path} has" in message and "unpacked more than" in message


def test_settings_let_in_what_is_wide_or_grows(tmp_path: Path) -> None:
    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"a": 1, "b": 2, "c": 3}\n')
    assert "3 columns, and 2 are allowed" in unread(lines, max_columns=2)
    with conversion.readable(lines, form(lines)) as table:
        assert pl.read_parquet(table).columns == ["a", "b", "c"]
    path = edited_workbook(tmp_path / "far.xlsx", 'r="B2"', 'r="XFD9000"')
    assert "unpacked more than" in unread(path)
    limits.check_archive(path, form(path, max_ratio=1e9))


def test_an_ordinary_packed_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,2\n" * 100_000))
    assert sum(batch.height for batch in read.read_batches(path, form(path))) == 100_000


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_header_of_a_hundred_thousand_names_is_refused(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(sign.join(f"a{k}" for k in range(100_000)) + "\n" + sign.join("1" * 100_000))
    began = time.process_time()  # another process may have the machine meanwhile
    assert "100,000 columns" in refused(path)
    assert time.process_time() - began < 10


def test_the_limit_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n1,2,3\n")
    assert read.column_names(path, form(path)) == ["a", "b", "c"]
    assert "3 columns, and 2 are allowed" in refused(path, max_columns=2)


def edited_workbook(path: Path, old: str, new: str) -> Path:
    """A small workbook, with another text in its sheet."""
    write_workbook(path, {"Sheet1": [["x", "y"], [1, 2]]})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in members if name.startswith("xl/worksheets/"))
    assert old.encode() in members[name]
    members[name] = members[name].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


@pytest.mark.parametrize("place", ["XFD1048576", "ZZZ99999"])
def test_a_value_far_from_all_others_fills_no_memory(tmp_path: Path, place: str) -> None:
    path = edited_workbook(tmp_path / "far.xlsx", 'r="B2"', f'r="{place}"')
    with (
        pytest.raises(errors.FactoryError, match="unpacked more than"),
        conversion.readable(path, form(path)),
    ):
        pass


def test_an_empty_cell_may_be_anywhere(tmp_path: Path) -> None:
    """A spreadsheet keeps those that have a colour."""
    far = '<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    path = edited_workbook(tmp_path / "colour.xlsx", "</sheetData>", far)
    with conversion.readable(path, form(path)) as table:
        assert pl.read_parquet(table).rows() == [(1, 2)]


def test_what_is_wrong_in_a_sheet_is_told(tmp_path: Path) -> None:
    path = edited_workbook(tmp_path / "entity.xlsx", "<t>y</t>", "<t>&none;</t>")
    with (
        pytest.raises(errors.FactoryError, match=r"entity\.xlsx is no workbook that can be read"),
        conversion.readable(path, form(path)),
    ):
        pass


def test_lines_of_objects_that_have_other_names_each_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.jsonl"
    rows = ({f"{k} {place}": 1 for place in range(100)} for k in range(210))
    path.write_text("\n".join(map(json.dumps, rows)))
    with (
        pytest.raises(errors.FactoryError, match="21,000 columns"),
        conversion.readable(path, form(path)),
    ):
        pass


def test_what_is_told_of_a_value_is_short_whatever_the_value_is(tmp_path: Path) -> None:
    path = tmp_path / "quote.csv"
    path.write_text('x,y\n1,2\n"' + "a" * 3_000_000)
    with pytest.raises(errors.FactoryError) as raised:
        list(read.read_batches(path, form(path)))
    assert len(str(raised.value)) < 1000
