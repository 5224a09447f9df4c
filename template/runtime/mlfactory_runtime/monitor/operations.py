"""Is anybody asking, do outcomes arrive, and are data and model as young as was promised?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from ..git import tries
from ..project import LOCK, SNAPSHOT
from ..records.data import Snapshot
from ..records.record import read
from .reading import Seen, Watched
from .verdict import Check
from .window import Window, stamp

LATELY = 100  # windows that tell how many rows are usual
USUAL = 3  # so many windows before it is known what is usual
EDGE = 1  # a window more lies in the same pause where it begins elsewhere in one, or months differ


def traffic(
    sample: Seen,
    window: Window,
    newest: datetime | None,
    before: Sequence[int],
    factor: float,
    since: datetime | None = None,
) -> list[Check]:
    """Whether predictions were made in the window, and about as many as in those before: no more,
    by a factor, than in three of four of them, and no fewer.

    Nobody can say so of a window that had begun before the model was in use, at `since`.
    """
    text, bad = f"{sample.rows:,} predictions in the window", not sample.rows or None
    pauses, pause = pauses_of([*before, sample.rows])
    if not sample.rows and since and since > window.begin:
        text += f", which began before the model was in use, on {stamp(since)}"
        bad = None
    elif not sample.rows and newest and newest >= window.end and not any(before):
        text = f"its first predictions came after {stamp(window.end)}, and that window is not over"
        bad = None
    elif not sample.rows and len(pauses) >= USUAL and pause <= most(pauses) + EDGE:
        text, bad = f"{text}, as is usual between two batches", None
    elif not sample.rows:
        text += f", the last one on {stamp(newest)}" if newest else ", and none before"
        others = sum(sample.others.values())
        text += f"; other models made {others:,}" if others else ""
    fresh = Check(
        "freshness", "operation", False if sample.rows else bad, sample.rows, 1, text,
        "no-predictions-are-made", at_once=True,
    )  # fmt: skip
    busy = [rows for rows in before if rows][-LATELY:]
    if len(busy) < USUAL or not sample.rows:
        return [fresh]
    usual = min(max(sample.rows, -most([-rows for rows in busy])), most(busy))
    ratio = sample.rows / usual
    text = f"{sample.rows:,} predictions, where {usual:,.0f} are usual"
    odd = not 1 / factor <= ratio <= factor
    page = "the-volume-is-unusual"
    return [fresh, Check("volume", "operation", odd, ratio, factor, text, page)]


def pauses_of(rows: Sequence[int]) -> tuple[list[int], int]:
    """How many windows without a prediction lay between two with some, and how many are the last.

    Windows come oldest first.
    """
    busy = [place for place, count in enumerate(rows) if count]
    gaps = [after - place - 1 for place, after in pairwise(busy)]
    return [gap for gap in gaps if gap], len(rows) - 1 - (busy[-1] if busy else -1)


def most(counts: Sequence[int]) -> int:
    """What at most one in four exceeded, so that an outage does not become usual."""
    return sorted(counts)[3 * (len(counts) - 1) // 4]


def overdue(batches: Sequence[Window], now: datetime) -> list[Check]:
    """Whether the next batch should have come: twice the longest pause is over."""
    if len(batches) <= USUAL:
        return []
    pause = max(after.end - before.end for before, after in pairwise(batches))
    age = now - batches[-1].end
    days, limit = age / timedelta(days=1), 2 * pause / timedelta(days=1)
    message = f"the last batch was {days:,.1f} days ago, and {limit / 2:,.1f} are the longest pause"
    page = "no-predictions-are-made"
    return [Check("batch", "operation", days > limit, days, limit, message, page, at_once=True)]


def ages(watched: Watched, now: datetime, label: datetime | None) -> list[Check]:
    """What is older than promised; nothing is said of what was not."""
    settings = watched.params.monitor
    snapshot = read(Snapshot, watched.project.root / SNAPSHOT)
    command = ("log", "-1", "--format=%cI", watched.commit or "HEAD", "--", str(LOCK))
    trained = tries(watched.home.root, *command)
    sources = [
        ("labels", settings.label_days, label, "the newest outcome", "no-outcomes-arrive"),
        (
            "data",
            settings.data_days,
            snapshot.taken if snapshot else None,
            "the data of training",
            "data-or-model-are-too-old",
        ),
        ("model", settings.model_days, trained, "the model", "data-or-model-are-too-old"),
    ]
    return [
        aged(name, limit, moment, now, what, page)
        for name, limit, moment, what, page in sources
        if limit is not None
    ]


def aged(
    name: str, limit: float, moment: datetime | str | None, now: datetime, what: str, page: str
) -> Check:
    """Whether something is older than so many days."""
    if not moment:
        message = f"nobody knows how old {what} is: there is none, or it is not recorded"
        bad = True if name == "labels" else None
        return Check(name, "operation", bad, None, limit, message, page, at_once=True)
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    days = (now - when) / timedelta(days=1)
    message = f"{what} is {days:,.1f} days old, and {limit:g} were promised"
    return Check(name, "operation", days > limit, days, limit, message, page, at_once=True)
