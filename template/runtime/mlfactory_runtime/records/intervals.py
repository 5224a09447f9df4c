"""models/model/intervals.json: how far around a predicted number the true one is to be expected."""

from itertools import pairwise
from typing import Self

from pydantic import FiniteFloat, model_validator

from .record import Part, Record, optional


class Band(Part):
    """What is added to a prediction `below` a number, and not below that of the band before.

    The last band has no such number: it is for all that are larger. `rows` of validation tell.
    """

    below: FiniteFloat | None = optional()
    rows: int
    lower: FiniteFloat
    upper: FiniteFloat


class Intervals(Record):
    """Bands of predictions, the smallest first, each with the ends of its intervals.

    The share `coverage` of true values is to lie between these. `by` says how the rows that tell
    were parted, and `draws` how many of them count: fewer than there are where they are alike.
    """

    coverage: float
    by: str
    rows: int
    draws: int
    bands: tuple[Band, ...]

    @model_validator(mode="after")
    def complete(self) -> Self:
        """Every prediction has one band, and lies between its ends."""
        below = [band.below for band in self.bands]
        if not below or None in below[:-1] or below[-1] is not None:
            raise ValueError("each band but the last one ends somewhere")
        if any((one or 0) >= (other or 0) for one, other in pairwise(below[:-1])):
            raise ValueError("the bands are not in order")
        if any(not band.lower <= 0 <= band.upper for band in self.bands):
            raise ValueError("a prediction lies outside of its interval")
        return self
