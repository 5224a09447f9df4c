"""The constant that every model must beat; linear.py and history.py have what else it must beat."""

import numpy as np

from ..settings.decision import Decision
from .metrics import NONE, Own, is_lower_better, measure
from .signature import Signature


def constants(
    y: np.ndarray, signature: Signature, decision: Decision, own: Own = NONE
) -> dict[str, np.ndarray]:
    """Of each metric, the one answer for everybody that is best by it on the training rows.

    Log loss asks for the shares of the classes, accuracy for the largest one, costs for whichever
    call is cheaper; squares ask for the mean, and absolute errors for the median.
    """
    ones = np.ones(len(y))
    # One after the other: of many rows, what a metric keeps for each of them is large.
    pairs = [
        (one, measure(signature.task, y, np.broadcast_to(one, shape), decision, own)(ones))
        for one in candidates(y, signature, decision)
        for shape in [(len(y), *one.shape)]
    ]

    def loss(value: float, name: str) -> float:
        signed = value if is_lower_better(name, own) else -value
        return np.inf if np.isnan(value) else signed

    return {name: min(pairs, key=lambda pair: loss(pair[1][name], name))[0] for name in pairs[0][1]}


def candidates(y: np.ndarray, signature: Signature, decision: Decision) -> list[np.ndarray]:
    """Constants of the shape of one row's prediction, the usual one first."""
    if signature.task == "regression":
        return [np.asarray(one) for one in (y.mean(), *np.quantile(y, [0.5, decision.quantile]))]
    shares = np.bincount(y.astype(int), minlength=len(signature.classes)) / len(y)
    if signature.task == "binary":
        return [np.asarray(one) for one in (shares[1], 0.0, 1.0)]
    return [shares, np.eye(len(shares))[shares.argmax()]]
