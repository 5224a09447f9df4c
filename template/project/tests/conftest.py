"""A factory that is trained once, in a folder of its own, on rows synthesised from the catalog."""

from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from .package import catalog, contract, data, files, model, params, signature, split, synth, train

ROOT = Path(__file__).parents[1]
ROWS = 2000
EXAMPLE = ROOT / "tests" / "example"


@dataclass(frozen=True)
class Trained:
    """What the pipeline left behind, and the settings that it ran with."""

    folder: Path
    params: params.Params
    catalog: catalog.Catalog
    signature: signature.Signature
    model: Any
    result: dict[str, Any]
    rows: pl.DataFrame

    @property
    def raw(self) -> Path:
        """The file of raw data."""
        return self.folder / self.params.data.path

    def scores(self, rows: pl.DataFrame) -> np.ndarray:
        """Predictions for typed rows; of several classes, which one is expected (0 to k-1)."""
        found = model.predict(self.model, predict_matrix(rows, self.signature))
        return found if found.ndim == 1 else found @ np.arange(found.shape[1])


def predict_matrix(rows: pl.DataFrame, known: signature.Signature) -> np.ndarray:
    """The matrix that predictions are made from."""
    names = [feature.name for feature in known.features]
    return signature.encode(signature.featured(rows, names), known.features)


@pytest.fixture(scope="session")
def own() -> tuple[catalog.Catalog, params.Params]:
    """This factory's catalog and settings; an example's as long as the catalog lists no column."""
    found = catalog.load_catalog(ROOT / "features.yaml")
    home = ROOT if found.columns else EXAMPLE
    return catalog.load_catalog(home / "features.yaml"), params.load_params(home / "params.yaml")


@pytest.fixture(scope="session")
def trained(
    own: tuple[catalog.Catalog, params.Params], tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """The pipeline, run on synthesised rows: prepare and train."""
    columns, settings = own[0], small(*own)
    folder = tmp_path_factory.mktemp("factory")
    write_yaml(folder / "features.yaml", columns.model_dump(mode="json", exclude_none=True))
    write_yaml(folder / "params.yaml", settings.model_dump(mode="json"))
    with chdir(folder):
        synth.write(Path(settings.data.path), ROWS)
        split.prepare()
        result = train.train()
        return Trained(
            folder,
            settings,
            columns,
            signature.load_signature(files.MODEL),
            model.load(files.MODEL),
            result,
            typed(settings, columns),
        )


def typed(settings: params.Params, columns: catalog.Catalog) -> pl.DataFrame:
    """The rows in the order of the file."""
    raw = data.read_batches(Path(settings.data.path), settings.data)
    return pl.concat(contract.read_rows(rows, columns.columns, settings.data)[0] for rows in raw)


def small(columns: catalog.Catalog, settings: params.Params) -> params.Params:
    """The same task with a model that is fitted in a moment, and a split that is complete."""
    quick = {"learning_rate": 0.3, "early_stopping_rounds": 5, "min_data_in_leaf": 5}
    key = tuple(name for name in columns.columns if name != settings.data.target)
    parts = {"holdout": 0.3, "validation": 0.3, "salt": settings.split.salt or "tests"}
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(
                update={"path": f"data/raw/rows{Path(settings.data.path).suffix}"}
            ),
            "model": settings.model.model_copy(update=quick),
            "split": settings.split.model_copy(update={**parts, "key": settings.split.key or key}),
        }
    )


def write_yaml(path: Path, content: Any) -> None:
    """Write settings as the factory reads them."""
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
