"""The verbs of a model, for LightGBM: averaged boosters, kept as text."""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .errors import FactoryError
from .lean import lightgbm as lgb
from .learn.manifest import AGAIN
from .learn.matrix import Matrix
from .learn.metrics import primary
from .learn.signature import FILE as SIGNATURE
from .learn.signature import Signature, load_signature
from .learn.stored import Stored
from .learn.trees import check_model
from .settings.model import Model

FILE = "model.txt"
ROUNDS = ("num_iterations", "early_stopping_round")

Boosters = tuple[lgb.Booster, ...]


def grow(
    rows: Matrix,
    parameters: dict[str, Any],
    signature: Signature,
    settings: Model,
    validation: Matrix | None = None,
) -> lgb.Booster:
    """One booster; with `validation`, no more rounds than help there."""
    return grow_each(rows, [parameters], signature, settings, validation)[0]


def grow_each(
    rows: Matrix,
    several: Sequence[dict[str, Any]],
    signature: Signature,
    settings: Model,
    validation: Matrix | None = None,
) -> Boosters:
    """A booster for each of several parameters, which say the same of how rows are put into bins.

    Those of one thread grow side by side, each as it would alone.
    """
    categorical = [i for i, f in enumerate(signature.features) if f.role == "categorical"]
    names = [f"{i}_{re.sub('[^A-Za-z0-9]', '_', f.name)}" for i, f in enumerate(signature.features)]
    if isinstance(rows.x, Stored) and rows.x.project.params.engine.kind == "dask":
        grown_there = partial(grow_there, rows.x, names, categorical, settings, validation)
        return tuple(map(grown_there, several))
    data = lgb.Dataset(
        source_of(rows.x),
        rows.y,
        feature_name=names,
        categorical_feature=categorical,
        params=several[0],
    ).construct()

    def grown(parameters: dict[str, Any]) -> lgb.Booster:
        stop = lgb.early_stopping(settings.early_stopping_rounds, verbose=False)
        return lgb.train(
            parameters,
            data,
            num_boost_round=settings.max_rounds,
            valid_sets=[valid_set(data, validation)] if validation else None,
            callbacks=[stop] if validation else None,
            # False: LightGBM writes it as text and reads that, which lets go of the rows
            keep_training_booster=not isinstance(rows.x, Stored),
        )

    if len(several) == 1 or any(one.get("num_threads") != 1 for one in several):
        return tuple(map(grown, several))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return tuple(pool.map(grown, several))


def grow_there(
    rows: Stored,
    names: Sequence[str],
    categorical: Sequence[int],
    settings: Model,
    validation: Matrix | None,
    parameters: dict[str, Any],
) -> lgb.Booster:
    """The same on a cluster: of all rounds those are used that do best on `validation`."""
    from .cluster.training import best_rounds, grow_on_cluster

    booster: lgb.Booster = grow_on_cluster(
        rows, parameters, names, categorical, settings.max_rounds
    )
    if validation is not None and isinstance(validation.x, Stored):
        metric = primary(rows.signature.task, settings)
        booster.best_iteration = best_rounds(booster, validation.x, metric)
    booster.params = parameters
    return booster


class Batches(lgb.Sequence):
    """Rows that stay stored, as LightGBM reads them: twice from the first to the last."""

    def __init__(self, rows: Stored) -> None:
        self.rows, self.batch_size = rows, rows.size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> np.ndarray:
        return np.ascontiguousarray(self.rows[place])


def source_of(x: np.ndarray | Stored) -> np.ndarray | Batches:
    """Rows in the form that LightGBM puts into bins."""
    return Batches(x) if isinstance(x, Stored) else x


def valid_set(data: lgb.Dataset, rows: Matrix) -> lgb.Dataset:
    return data.create_valid(source_of(rows.x), rows.y)


def refit(model: Boosters, rows: Matrix, signature: Signature, settings: Model) -> Boosters:
    """The same number of trees, with the same parameters, from other rows."""
    return tuple(regrow(booster, rows, signature, settings) for booster in model)


def regrow(
    booster: lgb.Booster, rows: Matrix, signature: Signature, settings: Model
) -> lgb.Booster:
    rounds = booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration()
    parameters = {name: value for name, value in booster.params.items() if name not in ROUNDS}
    return grow(rows, parameters, signature, settings.model_copy(update={"max_rounds": rounds}))


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
    largest = moved.sum(axis=2).argmax(axis=1)
    return np.asarray(moved[np.arange(len(x)), largest, :-1])


def save(model: Boosters, folder: Path) -> None:
    """Write the model as text that people can read and that cannot run code."""
    for old in folder.glob("model*.txt"):
        old.unlink()
    for i, booster in enumerate(model):
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        # LightGBM notes the lowest and the highest value of each feature, which may be a person's.
        hidden = re.sub(r"(?<=[= ])\[[^\s:]+:[^\s:]+\]", "[0:1]", text)
        (folder / name_of(i)).write_text(hidden, "utf-8", newline="\n")


def name_of(place: int) -> str:
    """The file of one of the boosters, from 0."""
    return FILE if place == 0 else f"model_{place + 1}.txt"


def load(folder: Path) -> Boosters:
    """Read what `save` wrote. FactoryError for what is no model, before LightGBM reads it."""
    files = [folder / name_of(i) for i in range(len(list(folder.glob("model*.txt"))) or 1)]
    signature = load_signature(folder) if (folder / SIGNATURE).is_file() else None
    return tuple(booster(file, signature) for file in files)


def booster(file: Path, signature: Signature | None) -> lgb.Booster:
    """One model that was looked through; by its text, so that nobody changes it in between."""
    if not file.is_file():
        raise FactoryError(f"{file} is not here, or no file", AGAIN)
    try:
        text = file.read_bytes().decode("utf-8")
        sizes = (len(signature.features), len(signature.classes)) if signature else ()
        return lgb.Booster(model_str=check_model(text, *sizes))
    except (ValueError, lgb.basic.LightGBMError) as error:
        raise FactoryError(f"{file} cannot be read as a model: {error}", AGAIN) from error
