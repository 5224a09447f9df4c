"""models/model/profile.json: what the monitor compares with."""

from typing import Any, ClassVar

from .record import Part, Record, optional


class Numbers(Part):
    """Quantiles of `rows` rows with a value, and with each the share of them below and up to it.

    `missing` is the share of rows without a value; of predictions none is.
    """

    missing: float | None = optional()
    rows: int
    values: tuple[float, ...]
    below: tuple[float, ...]
    upto: tuple[float, ...]


class Names(Part):
    """How often each frequent value stands in `rows` rows with one, and all others together.

    `new` is the share of values that are to be expected among the others in other rows.
    """

    missing: float
    rows: int
    counts: dict[str, int]
    other: int
    new: float


class Quality(Part):
    """A number that says what answers are worth, and its standard error."""

    value: float
    error: float


class Profile(Record):
    """Training rows by feature, and predictions of the holdout.

    `expected` is what the metrics would be if the probabilities were right. The first form lacks
    it, and the shares beside the quantiles: nothing can be compared with it. `quality` is what the
    answers were worth on the holdout, by the names of learn/quality.py.
    """

    latest: ClassVar[int] = 2

    rows: int
    features: dict[str, Numbers | Names]
    predictions: tuple[Numbers, ...]
    expected: dict[str, float]
    quality: dict[str, Quality] = optional({})

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
