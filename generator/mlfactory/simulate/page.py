"""The story as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .replay import Event, Replay

TEMPLATE = Path(__file__).with_name("page.html")
WIDTH, HEIGHT, LEFT, BOTTOM = 900, 360, 60, 330
MARKED = ("drift", "retrained", "promoted", "recovered")
LETTER, BACK = 7, 1.1  # the width of one; so much of the loss before is as good as before
VERDICTS = ("healthy", "alarm", "unknown")
Point = tuple[float, float]


def write(replay: Replay, file: Path) -> None:
    """Write the page. OSError if it cannot be written."""
    from jinja2 import Template

    page = Template(TEMPLATE.read_text("utf-8"), autoescape=True)
    file.write_text(page.render(**content(replay)) + "\n", "utf-8")


def content(replay: Replay) -> dict[str, Any]:
    """What the template needs: the curves in the units of the drawing, and the events."""
    days = max((event.day for event in replay.events), default=0) + 1
    step = (WIDTH - 10 - LEFT) / days
    curves = {
        "real": [(one.day, one.observed) for one in replay.windows if one.observed is not None],
        "guess": [(one.day, one.estimate) for one in replay.windows if one.estimate is not None],
        "hold": [(one.day, one.holdout) for one in replay.windows if one.holdout],
    }
    top = 1.1 * max((value for line in curves.values() for _, value in line), default=1.0)

    def place(point: Point) -> Point:
        day, value = point
        return round(LEFT + (day + 0.5) * step, 1), round(BOTTOM - (BOTTOM - 20) * value / top, 1)

    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "bottom": BOTTOM,
        "metric": replay.metric,
        "summary": summary(replay),
        "events": sorted(replay.events, key=lambda event: event.day),
        "bands": bands(replay.events, step),
        "days": [{"x": place((day, 0))[0], "text": day} for day in range(days)],
        "ticks": [
            {"y": place((0, top * k / 4))[1], "text": f"{top * k / 4:.3g}"} for k in range(5)
        ],
        "marks": marks(replay.events, step),
        "lines": [{"kind": k, "points": path(map(place, line))} for k, line in curves.items()],
        "dots": [
            {"kind": kind, "x": place(p)[0], "y": place(p)[1], "text": f"day {p[0]}: {p[1]:.4g}"}
            for kind in ("real", "guess")
            for p in curves[kind]
        ],
    }


def path(line: Any) -> str:
    return " ".join(f"{x},{y}" for x, y in line)


def bands(events: Sequence[Event], step: float) -> list[dict[str, Any]]:
    """A band for each day that the monitor has looked at."""
    verdicts = {event.day: event.kind for event in events if event.kind in VERDICTS}
    return [
        {"day": day, "kind": kind, "x": round(LEFT + day * step, 1), "width": round(step, 1)}
        for day, kind in verdicts.items()
    ]


def marks(events: Sequence[Event], step: float) -> list[dict[str, Any]]:
    """What changed the world or the model; each label stands where no other one does."""
    changes = sorted((one for one in events if one.kind in MARKED), key=lambda event: event.day)
    ends: list[float] = []  # of the labels so far, by line
    labels = []
    for event in changes:
        x, wide = round(LEFT + event.day * step, 1), LETTER * len(event.kind) + 12
        is_left = x > WIDTH - 100
        start, end = (x - wide, x) if is_left else (x, x + wide)
        row = next((k for k, last in enumerate(ends) if last <= start), len(ends))
        ends[row : row + 1] = [end]
        labels.append({"x": x, "y": 34 + 16 * row, "text": event.kind, "left": is_left})
    return labels


def summary(replay: Replay) -> str:
    """The story in a sentence; an alarm before the drift is of something else."""
    if replay.drift is None:
        rang = "did not ring" if replay.alarm is None else f"rang on day {replay.alarm}"
        return f"Nothing happened in this world, and the monitor {rang}."
    early = replay.alarm is not None and replay.alarm < replay.drift
    alarm = first_alarm(replay) if early else replay.alarm
    note = f" It had rung on day {replay.alarm}, of something else." if early else ""
    if alarm is None:
        return f"The world drifted on day {replay.drift}, and the monitor did not ring.{note}"
    beginning = (
        f"The world drifted on day {replay.drift}, and the monitor rang on day {alarm}.{note}"
    )
    if replay.promoted is None:
        return f"{beginning} No retrained model was better by the gate, so none was promoted."
    text = f"{beginning} A retrained model that is better was promoted on day {replay.promoted}"
    if replay.recovered is None:
        return f"{text}."
    if is_back(replay):
        return f"{text}, and all was well again."
    return f"{text}; the monitor finds nothing wrong with it, and the loss is not yet what it was."


def first_alarm(replay: Replay) -> int | None:
    """The first day from the drift on that the monitor rang of."""
    start = replay.drift or 0
    days = [one.day for one in replay.events if one.kind == "alarm" and one.day >= start]
    return min(days, default=None)


def is_back(replay: Replay) -> bool:
    """Whether the loss of the last days is about what it was before the drift, where both are."""
    drift, promoted = replay.drift or 0, replay.promoted or 0
    losses = [(one.day, one.observed) for one in replay.windows if one.observed is not None]
    before = [value for day, value in losses if day < drift]
    after = [value for day, value in losses if day > promoted]
    return not (before and after) or after[-1] <= BACK * max(before)
