"""Windows whose outcomes came, or were corrected, after somebody had looked at them."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from ..log.belonging import KINDS, fits
from ..log.store import complete, labels, micros, predictions
from .history import History
from .window import ANCHOR, BATCHES, MONTHS, Window, month

DAY = timedelta(days=1)


def taken_in(history: History) -> int:
    """When an outcome was last taken in; 0 if none was."""
    own = labels.c
    query = sa.select(sa.func.max(own.taken)).where(own.target == history.target)
    with history.engine.connect() as connection:
        return connection.scalar(query) or 0


def news(history: History, recent: Sequence[Window]) -> list[Window]:
    """The windows with predictions whose outcome was taken in since the last look, oldest first.

    Of batches only those among the `recent` ones, to the day.
    """
    looks, p, own = history.records(), predictions.c, labels.c
    since = (looks[-1].taken or 0) if looks else 0
    step = history.length if history.length > 0 else micros(ANCHOR + DAY) - micros(ANCHOR)
    number = ((p.time - micros(ANCHOR)) // step).label("number")
    parts = (
        sa.select(number)
        .select_from(predictions)
        .join(labels, fits(kind))
        .where(
            own.taken > since,
            p.target == history.target,
            p.model == history.watched.version,
            complete(),
        )
        for kind in KINDS
    )
    with history.engine.connect() as connection:
        numbers = sorted({*connection.scalars(sa.union(*parts))})
    length = timedelta(microseconds=step)
    spans = [Window(ANCHOR + length * k, ANCHOR + length * (k + 1), step) for k in numbers]
    if history.length == MONTHS:
        begins = sorted({month(span.begin, 0) for span in spans})
        return [Window(begin, month(begin, 1), MONTHS) for begin in begins]
    if history.length == BATCHES:
        return [one for one in recent if any(overlap(one, span) for span in spans)]
    return spans


def overlap(a: Window, b: Window) -> bool:
    return a.begin < b.end and b.begin < a.end
