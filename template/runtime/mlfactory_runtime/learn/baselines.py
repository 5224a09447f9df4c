"""What every model must beat: a constant, and a linear model on the same matrix."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .matrix import Matrix
from .signature import Signature

MAX_DUMMIES, MAX_ROWS = 30, 100_000


def naive(train: Matrix, x: np.ndarray, signature: Signature) -> np.ndarray:
    """The class shares, or the mean, of the training rows for everyone."""
    if signature.task == "regression":
        return np.full(len(x), train.y.mean())
    shares = np.bincount(train.y.astype(int), minlength=len(signature.classes)) / len(train.y)
    return (
        np.full(len(x), shares[1]) if signature.task == "binary" else np.tile(shares, (len(x), 1))
    )


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
        return naive(train, x, signature)
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
