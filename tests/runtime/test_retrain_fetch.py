"""What a retraining learns from: rows of a source and outcomes of the log, and never less."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.retrain.apart import copied
from mlfactory_runtime.retrain.fetch import fetch

from ..customers import customers
from .factories import Factory

RAW = "data/raw/customers.csv"
ROWS = customers(1000).drop("revenue", "segment")


@pytest.fixture
def place(tracked: Factory, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory of 900 customers whose source has them all, with a log that keeps names."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    ROWS.head(900).write_csv(tracked.path / "delivered.csv")
    tracked.change(data={"source": "delivered.csv"})
    tracked.column("customer id", sensitive="none")
    return tracked


def log(place: Factory, rows: pl.DataFrame) -> None:
    """Score the rows, and tell what became of them."""
    rows.drop("churned").write_csv(place.path / "new.csv")
    request = place.json("predict", "new.csv", "answers.csv", "--json")["request_id"]
    outcomes = rows.select("churned").with_row_index("row")
    outcomes.with_columns(request_id=pl.lit(request)).write_csv(place.path / "outcomes.csv")
    place.run("label", "outcomes.csv")


def taken(place: Factory, folder: Path, *, fewer: bool = False) -> tuple[str, pl.DataFrame]:
    """What a retraining would say and learn from; it becomes what the factory holds."""
    copy = copied(place.project, folder / "copy")
    text = fetch(place.project, copy, fewer=fewer)
    for name in (RAW, "data/raw/taken.parquet", "data/snapshot.json"):
        if (copy.root / name).is_file():
            shutil.copy(copy.root / name, place.path / name)
    shutil.rmtree(copy.root)
    return text, pl.read_csv(place.path / RAW, infer_schema=False)


def test_outcomes_are_joined_with_what_the_source_gives(place: Factory, tmp_path: Path) -> None:
    log(place, ROWS[880:960])
    first, rows = taken(place, tmp_path)
    again, same = taken(place, tmp_path)
    known = "900 rows from delivered.csv, and 60 predictions whose outcome is known"
    assert (first, again) == (known, known)
    assert rows.equals(same)
    assert rows["customer id"].to_list() == ROWS[:960]["customer id"].to_list()

    ROWS.head(940).write_csv(place.path / "delivered.csv")  # by now it has some of them itself
    text, rows = taken(place, tmp_path)
    assert text.startswith("940 rows from delivered.csv, and 20 predictions")
    assert rows["customer id"].n_unique() == rows.height == 960


def test_rows_without_an_id_are_neither_doubled_nor_lost(place: Factory, tmp_path: Path) -> None:
    place.change(data={"id": None}, split={"key": ["customer id"]})
    place.column("customer id", nullable=False)
    log(place, pl.concat([ROWS[880:950], ROWS[940:950]]))
    text, rows = taken(place, tmp_path)
    assert text.endswith("60 predictions whose outcome is known")
    assert rows["customer id"].n_unique() == rows.height == 960
    place.run("check")


def test_fewer_or_older_rows_are_refused_unless_they_are_meant(
    place: Factory, tmp_path: Path
) -> None:
    ROWS.head(700).write_csv(place.path / "delivered.csv")
    with pytest.raises(FactoryError, match="700 rows come, and 900 are here") as raised:
        taken(place, tmp_path)
    assert "--fewer" in raised.value.hint
    shutil.rmtree(tmp_path / "copy")
    place.change(data={"time": "signup date"})
    older = ROWS.head(900).with_columns(pl.col("signup date") - pl.duration(days=9))
    older.write_csv(place.path / "delivered.csv")
    with pytest.raises(FactoryError, match="ends with"):
        taken(place, tmp_path)
    shutil.rmtree(tmp_path / "copy")
    assert taken(place, tmp_path, fewer=True)[1].height == 900


def test_rows_that_a_source_lost_are_missed_though_the_log_has_others(
    place: Factory, tmp_path: Path
) -> None:
    """800 delivered and 120 logged are more than 900, and a hundred that were known are gone."""
    log(place, ROWS[880:])
    pl.concat([ROWS[:780], ROWS[880:900]]).write_csv(place.path / "delivered.csv")
    with pytest.raises(FactoryError, match="800 rows come, and 900 are here"):
        taken(place, tmp_path)
    shutil.rmtree(tmp_path / "copy")
    ROWS.head(900).write_csv(place.path / "delivered.csv")
    assert taken(place, tmp_path)[1].height == 1000
    ROWS.head(850).write_csv(place.path / "delivered.csv")  # now the log may have given 120
    with pytest.raises(FactoryError, match="850 rows come, and 1,000 are here, at most 120 of the"):
        taken(place, tmp_path)
    shutil.rmtree(tmp_path / "copy")
    ROWS.head(880).write_csv(place.path / "delivered.csv")
    assert taken(place, tmp_path)[1].height == 1000


def test_a_source_that_ends_earlier_is_seen_beside_rows_of_the_log(
    place: Factory, tmp_path: Path
) -> None:
    """What the log gave is newer than all of them, and may not hide that."""
    place.change(data={"time": "signup date"})
    later = ROWS[900:960].with_columns(pl.col("signup date") + pl.duration(days=900))
    log(place, later)
    assert taken(place, tmp_path)[1].height == 960
    assert taken(place, tmp_path)[1].height == 960, "the same once more is no loss"
    older = ROWS.head(900).with_columns(pl.col("signup date") - pl.duration(days=9))
    older.write_csv(place.path / "delivered.csv")
    with pytest.raises(FactoryError, match="what comes ends with 2024-11-2"):
        taken(place, tmp_path)


def test_a_log_that_cannot_be_joined_is_told_of(place: Factory, tmp_path: Path) -> None:
    log(place, ROWS[900:920])
    place.column("plan", sensitive="personal")
    text, rows = taken(place, tmp_path)
    assert "without the prediction log: the log does not hold 'plan'" in text
    assert rows.height == 900


@pytest.mark.parametrize(
    ("source", "step"),
    [("delivered.csv", "factory retrain --fewer"), (None, "factory data pull --from COPY")],
)
def test_who_is_forgotten_can_be_taken_out_of_what_the_log_gave(
    place: Factory, tmp_path: Path, source: str | None, step: str
) -> None:
    place.change(data={"source": source})
    log(place, ROWS[900:910])
    taken(place, tmp_path)
    told = place.run("forget", "C00905").err
    assert f"{RAW} holds it in 1 row: " in told
    assert step in told
    if source:
        assert "C00905" not in taken(place, tmp_path, fewer=True)[1]["customer id"]
        return
    kept = pl.read_csv(place.path / RAW, infer_schema=False)
    kept.filter(pl.col("customer id") != "C00905").write_csv(place.path / "copy.csv")
    place.run("data", "pull", "--from", "copy.csv")
    assert "C00905" not in taken(place, tmp_path)[1]["customer id"]
