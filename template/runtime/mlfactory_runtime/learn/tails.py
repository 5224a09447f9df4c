"""Whether few rows make most of what is lost: then a mean hangs on these."""

import numpy as np

from .metrics import Array


def largest(losses: Array) -> float:
    """Which part of all losses the largest hundredth of them makes: a twelfth of squares of what
    lies normally, a seventh of those with exponential tails.
    """
    total, few = losses.sum(), len(losses) // 100
    return float(np.sort(losses)[len(losses) - few :].sum() / total) if total > 0 else 0.0


def few_rows(losses: Array) -> int | None:
    """How many rows carry half of all losses, if these are hardly any: up to a hundredth, or one.

    Of errors that lie normally the largest hundredth carries a twelfth.
    """
    carried = np.sort(losses)[::-1].cumsum()
    if not len(losses) or carried[-1] <= 0:
        return None
    count = int(np.searchsorted(carried, carried[-1] / 2)) + 1
    return count if count <= max(1, len(losses) // 100) < len(losses) / 2 else None
