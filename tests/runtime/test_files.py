"""What kind of file it is, and where it is damaged."""

import gzip
import subprocess
from pathlib import Path

import pytest
from mlfactory_runtime import errors, programs
from mlfactory_runtime.data import source
from mlfactory_runtime.settings import params
from mlfactory_runtime.tables import dialect, read


def settings(path: str = "data/raw/rows.csv", **changes: str) -> params.Data:
    return params.Data(path=path, target="b", **changes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04\0\0\0\0", "is packed by ZIP, in spite of its name"),
        (b"<!DOCTYPE html>\n<html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (b'{"a": 1}', "is a JSON file"),
    ],
)
def test_a_snapshot_that_is_no_table_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(errors.FactoryError, match=said):
        source.fetch(str(path), tmp_path, tmp_path / "fresh.csv", settings())


def test_a_parquet_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(errors.FactoryError, match="cut off"):
        source.fetch(str(path), tmp_path, tmp_path / "x", settings("data/raw/rows.parquet"))


def test_a_damaged_archive_is_named_when_it_is_pulled(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n")[:9])
    with pytest.raises(errors.FactoryError, match=r"rows\.csv\.gz cannot be read"):
        source.fetch(str(path), tmp_path, tmp_path / "x", settings("data/raw/rows.csv.gz"))


@pytest.mark.parametrize("header", ["ORCHARD,b", "PARENT,b", "BZh,b", "ARROW1,b"])
def test_a_header_may_begin_like_another_kind_of_file(tmp_path: Path, header: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{header}\n1,2\n")
    source.fetch(str(path), tmp_path, tmp_path / "x", settings())
    read.check_table(path, settings())


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        ("a,b\né,ü\n".encode() + b"\xff,2\n", "utf-8", "line 3 has the byte 0xFF"),
        (b"a,b\n1,2\n3,\x81\n", "cp1252", "line 3 has the byte 0x81"),
        ("a,b\n1,2\n".encode("utf-16") + b"x", "utf-16", "line 3 has the byte 0x78"),
        ("é,ü\n".encode() * 400_000 + b"\xff\n", "utf-8", "line 400,001 has the byte 0xFF"),
        (("x" * (2**20 - 1) + "é\n").encode()[:-2] + b"\n", "utf-8", "line 1 has the byte 0xC3"),
        (b"a,b\n", "utf-8", ""),
    ],
)
def test_the_first_damage_is_told_with_its_line(
    tmp_path: Path, content: bytes, encoding: str, said: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    assert dialect.first_damage(path, encoding) == said


def test_what_a_declared_encoding_cannot_read_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n1,2\n3,\x81\n")
    with pytest.raises(errors.FactoryError, match="as cp1252: line 3 has the byte 0x81"):
        read.column_names(path, settings(encoding="cp1252"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n\x02\x03,\x04\n", "control characters"),
        (b"a,b\n1,\0\n", "zero bytes"),
        (b"\na,b\n1,2\n", "no header"),
        (b"Sales of 2024\n\na;b\n1;2\n3;4\n", "begins in line 3"),
        (b"a,b,a\n1,2,3\n", "two columns named 'a'"),
        (b"*,b\n1,2\n", "a pattern"),
        (b"5.1,3.5,setosa\n4.9,3.0,setosa\n", "not a header"),
        (b"text\nsome\n", "one column only"),
    ],
)
def test_a_new_factory_does_not_begin_with_it_and_others_read_on(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(errors.FactoryError, match=said):
        read.check_table(path, settings())
    assert read.column_names(path, settings())


def test_programs_are_told_nothing_of_another_repository() -> None:
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    configured = {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}
    assert set(listed) - configured <= set(programs.LOCAL)
    assert not configured & set(programs.LOCAL)
