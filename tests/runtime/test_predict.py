"""Scoring a table: the answers, what is set aside, and what is never half written."""

import sqlite3
from collections.abc import Callable
from contextlib import chdir, closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import errors, lightgbm
from mlfactory_runtime.cli import app
from mlfactory_runtime.predict import batch
from mlfactory_runtime.predict import scorer as predict_scorer
from mlfactory_runtime.tables import read as tables_read
from mlfactory_runtime.testing.trained import Trained

from .conftest import TASKS


@pytest.fixture(scope="module", params=["binary", *TASKS])
def trained(request: pytest.FixtureRequest, examples: Callable[[str], Trained]) -> Trained:
    """A factory of each task."""
    return examples(request.param)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_predict_answers_what_training_saw(trained: Trained, suffix: str, tmp_path: Path) -> None:
    expected = predict_scorer.answer(
        lightgbm.predict(trained.model, trained.matrix(trained.rows)),
        trained.signature,
    )
    output = tmp_path / f"out{suffix}"
    with chdir(trained.folder):
        app(["predict", str(trained.raw), str(output)], standalone_mode=False)
    if suffix == ".csv":
        answered = pl.read_csv(output, schema_overrides=dict(expected.schema))
    else:
        answered = pl.read_parquet(output)

    assert answered.select(expected.columns).equals(expected)


def test_predict_needs_only_what_the_model_learned_from(trained: Trained, tmp_path: Path) -> None:
    needed = trained.rows.select(*trained.catalog.inputs(trained.params))
    needed.write_parquet(tmp_path / "in.parquet")
    done = batch.predict_file(trained.project, tmp_path / "in.parquet", tmp_path / "out.parquet")

    assert (done.rows, done.invalid, done.quarantine) == (trained.rows.height, 0, None)


def test_rows_that_lack_a_column_are_refused_and_nothing_is_written(
    trained: Trained, tmp_path: Path
) -> None:
    name = next(iter(trained.catalog.inputs(trained.params)))
    trained.rows.drop(name).write_parquet(tmp_path / "in.parquet")

    with pytest.raises(errors.FactoryError, match="the data lack"):
        batch.predict_file(trained.project, tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_an_output_in_a_folder_that_is_not_there_is_told(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(errors.FactoryError, match="no folder"):
        batch.predict_file(trained.project, trained.raw, tmp_path / "missing" / "out.csv")


def damaged(trained: Trained, rows: int) -> tuple[pl.DataFrame, str]:
    """The raw rows as text, the first of them with something in a number that is none."""
    raw = trained.rows.select(pl.all().cast(pl.String))
    name = next(
        n for n, c in trained.catalog.inputs(trained.params).items() if c.dtype in ("int", "float")
    )
    wrong = pl.when(pl.int_range(pl.len()) < rows).then(pl.lit("x!")).otherwise(pl.col(name))
    return raw.with_columns(wrong.alias(name)), name


def test_rows_that_break_the_contract_go_aside_with_the_reason(
    trained: Trained, tmp_path: Path
) -> None:
    table, name = damaged(trained, 3)
    table.write_csv(tmp_path / "in.csv", separator=trained.params.data.separator)
    done = batch.predict_file(trained.project, tmp_path / "in.csv", tmp_path / "out.csv")

    assert done.quarantine is not None
    aside = pl.read_csv(done.quarantine, infer_schema=False)
    assert (done.rows, done.invalid, aside.height) == (table.height - 3, 3, 3)
    assert aside["reason"].str.starts_with(f"{name}: the value cannot be read").all()
    assert aside[name].to_list() == ["x!"] * 3


def test_too_many_invalid_rows_fail_and_leave_the_old_answers(
    trained: Trained, tmp_path: Path
) -> None:
    table, _ = damaged(trained, trained.rows.height // 2)
    table.write_csv(tmp_path / "in.csv", separator=trained.params.data.separator)
    (tmp_path / "out.csv").write_text("old")

    with pytest.raises(errors.FactoryError, match="cannot be scored"):
        batch.predict_file(
            trained.project, tmp_path / "in.csv", tmp_path / "out.csv", max_invalid=0.4
        )
    assert (tmp_path / "out.csv").read_text() == "old"
    assert (tmp_path / "out.quarantine.csv").is_file()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_row_that_lacks_what_training_never_lacked_goes_aside(trained: Trained) -> None:
    scorer = predict_scorer.open_scorer(trained.project, trained.project.model_folder)
    known = scorer.signature.features
    name = next(f.name for f in known if f.name in trained.rows.columns)
    strict = tuple(f.model_copy(update={"missing_seen": f.name != name}) for f in known)
    columns = {
        n: c.model_copy(update={"nullable": True}) for n, c in scorer.catalog.columns.items()
    }
    lenient = predict_scorer.Scorer(
        scorer.signature.model_copy(update={"features": strict}),
        scorer.model,
        scorer.version,
        scorer.catalog.model_copy(update={"columns": columns}),
        scorer.params,
        scorer.project,
    )
    rows = trained.rows[:5].with_row_index("place")
    hole = pl.when(pl.col("place") == 2).then(None).otherwise(pl.col(name)).alias(name)

    good, bad = predict_scorer.score(rows.with_columns(hole).drop("place"), lenient)
    whole, _ = predict_scorer.score(rows.drop("place"), lenient)

    assert bad["reason"].to_list() == [f"{name} is missing"]
    assert good.drop("scored_at").equals(whole[[0, 1, 3, 4]].drop("scored_at"))


def test_an_explanation_names_what_moved_a_score_most(trained: Trained, tmp_path: Path) -> None:
    rows = trained.rows.head(300)
    rows.write_parquet(tmp_path / "in.parquet")
    batch.predict_file(
        trained.project, tmp_path / "in.parquet", tmp_path / "out.parquet", explain=2
    )

    found = pl.read_parquet(tmp_path / "out.parquet")
    x = trained.matrix(rows)
    moved = np.sort(np.abs(lightgbm.contributions(trained.model, x, trained.signature)), axis=1)
    assert np.array_equal(found["because_1_by"].abs().to_numpy(), moved[:, -1])
    assert set(found["because_2"]) <= {feature.name for feature in trained.signature.features}


def test_a_query_is_scored_like_the_file_that_it_was_made_from(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = trained.rows.select(pl.col(*trained.catalog.inputs(trained.params)).cast(pl.String))
    with closing(sqlite3.connect(tmp_path / "rows.db")) as database, database:
        names = ", ".join(f'"{name}"' for name in needed.columns)
        database.execute(f"create table t ({names})")
        places = ", ".join("?" * needed.width)
        database.executemany(f"insert into t values ({places})", needed.rows())
    (tmp_path / "rows.sql").write_text("select * from t order by rowid;")
    monkeypatch.setenv("ROWS_URL", f"sqlite:///{tmp_path}/rows.db")
    asked = ["predict", "--query", str(tmp_path / "rows.sql"), str(tmp_path / "one.parquet")]
    with chdir(trained.folder):
        app([*asked, "--url-env", "ROWS_URL"], standalone_mode=False)
    batch.predict_file(trained.project, trained.raw, tmp_path / "two.parquet")

    answers = trained.signature.classes and predict_scorer.probabilities(trained.signature)
    one, two = (pl.read_parquet(tmp_path / f"{n}.parquet") for n in ("one", "two"))
    assert one.select("prediction", *answers).equals(two.select("prediction", *answers))


@pytest.mark.parametrize(
    ("variable", "sql", "told"),
    [
        ("NO_URL", "select 1", "NO_URL is not set"),
        ("sqlite:///rows.db", "select 1", "--url-env names no variable"),
        ("ROWS_URL", "select x from nowhere", "the query in .* fails: no such table: nowhere"),
        ("ROWS_URL", "select 1 as one where false", "the query in .* gives no row"),
        ("ROWS_URL", None, "there is no file"),
    ],
)
def test_a_query_that_cannot_be_scored_says_why(
    trained: Trained, tmp_path: Path, variable: str, sql: str | None, told: str
) -> None:
    sqlite3.connect(tmp_path / "rows.db").close()
    if sql is not None:
        (tmp_path / "rows.sql").write_text(sql)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROWS_URL", f"sqlite:///{tmp_path}/rows.db")
        with pytest.raises(errors.FactoryError, match=told):
            batch.predict_file(
                trained.project,
                tmp_path / "rows.sql",
                tmp_path / "out.csv",
                url_env=variable,
                log=False,
            )
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "argv", [["out.csv"], ["a.csv", "b.csv", "c.csv"], ["a.csv", "b.csv", "--query", "c.sql"],
             ["b.csv", "--query", "c.txt"]],
)  # fmt: skip
def test_an_input_is_either_a_file_or_a_query(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["predict", *argv])
    assert ended.value.code == 2


def test_batches_of_any_size_give_the_same_answers(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch.predict_file(trained.project, trained.raw, tmp_path / "one.parquet")
    read = tables_read.read_batches
    monkeypatch.setattr(batch, "read_batches", lambda path, data: read(path, data, 333))
    batch.predict_file(trained.project, trained.raw, tmp_path / "many.parquet")

    one, many = (
        pl.read_parquet(tmp_path / f"{n}.parquet").drop("scored_at", "request_id")
        for n in ("one", "many")
    )
    assert one.equals(many)
