"""What the monitor compares with: how the training rows and the predictions lie."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import polars as pl

from ..project import Compute
from ..records.profile import Names, Numbers, Part, Profile, Quality, Trend
from .matrix import learned_from, usable
from .metrics import expected
from .seasons import GAPS, counted, gaps_of, missing_of, placed, seasons, shares_of, trend
from .signature import Signature, masked

PROFILE, CARD = "profile.json", "card.json"
POINTS, LISTED = 201, 255
NONE: Mapping[str, Quality] = MappingProxyType({})


def profile(
    rows: pl.DataFrame,
    signature: Signature,
    predictions: np.ndarray,
    compute: Compute,
    quality: Mapping[str, Quality] = NONE,
    time: str | None = None,
    trained: np.ndarray | None = None,
) -> Profile:
    """What monitoring compares with: training rows by feature, and predictions of the holdout."""
    frame = learned_from(rows, signature, compute)
    scores = predictions.reshape(len(predictions), -1)
    shares = expected(signature.task, predictions, signature.threshold or 0.5)
    features = {f.name: _distribution(frame[f.name], f.salt) for f in signature.features}
    seasons_of, grows = dict[str, dict[str, Part]](), dict[str, Trend | None]()
    dated = rows[time].is_not_null() if time else pl.Series([], dtype=pl.Boolean)
    dates = rows[time].filter(dated) if time else dated
    for one in signature.features if time else ():
        moments = frame.select(one.name, rows[time or ""].alias(" time")).drop_nulls()
        gaps = frame[one.name].is_null().filter(dated).cast(pl.Int64)
        if 0 < (missing := int(gaps.sum())) < len(gaps):
            seasons_of[missing_of(one.name)] = seasons(
                gaps.to_numpy(), dates, gaps_of(len(gaps), missing), matters=GAPS
            )
        if moments.height:
            values, when = placed(moments[one.name], features[one.name], one.salt), moments[" time"]
            seasons_of[one.name] = seasons(values, when, features[one.name])
            grows[one.name] = trend(values, when, features[one.name])
    marks = tuple(_quantiles(scores[:, k]) for k in range(scores.shape[1]))
    if time and trained is not None:
        when = usable(rows, signature, compute)[time]
        for name, own in of_scores(trained, when, marks, signature).items():
            seasons_of[name], grows[name] = own
    return Profile(
        format=Profile.latest,
        rows=frame.height,
        features=features,
        seasons={name: parts for name, parts in seasons_of.items() if parts},
        trends={name: one for name, one in grows.items() if one},
        predictions=marks,
        expected={name: value for name, (value, _) in shares.metrics().items()},
        quality=dict(quality),
    )


def of_scores(
    trained: np.ndarray, moments: pl.Series, marks: Sequence[Numbers], signature: Signature
) -> dict[str, tuple[dict[str, Part], Trend | None]]:
    """Seasons and trends of the predictions, by those of the training rows.

    What the holdout has beyond these is added, unless it is another time of the year.
    """
    dated, seasons_of = moments.is_not_null().to_numpy(), {}
    columns = trained.reshape(len(trained), -1)[dated]
    for place, mark in enumerate(marks):
        values, when = columns[:, place], moments.drop_nulls()
        later = signature.split.kind == "time" or not len(values)
        shift = 0.0 if later else shares_of(mark) - counted(values, mark)
        if len(values):
            own = seasons(values, when, mark, shift), trend(values, when, mark)
            seasons_of[f"prediction {place}"] = own
    return seasons_of


def _distribution(column: pl.Series, salt: str) -> Numbers | Names:
    """With a salt, values must not be read: digests, and quantiles without ends, rounded."""
    present = column.drop_nulls()
    missing = column.null_count() / max(column.len(), 1)
    if column.dtype in (pl.String, pl.Boolean):
        names = masked(present, salt if column.dtype == pl.String else "")
        counts, other = _listed(names)
        # What is frequent by chance is less so in other rows: one half is asked about the other.
        half = names.gather_every(2, 1)
        known_before = half.is_in(list(_listed(names.gather_every(2))[0]))
        new = 1 - int(known_before.sum()) / max(half.len(), 1)
        return Names(missing=missing, rows=present.len(), counts=counts, other=other, new=new)
    values = present.to_physical().cast(pl.Float64).to_numpy()
    numbers = _quantiles(values, (0.01, 0.99, 2) if salt else (0, 1, 9))
    return numbers.model_copy(update={"missing": missing})


def _listed(names: pl.Series) -> tuple[dict[str, int], int]:
    """How often each of the most frequent values stands in a column, and all others together."""
    counts = names.rename("value").value_counts().sort(["count", "value"], descending=True)
    return dict(counts.head(LISTED).iter_rows()), int(counts["count"][LISTED:].sum())


def _quantiles(values: np.ndarray, ends: tuple[float, float, int] = (0, 1, 9)) -> Numbers:
    """Values from the first to the last wanted quantile, with so many significant digits.

    With each goes the exact share of rows that lie below it, and up to it.
    """
    low, high, digits = ends
    ordered = np.sort(values)
    levels = np.linspace(0, 1, POINTS).clip(low, high)
    quantiles = np.quantile(ordered, levels) if len(values) else []
    points = sorted({float(f"{q:.{digits}g}") for q in quantiles})
    below, upto = np.searchsorted(ordered, points), np.searchsorted(ordered, points, "right")
    shares = [(count / max(len(values), 1)).round(9).tolist() for count in (below, upto)]
    return Numbers(rows=len(values), values=tuple(points), below=shares[0], upto=shares[1])
