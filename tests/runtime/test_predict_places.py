"""Where answers may go: nothing that must stay is written over, by whatever name it is called."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.project import Project

from .factories import Factory

RAW = "data/raw/customers.csv"


def same(place: Path) -> str:
    return str(place / "in.csv")


def linked(place: Path) -> str:
    (place / "link.csv").symlink_to("in.csv")
    return str(place / "link.csv")


def hard(place: Path) -> str:
    (place / "other.csv").hardlink_to(place / "in.csv")
    return str(place / "other.csv")


def roundabout(place: Path) -> str:
    (place / "deep").mkdir()
    return str(place / "deep" / ".." / "in.csv")


def raw(_: Path) -> str:
    return RAW


def link_to_raw(place: Path) -> str:
    (place / "out.csv").symlink_to(place / RAW)
    return "out.csv"


def through_folder(place: Path) -> str:
    (place / "elsewhere").symlink_to(place / "data" / "raw")
    return "elsewhere/customers.csv"


def prepared(_: Path) -> str:
    return "data/prepared/train.parquet"


def plots(_: Path) -> str:
    return "reports/plots/importance.csv"


def cached(place: Path) -> str:
    """A second name of what DVC keeps, as a cache of hard links makes it."""
    file = next(
        file for file in (place / ".dvc/cache/files/md5").glob("*/*") if file.stat().st_size
    )
    (place / "theirs.csv").hardlink_to(file)
    return "theirs.csv"


def tracked_folder(place: Path) -> str:
    (place / "extra").mkdir()
    (place / "extra.dvc").write_text("outs: []\n")
    return "extra/out.csv"


def pipe(place: Path) -> str:
    os.mkfifo(place / "pipe.csv")
    return "pipe.csv"


WAYS = (same, linked, hard, roundabout, raw, link_to_raw, through_folder, prepared, plots, cached,
        tracked_folder, pipe)  # fmt: skip


def contents(place: Path) -> dict[str, bytes]:
    files = (file for file in place.rglob("*") if file.is_file() and "log" not in file.parts)
    return {str(file): file.read_bytes() for file in files}


@pytest.mark.parametrize("way", WAYS)
def test_what_must_stay_is_not_written_over(tracked: Factory, way: Callable[[Path], str]) -> None:
    shutil.copy(tracked.path / RAW, tracked.path / "in.csv")
    target = way(tracked.path)
    before = contents(tracked.path)

    said = tracked.run("predict", "in.csv", target, code=1).err
    assert said.startswith("error: ")
    assert "hint: give the answers another name" in said
    assert contents(tracked.path) == before


WRITERS = {
    "synth": ("synth", "{}"),
    "export": ("contract", "export", "{}"),
    "copy": ("report", "--copy", "{}"),
    "page": ("monitor", "--current", "in.csv", "--html", "{}"),
    "sbom": ("sbom", "v1.0.0", "{}"),
    "predict": ("predict", "in.csv", "{}"),
}
LETTERS = ("log/predictions.db", ".gitignore", "notes.md", "log/predictions.db-wal")


@pytest.mark.parametrize("writer", ["export", "copy", "page", "sbom"])
def test_what_is_neither_page_nor_document_stays(tracked: Factory, writer: str) -> None:
    shutil.copy(tracked.path / RAW, tracked.path / "in.csv")
    (tracked.path / "log").mkdir(exist_ok=True)
    for name in LETTERS:
        tracked.write(name, "somebody's work\n")
    for name in LETTERS:
        argv = (part.format(name) for part in WRITERS[writer])
        assert "hint: give it another name" in tracked.run(*argv, code=1).err
        assert tracked.text(name) == "somebody's work\n"


def test_an_empty_file_is_nobodys(tracked: Factory) -> None:
    tracked.write("contract.json", "")
    tracked.run("contract", "export", "contract.json")
    assert tracked.text("contract.json").startswith("{")


def test_a_loop_of_links_is_named(tracked: Factory) -> None:
    (tracked.path / "Größe").symlink_to("Größe")
    said = tracked.run("contract", "export", "Größe/Contract.json", code=1).err
    assert "Größe" in said and "Traceback" not in said


SOURCES = {"a file": "more/in.csv", "a folder": "more", "a pattern": "more/*.csv"}


@pytest.mark.parametrize("writer", ["synth", "export", "copy", "page", "sbom"])
def test_what_else_writes_a_file_keeps_to_the_same(tracked: Factory, writer: str) -> None:
    shutil.copy(tracked.path / RAW, tracked.path / "in.csv")
    ways = [one(tracked.path) for one in (raw, link_to_raw, prepared)]
    own = ("params.yaml", "dvc.lock", "src/churn/features.py", "data/raw/customers.csv.dvc")
    before = contents(tracked.path)
    for target in (*ways, *own):
        argv = (part.format(target) for part in WRITERS[writer])
        assert "hint: give it another name" in tracked.run(*argv, code=1).err
    assert contents(tracked.path) == before


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("writer", ["synth", "export", "predict"])
def test_what_is_delivered_is_not_written_over(tracked: Factory, source: str, writer: str) -> None:
    (tracked.path / "more").mkdir()
    for name in ("in.csv", "more/in.csv"):
        shutil.copy(tracked.path / RAW, tracked.path / name)
    (tracked.path / "link.csv").symlink_to("more/in.csv")
    tracked.change(data={"source": SOURCES[source]})
    before = contents(tracked.path)
    for target in ("more/in.csv", "link.csv"):
        argv = (part.format(target) for part in WRITERS[writer])
        assert f"data of data.source, {SOURCES[source]}" in tracked.run(*argv, code=1).err
    assert contents(tracked.path) == before


def test_rows_are_made_up_where_the_data_are_not_here(tracked: Factory) -> None:
    (tracked.path / RAW).unlink()
    tracked.run("synth", "--rows", "50")
    assert pl.read_csv(tracked.path / RAW).height == 50
    for _ in range(2):
        tracked.run("synth", "made.csv", "--rows", "50")
        tracked.run("contract", "export", "schema.json")


def test_a_query_does_not_write_over_the_raw_data_either(tracked: Factory) -> None:
    tracked.write("rows.sql", "select 1")
    before = (tracked.path / RAW).read_bytes()
    assert "holds the raw data" in tracked.run("predict", "--query", "rows.sql", RAW, code=1).err
    assert (tracked.path / RAW).read_bytes() == before


def test_a_quarantine_file_that_is_there_stays(trained_copy: Project) -> None:
    factory = Factory(trained_copy.root)
    table = pl.read_csv(trained_copy.raw, infer_schema=False)
    number = next(n for n, c in trained_copy.catalog.inputs(trained_copy.params).items()
                  if c.dtype in ("int", "float"))  # fmt: skip
    odd = pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("x!")).otherwise(pl.col(number))
    table.with_columns(odd.alias(number)).write_csv(factory.path / "odd.csv")
    factory.write("out.quarantine.csv", "somebody's work\n")

    first = factory.json("predict", "odd.csv", "out.csv", "--json")
    assert first["quarantine"] == "out.quarantine-2.csv"
    second = factory.run("predict", "odd.csv", "out.csv")
    assert "out.quarantine-3.csv says why" in second.err
    assert "out.quarantine-2.csv is of an earlier run" in second.err
    whole = factory.run("predict", str(trained_copy.raw), "out.csv")
    assert "out.quarantine.csv is of an earlier run" in whole.err
    assert factory.text("out.quarantine.csv") == "somebody's work\n"
    assert pl.read_csv(factory.path / "out.quarantine-2.csv", infer_schema=False).height == 3


def test_answers_that_were_written_before_are_replaced(trained_copy: Project) -> None:
    factory = Factory(trained_copy.root)
    with suppress(FileNotFoundError):
        (factory.path / "out.csv").unlink()
    for _ in range(2):
        factory.run("predict", str(trained_copy.raw), "out.csv")
    assert pl.read_csv(factory.path / "out.csv").height == 2000


def test_a_spreadsheet_is_given_no_formula(trained_copy: Project) -> None:
    factory = Factory(trained_copy.root)
    name = trained_copy.params.data.id or ""
    table = pl.read_csv(trained_copy.raw, infer_schema=False).head(7)
    ids = pl.Series(name, ["=1+0", "+cmd", "-2", "@x", "\t=1", "\uff1d1+0", "plain"])
    table.with_columns(ids).write_csv(factory.path / "in.csv")

    factory.run("predict", "in.csv", "raw.csv")
    assert pl.read_csv(factory.path / "raw.csv")[name].to_list() == ids.to_list()
    factory.run("predict", "in.csv", "safe.csv", "--spreadsheet")
    expected = ["'=1+0", "'+cmd", "-2", "'@x", "'\t=1", "'\uff1d1+0", "plain"]
    assert pl.read_csv(factory.path / "safe.csv")[name].to_list() == expected


def test_the_log_is_its_owners_alone(trained_copy: Project) -> None:
    factory = Factory(trained_copy.root)
    factory.run("predict", str(trained_copy.raw), "out.csv")
    for file in (factory.path / "log").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
