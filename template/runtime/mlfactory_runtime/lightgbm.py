"""The verbs of a model, for LightGBM: averaged boosters, kept as text."""

import re
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from .learn.matrix import Matrix
from .learn.signature import Signature
from .settings.params import Model

FILE = "model.txt"

Boosters = tuple[lgb.Booster, ...]


def grow(
    rows: Matrix,
    parameters: dict[str, Any],
    signature: Signature,
    settings: Model,
    validation: Matrix | None = None,
) -> lgb.Booster:
    """One booster; with `validation`, no more rounds than help there."""
    categorical = [i for i, f in enumerate(signature.features) if f.role == "categorical"]
    names = [f"{i}_{re.sub('[^A-Za-z0-9]', '_', f.name)}" for i, f in enumerate(signature.features)]
    data = lgb.Dataset(
        rows.x, rows.y, feature_name=names, categorical_feature=categorical, params=parameters
    )
    stop = lgb.early_stopping(settings.early_stopping_rounds, verbose=False)
    return lgb.train(
        parameters,
        data,
        num_boost_round=settings.max_rounds,
        valid_sets=[data.create_valid(validation.x, validation.y)] if validation else None,
        callbacks=[stop] if validation else None,
    )


def predict(model: Boosters, x: np.ndarray) -> np.ndarray:
    """Probabilities of shape (rows,) for two classes, (rows, k) for more; else numbers (rows,)."""
    threads = 1 if len(x) < 1000 else 0
    each = [np.asarray(booster.predict(x, num_threads=threads)) for booster in model]
    # One after the other: numpy's mean adds a single row in another order than a table.
    return np.asarray(sum(each) / len(each))


def contributions(model: Boosters, x: np.ndarray, signature: Signature) -> np.ndarray:
    """How far each feature moved each row's score from the mean, of shape (rows, features).

    The score is a number, or log-odds; of several classes, those of the one that is predicted.
    """
    each = [np.asarray(booster.predict(x, pred_contrib=True)) for booster in model]
    classes = len(signature.classes) if signature.task == "multiclass" else 1
    moved = np.mean(each, axis=0).reshape(len(x), classes, -1)
    chosen = moved.sum(axis=2).argmax(axis=1)
    return np.asarray(moved[np.arange(len(x)), chosen, :-1])


def save(model: Boosters, folder: Path) -> None:
    """Write the model as text that people can read and that cannot run code."""
    for old in folder.glob("model*.txt"):
        old.unlink()
    for i, booster in enumerate(model):
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        # LightGBM notes the lowest and the highest value of each feature, which may be a person's.
        hidden = re.sub(r"(?<=[= ])\[[^\s:]+:[^\s:]+\]", "[0:1]", text)
        name = FILE if i == 0 else f"model_{i + 1}.txt"
        (folder / name).write_text(hidden, "utf-8", newline="\n")


def load(folder: Path) -> Boosters:
    """Read what `save` wrote."""
    return tuple(lgb.Booster(model_file=file) for file in sorted(folder.glob("model*.txt")))
