"""`factory extract`: the package says what the factory says, and needs nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.extract.write import extract
from mlfactory_runtime.predict.scorer import open_scorer, score
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import Trained, write_yaml
from polars.testing import assert_frame_equal

from .factories import Factory

# Whoever imports the library here is told so.
ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mlfactory_runtime", "mlfactory", "pandera"):
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Refuse())
"""


def outside(folder: Path, *argv: str) -> str:
    """Run Python with the package alone; returns what it prints."""
    (folder / "sitecustomize.py").write_text(ALONE)
    env = {**os.environ, "PYTHONPATH": f"{folder}:{folder / 'src'}"}
    done = subprocess.run(
        [sys.executable, *argv], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "derived"])
def test_its_own_tests_pass_without_the_library(
    examples: Callable[[str], Trained], task: str, tmp_path: Path
) -> None:
    trained = examples(task)
    package = extract(trained.project, tmp_path / "out")
    assert package.rows > 100
    assert "2 passed" in outside(tmp_path / "out", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_a_file_is_scored_as_the_factory_scores_it(churn: Factory, tmp_path: Path) -> None:
    """Real rows as text, some of which break the contract."""
    out = tmp_path / "out"
    churn.run("extract", str(out))
    raw = pl.read_csv(churn.path / "data/raw/customers.csv", infer_schema=False)
    name = next(c for c in churn.project.catalog.inputs(churn.project.params))
    raw = raw.with_columns(
        pl.when(pl.int_range(raw.height) == 3).then(pl.lit("??")).otherwise(name).alias(name)
    ).drop("churned")
    rows = tmp_path / "answers.parquet.new"  # whatever it is called, it stays
    raw.write_csv(rows)
    before = rows.read_bytes()
    outside(out, "-m", "churn_model", str(rows), str(tmp_path / "answers.parquet"))
    assert rows.read_bytes() == before
    answers = pl.read_parquet(tmp_path / "answers.parquet")
    good, bad = score(raw, open_scorer(churn.project, churn.project.model_folder))
    theirs = answers.filter(pl.col("reason").is_null())
    columns = [name for name in good.columns if name in theirs.columns]
    assert_frame_equal(theirs.select(columns), good.select(columns), rel_tol=1e-12)
    assert answers.filter(pl.col("reason").is_not_null()).height == bad.height > 0


def test_a_linear_model_needs_no_lightgbm(churn: Factory, tmp_path: Path) -> None:
    churn.change(model={"kind": "linear"})
    churn.run("train")
    extract(churn.project, tmp_path / "out")
    assert "lightgbm" not in (tmp_path / "out/pyproject.toml").read_text()
    assert "2 passed" in outside(tmp_path / "out", "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.slow
def test_models_that_are_averaged_go_along(churn: Factory, tmp_path: Path) -> None:
    """With parameters of LightGBM's own and other variants, and a threshold that somebody chose."""
    model = {"variants": [{"seed": 1}, {"num_leaves": 7}], "extra": {"path_smooth": 1.0}}
    churn.change(model=model, decision={"threshold": 0.3})
    churn.run("train")
    extract(churn.project, tmp_path / "out")
    assert len([*(tmp_path / "out/src/churn_model/model").glob("model*.txt")]) > 1
    assert "2 passed" in outside(tmp_path / "out", "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("model.py", "def predict(model, x):\n    return x\n", "an estimator of your own"),
        ("features.py", "import mlfactory_runtime\n", "imports the factory's library"),
    ],
)
def test_what_cannot_be_copied_is_refused(
    trained_copy: Project, tmp_path: Path, file: str, text: str, why: str
) -> None:
    (trained_copy.source / file).write_text(text)
    with pytest.raises(FactoryError, match=why):
        extract(trained_copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


WRAPPED = {
    "predict": """
from mlfactory_runtime.lightgbm import predict as numbers

def predict(model, x):
    return numbers(model, x) ** 2
""",
    "load": """
from mlfactory_runtime.lightgbm import load as bare

class Halved:
    def __init__(self, booster):
        self.booster = booster

    def predict(self, x, **options):
        return self.booster.predict(x, **options) / 2

def load(folder):
    return tuple(map(Halved, bare(folder)))
""",
}


@pytest.mark.parametrize("verb", ["predict", "load"])
def test_a_model_that_answers_otherwise_is_refused(
    trained_copy: Project, tmp_path: Path, verb: str
) -> None:
    """The library's verbs are wrapped, which nobody sees in the model's files."""
    file = trained_copy.source / "model.py"
    file.write_text(file.read_text() + WRAPPED[verb])
    with pytest.raises(FactoryError, match="would not answer as the factory does") as refusal:
        extract(trained_copy, tmp_path / "out")
    assert "model.py" in refusal.value.hint
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(trained_copy: Project, tmp_path: Path) -> None:
    write_yaml(tmp_path / "out", {})
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("out", "link"):
        with pytest.raises(FactoryError, match="is there already"):
            extract(trained_copy, tmp_path / name)
    for place in (trained_copy.model_folder / "out", trained_copy.root / ".git/out"):
        with pytest.raises(FactoryError, match="is kept by"):
            extract(trained_copy, place)
        assert not place.exists()
