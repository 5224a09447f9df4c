"""Pictures for the report: inline SVG without script, coloured by the style sheet of the page.

`Markup.format` escapes what it is given, so that a name can be anything.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from unicodedata import east_asian_width

from markupsafe import Markup

WIDTH, LEFT, TOP, SIDE = 360, 50, 8, 300
COLOURS = 6
Point = tuple[float, float]


@dataclass(frozen=True)
class Bar:
    """A labelled value, with its interval where it has one; None where it is not defined."""

    label: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Plot:
    """A square with the same scale on both axes, and a dashed line to compare with."""

    x: str
    y: str
    low: float = 0.0
    high: float = 1.0
    reference: tuple[Point, ...] = ((0.0, 0.0), (1.0, 1.0))
    lines: bool = True
    dots: bool = False

    def at(self, point: Point) -> Point:
        """The place of a point in the picture."""
        x, y = ((value - self.low) / (self.high - self.low) * SIDE for value in point)
        return LEFT + x, TOP + SIDE - y


def bars(key: str, title: str, rows: Sequence[Bar]) -> Markup:
    """One bar per row from zero, with its interval as a whisker; the first one stands out."""
    ends = [end for bar in rows for end in (bar.value, bar.low, bar.high) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    scale = (WIDTH - 4) / ((high - low) or 1.0)
    body = (_bar(bar, 36 * i, i, -low * scale + 2, scale) for i, bar in enumerate(rows))
    told = "; ".join(f"{bar.label}: {bar.text}" for bar in rows)
    return _svg(key, title, told, 36 * len(rows), body)


def _bar(bar: Bar, y: int, rank: int, zero: float, scale: float) -> Markup:
    text = Markup(
        '<text y="{}">{}<title>{}</title></text><text class="value" x="{}" y="{}">{}</text>'
    ).format(y + 13, _short(bar.label, 50 - len(bar.text)), bar.label, WIDTH, y + 13, bar.text)
    if bar.value is None:
        return text
    x, width = zero + min(bar.value, 0.0) * scale, max(abs(bar.value) * scale, 1.0)
    text += Markup(
        '<rect class="bar b{}" x="{:.1f}" y="{}" width="{:.1f}" height="11" rx="2"/>'
    ).format(min(rank, 1), x, y + 19, width)
    if bar.low is None or bar.high is None:
        return text
    low, high = zero + bar.low * scale, zero + bar.high * scale
    return text + Markup(
        '<path class="whisker" d="M{low:.1f} {t}v7m0-3.5H{high:.1f}m0-3.5v7"/>'
    ).format(low=low, high=high, t=y + 21)


def plot(key: str, title: str, told: str, axes: Plot, curves: dict[str, list[Point]]) -> Markup:
    """Curves or points by name; a legend where there are several."""
    reference = _path("reference", map(axes.at, axes.reference))
    body = [*_grid(axes), reference]
    for i, (name, points) in enumerate(curves.items()):
        places = [axes.at(point) for point in points]
        if axes.lines:
            body.append(_path(f"line c{i % COLOURS}", places))
        if axes.dots:
            dot = Markup('<circle class="dot c{}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>')
            body += [dot.format(i % COLOURS, *place) for place in places]
        if len(curves) > 1:
            y = TOP + SIDE + 62 + 20 * i
            body.append(_path(f"line c{i % COLOURS}", [(LEFT, y - 4), (LEFT + 28, y - 4)]))
            body.append(_text("", LEFT + 36, y, _short(name, 40)))
    legend = 20 * len(curves) + 8 if len(curves) > 1 else 0
    return _svg(key, title, told, TOP + SIDE + 44 + legend, body)


def heat(key: str, title: str, told: str, names: Sequence[str], rows: Counter[Point2]) -> Markup:
    """Actual classes as lines, predicted ones as columns, tinted by their share of the line."""
    left, top = 96, 40
    width = (WIDTH - left) / len(names)
    height = min(width, 56.0)
    body = [_text("axis", left, 14, "predicted →"), _text("axis", 0, top - 8, "actual ↓")]
    for i, actual in enumerate(names):
        y, total = top + height * i, sum(rows[actual, name] for name in names)
        body.append(_text("", 0, y + height / 2 + 4, _short(actual, 13), actual))
        middle = left + width * (i + 0.5)
        body.append(_text("middle", middle, top - 8, _short(actual, int(width / 8)), actual))
        for j, called in enumerate(names):
            share = rows[actual, called] / (total or 1)
            body.append(
                Markup(
                    '<rect class="cell" x="{:.1f}" y="{:.1f}" width="{w:.1f}" height="{h:.1f}" '
                    'style="fill-opacity:{:.2f}"><title>{}</title></rect>'
                ).format(
                    left + width * j, y, 0.04 + share / 2,
                    f"{actual}, called {called}: {rows[actual, called]:,} of {total:,} rows",
                    w=width - 2, h=height - 2,
                )
            )  # fmt: skip
            middle, count = left + width * (j + 0.5) - 1, f"{rows[actual, called]:,}"
            few = len(names) <= 4
            body.append(_text("middle", middle, y + height / 2 + 4 - 7 * few, count if few else f"{share:.0%}"))
            if few:
                body.append(_text("middle soft", middle, y + height / 2 + 13, f"{share:.0%}"))
    return _svg(key, title, told, top + height * len(names), body)
