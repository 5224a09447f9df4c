"""Rows by their scores, the highest first: what lies above each score, and areas below curves.

Scores that are equal share their place. Weights are of shape (rows,).
"""

from collections.abc import Callable

import numpy as np

from ..settings.decision import Decision

Array = np.ndarray


def curve(y: Array, p: Array, w: Array | None = None) -> tuple[Array, Array]:
    """Weights of positives and negatives at or above each distinct score, from the highest down."""
    order, starts = ranking(p)
    return cumulated(y[order], np.ones(len(y)) if w is None else w[order], starts)


def ranking(p: Array) -> tuple[Array, Array]:
    """The places of the rows from the highest score down, and where a new score begins there."""
    order = np.argsort(-p, kind="stable")
    return order, np.flatnonzero(np.diff(p[order], prepend=np.inf))


def cumulated(y: Array, w: Array, starts: Array) -> tuple[Array, Array]:
    """Weights of positives and negatives up to each score, of rows in the order of `ranking`."""
    ends = np.append(starts[1:], len(y)) - 1
    positive = (w * y).cumsum()[ends]
    return positive, w.cumsum()[ends] - positive


def threshold_of(p: Array, decision: Decision) -> float:
    """From which score on a row is called: as settings say, or as low as the budget allows.

    Rows of one score are called together, so there may be none that it allows.
    """
    if not decision.is_budgeted or not len(p):
        return decision.chosen_threshold
    scores, counts = np.unique(p, return_counts=True)
    within = scores[::-1][counts[::-1].cumsum() <= max(1, round(decision.share * len(p)))]
    return float(within[-1] if len(within) else np.nextafter(scores[-1], np.inf))


def curves(y: Array, p: Array) -> Callable[[Array], tuple[Array, Array]]:
    """What `curve` gives, by weights: rows are put in order once."""
    order, starts = ranking(p)
    ranked = y[order]
    return lambda w: cumulated(ranked, w[order], starts)


def in_budget(positive: Array, negative: Array, share: float) -> dict[str, float]:
    """What a share of the rows holds, those with the highest scores, of a curve."""
    rows = positive + negative
    every, budget = positive[-1], share * rows[-1]
    hits = np.interp(budget, np.append(0, rows), np.append(0, positive))
    recall = hits / every if every else float("nan")
    return {
        "recall_at_budget": float(recall),
        "precision_at_budget": float(hits / budget),
        "lift_at_budget": float(recall / share),
    }


def areas(positive: Array, negative: Array) -> dict[str, float]:
    """The areas below both curves, of one of `curve`; NaN where rows are of one class."""
    if positive[-1] == 0 or negative[-1] == 0:
        return {"roc_auc": float("nan"), "pr_auc": float("nan")}
    tpr = np.concatenate([[0.0], positive / positive[-1]])
    fpr = np.concatenate([[0.0], negative / negative[-1]])
    counts = positive + negative
    precision = np.divide(positive, counts, out=np.ones_like(counts), where=counts > 0)
    return {
        "roc_auc": float(np.trapezoid(tpr, fpr)),
        "pr_auc": float((np.diff(tpr) * precision).sum()),
    }
