"""The model: a scikit-learn pipeline, saved through skops. This file is yours."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from .params import Model
from .signature import Signature

FILE = "model.skops"
TRUSTED = ["numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


@dataclass(frozen=True)
class Matrix:
    """Encoded rows: x of shape (rows, features), y of shape (rows,)."""

    x: np.ndarray
    y: np.ndarray


def fit(train: Matrix, validation: Matrix, signature: Signature, settings: Model) -> Pipeline:
    """Fit on `train`, stopping when `validation` no longer improves."""
    numbers = signature.task == "regression"
    kind = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
    trees = kind(
        learning_rate=settings.learning_rate,
        max_leaf_nodes=settings.num_leaves,
        min_samples_leaf=settings.min_data_in_leaf,
        l2_regularization=settings.lambda_l2,
        max_iter=settings.max_rounds,
        early_stopping=True,
        n_iter_no_change=settings.early_stopping_rounds,
        random_state=settings.seed,
    )
    columns = prepare(signature)
    x = columns.fit_transform(train.x)
    trees.fit(x, train.y, X_val=columns.transform(validation.x), y_val=validation.y)
    return Pipeline([("columns", columns), ("trees", trees)])


def prepare(signature: Signature) -> ColumnTransformer:
    """Numbers whose gaps are filled and marked, and dummies of the categories."""
    categorical = [i for i, f in enumerate(signature.features) if f.role == "categorical"]
    numeric = [i for i, f in enumerate(signature.features) if f.role != "categorical"]
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    dummies = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=30, sparse_output=False
    )
    return ColumnTransformer([("numbers", filled, numeric), ("categories", dummies, categorical)])


def predict(model: Pipeline, x: np.ndarray) -> np.ndarray:
    """Probabilities of shape (rows,) for two classes, (rows, k) for more; else numbers (rows,)."""
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(x))
    shares = np.asarray(model.predict_proba(x))
    return shares[:, 1] if shares.shape[1] == 2 else shares


def save(model: Pipeline, folder: Path) -> None:
    """Write the model: arrays and settings, nothing that runs."""
    skops.io.dump(model, folder / FILE)


def load(folder: Path) -> Pipeline:
    """Read what `save` wrote; a file that holds any other type is refused."""
    return skops.io.load(folder / FILE, trusted=TRUSTED)
