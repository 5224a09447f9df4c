"""The public names: rows and predictions from any folder of a factory, and what an import costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import mlfactory_runtime
import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import FactoryError, load, score
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing import Trained
from polars.testing import assert_frame_equal

HEAVY = ("polars", "numpy", "pydantic", "yaml", "lightgbm", "pandera", "sklearn", "typer")


@pytest.fixture
def below(trained: Trained) -> Iterator[Path]:
    """A notebook runs in a folder of its own."""
    folder = trained.folder / "notebooks"
    folder.mkdir(exist_ok=True)
    with chdir(folder):
        yield folder


def text(trained: Trained) -> pl.DataFrame:
    """The raw rows as they stand in the file."""
    return pl.read_csv(trained.raw, infer_schema=False)


@pytest.mark.usefixtures("below")
@pytest.mark.parametrize("part", ["train", "validation", "holdout"])
def test_rows_of_a_part_are_those_of_the_pipeline(part: str, trained: Trained) -> None:
    rows = load(part)  # type: ignore[arg-type]

    assert rows.height == trained.result.rows[part]
    assert rows.schema == trained.rows.schema


@pytest.mark.usefixtures("below")
def test_without_a_name_the_rows_are_those_to_learn_from() -> None:
    assert_frame_equal(load(), load("train"))


def test_outside_of_a_factory_there_are_no_rows(tmp_path: Path) -> None:
    with chdir(tmp_path), pytest.raises(FactoryError, match=r"params\.yaml is not here"):
        load()


def test_rows_that_are_not_prepared_are_told_with_the_command(trained_copy: Project) -> None:
    (trained_copy.prepared / "train.parquet").unlink()

    with chdir(trained_copy.root), pytest.raises(FactoryError) as caught:
        load()
    assert caught.value.message == "data/prepared/train.parquet is not here"
    assert caught.value.hint == "make it: dvc repro prepare"


@pytest.mark.usefixtures("below")
def test_each_row_has_its_answer_in_its_place(trained: Trained) -> None:
    told = score(text(trained))

    assert told.columns == ["prediction", "probability_no", "probability_yes"]
    assert np.array_equal(told["probability_yes"], trained.scores(trained.rows))
    assert told["probability_no"].to_numpy() == pytest.approx(1 - told["probability_yes"])
    called = pl.when(pl.col("probability_yes") >= trained.signature.threshold).then(pl.lit("yes"))
    assert told.select(called.otherwise(pl.lit("no"))).to_series().equals(told["prediction"])


@pytest.mark.usefixtures("below")
def test_rows_are_scored_as_text_or_typed_with_their_columns_in_any_order(
    trained: Trained,
) -> None:
    expected = score(text(trained))
    needed = list(trained.catalog.inputs(trained.params))

    assert_frame_equal(score(trained.rows.select(needed[::-1])), expected)
    assert_frame_equal(score(text(trained).select(pl.all().reverse())).reverse(), expected)


@pytest.mark.usefixtures("below")
def test_no_row_has_no_answer(trained: Trained) -> None:
    none, some = score(text(trained).clear()), score(text(trained).head(1))

    assert (none.height, none.schema) == (0, some.schema)


@pytest.mark.usefixtures("below")
def test_a_row_that_breaks_the_contract_is_refused_with_the_reason(trained: Trained) -> None:
    rows = text(trained).head(20)
    aged = pl.when(pl.int_range(pl.len()).is_in([3, 4])).then(pl.lit("old")).otherwise("age")

    with pytest.raises(FactoryError, match="2 of 20 rows cannot be scored: age: ") as caught:
        score(rows.with_columns(age=aged))
    assert "factory predict sets them aside" in caught.value.hint


@pytest.mark.usefixtures("below")
def test_a_column_that_is_lacking_is_named(trained: Trained) -> None:
    with pytest.raises(FactoryError, match="the data lack the column 'age'"):
        score(text(trained).drop("age"))


def test_another_model_is_named_by_its_folder_below_the_factory(
    trained_copy: Project, trained: Trained
) -> None:
    trained_copy.model_folder.rename(trained_copy.root / "models/older")
    rows = text(trained).head(5)
    with chdir(trained_copy.reports):
        assert score(rows, "models/older").height == 5
        with pytest.raises(FactoryError, match=r"there is no model in .*models/model"):
            score(rows)


def test_a_prediction_that_is_looked_at_is_not_written_down(
    trained_copy: Project, trained: Trained
) -> None:
    with chdir(trained_copy.root):
        score(text(trained))

    assert not (trained_copy.root / "log").exists()


def test_every_public_name_is_there() -> None:
    assert dir(mlfactory_runtime) == sorted(mlfactory_runtime.__all__)
    assert set(mlfactory_runtime.__all__) == set(mlfactory_runtime.HOMES)
    for name in mlfactory_runtime.__all__:
        assert getattr(mlfactory_runtime, name)


def test_a_name_that_is_not_public_is_none() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Secret'"):
        _ = mlfactory_runtime.Secret


@pytest.mark.parametrize(
    "line", ["import mlfactory_runtime", "from mlfactory_runtime import FactoryError"]
)
def test_an_import_pays_for_nothing_that_is_not_asked_for(line: str) -> None:
    program = f"import sys; {line}; print(sorted({set(HEAVY)} & set(sys.modules)))"
    argv = [sys.executable, "-c", program]

    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout == "[]\n"
