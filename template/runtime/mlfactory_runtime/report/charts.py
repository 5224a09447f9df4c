"""Pictures for the report: inline SVG without script, coloured by the style sheet of the page.

`Markup.format` escapes what it is given, so a name can be anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from unicodedata import east_asian_width

from markupsafe import Markup

from ..languages import form, say
from ..records.evaluation import Interval

WIDTH, LEFT, TOP, SIDE = 360, 54, 8, 296
COLOURS = 6
TALL = 170
LABEL = 27  # a range of days, such as 2026-01-01 to 2026-03-31, is 24 letters wide
Point = tuple[float, float]
DOT = Markup('<circle class="dot c{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>')
Measured = Interval | None


@dataclass(frozen=True)
class Bar:
    """A labelled value, with its interval where it has one; None where it is not defined."""

    label: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Dot:
    """A labelled prediction, and what was seen."""

    label: str
    text: str
    value: float
    actual: float


@dataclass(frozen=True)
class Axes:
    """A square, with the same scale on both sides if no `top` is given; a line to compare with."""

    x: str
    y: str
    low: float = 0.0
    high: float = 1.0
    reference: tuple[Point, ...] = ((0.0, 0.0), (1.0, 1.0))
    top: float | None = None

    def place(self, point: Point) -> Point:
        """Where a point stands in the picture."""
        ends = self.high, self.high if self.top is None else self.top
        x, y = (
            (v - self.low) / (end - self.low) * SIDE for v, end in zip(point, ends, strict=True)
        )
        return LEFT + x, TOP + SIDE - y


def bars(title: str, rows: Sequence[Bar]) -> Markup:
    """One bar per row from zero, with its interval as a whisker; the first one stands out."""
    ends = [end for bar in rows for end in (bar.value, bar.low, bar.high) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    scale = (WIDTH - 4) / ((high - low) or 1.0)
    body = [_bar(bar, 36 * i, 2 - low * scale, scale) for i, bar in enumerate(rows)]
    description = "; ".join(f"{bar.label}: {bar.text}" for bar in rows)
    return _svg(title, description, 36 * len(rows), body)


def _bar(bar: Bar, y: int, zero: float, scale: float) -> Markup:
    svg = _text("", 0, y + 13, bar.label, 46 - len(bar.text))
    svg += _text("end", WIDTH, y + 13, bar.text)
    if bar.value is not None:
        x, width = zero + min(bar.value * scale, 0), max(abs(bar.value * scale), 1)
        svg += Markup(
            '<rect class="bar" x="{:.1f}" y="{}" width="{:.1f}" height="11" rx="2"/>'
        ).format(x, y + 19, width)
    if bar.low is not None and bar.high is not None:
        low, high = zero + bar.low * scale, zero + bar.high * scale
        whisker = Markup('<path class="whisker" d="M{:.1f} {}v7m0-3.5H{:.1f}m0-3.5v7"/>')
        svg += whisker.format(low, y + 21, high)
    return Markup("<g>{}</g>").format(svg)


def dots(
    title: str,
    rows: Sequence[Dot],
    low: float,
    high: float,
    write: Callable[[float], str],
    *,
    range_size: int,
) -> Markup:
    """One line per row on a common scale: a dot for the value, a ring for what was seen.

    The first `range_size` dots are joined, for they are steps of one range.
    """
    start, wide = 158, 144
    scale = wide / ((high - low) or 1.0)
    places = [(start + (row.value - low) * scale, 20 * i + 10.0) for i, row in enumerate(rows)]
    bottom = 20 * len(rows)
    body = [_path("grid", [(x, 0), (x, bottom)]) for x in (start, start + wide)]
    body.append(_path("line c0", places[:range_size]))
    ring = Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="4"/>')
    for row, (x, y) in zip(rows, places, strict=True):
        body.append(
            _text("small", 0, y + 4, row.label, LABEL) + _text("end", WIDTH, y + 4, row.text)
        )
        body.append(ring.format(start + (row.actual - low) * scale, y) + DOT.format(0, x, y, 4))
    body += [
        _text("middle soft", start + (end - low) * scale, bottom + 14, write(end))
        for end in (low, high)
    ]
    description = "; ".join(
        say(
            "{label}: {text}, seen {actual}",
            label=row.label,
            text=row.text,
            actual=write(row.actual),
        )
        for row in rows
    )
    return _svg(title, description, bottom + 18, body)


def plot(title: str, axes: Axes, curves: dict[str, list[Point]], draw: str = "line") -> Markup:
    """Curves by name, drawn as `line`, `dots` or `line dots`; a legend where there are several."""
    body = [*_grid(axes), _path("reference", map(axes.place, axes.reference))]
    for i, (name, points) in enumerate(curves.items()):
        places, y = [axes.place(point) for point in points], TOP + SIDE + 62 + 20 * i
        if "line" in draw:
            body.append(_path(f"line c{i}", _apart(places)))
        if "dots" in draw:
            body += [DOT.format(i, *place, 3.5) for place in places]
        if len(curves) > 1:
            body += _legend(i, y, name)
    legend = 20 * len(curves) + 8 if len(curves) > 1 else 0
    return _svg(title, say("{y}, by {x}", y=axes.y, x=axes.x), TOP + SIDE + 44 + legend, body)


def pairs(title: str, rows: Sequence[tuple[str, float, float]]) -> Markup:
    """Two shares per label: the upper bar is what was, the lower one what is."""
    start, wide = 158, 110
    scale, body = wide / (max(max(pair) for _, *pair in rows) or 1.0), []
    bar = Markup('<rect class="{}" x="{}" y="{}" width="{:.1f}" height="9"/>')
    for i, (label, before, now) in enumerate(rows):
        y = 30 * i
        body += [bar.format("bar", start, y + 4, before * scale)]
        body += [bar.format("now", start, y + 14, now * scale)]
        body += [_text("small", 0, y + 17, label, LABEL)]
        body += [_text("end", WIDTH, y + 17, f"{form('.0%', before)} → {form('.0%', now)}")]
    description = "; ".join(
        say("{label}: {before:.1%}, now {now:.1%}", label=label, before=before, now=now)
        for label, before, now in rows
    )
    return _svg(title, description, 30 * len(rows), body)


def over_time(
    title: str,
    places: Sequence[str],
    series: Mapping[str, Sequence[Measured]],
    usual: Measured = None,
) -> Markup:
    """Values by name, one for each place, with intervals as whiskers; what is usual is a band."""
    points = [one for line in (*series.values(), [usual]) for one in line if one]
    ends = [end for one in points for end in (one.value, one.low, one.high) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    margin = (high - low) / 20 or abs(high) / 10 or 1.0
    low, high, step = low - margin, high + margin, SIDE / max(len(places), 1)

    def at(value: float) -> float:
        return TOP + (high - value) / (high - low) * TALL

    body = [_band(usual, at)] if usual else []
    for tick in _ticks(low, high):
        body.append(_path("grid", [(LEFT, at(tick)), (LEFT + SIDE, at(tick))]))
        body.append(_text("end soft", LEFT - 6, at(tick) + 4, compact(tick)))
    body += _names(places, step)
    for i, (name, values) in enumerate(series.items()):
        first, y = LEFT + step / 2 + 5 * (i - (len(series) - 1) / 2), TOP + TALL + 40 + 20 * i
        body += _measured(i, [(first + k * step, one) for k, one in enumerate(values)], at)
        body += _legend(i, y, name)
    description = "; ".join(f"{place}: {_description(series, k)}" for k, place in enumerate(places))
    return _svg(title, description, TOP + TALL + 30 + 20 * len(series), body)


def _legend(i: int, y: int, name: str) -> list[Markup]:
    line = _path(f"line c{i}", [(LEFT, y - 4), (LEFT + 28, y - 4)])
    return [line, _text("", LEFT + 36, y, name, 38)]


def _names(places: Sequence[str], step: float) -> Iterable[Markup]:
    """The first, the middle and the last place."""
    last, y = len(places) - 1, TOP + TALL + 17
    for k in sorted({0, len(places) // 2, last}):
        if 0 < k == last:
            yield _text("end soft", LEFT + SIDE + 8, y, places[k])
        else:
            yield _text("middle soft", LEFT + (k + 0.5) * step, y, places[k])


def _measured(
    i: int, values: Iterable[tuple[float, Measured]], at: Callable[[float], float]
) -> Iterable[Markup]:
    points = [(x, one) for x, one in values if one and one.value is not None]
    yield _path(f"line c{i}", [(x, at(one.value or 0)) for x, one in points])
    for x, one in points:
        if one.low is not None and one.high is not None:
            yield _path(f"c{i}", [(x, at(one.low)), (x, at(one.high))])
        yield DOT.format(i, x, at(one.value or 0), 3.5)


def _band(usual: Interval, at: Callable[[float], float]) -> Markup:
    value = usual.value or 0
    low, high = (value if end is None else end for end in (usual.low, usual.high))
    form = Markup('<rect class="band" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>')
    return form.format(LEFT, at(high), SIDE, max(at(low) - at(high), 1))


def _description(series: Mapping[str, Sequence[Measured]], k: int) -> str:
    line = {name: values[k] for name, values in series.items()}
    return ", ".join(
        f"{n} {form('.4g', one.value)}" for n, one in line.items() if one and one.value
    )


def _grid(axes: Axes) -> Iterable[Markup]:
    bottom, middle = TOP + SIDE, LEFT + SIDE / 2
    for tick in _ticks(axes.low, axes.high):
        x, _ = axes.place((tick, axes.low))
        yield _path("grid", [(x, TOP), (x, bottom)])
        yield _text("middle soft", x, bottom + 17, compact(tick))
    for tick in _ticks(axes.low, axes.high if axes.top is None else axes.top):
        _, y = axes.place((axes.low, tick))
        yield _path("grid", [(LEFT, y), (LEFT + SIDE, y)])
        yield _text("end soft", LEFT - 6, y + 4, compact(tick))
    label = Markup('<g transform="translate(12 {}) rotate(-90)">{}</g>')
    yield _text("middle soft", middle, bottom + 37, axes.x)
    yield label.format(TOP + SIDE / 2, _text("middle soft", 0, 0, axes.y))


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers between two numbers."""
    step: float = 10.0 ** floor(log10((high - low) / 5))
    step *= next(m for m in (1, 2, 5, 10) if high - low <= 5.5 * step * m)
    return [i * step for i in range(ceil(low / step), floor(high / step + 1e-9) + 1)]


def compact(value: float) -> str:
    """A number in little space."""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{form('.4g', value / unit)}{letter}"
    return form(".4g", value)


def _svg(title: str, description: str, height: int, body: Iterable[Markup]) -> Markup:
    form = Markup('<svg viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>')
    return form.format(WIDTH, height, title, description, Markup("").join(body))


def _path(style: str, points: Iterable[Point]) -> Markup:
    places = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Markup('<path class="{}" d="{}"/>').format(style, places and f"M{places}")


def _apart(places: list[Point]) -> Iterable[Point]:
    """The places without those that nobody could tell from the one before."""
    points = places[:1]
    for x, y in places[1:]:
        if max(abs(x - points[-1][0]), abs(y - points[-1][1])) >= 2:
            points.append((x, y))
    return [*points, *places[-1:]]


def _text(style: str, x: float, y: float, text: str, limit: int = 50) -> Markup:
    """Text, cut where it is too wide; wide letters count twice."""
    text, short, width = " ".join(text.split()), "", 0
    for letter in text:
        width += 2 if east_asian_width(letter) in "WF" or letter in "MW@" else 1
        short += letter if width < limit else ""
    full = Markup("…<title>{}</title>").format(text) if short != text else ""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}{}</text>').format(
        style, x, y, short, full
    )
