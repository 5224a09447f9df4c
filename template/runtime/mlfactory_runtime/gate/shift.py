"""How the rows that two models have learned from differ, by what each model keeps of its own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..learn.profile import PROFILE
from ..learn.signature import load_signature
from ..records.profile import Names, Numbers, Profile
from ..records.record import read

LEAST, SHOWN, WIDTH = 0.02, 10, 20  # share of rows; lines; characters of a bar for all rows


@dataclass(frozen=True)
class Shift:
    """A feature, and the share of rows that lie elsewhere now."""

    feature: str
    share: float

    @property
    def bar(self) -> str:
        """The share as text."""
        return "█" * max(1, round(self.share * WIDTH))


def shifts(before: Path, now: Path) -> list[Shift]:
    """The features whose rows moved most between two models, largest first; none where a model
    keeps no such profile. A feature that only one of them has is none of these.
    """
    profiles = [read(Profile, folder / PROFILE) for folder in (before, now)]
    then, own = (one.features if one and one.format > 1 else {} for one in profiles)
    salts, others = (
        {one.name: one.salt for one in load_signature(folder).features} for folder in (before, now)
    )
    names = [name for name in then if name in own and salts.get(name) == others.get(name)]
    moved = [Shift(name, share(then[name], own[name])) for name in names]
    large = [one for one in moved if one.share > LEAST]
    return sorted(large, key=lambda one: (-one.share, one.feature))[:SHOWN]


def share(then: Numbers | Names, now: Numbers | Names) -> float:
    """The share of rows that lie elsewhere: with another value, or without one. A feature that was
    made a category, or a number, lies elsewhere whole.
    """
    gap = abs((now.missing or 0.0) - (then.missing or 0.0))
    if isinstance(then, Numbers) and isinstance(now, Numbers):
        return max(gap, distance(then, now))
    if isinstance(then, Names) and isinstance(now, Names):
        return max(gap, elsewhere(then, now))
    return 1.0


def distance(then: Numbers, now: Numbers) -> float:
    """The largest difference of the cumulated shares that is sure: between two of its quantiles
    nobody knows where the rows of now lie.
    """
    if not (then.rows and now.rows and then.values and now.values):
        return 0.0
    points, values = np.array(then.values), np.array(now.values)
    upto, below = np.array([0.0, *now.upto]), np.array([*now.below, 1.0])
    low, high = (np.searchsorted(values, points, side) for side in ("left", "right"))
    is_one = low != high  # of its quantiles, where it is known exactly
    lowest, highest = upto[high], np.where(is_one, upto[high], below[high])
    least, most = np.where(is_one, below[low], upto[low]), below[low]
    gaps = (then.upto - highest, lowest - then.upto, then.below - most, least - then.below)
    return float(max(0.0, *(gap.max() for gap in gaps)))


def elsewhere(then: Names, now: Names) -> float:
    """The sum of all shares that rose."""
    if not (then.rows and now.rows):
        return 0.0
    before, after = ({**one.counts, " ": one.other} for one in (then, now))  # a name has no edges
    names = before.keys() | after.keys()
    rise = (after.get(n, 0) / now.rows - before.get(n, 0) / then.rows for n in names)
    return sum(max(one, 0.0) for one in rise)
