"""Another library on the rows of a factory, in an environment of its own:

    python opponents.py NAME FOLDER

FOLDER holds task.json and rows.npz; answers.npz and facts.json are written into it. Nothing but
numpy and the library is imported, which learns by its defaults, from all rows that the factory's
model learns from, those that tell when to stop among them.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

LIMIT = 255  # categories beyond so many are numbers to scikit-learn
SECONDS = 60  # that AutoGluon takes for a part
Array = Any


class Task(NamedTuple):
    """What is learned: `categorical` are the places of codes, `sizes` how many each has."""

    kind: str
    classes: int
    categorical: list[int]
    sizes: list[int]
    seed: int
    absolute: bool


Run = Callable[[Task, Array, Array, Array], Array]  # x and y to learn from, x to answer


def run_hgb(task: Task, x: Array, y: Array, new: Array) -> Array:
    """scikit-learn's HistGradientBoosting."""
    from sklearn import ensemble

    places = [i for i, size in zip(task.categorical, task.sizes, strict=True) if size <= LIMIT]
    kind = "Regressor" if task.kind == "regression" else "Classifier"
    make = getattr(ensemble, f"HistGradientBoosting{kind}")
    loss = {"loss": "absolute_error"} if task.absolute else {}
    model = make(categorical_features=places, random_state=task.seed, **loss)
    return answers(task, model.fit(only_seen(task, x), y), only_seen(task, new))


def run_catboost(task: Task, x: Array, y: Array, new: Array) -> Array:
    """CatBoost, which is given categories as text."""
    from catboost import CatBoostClassifier, CatBoostRegressor, FeaturesData, Pool

    numeric = [i for i in range(x.shape[1]) if i not in task.categorical]

    def pool(rows: Array, target: Array = None) -> Any:
        codes = rows[:, task.categorical].astype(int).astype(str)
        data = FeaturesData(
            num_feature_data=np.ascontiguousarray(rows[:, numeric], np.float32)
            if numeric
            else None,
            cat_feature_data=np.char.encode(codes).astype(object) if task.categorical else None,
        )
        return Pool(data, target)

    threads = int(os.environ.get("OMP_NUM_THREADS") or -1)  # as the others take it
    own = {"random_seed": task.seed, "verbose": False, "allow_writing_files": False}
    own["thread_count"] = threads
    if task.kind == "regression":
        loss = {"loss_function": "MAE"} if task.absolute else {}
        return CatBoostRegressor(**own, **loss).fit(pool(x, y)).predict(pool(new))
    return answers(task, CatBoostClassifier(**own).fit(pool(x, y)), pool(new))


def run_xgboost(task: Task, x: Array, y: Array, new: Array) -> Array:
    """XGBoost."""
    import xgboost

    types = ["c" if i in task.categorical else "q" for i in range(x.shape[1])]
    own = {"feature_types": types, "enable_categorical": True, "random_state": task.seed}
    x, new = only_seen(task, x), only_seen(task, new)
    if task.kind == "regression":
        loss = {"objective": "reg:absoluteerror"} if task.absolute else {}
        return xgboost.XGBRegressor(**own, **loss).fit(x, y).predict(new)
    return answers(task, xgboost.XGBClassifier(**own).fit(x, y), new)


def run_ebm(task: Task, x: Array, y: Array, new: Array) -> Array:
    """interpret's explainable boosting machine."""
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    types = ["nominal" if i in task.categorical else "continuous" for i in range(x.shape[1])]
    own = {"feature_types": types, "random_state": task.seed, "n_jobs": 1}
    if task.kind == "regression":
        return ExplainableBoostingRegressor(**own).fit(x, y).predict(new)
    return answers(task, ExplainableBoostingClassifier(**own).fit(x, y), new)


def run_autogluon(task: Task, x: Array, y: Array, new: Array) -> Array:
    """AutoGluon: several families and their ensemble, for a minute."""
    import tempfile

    import pandas as pd
    from autogluon.tabular import TabularPredictor

    def frame(rows: Array) -> Any:
        table = pd.DataFrame(rows, columns=[f"x{i}" for i in range(rows.shape[1])])
        for i in task.categorical:
            table[f"x{i}"] = table[f"x{i}"].astype(int).astype(str).astype("category")
        return table

    metrics = {"regression": "root_mean_squared_error"}
    metric = "mean_absolute_error" if task.absolute else metrics.get(task.kind, "log_loss")
    with tempfile.TemporaryDirectory() as folder:
        model = TabularPredictor(
            "y", problem_type=task.kind, eval_metric=metric, path=folder, verbosity=0
        ).fit(frame(x).assign(y=y), time_limit=SECONDS)
        if task.kind == "regression":
            return np.asarray(model.predict(frame(new)))
        table = model.predict_proba(frame(new))
        shares = np.zeros((len(new), task.classes))
        shares[:, [int(name) for name in table.columns]] = table.to_numpy()
        return shares[:, 1] if task.kind == "binary" else shares


def only_seen(task: Task, x: Array) -> Array:
    """Rows in which categories that are missing or were never seen are missing."""
    x = x.copy()
    for place, size in zip(task.categorical, task.sizes, strict=True):
        x[(x[:, place] < 0) | (x[:, place] >= size), place] = np.nan
    return x


def answers(task: Task, model: Any, new: Any) -> Array:
    """Numbers, or shares of all classes, those that the rows to learn from lacked too."""
    if task.kind == "regression":
        return np.asarray(model.predict(new))
    shares = np.asarray(model.predict_proba(new))
    whole = np.zeros((len(shares), task.classes))
    whole[:, np.asarray(model.classes_).astype(int)] = shares
    return whole[:, 1] if task.kind == "binary" else whole


RUNS: dict[str, tuple[str, Run]] = {
    "hgb": ("scikit-learn", run_hgb),
    "catboost": ("catboost", run_catboost),
    "xgboost": ("xgboost", run_xgboost),
    "ebm": ("interpret-core", run_ebm),
    "autogluon": ("autogluon.tabular", run_autogluon),
}


def compete(folder: Path, run: Callable[..., Array], version: str) -> None:
    """Answer all parts in a folder, and write down what it cost."""
    task = json.loads((folder / "task.json").read_text("utf-8"))
    own, answers_by_part, begin = Task(**task["task"]), {}, time.perf_counter()
    with np.load(folder / "rows.npz") as rows:
        for part in range(task["parts"]):
            names = ("fit_x", "fit_y", "stop_x", "stop_y", "score_x")
            answers_by_part[f"p{part}"] = run(own, *(rows[f"{name}{part}"] for name in names))
    seconds = time.perf_counter() - begin
    scale = 1e6 if sys.platform == "darwin" else 1e3
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    np.savez(folder / "answers.npz", **answers_by_part)
    facts = {"version": version, "seconds": round(seconds, 2), "memory": round(memory)}
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")


def main(name: str, folder: str) -> None:
    package, run = RUNS[name]

    def together(task: Task, x: Array, y: Array, more_x: Array, more_y: Array, new: Array) -> Array:
        return run(task, np.concatenate([x, more_x]), np.append(y, more_y), new)

    packages = [package, f"{package}-cpu"]
    for one in packages:
        try:
            compete(Path(folder), together, version(one))
            return
        except ImportError:
            if one == packages[-1]:
                raise


if __name__ == "__main__":
    main(*sys.argv[1:])
