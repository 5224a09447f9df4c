"""What earlier runs found, window by window. It holds numbers about many rows, never a row."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from ..log.runs import DIGITS, unfinished
from ..log.store import (
    EPOCH,
    complete,
    engine_of,
    labels,
    make,
    micros,
    predictions,
    replace,
    windows,
)  # fmt: skip
from ..records.monitoring import Window as Record
from ..records.record import parse
from .reading import Watched
from .window import BATCHES, Window

MICRO = timedelta(microseconds=1)
SHOWN, KEPT = 100, "what the log keeps of a window"


class History:
    """The windows of one target and one length; those of `watched` can be added."""

    def __init__(self, watched: Watched, window: Window) -> None:
        self.watched, self.engine = watched, engine_of(watched.params.log)
        self.target, self.length = watched.params.data.target, window.length
        self._fixed = {"target": self.target, "length": self.length}
        make(self.engine)

    def records(
        self, until: Window | None = None, count: int = SHOWN, *, all_models: bool = False
    ) -> list[Record]:
        """What was found in so many windows, before one if it is given; oldest first."""
        own = windows.c
        query = sa.select(own.result).order_by(own.until.desc()).limit(count)
        query = query.where(*(own[name] == value for name, value in self._fixed.items()))
        if until:
            query = query.where(own.until < micros(until.end))
        if not all_models:
            query = query.where(own.model == self.watched.version)
        with self.engine.connect() as connection:
            return [parse(Record, text, KEPT) for text in connection.scalars(query)][::-1]

    def record(self, window: Window) -> Record | None:
        """What was found in a window."""
        where = {**self._fixed, "model": self.watched.version, "until": micros(window.end)}
        query = sa.select(windows.c.result).filter_by(**where)
        with self.engine.connect() as connection:
            text = connection.scalar(query)
        return None if text is None else parse(Record, text, KEPT)

    def save(self, window: Window, record: Record) -> None:
        """Write down what was found in a window, in the place of what was found there before."""
        row = {**self._fixed, "model": self.watched.version, "until": micros(window.end)}
        with self.engine.begin() as connection:
            connection.execute(
                replace(connection, windows),
                {**row, "result": json.dumps(record.model_dump(), ensure_ascii=False)},
            )

    def mark(self, window: Window) -> tuple[int, int, int]:
        """Predictions of the window, and the outcomes that may be theirs: changed, look again."""
        p, own, target = predictions.c, labels.c, self._fixed["target"]
        begin, end = micros(window.begin), micros(window.end)
        rows = sa.select(sa.func.count()).where(
            p.target == target, p.model == self.watched.version, p.time >= begin, p.time < end,
            complete(),
        )  # fmt: skip
        counts = sa.select(sa.func.count(), sa.func.max(own.until)).where(
            own.target == target, own.until >= begin
        )
        with self.engine.connect() as connection:
            count, newest = connection.execute(counts).one()
            return connection.scalar(rows) or 0, count, newest or 0

    def batches(self, until: datetime, count: int) -> list[Window]:
        """The latest batches up to a moment, each a window; oldest first.

        A batch is a run of predictions, or all those of one folder. What was made at the same time
        as another is one window with it, since windows do not share rows. What is being scored is
        none yet.
        """
        p = predictions.c
        own = (p.target == self._fixed["target"]) & (p.model == self.watched.version) & complete()
        begin, end = sa.func.min(p.time), sa.func.max(p.time)
        number = sa.func.substr(p.request_id, 1, DIGITS)
        query = sa.select(begin, end).where(own, number.not_in(unfinished(self.engine)))
        query = query.group_by(number)
        query = query.having(end < micros(until)).order_by(end.desc()).limit(count)
        with self.engine.connect() as connection:
            spans = [(EPOCH + first * MICRO, EPOCH + (last + 1) * MICRO)
                     for first, last in connection.execute(query)]  # fmt: skip
        return [Window(*span, BATCHES) for span in apart(spans[::-1])]

    def newest(self) -> datetime | None:
        """When the model last predicted."""
        p = predictions.c
        own = (p.target == self._fixed["target"]) & (p.model == self.watched.version) & complete()
        query = sa.select(p.time).where(own).order_by(p.time.desc()).limit(1)
        with self.engine.connect() as connection:
            time = connection.scalar(query)
        return None if time is None else EPOCH + timedelta(microseconds=time)


def apart(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Spans by their ends, those that overlap as one."""
    whole: list[tuple[datetime, datetime]] = []
    for begin, end in spans:
        while whole and begin < whole[-1][1]:
            begin = min(begin, whole.pop()[0])
        whole.append((begin, end))
    return whole
