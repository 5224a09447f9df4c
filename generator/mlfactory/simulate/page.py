"""The story as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .replay import Event, Replay

TEMPLATE = Path(__file__).with_name("page.html")
WIDTH, HEIGHT, LEFT, BOTTOM = 900, 360, 60, 330
MARKED = ("drift", "retrained", "promoted", "recovered")
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
        "events": replay.events,
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
    """What changed the world or the model, each label a little lower than the one before."""
    changes = [event for event in events if event.kind in MARKED]
    positions = [round(LEFT + event.day * step, 1) for event in changes]
    return [
        {"x": x, "y": 34 + 16 * row, "text": event.kind, "left": x > WIDTH - 100}
        for row, (x, event) in enumerate(zip(positions, changes, strict=True))
    ]


def summary(replay: Replay) -> str:
    """The story in a sentence."""
    if replay.drift is None:
        rang = "did not ring" if replay.alarm is None else f"rang on day {replay.alarm}"
        return f"Nothing happened in this world, and the monitor {rang}."
    if replay.alarm is None:
        return f"The world drifted on day {replay.drift}, and the monitor did not ring."
    alarm = f"the monitor rang on day {replay.alarm}."
    beginning = f"The world drifted on day {replay.drift}, and {alarm}"
    if replay.promoted is None:
        return f"{beginning} No retrained model was better by the gate, so none was promoted."
    text = f"{beginning} A retrained model that is better was promoted on day {replay.promoted}"
    return f"{text}, and all was well again." if replay.recovered is not None else f"{text}."
