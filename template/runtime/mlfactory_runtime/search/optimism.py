"""What the best of many attempts is worth on rows that did not choose it.

Blocks of rows are drawn again and again; the attempt that is best on those drawn is measured on the
others (Tsamardinos, Greasidou and Borboudakis, Bootstrapping the out-of-sample predictions for
efficient and accurate cross-validation, Machine Learning 107, 2018). Nothing is fitted again.
"""

import numpy as np

from ..learn.resampling import widened
from ..records.tuning import Optimism, Tuning

ROUNDS, FEWEST = 1000, 10
OUTSIDE = float(np.exp(-1))  # the share of blocks that a draw leaves out
Array = np.ndarray


def optimism(search: Tuning) -> Optimism | None:
    """By how much the best looks better than it is; None of fewer than two attempts, or blocks."""
    attempts = search.complete
    names = [one.number for one in attempts]
    counts = np.array(search.counts, dtype=float)
    if len(attempts) < 2 or 0 not in names or np.count_nonzero(counts) < FEWEST:
        return None
    sums, before = np.array([one.sums for one in attempts]), names.index(0)
    selected, others, firsts = draws(sums, counts, before, search.seed, search.metric == "rmse")
    best, now = attempts[0].loss or 0.0, attempts[before].loss or 0.0
    # What choosing adds, apart from how hard the rows are that happen to be outside.
    inflation = float(np.mean(others - selected)) - float(np.mean(firsts[1] - firsts[0]))
    corrected = best + max(inflation, 0.0)
    gain, gains = now - corrected, firsts[1] - others
    # Each is measured on a part of the blocks, of which two draws share many.
    width = widened(int(np.count_nonzero(counts))) * (OUTSIDE / (1 - OUTSIDE)) ** 0.5
    low, high = np.quantile(gains - gains.mean(), [0.025, 0.975]) * width + gain
    return Optimism(
        best=best, corrected=corrected, before=now, gain=gain, low=float(low), high=float(high)
    )


def draws(
    sums: Array, counts: Array, before: int, seed: int, root: bool
) -> tuple[Array, Array, tuple[Array, Array]]:
    """For each draw: the loss of the selected attempt on the blocks that were drawn and on the
    others, and both of the attempt `before`.
    """
    generator, filled = np.random.default_rng(seed), np.flatnonzero(counts)
    inside, outside, firsts = [], [], []
    for _ in range(ROUNDS):
        w = np.bincount(generator.choice(filled, len(filled)), minlength=len(counts))
        rest = (w == 0) & (counts > 0)
        if not rest.any():
            continue
        own, other = sums @ w / (counts @ w), sums @ rest / (counts @ rest)
        if root:
            own, other = own**0.5, other**0.5
        best = int(own.argmin())
        inside.append(own[best])
        outside.append(other[best])
        firsts.append((own[before], other[before]))
    pairs = np.array(firsts).T
    return np.array(inside), np.array(outside), (pairs[0], pairs[1])
