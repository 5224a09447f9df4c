"""Tables that are more than anybody can read are refused early."""

import gzip
import time
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.settings.params import Data
from mlfactory_runtime.tables import read


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
