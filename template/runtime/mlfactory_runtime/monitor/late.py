"""Windows whose outcomes came, or were corrected, after somebody had looked at them."""

from datetime import timedelta

import sqlalchemy as sa

from ..log.belonging import KINDS, fits
from ..log.store import complete, labels, micros, predictions
from .history import History
from .window import ANCHOR, Window


def taken_in(history: History) -> int:
    """When an outcome was last taken in; 0 if none was."""
    own = labels.c
    asked = sa.select(sa.func.max(own.taken)).where(own.target == history.target)
    with history.engine.connect() as connection:
        return connection.scalar(asked) or 0


def news(history: History) -> list[Window]:
    """The windows with predictions whose outcome was taken in since the last look, oldest first."""
    looks, p, own = history.records(), predictions.c, labels.c
    since = (looks[-1].taken or 0) if looks else 0
    number = ((p.time - micros(ANCHOR)) // history.length).label("number")
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
    length = timedelta(microseconds=history.length)
    return [Window(ANCHOR + length * k, ANCHOR + length * (k + 1)) for k in numbers]
