"""A factory that is trained in a folder of its own, on rows made up from the catalog."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from ..data.computed import featured
from ..data.contract import read_rows
from ..data.rows import load_part
from ..learn import synth
from ..learn.manifest import measured
from ..learn.matrix import Matrix, matrix
from ..learn.signature import Signature, encode, load_signature
from ..learn.split import prepare
from ..learn.stored import load_parts
from ..learn.train import read_split, refitted, stored, train
from ..project import CATALOG, PARAMS, PYPROJECT, Project
from ..records.evaluation import Evaluation
from ..settings.catalog import Catalog, load_catalog
from ..settings.params import Params, load_params
from ..tables.read import read_batches

ROWS = 2000
EXAMPLE = Path(__file__).parent / "example"


@dataclass(frozen=True)
class Trained:
    """What the pipeline left behind: the factory's folder, its model and the evaluation."""

    project: Project
    signature: Signature
    model: Any
    result: Evaluation

    @property
    def folder(self) -> Path:
        return self.project.root

    @property
    def params(self) -> Params:
        return self.project.params

    @property
    def catalog(self) -> Catalog:
        return self.project.catalog

    @property
    def raw(self) -> Path:
        """The file of raw data."""
        return self.project.raw

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The rows, typed, in the order of the file."""
        data = self.params.data
        batches = read_batches(self.raw, data)
        return pl.concat(read_rows(raw, self.catalog.columns, data)[0] for raw in batches)

    def matrix(self, rows: pl.DataFrame) -> np.ndarray:
        """The matrix of shape (rows, features) that predictions are made from."""
        names = [feature.name for feature in self.signature.features]
        frame = featured(rows, names, self.project.compute)
        return encode(frame, self.signature.features)

    def scores(self, rows: pl.DataFrame) -> np.ndarray:
        """Predictions for typed rows; of several classes, which one is expected (0 to k-1)."""
        scores = self.project.estimator.predict(self.model, self.matrix(rows))
        return scores if scores.ndim == 1 else scores @ np.arange(scores.shape[1])

    def part(self, name: Any) -> Matrix:
        """One part of the prepared data, as models are fitted on it."""
        return matrix(load_part(self.project, name), self.signature, self.project.compute)

    def fit_again(self) -> Any:
        """A second model of the same rows and settings; with model.refit of all rows."""
        project = self.project
        signature = load_signature(measured(project.model_folder))
        there = load_parts(project, read_split(project))
        parts = {
            part: matrix(rows, signature, project.compute) for part, rows in there.rows.items()
        }
        sides = stored(project, signature) if there.are_stored else parts
        fit, settings = project.estimator.fit, self.params.model.fitting
        model = fit(sides["train"], sides["validation"], signature, settings)
        return refitted(project, there, signature, model, parts["train"].x).model


def train_copy(own: Project, folder: Path) -> Trained:
    """Train in `folder` with the code of a factory and its catalog; without columns, an example's.

    Nothing of the factory is changed, and its data are not read.
    """
    (folder / "src").symlink_to(own.root / "src")
    if (own.root / PYPROJECT).is_file():
        (folder / PYPROJECT).write_bytes((own.root / PYPROJECT).read_bytes())
    columns = load_catalog(own.root / CATALOG).columns if (own.root / CATALOG).is_file() else {}
    home = own.root if columns else EXAMPLE
    catalog, params = load_catalog(home / CATALOG), load_params(home / PARAMS)
    write_yaml(folder / CATALOG, catalog.model_dump(mode="json", exclude_none=True))
    write_yaml(folder / PARAMS, small(catalog, params).model_dump(mode="json"))
    project = Project(folder)
    synth.write(project, project.raw, ROWS)
    prepare(project)
    result = train(project)
    path = project.model_folder
    return Trained(project, load_signature(path), project.estimator.load(path), result)


def small(catalog: Catalog, params: Params) -> Params:
    """The same task with a model that is fitted in a moment, and a split that is complete.

    What a test predicts is kept out of the database that the factory's own log stands in.
    """
    quick = {"learning_rate": 0.3, "early_stopping_rounds": 5, "min_data_in_leaf": 5}
    key = tuple(name for name in catalog.columns if name != params.data.target)
    parts = {"holdout": 0.3, "validation": 0.3, "salt": params.split.salt or "tests"}
    rows = f"data/raw/rows{Path(params.data.path).suffix}"
    return params.model_copy(
        update={
            "data": params.data.model_copy(update={"path": rows}),
            "model": params.model.model_copy(update=quick),
            "split": params.split.model_copy(update={**parts, "key": params.split.key or key}),
            "log": params.log.model_copy(update={"url_env": None}),
        }
    )


def write_yaml(path: Path, content: Any) -> None:
    """Write settings as the factory reads them."""
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
