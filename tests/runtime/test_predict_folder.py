"""Scoring a folder: each file once, in the same layout, whatever ends a run."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.monitor.history import History
from mlfactory_runtime.monitor.reading import from_log, production
from mlfactory_runtime.monitor.window import BATCHES, Window
from mlfactory_runtime.predict import batch
from mlfactory_runtime.predict import folder as predict_folder
from mlfactory_runtime.testing.trained import Trained
from polars.testing import assert_frame_equal

from ..waiting import until
from .factories import PROGRAM, Factory
from .holds import await_stop, held_after

STAMPS = ("request_id", "row", "scored_at")


@pytest.fixture
def factory(trained: Trained, tmp_path: Path) -> Factory:
    """A trained factory to be changed, whose log holds nothing."""
    return Factory(trained.folder).copy(tmp_path / "factory")


def spread(rows: pl.DataFrame, folder: Path, pieces: int) -> dict[str, pl.DataFrame]:
    """Rows in files by hive partitions, as they are called below the folder."""
    parts = {}
    for k in range(pieces):
        part = rows.gather_every(pieces, k)
        name = f"day={k % 2}/part-{k}.parquet"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        part.write_parquet(folder / name)
        parts[name] = part
    return parts


def expected(factory: Factory, source: Path, place: Path) -> pl.DataFrame:
    """What one process says of one file."""
    batch.predict_file(factory.project, source, place, log=False)
    return pl.read_parquet(place)


def logged(factory: Factory) -> list[tuple[str, int]]:
    """The rows of the log, by the request and the number of the row."""
    with closing(sqlite3.connect(factory.path / "log/predictions.db")) as log:
        assert log.execute("select count(*) from open_runs").fetchone() == (0,)
        return log.execute("select request_id, row from predictions").fetchall()


def answers(folder: Path) -> pl.DataFrame:
    files = sorted(folder.glob("day=*/*.parquet"))
    return pl.concat(pl.read_parquet(file) for file in files)


def test_a_folder_is_scored_file_by_file_in_the_same_layout(
    trained: Trained, factory: Factory, tmp_path: Path
) -> None:
    parts = spread(trained.rows, tmp_path / "in", 4)
    name = next(iter(parts))
    needed = next(f.name for f in trained.signature.features if not f.missing_seen)
    damage = pl.when(pl.int_range(pl.len()) < 2).then(None).otherwise(pl.col(needed))
    parts[name].with_columns(damage.alias(needed)).write_parquet(tmp_path / "in" / name)
    parts[name].clear().write_parquet(tmp_path / "in/day=1/empty.parquet")
    (tmp_path / "in/_SUCCESS").touch()

    result = factory.json(
        "predict", str(tmp_path / "in"), str(tmp_path / "out"), "--jobs", "2", "--json"
    )

    assert (result["rows"], result["invalid"]) == (trained.rows.height - 2, 2)
    broken = f"_quarantine/{name.removesuffix('.parquet')}.quarantine.parquet"
    aside = pl.read_parquet(tmp_path / "out" / broken)
    assert aside["reason"].to_list() == [f"{needed}: the value is missing"] * 2
    files = {f.relative_to(tmp_path / "out").as_posix() for f in (tmp_path / "out").rglob("*.*")}
    assert files == {*parts, broken}
    for other in list(parts)[1:]:
        alone = expected(factory, tmp_path / "in" / other, tmp_path / "alone.parquet")
        own = pl.read_parquet(tmp_path / "out" / other)
        assert_frame_equal(own.drop(STAMPS), alone.drop("scored_at"), check_exact=True)
    keys = answers(tmp_path / "out").select("request_id", "row").rows()
    assert sorted(logged(factory)) == sorted(keys)
    now = datetime.now(UTC)
    history = History(production(factory.project), Window(now, now, BATCHES))
    (window,) = history.batches(now, 9)
    assert from_log(window, history.watched).rows == result["rows"], "a folder is one batch"


def test_only_what_is_new_or_changed_is_scored_again(
    trained: Trained, factory: Factory, tmp_path: Path
) -> None:
    parts = spread(trained.rows, tmp_path / "in", 3)
    task = predict_folder.Task(
        factory.path, factory.project.model_folder, tmp_path / "in", tmp_path / "out"
    )
    first = [predict_folder.score_one(task, name) for name in parts]
    assert not any(one.earlier or one.error for one in first)
    again = [predict_folder.score_one(task, name) for name in parts]
    assert [(one.rows, one.earlier) for one in again] == [(one.rows, True) for one in first]

    changed, unlogged, _ = parts
    parts[changed].head(5).write_parquet(tmp_path / "in" / changed)
    request = pl.read_parquet(tmp_path / "out" / unlogged)["request_id"][0]
    with sqlite3.connect(factory.path / "log/predictions.db") as log:
        log.execute("delete from predictions where request_id = ?", (request,))
    later = [predict_folder.score_one(task, name) for name in parts]
    assert [one.earlier for one in later] == [False, False, True]
    assert later[0].rows == 5


def test_a_run_that_was_killed_is_made_up_for(
    trained: Trained, factory: Factory, tmp_path: Path
) -> None:
    rows = pl.concat([trained.rows] * 10)
    parts = spread(rows, tmp_path / "in", 12)
    argv = ("predict", str(tmp_path / "in"), str(tmp_path / "out"), "--jobs", "2", "--json")
    # It stops at the first result: its processes end what they have, which is not all.
    process = factory.start("-c", held_after("concurrent.futures:Future.result") + PROGRAM, *argv)
    await_stop(process)
    until(lambda: batches(factory, raw=True) == 1)
    assert batches(factory) == 0  # a monitor would take a part for the whole
    process.kill()
    process.communicate()
    until(lambda: not working(tmp_path / "in"))
    assert batches(factory) == 1  # nobody will finish it
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("day=*/*.parquet")}
    assert 0 < len(before) < len(parts)

    result = factory.json(*argv)

    assert result["rows"] == rows.height
    earlier = {file for file, when in before.items() if file.stat().st_mtime_ns == when}
    assert len(earlier) >= len(before) - 2  # what each process was about to finish in the log
    keys = answers(tmp_path / "out").select("request_id", "row").rows()
    assert sorted(logged(factory)) == sorted(keys)
    assert not [*(tmp_path / "out").rglob(".factory-*")]


def batches(factory: Factory, *, raw: bool = False) -> int:
    """How many batches the monitor sees, or are in the log: those of one folder begin alike."""
    watched, now = production(factory.project), datetime.now(UTC)
    history = History(watched, Window(now, now, BATCHES))
    if not raw:
        return len(history.batches(now, 10))
    with closing(sqlite3.connect(factory.path / "log/predictions.db")) as log:
        whole = "request_id not in (select request_id from open_runs)"
        query = f"select count(distinct substr(request_id, 1, 16)) from predictions where {whole}"
        return int(log.execute(query).fetchone()[0])


def working(folder: Path) -> list[str]:
    """The processes that hold a file of the folder open, or were started to score it."""
    import psutil

    return [
        name
        for one in psutil.process_iter(["cmdline", "open_files"])
        for name in [" ".join(one.info["cmdline"] or ())]
        if str(folder) in name or any(str(folder) in f.path for f in one.info["open_files"] or ())
    ]


def test_a_file_that_fails_stops_no_other(
    trained: Trained, factory: Factory, tmp_path: Path
) -> None:
    parts = spread(trained.rows, tmp_path / "in", 2)
    first, second = parts
    (tmp_path / "in" / first).write_bytes(b"PAR1 and no more")

    ended = factory.run(
        "predict", str(tmp_path / "in"), str(tmp_path / "out"), "--jobs", "1", code=1
    )

    assert f"error: 1 files have no answers ({first})" in ended.err
    assert [f.name for f in (tmp_path / "out").rglob("*.parquet")] == [Path(second).name]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("in", "in/answers", "of .* one lies in the other"),
        ("in", ".", "of .* one lies in the other"),
        ("in", "in", "of .* one lies in the other"),
        ("in", "no/where", "there is no folder"),
        ("in", "file.txt", "is a file"),
        ("nothing", "out", "holds no file"),
        ("texts", "out", "holds .csv files"),
    ],
)
def test_a_folder_that_cannot_be_scored_is_refused(
    factory: Factory, trained: Trained, tmp_path: Path, source: str, target: str, message: str
) -> None:
    spread(trained.rows.head(20), tmp_path / "in", 1)
    for name in ("nothing", "texts"):
        (tmp_path / name).mkdir()
    (tmp_path / "texts/a.csv").write_text("a\n1\n")
    (tmp_path / "file.txt").touch()
    task = predict_folder.Task(
        factory.path, factory.project.model_folder, tmp_path / source, tmp_path / target
    )

    with pytest.raises(errors.FactoryError, match=message):
        predict_folder.predict_folder(factory.project, task)
    assert not (tmp_path / "out").exists()


def test_a_link_among_the_answers_does_not_lead_to_the_inputs(
    trained: Trained, factory: Factory, tmp_path: Path
) -> None:
    for name in ("a.parquet", "sub/a.parquet"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        trained.rows.head(60).write_parquet(tmp_path / "in" / name)
    before = (tmp_path / "in/a.parquet").read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub").symlink_to(tmp_path / "in")

    said = factory.run("predict", str(tmp_path / "in"), str(tmp_path / "out"), code=1).err
    assert "leads out of" in said
    assert (tmp_path / "in/a.parquet").read_bytes() == before
    assert pl.read_parquet(tmp_path / "out/a.parquet").height == 60

    deeper = tmp_path / "in/sub/deep/a.parquet"
    deeper.parent.mkdir()
    trained.rows.head(60).write_parquet(deeper)
    (tmp_path / "out/_quarantine").symlink_to(tmp_path / "in")
    factory.run("predict", str(tmp_path / "in"), str(tmp_path / "out"), code=1)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["a.parquet", "sub"]


def test_a_log_that_cannot_be_made_is_told_and_the_answers_are_there(
    trained: Trained, factory: Factory, tmp_path: Path
) -> None:
    spread(trained.rows.head(40), tmp_path / "in", 2)
    factory.write("nolog", "a file where the folder of the log would be")
    factory.change(log={"path": "nolog/predictions.db"})

    result = factory.json("predict", str(tmp_path / "in"), str(tmp_path / "out"), "--json")
    assert result["rows"] == answers(tmp_path / "out").height == 40
    assert all(one["unlogged"] for one in result["files"])


def test_a_folder_that_the_pipeline_writes_is_refused(factory: Factory, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    task = predict_folder.Task(
        factory.path, factory.project.model_folder, tmp_path / "in", factory.path / "data/prepared"
    )
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "in/a.parquet")

    with pytest.raises(errors.FactoryError, match="kept by the pipeline"):
        predict_folder.predict_folder(factory.project, task)


def test_answers_to_rows_that_are_gone_do_not_stay(
    trained: Trained, factory: Factory, tmp_path: Path
) -> None:
    parts = spread(trained.rows.head(20), tmp_path / "in", 1)
    task = predict_folder.Task(
        factory.path, factory.project.model_folder, tmp_path / "in", tmp_path / "out"
    )
    (name,) = parts
    assert not predict_folder.score_one(task, name).error
    parts[name].clear().write_parquet(tmp_path / "in" / name)
    assert predict_folder.score_one(task, name).error
    assert not (tmp_path / "out" / name).exists()
