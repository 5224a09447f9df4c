"""Scoring on a schedule: each file once, wherever the files and their answers are."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from fsspec.core import url_to_fs

from ..customers import customers
from .factories import Factory

ROWS = customers(40).drop("revenue", "segment", "churned")


@pytest.fixture
def place(churn: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory with a folder of deliveries, as a job meets it."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    (churn.path / "incoming").mkdir()
    set_to(churn, source="incoming/*.csv", target="scored", max_invalid=0.2)
    return churn


def set_to(place: Factory, **settings: object) -> None:
    place.change(batch={"model": "models/model", **settings})


def deliver(place: Factory, name: str, rows: pl.DataFrame) -> None:
    rows.write_csv(place.path / "incoming" / name)


def logged(place: Factory) -> int:
    """Rows in the prediction log."""
    with closing(sqlite3.connect(place.path / "log/predictions.db")) as connection:
        return int(connection.execute("select count(*) from predictions").fetchone()[0])


def test_each_file_is_scored_once(place: Factory, tmp_path: Path) -> None:
    prices = ["soon", *ROWS["price €"][1:10].cast(pl.String)]
    deliver(place, "june.csv", ROWS[:10].with_columns(pl.Series("price €", prices)))
    (june,) = place.json("batch", "--json")["files"]
    assert (june["file"], june["rows"], june["invalid"]) == ("june.csv", 9, 1)
    answers = pl.read_csv(place.path / "scored" / june["answers"])
    assert answers.height == 9
    aside = june["answers"].replace(".csv", ".quarantine.csv")
    assert pl.read_csv(place.path / "scored" / aside).height == 1
    assert "| june.csv | 9 | 1 | june-" in (tmp_path / "page.md").read_text()
    assert place.json("batch", "--json") == {"files": [], "earlier": 1}
    assert logged(place) == 9

    deliver(place, "june.csv", ROWS[:20])  # the same name, and other rows
    assert place.run("batch").err == "june.csv: 20 rows scored, 0 could not be\n"
    assert len([*(place.path / "scored").iterdir()]) == 3
    assert logged(place) == 29


def test_a_file_that_fails_stops_no_other_and_is_tried_again(
    place: Factory, tmp_path: Path
) -> None:
    deliver(place, "a broken|one.csv", ROWS[:5].drop("plan"))
    deliver(place, "june.csv", ROWS[:5])
    for _ in range(2):
        said = place.run("batch", code=1).err
        assert "error: a broken|one.csv could not be scored: " in said
        assert "plan" in said
        assert "mlfactory-work" not in said
    assert [path.name[:5] for path in (place.path / "scored").iterdir()] == ["june-"]
    assert "| a broken\\|one.csv | 0 | 0 | " in (tmp_path / "page.md").read_text()


def test_answers_that_reach_nobody_do_not_count(place: Factory) -> None:
    """Where they belong stands something else, which the third run finds gone."""
    deliver(place, "june.csv", ROWS[:5])
    digest = hashlib.sha256((place.path / "incoming/june.csv").read_bytes()).hexdigest()
    obstacle = place.path / f"scored/june-{digest[:16]}.csv.new"
    obstacle.mkdir(parents=True)
    for _ in range(2):
        assert "Is a directory" in place.run("batch", code=1).err
        assert logged(place) == 0
    obstacle.rmdir()
    (june,) = place.json("batch", "--json")["files"]
    assert (june["rows"], june["unlogged"], logged(place)) == (5, "", 5)
    place.run("trail", "verify")


def test_a_run_whose_answers_somebody_else_waits_for_is_finished_by_him_or_not_at_all(
    place: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(place, "june.csv", ROWS[:5])
    gone = place.start("-c", "")
    gone.communicate()
    monkeypatch.setenv("FACTORY_LOG_HOLDER", str(gone.pid))
    place.run("predict", "incoming/june.csv", "june.csv")
    assert logged(place) == 5
    monkeypatch.delenv("FACTORY_LOG_HOLDER")
    place.run("trail", "verify")  # nobody sees them
    place.run("predict", "incoming/june.csv", "june.csv")
    assert logged(place) == 5
    place.run("trail", "verify")


def test_files_may_lie_in_a_bucket(place: Factory) -> None:
    bucket, _ = url_to_fs("memory://in")
    with bucket.open("/in/june.csv", "wb") as file:
        ROWS[:5].write_csv(file)
    set_to(place, source="memory://in/*.csv", target="memory://out/scores", format="parquet")
    (june,) = place.json("batch", "--json")["files"]
    assert bucket.ls("/out/scores", detail=False) == [f"/out/scores/{june['answers']}"]
    assert place.json("batch", "--json")["earlier"] == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"source": None}, "params.yaml names no source of rows to score"),
        ({"target": None}, "params.yaml names no folder for answers"),
        ({"source": "incoming/none.csv"}, "there is no file incoming/none.csv"),
        ({"target": "incoming"}, "the answers to incoming/*.csv would be scored themselves"),
        ({"model": "prod"}, "no version is on the stage prod"),
    ],
)
def test_what_cannot_be_is_said(place: Factory, settings: dict[str, object], reason: str) -> None:
    deliver(place, "june.csv", ROWS[:5])
    set_to(place, **settings)
    assert reason in place.run("batch", code=1).err
