"""Tables beyond data.in_memory_rows: the model learns from every row, and memory does not grow."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.files import short_hash
from mlfactory_runtime.learn import matrix, signature, stored
from mlfactory_runtime.learn.split import PARTS
from mlfactory_runtime.settings import params

from .factories import Factory, drafted

ROWS = 30_000


def table(rows: int) -> pl.DataFrame:
    """Numbers with gaps, a category, and two classes."""
    draw = np.random.default_rng(1)
    kind = draw.choice(["basic", "plus", "none"], rows)
    pay = draw.normal(100, 20, rows).round(2)
    leaves = pay + 15 * (kind == "plus") + draw.normal(0, 15, rows) > 110
    columns = {"customer": np.arange(rows), "pay": pay, "age": draw.integers(18, 90, rows)}
    frame = pl.DataFrame({**columns, "kind": kind, "gone": np.where(leaves, "yes", "no")})
    gap = pl.Series(draw.random(rows) < 0.1)
    return frame.with_columns(pl.when(~gap).then(pl.col("age")).alias("age"))


def prepared(folder: Path) -> Factory:
    """A factory of a table that is larger than what it may hold, before it is trained."""
    columns = {"target": "gone", "id": "customer"}
    factory = drafted(folder, table(ROWS), "classification", **columns)
    factory.change(model={"averaged": 1, "max_rounds": 20}, data={"in_memory_rows": 20_000})
    factory.run("prepare")
    return factory


@pytest.fixture(scope="module")
def _large(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    factory = prepared(tmp_path_factory.mktemp("large") / "churn")
    factory.run("train")
    factory.run("report")
    return factory


@pytest.fixture
def large(_large: Factory, tmp_path: Path) -> Factory:
    """A factory of a table that is larger than what it may hold."""
    return _large.copy(tmp_path / "churn")


def learned_from(folder: Path) -> int:
    """How many rows the first tree of a model has seen."""
    text = (folder / "model.txt").read_text("utf-8")
    counts = next(line for line in text.splitlines() if line.startswith("leaf_count="))
    return sum(map(int, counts.partition("=")[2].split()))


def test_the_model_learns_from_all_rows_and_says_how(large: Factory) -> None:
    folder = large.project.model_folder
    record = json.loads(large.text("models/model/signature.json"))
    evaluation = json.loads(large.text("reports/evaluation.json"))

    assert learned_from(folder) == evaluation["rows"]["train"] > ROWS / 2
    assert record["provenance"]["read"] == "row groups"
    assert any("beyond data.in_memory_rows" in line for line in evaluation["warnings"])
    assert "beyond data.in_memory_rows" in large.text("reports/report.html")
    assert evaluation["gain"]["naive"]["low"] > 0


def test_twice_is_the_same_to_the_last_byte(large: Factory) -> None:
    before = {p.name: p.read_bytes() for p in large.project.model_folder.iterdir()}
    large.run("train")

    assert {p.name: p.read_bytes() for p in large.project.model_folder.iterdir()} == before


def test_a_smaller_table_is_read_as_it_always_was(large: Factory) -> None:
    large.change(data={"in_memory_rows": ROWS})
    large.run("train")
    whole = large.project
    record = json.loads(large.text("models/model/signature.json"))
    assert "read" not in record["provenance"]
    parts = {part: pl.read_parquet(whole.prepared / f"{part}.parquet") for part in PARTS}
    own = signature.load_signature(whole.model_folder)
    rows = [matrix.matrix(parts[part], own, whole.compute) for part in PARTS[:2]]
    model = whole.estimator.fit(*rows, own, whole.params.model.fitting)
    whole.estimator.save(model, large.path)
    assert (large.path / "model.txt").read_bytes() == (
        whole.model_folder / "model.txt"
    ).read_bytes()


def test_what_is_described_in_batches_is_what_all_rows_say(large: Factory) -> None:
    record = json.loads(large.text("models/model/signature.json"))
    large.change(data={"in_memory_rows": ROWS})
    large.run("train")

    assert json.loads(large.text("models/model/signature.json"))["features"] == record["features"]


def test_the_last_fit_learns_from_the_held_out_rows_too(large: Factory) -> None:
    large.change(model={"refit": True})
    large.run("train")

    assert learned_from(large.project.model_folder) == ROWS
    assert json.loads(large.text("reports/evaluation.json"))["refit"] == ROWS


def test_stored_rows_are_those_of_the_file_in_any_order(large: Factory) -> None:
    project, own = large.project, signature.load_signature(large.project.model_folder)
    files = stored.part_files(project, ["train", "validation"])
    rows = stored.Stored(project, files, own)
    rows.size = 1000
    whole = matrix.matrix(pl.concat(map(pl.read_parquet, files)), own, project.compute)

    assert rows.shape == whole.x.shape
    assert np.array_equal(np.asarray(rows), whole.x, equal_nan=True)
    assert np.array_equal(rows.y, whole.y)
    for first, last in ((0, 10), (2990, 3010), (5, 6), (len(rows) - 3, len(rows)), (0, 0)):
        assert np.array_equal(rows[first:last], whole.x[first:last], equal_nan=True)
    assert np.array_equal(rows[4321], whole.x[4321], equal_nan=True)


def test_a_linear_model_holds_its_rows(large: Factory) -> None:
    large.change(model={"kind": "linear"})
    large.run("train")

    assert "read" not in json.loads(large.text("models/model/signature.json"))["provenance"]


def test_the_size_counts_in_the_hash_only_where_it_is_set() -> None:
    before = {"task": "regression", "data": {"path": "a", "target": "y"}}
    usual = params.Params.model_validate(before)
    before["data"] = {**usual.data.model_dump(), "in_memory_rows": 50_000}  # type: ignore[assignment]

    assert params.params_hash(params.Params.model_validate(before)) != params.params_hash(usual)
    younger = {"data": params.NOT_LEARNED["data"] | {"min_class_rows", "in_memory_rows"}}
    text = usual.model_dump_json(exclude=params.NOT_LEARNED | younger)
    assert params.params_hash(usual) == short_hash(text.encode())
