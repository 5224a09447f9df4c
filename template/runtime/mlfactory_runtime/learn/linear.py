"""The verbs of a model, for a linear one: ridge or lasso, whichever does better on validation.

Numbers are scaled and their gaps filled with the mean, and a gap has a term of its own; so has each
of the most frequent values of a category. It is the baseline that every model is compared with, and
`model.kind: linear` makes it the model.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ..errors import FactoryError
from ..records.linear import Linear, Term
from ..records.record import read, write
from ..settings.model import Model
from .manifest import AGAIN
from .matrix import Matrix
from .metrics import primary, row_losses
from .signature import FILE as SIGNATURE
from .signature import Feature, Signature, load_signature

FILE = "linear.json"
MAX_DUMMIES = 30
MAX_ROWS, MAX_TRIED = 100_000, 1_000_000  # rows, and numbers of a table that penalties are tried on
RIDGE = (1.0, 0.1, 1e-2, 1e-3, 1e-4)
LASSO = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02)  # as parts of what leaves no term at all
MANY = 300_000  # numbers times classes, which take a second: then lassos are tried side by side
ROUNDS, TINY = 30, 1e-12  # of weighting anew; and an error that is none
NEVER = -30.0  # the log-odds of a class that no row is of


class Penalty(NamedTuple):
    """What keeps weights small: their squares or their sizes, by so much for each row."""

    kind: Literal["ridge", "lasso"]
    strength: float


class Table(NamedTuple):
    """Terms without weights, the scale of each, and how far rows are from their middles."""

    terms: list[Term]
    scales: np.ndarray
    values: np.ndarray
    y: np.ndarray


def fit(train: Matrix, validation: Matrix, signature: Signature, settings: Model) -> Linear:
    """Try penalties on `validation` for as long as weaker ones help; fit the best to all rows.

    Of very many rows so many are drawn: a line needs no more, and would take minutes.
    """
    every = sample_of_both(train, validation, MAX_ROWS, settings.seed)
    train = sample(train, MAX_ROWS, settings.seed)
    terms = list(terms_of(train.x, signature))
    few = sample(train, max(1000, MAX_TRIED // max(len(terms), 1)), settings.seed)
    design = table(few, terms)
    cells = design.values.size * signature.scores

    def loss_by(penalty: Penalty) -> float:
        return loss(solved(design, penalty, signature, settings), validation, settings)

    best, least = Penalty("ridge", RIDGE[0]), np.inf
    # That a weak penalty is not quite solved tells nobody; filters are of all threads.
    with warnings.catch_warnings(action="ignore"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in penalties(design, signature):
            several = cells > MANY and any(one.kind == "lasso" for one in path)
            before = np.inf
            for penalty, loss_of in losses(path, loss_by, pool if several else None):
                if loss_of > before:
                    break
                best, least = (penalty, loss_of) if loss_of < least else (best, least)
                before = loss_of
        return solved(table(every, terms), best, signature, settings)


def losses(
    path: Sequence[Penalty], loss_by: Callable[[Penalty], float], pool: Executor | None
) -> Iterator[tuple[Penalty, float]]:
    """What each penalty loses, from the first on; with a pool, as many at once as there are cores.

    So one may be tried that nobody asks about any more, and none is other than it is alone.
    """
    if pool is None:
        yield from ((penalty, loss_by(penalty)) for penalty in path)
        return
    at_once = os.cpu_count() or 1
    for first in range(0, len(path), at_once):
        some = path[first : first + at_once]
        yield from zip(some, pool.map(loss_by, some), strict=True)


def refit(model: Linear, rows: Matrix, signature: Signature, settings: Model) -> Linear:
    """A line with the same penalty, from other rows."""
    every = sample(rows, MAX_ROWS, settings.seed)
    design = table(every, list(terms_of(every.x, signature)))
    with warnings.catch_warnings(action="ignore"):
        return solved(design, Penalty(model.penalty, model.strength), signature, settings)


def loss(model: Linear, part: Matrix, settings: Model) -> float:
    """The mean of what rows add to the primary metric."""
    metric = primary(model.task, settings)
    return float(row_losses(metric, part.y, predict(model, part.x)).mean())


def sample(part: Matrix, most: int, seed: int) -> Matrix:
    """At most so many rows, drawn."""
    if len(part.y) <= most:
        return part
    places = np.random.default_rng(seed).choice(len(part.y), most, replace=False)
    return Matrix(part.x[places], part.y[places])


def sample_of_both(first: Matrix, second: Matrix, most: int, seed: int) -> Matrix:
    """The same of two parts, which are never whole in memory once more."""
    size, count = len(first.y), len(first.y) + len(second.y)
    if count <= most:
        return Matrix(np.concatenate([first.x, second.x]), np.append(first.y, second.y))
    places = np.random.default_rng(seed).choice(count, most, replace=False)
    early = places < size
    x, y = np.empty((most, first.x.shape[1]), first.x.dtype), np.append(first.y, second.y)[places]
    x[early], x[~early] = first.x[places[early]], second.x[places[~early] - size]
    return Matrix(x, y)


def terms_of(x: np.ndarray, signature: Signature) -> Iterator[Term]:
    """The terms that training rows ask for; their weights are not known yet."""
    for place, feature in enumerate(signature.features):
        values = x[:, place]
        term = partial(Term, feature=feature.name, place=place, weights=())
        if feature.role == "categorical":
            codes, counts = np.unique(values[values >= 0], return_counts=True)
            for k in np.argsort(-counts, kind="stable")[:MAX_DUMMIES]:
                value, share = name_of(feature, int(codes[k])), counts[k] / len(values)
                yield term(value=value, code=int(codes[k]), middle=float(share))
            continue
        gaps = np.isnan(values)
        if not gaps.all():
            yield term(middle=float(values[~gaps].mean()))
        if gaps.any():
            yield term(missing=True, middle=float(gaps.mean()))


def name_of(feature: Feature, code: int) -> str:
    """What a code of a category stands for."""
    return feature.categories[code] if code < len(feature.categories) else "missing"


def distance(term: Term, x: np.ndarray) -> np.ndarray:
    """How far the rows are from the term's middle, of shape (rows,)."""
    values = x[:, term.place]
    if term.code is not None:
        return np.asarray((values == term.code) - term.middle)
    gaps = np.isnan(values)
    distances = gaps - term.middle if term.missing else np.where(gaps, 0.0, values - term.middle)
    return np.asarray(distances)


def table(part: Matrix, terms: list[Term]) -> Table:
    """What a solver takes; numbers are scaled, and terms of 0 and 1 are not."""
    columns = [distance(term, part.x) for term in terms]
    values = np.column_stack(columns) if terms else np.zeros((len(part.y), 1))
    numbers = np.array([term.code is None and not term.missing for term in terms] or [False])
    spread = values.std(axis=0)
    scales = np.where(numbers & (spread > 0), spread, 1.0)
    return Table(terms, scales, values / scales, part.y)


def penalties(design: Table, signature: Signature) -> Iterator[list[Penalty]]:
    """Of each kind from strong to weak; the strongest lasso is the constant."""
    yield [Penalty("ridge", strength) for strength in RIDGE]
    several = signature.task == "multiclass"
    y = np.eye(len(signature.classes))[design.y.astype(int)] if several else design.y
    most = float(np.abs(design.values.T @ (y - y.mean(axis=0))).max()) / len(design.y)
    yield [Penalty("lasso", part * most) for part in LASSO if most > 0]


def solved(design: Table, penalty: Penalty, signature: Signature, settings: Model) -> Linear:
    """The model of a penalty; terms that it leaves without weight are left out."""
    if signature.task == "regression":
        robust = settings.objective == "regression_l1"
        weights, intercept = solve_numbers(design, penalty, robust=robust)
    else:
        weights, intercept = solve_classes(design, penalty, signature, settings.seed)
    strength = np.abs(weights).max(axis=0)
    order = [k for k in np.argsort(-strength, kind="stable") if strength[k] > 0]
    return Linear(
        task=signature.task,
        penalty=penalty.kind,
        strength=penalty.strength,
        intercept=tuple(intercept.tolist()),
        terms=tuple(
            design.terms[k].model_copy(
                update={"weights": tuple((weights[:, k] / design.scales[k]).tolist())}
            )
            for k in order
        ),
    )


def solve_numbers(data: Table, penalty: Penalty, *, robust: bool) -> tuple[np.ndarray, np.ndarray]:
    """Weights of shape (1, terms) and the intercept, by least squares.

    `robust` is by absolute errors: squares are weighted anew by the errors before (Schlossmacher,
    An iterative technique for absolute deviations curve fitting, JASA 68, 1973).
    """
    from sklearn.linear_model import Lasso, Ridge

    ridge = Ridge(alpha=penalty.strength * len(data.y))
    solver = ridge if penalty.kind == "ridge" else Lasso(alpha=penalty.strength)
    solver.fit(data.values, data.y)
    for _ in range(ROUNDS if robust else 0):
        error = np.abs(data.y - solver.predict(data.values))
        inverse = 1 / np.maximum(error, max(1e-3 * float(np.median(error)), TINY))
        solver.fit(data.values, data.y, sample_weight=inverse / inverse.mean())
    return np.atleast_2d(solver.coef_), np.atleast_1d(solver.intercept_)


def solve_classes(
    design: Table, penalty: Penalty, signature: Signature, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of shape (scores, terms) and intercepts, by maximum likelihood."""
    from sklearn.linear_model import LogisticRegression

    scores = 1 if signature.task == "binary" else len(signature.classes)
    weights, intercept = np.zeros((scores, design.values.shape[1])), np.full(scores, NEVER)
    present = np.unique(design.y).astype(int)
    if len(present) == 1:
        if scores > 1 or present[0] == 1:
            intercept[present if scores > 1 else 0] = -NEVER
        return weights, intercept
    solver = LogisticRegression(
        C=1 / (penalty.strength * len(design.y)),
        l1_ratio=float(penalty.kind == "lasso"),
        solver="lbfgs" if penalty.kind == "ridge" else "saga",
        max_iter=1000 if penalty.kind == "ridge" else 200,
        tol=1e-4 if penalty.kind == "ridge" else 1e-3,
        random_state=seed,
    ).fit(design.values, design.y)
    if len(present) == 2 and scores > 2:  # of two classes the solver gives one score
        weights[present[1]], intercept[present] = solver.coef_[0], (0.0, solver.intercept_[0])
    else:
        rows = present if scores > 1 else [0]
        weights[rows], intercept[rows] = solver.coef_, solver.intercept_
    return weights, intercept


def scores(model: Linear, x: np.ndarray) -> np.ndarray:
    """Scores of shape (scores, rows).

    Term by term, for a product of matrices adds a single row in another order than a table.
    """
    sums = np.repeat(np.array(model.intercept)[:, None], len(x), axis=1)
    for term in model.terms:
        values = distance(term, x)
        for k, weight in enumerate(term.weights):
            sums[k] += weight * values
    return sums


def predict(model: Linear, x: np.ndarray) -> np.ndarray:
    """Probabilities of shape (rows,) for two classes, (rows, k) for more; else numbers (rows,)."""
    sums = scores(model, x)
    if model.task == "regression":
        return np.asarray(sums[0])
    if model.task == "binary":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-sums[0])))
    shares = np.exp(sums - sums.max(axis=0))
    total = sum(shares)  # one after the other, as above
    return np.ascontiguousarray((shares / total).T)


def contributions(model: Linear, x: np.ndarray, signature: Signature) -> np.ndarray:
    """How far each feature moved each row's score from the mean, of shape (rows, features).

    The score is a number, or log-odds; of several classes, those of the one that is predicted.
    """
    moved = np.zeros((len(x), len(signature.features)))
    classes = scores(model, x).argmax(axis=0)
    for term in model.terms:
        moved[:, term.place] += np.array(term.weights)[classes] * distance(term, x)
    return moved


def save(model: Linear, folder: Path) -> None:
    """Write the model as text that people can read and that cannot run code."""
    write(folder / FILE, model)


def load(folder: Path) -> Linear:
    """Read what `save` wrote. FactoryError for what is no such model, or not of its signature."""
    model = read(Linear, folder / FILE)
    if model is None:
        raise FactoryError(
            f"{folder / FILE} is not here, and model.kind is linear", "train it: dvc repro"
        )
    if (folder / SIGNATURE).is_file():
        signature = load_signature(folder)
        wrong = max((term.place for term in model.terms), default=0) >= len(signature.features)
        expected = len(signature.classes) if signature.task == "multiclass" else 1
        if wrong or model.task != signature.task or len(model.intercept) != expected:
            raise FactoryError(f"{folder / FILE} is not of its signature", AGAIN)
    return model
