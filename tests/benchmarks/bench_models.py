"""The first model beside scikit-learn's HistGradientBoosting, both untuned. Run by hand with the
Python of this repository:

    .venv/bin/python tests/benchmarks/bench_models.py [part of a data set's name]

Five folds, repeated where rows are few. The factory splits what it is given into training and
validation rows; the other models learn from all of it. Log loss or RMSE, lower is better. The
difference is paired by row; within one standard error, two models count as equal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import loading  # noqa: F401  # makes `factory` known
import numpy as np
import polars as pl
from factory import model
from mlfactory_runtime.learn import linear as line_model
from mlfactory_runtime.learn import signature
from mlfactory_runtime.learn.matrix import Matrix, matrix
from mlfactory_runtime.settings import params
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import KFold, StratifiedKFold

ROOT = Path(__file__).parents[2]
Array = np.ndarray
Draw = np.random.Generator


@dataclass(frozen=True)
class Data:
    """A table with a column `y`: text for classes, numbers for regression."""

    name: str
    rows: pl.DataFrame

    @property
    def classes(self) -> tuple[str, ...]:
        y = self.rows["y"]
        return tuple(y.unique().sort()) if y.dtype == pl.String else ()


@dataclass(frozen=True)
class Fold:
    """What is learned from, split and whole, and what is scored."""

    known: signature.Signature
    train: Matrix
    validation: Matrix
    whole: Matrix
    test: Matrix
    places: Array


def samples() -> Iterator[Data]:
    folder = ROOT / "generator/mlfactory/new/samples"
    read = {"null_values": ["", "NA"], "try_parse_dates": True, "infer_schema_length": None}
    birds = pl.read_csv(folder / "penguins.csv", **read).drop("bird_id")
    for target in ("sex", "species"):
        rows = birds.drop_nulls(target).rename({target: "y"})
        yield Data(f"penguins, {target}", rows)
    cars = pl.read_csv(folder / "cars.csv", **read).drop("name")
    yield Data("cars, miles per gallon", cars.drop_nulls("miles_per_gallon").rename(
        {"miles_per_gallon": "y"}))  # fmt: skip


def built_in() -> Iterator[Data]:
    for name in ("iris", "wine", "breast_cancer", "digits", "diabetes"):
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield table(f"scikit-learn {name}", x, y if name == "diabetes" else named(y))


def table(name: str, x: Array, y: Array, **more: Array) -> Data:
    """Numbers named x0, x1 and so on (NaN is missing), and further columns."""
    columns = {f"x{i}": x[:, i] for i in range(x.shape[1])}
    return Data(name, pl.DataFrame({**columns, **more, "y": y}, nan_to_null=True))


def named(y: Array) -> list[str]:
    return [f"class {int(k)}" for k in y]


def drawn(draw: Draw, logit: Array) -> list[str]:
    """Two classes, of which the second has this log-odds."""
    return named(draw.random(len(logit)) < 1 / (1 + np.exp(-logit)))


def bent(x: Array) -> Array:
    """Friedman's function of five columns: a product, a parabola, two lines; about 2 to 28."""
    z = (np.clip(x[:, :5], -2, 2) + 2) / 4
    return (10 * np.sin(np.pi * z[:, 0] * z[:, 1]) + 20 * (z[:, 2] - 0.5) ** 2
            + 10 * z[:, 3] + 5 * z[:, 4])  # fmt: skip


def standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / values.std())


def synthetic() -> Iterator[Data]:
    """Truths that are known; one seed for all of them."""
    draw = np.random.default_rng(3)
    normal = draw.normal

    x = normal(size=(150, 10))
    yield table("150 rows, classes", x, drawn(draw, 2 * standard(bent(x))))
    yield table("150 rows, regression", x, standard(bent(x)) + normal(size=150) / 2)
    x = normal(size=(150, 500))
    weights = np.where(np.arange(500) < 20, 0.5, 0.0)
    yield table("150 rows, 500 columns", x, drawn(draw, x @ weights))
    x = normal(size=(2000, 500))
    yield table("500 columns, classes", x, drawn(draw, x @ weights + x[:, 0] * x[:, 1]))
    yield table("500 columns, regression", x, x @ weights + np.abs(x[:, 0]) + normal(size=2000))

    x = normal(size=(500, 8))
    line = x @ np.linspace(1, 0, 8)
    yield table("linear truth, classes", x, drawn(draw, line))
    yield table("linear truth, regression", x, line + normal(size=500))
    x = normal(size=(500, 8))
    yield table("nothing to learn, classes", x, drawn(draw, np.zeros(500)))
    yield table("nothing to learn, regression", x, normal(size=500))

    x = normal(size=(10_000, 10))
    yield table("1.5 % positives", x, drawn(draw, 1.5 * standard(bent(x)) - 5.2))
    x = normal(size=(3000, 8))
    rare = np.digitize(standard(bent(x)) + normal(size=3000) / 2, [-2.4, -0.5, 0.5, 2.4])
    yield table("classes of 1 %", x, named(rare))

    x = normal(size=(4000, 8))
    yield table("log-normal target", x, np.exp(standard(bent(x)) + normal(size=4000)))
    yield table("heavy tails", x, standard(bent(x)) + draw.standard_t(2, 4000))
    some = draw.random(4000) < 0.1
    yield table("zero but for 10 %", x, np.where(some, np.exp(standard(bent(x))), 0.0))

    x, group, effect = normal(size=(6000, 5)), draw.zipf(1.3, 6000) % 1000, normal(size=1000)
    many = {"group": np.char.add("g", group.astype(str))}
    yield table("1,000 categories, classes", x, drawn(draw, effect[group] + line_of(x)), **many)
    noisy = effect[group] + line_of(x) + normal(size=6000)
    yield table("1,000 categories, regression", x, noisy, **many)

    x = normal(size=(3000, 8))
    gone = draw.random(x.shape) < 1 / (1 + np.exp(-x))
    told = standard(bent(x)) + gone[:, :3].sum(axis=1)
    yield table("missing for a reason, classes", np.where(gone, np.nan, x), drawn(draw, told))
    y = told + normal(size=3000) / 2
    yield table("missing for a reason, regression", np.where(gone, np.nan, x), y)

    x, kinds = normal(size=(30_000, 20)), draw.integers(0, 12, (30_000, 2))
    both = normal(size=(12, 12))[kinds[:, 0], kinds[:, 1]]
    mixed = {f"kind{i}": np.char.add("k", kinds[:, i].astype(str)) for i in (0, 1)}
    truth = standard(bent(x)) + both
    yield table("30,000 rows, classes", x, drawn(draw, truth), **mixed)
    yield table("30,000 rows, regression", x, truth + normal(size=30_000), **mixed)

    kind = draw.integers(0, 8, 300)
    eight = {"kind": np.char.add("k", kind.astype(str))}
    x, shares = normal(size=(300, 3)), np.where(np.arange(8) % 2, 2.0, -2.0)[kind]
    yield table("8 categories, classes", x, drawn(draw, shares), **eight)
    yield table("8 categories, regression", x, shares + normal(size=300) / 2, **eight)


def line_of(x: Array) -> Array:
    return np.asarray(x[:, 0] - x[:, 1] / 2)


def folds(data: Data) -> Iterator[Fold]:
    """The factory's signature and matrices, as its pipeline makes them."""
    rows, repeats = data.rows, 10 if data.rows.height < 200 else 4 if data.rows.height < 1000 else 1
    for seed in range(repeats):
        kind = StratifiedKFold if data.classes else KFold
        for inside, outside in kind(5, shuffle=True, random_state=seed).split(rows, rows["y"]):
            held = np.random.default_rng(seed).random(len(inside)) < params.Split().validation
            known = described(data, rows[inside[~held]])
            parts = [rows[inside[~held]], rows[inside[held]], rows[inside], rows[outside]]
            fitting, stopping, whole, test = (
                matrix(part, known, pl.DataFrame.clone) for part in parts
            )
            scored = signature.refusals(rows[outside], known.features).is_null().to_numpy()
            yield Fold(known, fitting, stopping, whole, test, outside[scored])


def described(data: Data, rows: pl.DataFrame) -> signature.Signature:
    roles = {pl.String: ("string", "categorical"), pl.Date: ("date", "datetime")}
    features = tuple(
        signature.describe(name, *roles.get(type(kind), ("float", "numeric")), rows[name])
        for name, kind in rows.schema.items()
        if name != "y"
    )
    tasks = {0: "regression", 2: "binary"}
    task = tasks.get(len(data.classes), "multiclass")
    return signature.Signature(task=task, target="y", classes=data.classes, features=features)


def ours(fold: Fold) -> Array:
    fitted = model.fit(fold.train, fold.validation, fold.known, params.Model())
    return np.asarray(model.predict(fitted, fold.test.x))


def theirs(fold: Fold) -> Array:
    """Categories told by index, and what is missing or unseen left missing, as its manual says."""
    sizes = {i: len(f.categories) for i, f in enumerate(fold.known.features) if f.categories}
    x, new = fold.whole.x.copy(), fold.test.x.copy()
    for part in (x, new):
        for i, size in sizes.items():
            part[(part[:, i] < 0) | (part[:, i] == size), i] = np.nan
    regression = fold.known.task == "regression"
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    fitted = kind(categorical_features=list(sizes), random_state=0).fit(x, fold.whole.y)
    if regression:
        return np.asarray(fitted.predict(new))
    shares = np.zeros((len(new), len(fold.known.classes)))
    shares[:, fitted.classes_.astype(int)] = fitted.predict_proba(new)
    return shares[:, 1] if fold.known.task == "binary" else shares


def linear(fold: Fold) -> Array:
    fitted = line_model.fit(fold.train, fold.validation, fold.known, params.Model())
    return np.asarray(line_model.predict(fitted, fold.test.x))


def losses(task: str, y: Array, p: Array) -> Array:
    """Of each row; RMSE is the root of its mean."""
    if task == "regression":
        return np.asarray((y - p) ** 2)
    shares = np.column_stack([1 - p, p]) if task == "binary" else p
    return -np.log(np.clip(shares[np.arange(len(y)), y.astype(int)], 1e-15, 1))


def compare(
    data: Data, models: dict[str, Callable[[Fold], Array]]
) -> tuple[dict[str, Array], dict[str, float]]:
    """Of each model: the mean loss of each row over all repeats, and seconds per fit."""
    found = {name: np.zeros(data.rows.height) for name in models}
    taken, counts, parts = dict.fromkeys(models, 0.0), np.zeros(data.rows.height), 0
    for fold in folds(data):
        counts[fold.places] += 1
        parts += 1
        for name, predicted in models.items():
            begun = time.perf_counter()
            p = predicted(fold)
            taken[name] += time.perf_counter() - begun
            found[name][fold.places] += losses(fold.known.task, fold.test.y, p)
    scored = counts > 0
    return (
        {name: found[name][scored] / counts[scored] for name in models},
        {name: taken[name] / parts for name in models},
    )


def difference(first: Array, second: Array, root: bool) -> tuple[float, float]:
    """How much more the first loses, and its standard error; for a root, by the delta method."""
    by_row = first - second
    error = by_row.std(ddof=1) / len(by_row) ** 0.5
    if not root:
        return float(by_row.mean()), float(error)
    a, b = first.mean() ** 0.5, second.mean() ** 0.5
    return float(a - b), float(error / (a + b))


def line(data: Data, rows: dict[str, Array], taken: dict[str, float]) -> str:
    root = not data.classes
    means = {name: loss.mean() ** (0.5 if root else 1) for name, loss in rows.items()}
    gap, error = difference(rows["factory"], rows["hgb"], root)
    verdict = "better" if gap < -error else "worse" if gap > error else "equal"
    shown = " | ".join(f"{means[name]:.4g}" for name in ("factory", "hgb", "linear"))
    seconds = f"{taken['factory']:.2f} | {taken['hgb']:.2f}"
    size = f"{data.rows.height:,} | {data.rows.width - 1}"
    return (f"| {data.name} | {size} | {shown} | {gap / means['hgb']:+.1%} "
            f"± {error / means['hgb']:.1%} | {verdict} | {seconds} |")  # fmt: skip


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    print("| data | rows | columns | factory | HGB | linear | against HGB | verdict | s | s, HGB |")
    print("|---|--:|--:|--:|--:|--:|--:|---|--:|--:|")
    for source in (samples, built_in, synthetic):
        for data in source():
            if wanted in data.name:
                models = {"factory": ours, "hgb": theirs, "linear": linear}
                print(line(data, *compare(data, models)), flush=True)


if __name__ == "__main__":
    main()
