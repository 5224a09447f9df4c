"""What every model must beat: a constant, and a linear model on the same matrix."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ..settings.params import Decision
from .matrix import Matrix
from .metrics import NONE, Own, is_lower_better, measure
from .signature import Signature

MAX_DUMMIES, MAX_ROWS = 30, 100_000


def constants(
    y: np.ndarray, signature: Signature, decision: Decision, own: Own = NONE
) -> dict[str, np.ndarray]:
    """Of each metric, the one answer for everybody that is best by it on the training rows.

    Log loss asks for the shares of the classes, accuracy for the largest one, costs for whichever
    call is cheaper; squares ask for the mean, and absolute errors for the median.
    """
    ones = np.ones(len(y))
    tried = [
        (one, measure(signature.task, y, np.broadcast_to(one, (len(y), *one.shape)), decision, own))
        for one in candidates(y, signature, decision)
    ]
    found = [(one, weighted(ones)) for one, weighted in tried]

    def loss(value: float, name: str) -> float:
        signed = value if is_lower_better(name, own) else -value
        return np.inf if np.isnan(value) else signed

    return {name: min(found, key=lambda pair: loss(pair[1][name], name))[0] for name in found[0][1]}


def candidates(y: np.ndarray, signature: Signature, decision: Decision) -> list[np.ndarray]:
    """Constants of the shape of one row's prediction, the usual one first."""
    if signature.task == "regression":
        return [np.asarray(one) for one in (y.mean(), *np.quantile(y, [0.5, decision.quantile]))]
    shares = np.bincount(y.astype(int), minlength=len(signature.classes)) / len(y)
    if signature.task == "binary":
        return [np.asarray(one) for one in (shares[1], 0.0, 1.0)]
    return [shares, np.eye(len(shares))[shares.argmax()]]


def linear(train: Matrix, x: np.ndarray, signature: Signature) -> np.ndarray:
    """Ridge or logistic regression on scaled numbers and dummies of the categories.

    Of more than 100,000 rows so many are drawn: a line needs no more, and would take minutes.
    """
    if len(train.y) > MAX_ROWS:
        drawn = np.random.default_rng(0).choice(len(train.y), MAX_ROWS, replace=False)
        train = Matrix(train.x[drawn], train.y[drawn])
    if signature.task == "regression":
        return np.asarray(_pipeline(signature, Ridge()).fit(train.x, train.y).predict(x))
    if len(np.unique(train.y)) == 1:
        shares = np.zeros((len(x), len(signature.classes)))
        shares[:, int(train.y[0])] = 1
        return shares[:, 1] if signature.task == "binary" else shares
    fitted = _pipeline(signature, LogisticRegression(max_iter=1000)).fit(train.x, train.y)
    found = fitted.predict_proba(x)
    shares = np.zeros((len(x), len(signature.classes)))
    shares[:, fitted.classes_.astype(int)] = found
    return shares[:, 1] if signature.task == "binary" else shares


def _pipeline(signature: Signature, estimator: Ridge | LogisticRegression) -> Pipeline:
    categorical = [i for i, f in enumerate(signature.features) if f.role == "categorical"]
    numeric = [i for i in range(len(signature.features)) if i not in categorical]
    numbers = make_pipeline(
        SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    dummies = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_DUMMIES)
    columns = ColumnTransformer([("numbers", numbers, numeric), ("dummies", dummies, categorical)])
    return make_pipeline(columns, estimator)
