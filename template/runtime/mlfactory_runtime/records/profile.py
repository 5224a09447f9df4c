"""models/model/profile.json: what the monitor compares with."""

from typing import Any, ClassVar

from .record import Part as Base
from .record import Record, optional


class Numbers(Base):
    """Quantiles of `rows` rows with a value, and with each the share of them below and up to it.

    `missing` is the share of rows without a value; of predictions none is.
    """

    missing: float | None = optional()
    rows: int
    values: tuple[float, ...]
    below: tuple[float, ...]
    upto: tuple[float, ...]


class Names(Base):
    """How often each frequent value stands in `rows` rows with one, and all others together.

    `new` is the share of values that are to be expected among the others in other rows.
    """

    missing: float
    rows: int
    counts: dict[str, int]
    other: int
    new: float


class Quality(Base):
    """A number that says what answers are worth, and its standard error."""

    value: float
    error: float


class Part(Base):
    """Rows of a month or weekday: how many, their mean day since 1970, and shares of values, where
    the profile has those of all rows.
    """

    rows: int
    day: float
    shares: tuple[float, ...]


class Trend(Base):
    """The share of rows by which values move in a day, and the mean day of the rows since 1970."""

    day: float
    step: float


class Profile(Record):
    """Training rows by feature, and predictions of the holdout.

    `expected` is what the metrics would be if the probabilities were right. The first form lacks
    it, and the shares beside the quantiles: nothing can be compared with it. `quality` is what the
    answers were worth on the holdout, by the names of learn/quality.py. `seasons` and `trends` are
    those of the training rows, by feature, and by "prediction 0" and so on. `segments` has features
    by column and group.
    """

    latest: ClassVar[int] = 2

    rows: int
    features: dict[str, Numbers | Names]
    predictions: tuple[Numbers, ...]
    expected: dict[str, float]
    quality: dict[str, Quality] = optional({})
    seasons: dict[str, dict[str, Part]] = optional({})
    trends: dict[str, Trend] = optional({})
    segments: dict[str, dict[str, dict[str, Part]]] = optional({})

    @classmethod
    def upgrade(cls, content: dict[str, Any]) -> dict[str, Any]:
        content = {"format": 2 if "expected" in content else 1, **content}
        if content["format"] > 1:
            return content
        features = {name: complete(one) for name, one in content["features"].items()}
        predictions = [complete({"quantiles": one}) for one in content["predictions"]]
        return {**content, "features": features, "predictions": predictions, "expected": {}}


def complete(one: dict[str, Any]) -> dict[str, Any]:
    """A feature of the first form, or a prediction, with what that did not tell left empty."""
    if "counts" in one:
        return {**one, "rows": sum(one["counts"].values()), "other": 0, "new": 0}
    return {**one, "rows": 0, "values": one["quantiles"], "below": (), "upto": ()}
