"""Data are fetched from files and queries; what breaks the contract changes nothing."""

import os
import subprocess
from contextlib import chdir
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.cli.commands import app
from mlfactory_runtime.data import source
from mlfactory_runtime.files import recorded
from mlfactory_runtime.predict import batch
from mlfactory_runtime.project import SNAPSHOT, Project
from mlfactory_runtime.settings import params
from mlfactory_runtime.tables import query
from mlfactory_runtime.testing.trained import Trained, write_yaml

from ..workbooks import write_workbook


def settings(name: str) -> params.Data:
    """Settings for a table with the columns `a` and `b`."""
    return params.Data(path=f"data/raw/{name}", target="b")


def files(folder: Path, *texts: str) -> list[Path]:
    """Text files of that content."""
    paths = [folder / f"part-{number}.csv" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    return paths


def test_files_are_joined_in_their_order_with_the_columns_of_the_first(tmp_path: Path) -> None:
    parts = files(tmp_path, 'a,b\n007,"x,y"\n', "b;a\nz;1\n;2\n")
    source.join(parts, tmp_path / "all.csv", settings("all.csv"))
    assert (tmp_path / "all.csv").read_text("utf-8") == 'a,b\n007,"x,y"\n1,z\n2,\n'


def test_parquet_files_are_joined_with_types_that_fit_all(tmp_path: Path) -> None:
    parts = [tmp_path / f"{number}.parquet" for number in range(2)]
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_parquet(parts[0])
    pl.DataFrame({"b": ["z"], "a": [0.5]}).write_parquet(parts[1])
    source.join(parts, tmp_path / "all.parquet", settings("all.parquet"))
    assert pl.read_parquet(tmp_path / "all.parquet").rows() == [(1.0, "x"), (2.0, "y"), (0.5, "z")]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_that_stands_in_the_folders_comes_along(suffix: str, tmp_path: Path) -> None:
    parts = []
    for folder in ("Home=rent", "Home=own%20it"):
        (tmp_path / folder).mkdir()
        parts.append(tmp_path / folder / f"part-0{suffix}")
        rows = pl.DataFrame({"a": [1, 2]})
        rows.write_csv(parts[-1]) if suffix == ".csv" else rows.write_parquet(parts[-1])
    target = tmp_path / f"all{suffix}"
    source.join(parts, target, settings(target.name))
    read = pl.read_csv if suffix == ".csv" else pl.read_parquet
    assert read(target)["Home"].to_list() == ["rent", "rent", "own it", "own it"]
    (scored,) = batch.rows_of(parts[1], settings(target.name), None)
    assert scored["Home"].to_list() == ["own it", "own it"]


def fetched(folder: Path, name: str, table: str | None = None) -> pl.DataFrame:
    target = folder / "fresh.parquet"
    source.fetch(name, folder, target, settings(target.name), table)
    return pl.read_parquet(target)


def test_a_workbook_of_next_month_is_taken_and_scored(tmp_path: Path) -> None:
    rows = [["a", "b"], [1, "x"], [2, "y"]]
    path = write_workbook(tmp_path / "may.xlsx", {"May": rows, "June": [*rows, [3, "z"]]})
    assert fetched(tmp_path, "may.xlsx", "June").rows() == [(1, "x"), (2, "y"), (3, "z")]
    (scored,) = batch.rows_of(path, settings("may.parquet"), None, "May")
    assert scored.rows() == [(1, "x"), (2, "y")]
    with pytest.raises(errors.FactoryError, match=r"becomes Parquet, and data\.path is") as caught:
        source.fetch("may.xlsx", tmp_path, tmp_path / "may.csv", settings("may.csv"), "May")
    assert "set data.path to data/raw/may.parquet" in caught.value.hint


def test_a_folder_is_all_of_its_files(tmp_path: Path) -> None:
    for name in ("Home=rent", "Home=own", "_temporary", ".hidden"):
        (tmp_path / "in" / name).mkdir(parents=True)
        pl.DataFrame({"a": [1.5]}).write_ndjson(tmp_path / "in" / name / "part-0.jsonl")
    (tmp_path / "in/_SUCCESS").write_text("")
    assert fetched(tmp_path, "in").rows() == [(1.5, "own"), (1.5, "rent")]
    (tmp_path / "in/notes.txt").write_text("")
    with pytest.raises(errors.FactoryError, match=r"several kinds: \.jsonl, \.txt"):
        fetched(tmp_path, "in")
    (tmp_path / "in/_delta_log").mkdir()
    with pytest.raises(errors.FactoryError, match="Delta table"):
        fetched(tmp_path, "in")


def test_a_file_with_other_columns_is_named(tmp_path: Path) -> None:
    parts = files(tmp_path, "a,b\n1,2\n", "a,c\n1,2\n")
    with pytest.raises(errors.FactoryError, match=r"part-1\.csv do not have the same .* 'b'"):
        source.join(parts, tmp_path / "all.csv", settings("all.csv"))


def test_a_file_of_another_kind_than_the_name_says_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(errors.FactoryError) as caught:
        source.fetch("rows.parquet", tmp_path, tmp_path / "x", settings("rows.csv"))
    assert caught.value.hint == "set data.path to data/raw/rows.parquet in params.yaml"


def test_a_snapshot_that_breaks_the_contract_changes_nothing(
    trained: Trained, trained_copy: Project
) -> None:
    columns = trained.catalog.model_dump(mode="json", exclude_none=True)
    columns["columns"]["one more"] = {"dtype": "int", "role": "numeric", "availability": "batch"}
    write_yaml(trained_copy.root / "features.yaml", columns)
    raw = trained_copy.raw
    raw.write_bytes(b"old")
    with pytest.raises(errors.FactoryError, match="one more: the data have no"):
        source.pull(trained_copy, str(trained.raw))
    assert raw.read_bytes() == b"old"
    assert list(raw.parent.iterdir()) == [raw]


def test_a_record_that_cannot_be_read_is_told_before_the_data_change(
    trained: Trained, trained_copy: Project
) -> None:
    raw = trained_copy.raw
    raw.write_bytes(b"old")
    (trained_copy.root / SNAPSHOT).write_text("{", "utf-8")
    with pytest.raises(errors.FactoryError, match="cannot be read: it is no JSON"):
        source.pull(trained_copy, str(trained.raw))
    assert raw.read_bytes() == b"old"


def test_a_file_is_meant_from_where_one_stands_and_a_setting_from_the_factory(
    trained_copy: Project,
) -> None:
    below = trained_copy.root / "incoming"
    below.mkdir()
    (below / "rows.csv").write_text("a\n1\n", "utf-8")
    changed = trained_copy.params.model_dump(mode="json")
    changed["data"]["source"] = "incoming/rows.csv"
    write_yaml(trained_copy.root / "params.yaml", changed)

    for argv in (["--from", "rows.csv"], []):
        with chdir(below), pytest.raises(errors.FactoryError, match="breaks the contract"):
            app(["data", "pull", *argv], standalone_mode=False)


def test_a_clone_knows_where_the_sources_lie(tmp_path: Path, trained_copy: Project) -> None:
    asked = ("git", "-C", str(trained_copy.root))
    subprocess.run([*asked, "init", "--quiet"], check=True)
    subprocess.run([*asked, "config", source.FOLDER, str(tmp_path / "in")], check=True)
    with pytest.raises(errors.FactoryError, match="there is no file rows") as caught:
        source.pull(trained_copy, "rows.csv")
    assert "git config factory.dataFolder FOLDER" in str(caught.value.hint)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/rows.csv").write_text("a\n1\n", "utf-8")
    for name in ("rows.csv", "r*.csv"):
        with pytest.raises(errors.FactoryError, match="breaks the contract"):
            source.pull(trained_copy, name)
    assert source.place_of(trained_copy, "data") == trained_copy.root


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../in/*.csv", "../in/*.csv"),
        ("data/churn.sql", "data/churn.sql"),
        ("/home/maria/june.csv", "june.csv"),
        ("~/in/20??/*.csv", "20??/*.csv"),
        ("../../home/maria/june.csv", "june.csv"),
    ],
)
def test_records_name_no_folders_of_a_person(typed: str, kept: str) -> None:
    assert recorded(typed) == kept


def test_raw_data_outside_of_the_factory_are_never_written(
    tmp_path: Path, trained_copy: Project
) -> None:
    (tmp_path / "raw.csv").write_text("old", "utf-8")
    changed = trained_copy.params.model_dump(mode="json")
    for path in (
        str(tmp_path / "raw.csv"),
        os.path.relpath(tmp_path / "raw.csv", trained_copy.root),
    ):
        changed["data"]["path"] = path
        write_yaml(trained_copy.root / "params.yaml", changed)
        with pytest.raises(errors.FactoryError, match="leads out of the factory"):
            source.pull(Project(trained_copy.root), str(trained_copy.raw))
    assert (tmp_path / "raw.csv").read_text("utf-8") == "old"


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ([1, None, 2], [1, None, 2]),
        ([1, Decimal("2.5")], [1.0, 2.5]),
        ([2**64, 1], [str(2**64), "1"]),
        ([Decimal(2**62 + 1), None, 1], [2**62 + 1, None, 1]),
        ([Decimal("2.50"), Decimal("3.00")], [2.5, 3.0]),
        ([Decimal(2**64)], [str(2**64)]),
        ([True, None], [True, None]),
        ([date(2025, 1, 31)], [date(2025, 1, 31)]),
        (
            [datetime(2025, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), None],
            [datetime(2025, 1, 1, 10), None],
        ),
        ([datetime(2025, 1, 1, tzinfo=UTC), "now"], ["2025-01-01 00:00:00+00:00", "now"]),
        ([{"ä": [1]}, b"\x00\xff"], ['{"ä": [1]}', "00ff"]),
        ([None, None], [None, None]),
    ],
)
def test_values_of_a_database_get_the_plainest_type(values: list[Any], read: list[Any]) -> None:
    assert query.series("a", values).to_list() == read


@pytest.mark.parametrize(
    ("text", "said"),
    [("{file}\n", ""), ("  {file}\r\n", ""), ("\n", "is not set"), ("{file} x", "no database")],
)
def test_the_end_of_a_line_that_was_stored_with_a_url_is_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    (tmp_path / "rows.db").touch()
    monkeypatch.setenv("ROWS_URL", text.format(file=f"sqlite:///{tmp_path}/rows.db"))
    if said:
        with pytest.raises(errors.FactoryError, match=said):
            query.connect("ROWS_URL")
    else:
        query.connect("ROWS_URL").close()
