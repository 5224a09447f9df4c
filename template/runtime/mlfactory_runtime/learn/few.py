"""Few moments that are held out: a month is odd for all of its rows, and there are not many."""

from dataclasses import replace

import numpy as np
import polars as pl

from ..records.data import SplitRecord
from ..settings.params import Params
from .draws import FEWEST, places_of
from .evaluate import Judgement
from .resampling import mean_of, widened, worth

SURELY = 2.575829  # of 99 %, for neighbouring months are alike, and few do not tell how much


def with_moments(
    judgement: Judgement, rows: pl.DataFrame, gain: np.ndarray, split: SplitRecord, params: Params
) -> Judgement:
    """The judgement, not accepted if its lead on the constant may be that of a few moments.

    Where the newest rows are held out and these are of fewer than FEWEST moments, rows or entities
    are drawn. What all rows of a moment share is then in no interval, and is looked at here: by the
    mean gain of each moment, with Student's quantile. `gain` is the loss of the constant less the
    model's, of shape (rows,).
    """
    time = params.data.time
    if judgement.verdict != "accepted" or split.kind != "time" or time not in rows.columns:
        return judgement
    places = places_of(rows[time])
    count = int(places.max()) + 1
    if count >= FEWEST:
        return judgement
    mean, error = mean_of(gain, places)
    draws = worth(places)
    if count > 1 and mean > SURELY * error * widened(draws, SURELY) / widened(draws):
        text = (
            f"the held-out rows are of {count} moments of {time!r} only: intervals do not tell how "
            "far other moments may lead"
        )
        return replace(judgement, warnings=(*judgement.warnings, text))
    what = "1 moment" if count == 1 else f"{count} moments"
    why = (
        f"the held-out rows are of {what} of {time!r} only, and its lead on a constant may be that "
        "of these: hold out more (split.holdout), or deliver more"
    )
    return replace(judgement, verdict="rejected", reason=why)
