"""What a model makes of each feature, asked of held-out rows."""

from collections.abc import Callable, Iterator

import numpy as np

from ..records.evaluation import Importance
from ..settings.params import Params
from .matrix import Matrix
from .metrics import primary, row_losses
from .signature import Signature

MOST, LEAST = 2000, 50  # rows
ANSWERS = 50_000  # what scoring takes about as long for as a fit of some thousand rows
CELLS = 4_000_000  # numbers that are held at once


def permutation_importance(
    score: Callable[[np.ndarray], np.ndarray], part: Matrix, signature: Signature, params: Params
) -> tuple[Importance, ...]:
    """How much the primary metric suffers when one feature is shuffled, as shares of the whole.

    The more features and classes there are, the fewer rows are asked about each: so it takes no
    longer than the fit.
    """
    generator = np.random.default_rng(params.model.seed)
    cells = max(part.x.shape[1], 1) * signature.scores
    rows = int(np.clip(ANSWERS // cells, LEAST, MOST))
    places = generator.permutation(len(part.y))[:rows]
    x, y, metric = part.x[places], part.y[places], primary(signature.task, params.model)

    def loss(some: np.ndarray) -> np.ndarray:
        """The metric of each of several tables, of shape (tables, rows, features)."""
        p = np.asarray(score(some.reshape(-1, x.shape[1])))
        means = row_losses(metric, np.tile(y, len(some)), p).reshape(len(some), -1).mean(axis=1)
        return np.sqrt(means) if metric == "rmse" else np.asarray(means)

    worse = [loss(some) for some in shuffled(x, generator)]
    losses = np.maximum(np.concatenate([[], *worse]) - loss(x[None]), 0.0).tolist()
    total = sum(losses) or 1.0
    names = [feature.name for feature in signature.features]
    ranked = sorted(zip(names, losses, strict=True), key=lambda pair: -pair[1])
    return tuple(Importance(feature=name, gain=rise / total) for name, rise in ranked)


def shuffled(x: np.ndarray, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """The rows once for each feature, which is shuffled there; some features at a time.

    One question about many rows takes less time than many about few, and may use every core.
    """
    at_once = max(1, CELLS // max(x.size, 1))
    for first in range(0, x.shape[1], at_once):
        places = range(first, min(first + at_once, x.shape[1]))
        several = np.tile(x, (len(places), 1, 1))
        for table, place in zip(several, places, strict=True):
            table[:, place] = generator.permutation(table[:, place])
        yield several
