"""The model. This file is yours: any estimator will do that keeps these four verbs.

`x` is a matrix of 64-bit floats, one column per feature in the order of the signature; categories
are codes, and a missing number is NaN. `y` holds 0 to k-1 for classes, numbers for regression.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from .params import Model
from .signature import Signature

FILE = "model.txt"
OBJECTIVE = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}


@dataclass(frozen=True)
class Matrix:
    """Encoded rows: x of shape (rows, features), y of shape (rows,)."""

    x: np.ndarray
    y: np.ndarray


def fit(train: Matrix, validation: Matrix, signature: Signature, settings: Model) -> lgb.Booster:
    """Fit on `train`, stopping when `validation` no longer improves."""
    parameters: dict[str, Any] = {
        "objective": OBJECTIVE[signature.task],
        "num_class": len(signature.classes) if signature.task == "multiclass" else 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        **settings.model_dump(exclude={"max_rounds", "early_stopping_rounds"}),
    }
    categorical = [i for i, f in enumerate(signature.features) if f.role == "categorical"]
    names = [f"{i}_{re.sub('[^A-Za-z0-9]', '_', f.name)}" for i, f in enumerate(signature.features)]
    data = lgb.Dataset(
        train.x, train.y, feature_name=names, categorical_feature=categorical, params=parameters
    )
    return lgb.train(
        parameters,
        data,
        num_boost_round=settings.max_rounds,
        valid_sets=[data.create_valid(validation.x, validation.y)],
        callbacks=[lgb.early_stopping(settings.early_stopping_rounds, verbose=False)],
    )


def predict(model: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """Probabilities of shape (rows,) for two classes, (rows, k) for more; else numbers (rows,)."""
    return np.asarray(model.predict(x, num_threads=1 if len(x) < 1000 else 0))


def save(model: lgb.Booster, folder: Path) -> None:
    """Write the model as text that people can read and that cannot run code."""
    model.save_model(folder / FILE, num_iteration=model.best_iteration)


def load(folder: Path) -> lgb.Booster:
    """Read what `save` wrote."""
    return lgb.Booster(model_file=folder / FILE)
