"""When a change counts: it is certain, and it is certainly larger than what does not matter.

The first is asked at the level of all checks together, the second at 5 % for itself. So a change
below its limit is found in 5 % of windows at most, and one beyond it the more surely the more rows
there are (a test of a minimum effect; Murphy and Myors, Testing the hypothesis that treatments have
negligible effects, Journal of Applied Psychology 84, 1999).
"""

from statistics import NormalDist

NORMAL = NormalDist()
SURE = NORMAL.inv_cdf(0.95)
POWER = NORMAL.inv_cdf(0.8)


def is_beyond(change: float, error: float, limit: float, level: float) -> bool:
    """Whether a change with this standard error is there, and beyond its limit."""
    return change > -NORMAL.inv_cdf(level) * error and change - SURE * error > limit


def detectable(error: float, limit: float, level: float) -> float:
    """The smallest change that is found in four of five windows."""
    return max(-NORMAL.inv_cdf(level) * error, limit + SURE * error) + POWER * error
