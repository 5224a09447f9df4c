"""How sure a single prediction is: the share of true numbers in their intervals, in words."""

from collections.abc import Iterator

from markupsafe import Markup

from ..languages import of_group, say
from ..records.evaluation import Coverage, Interval, Segments
from .charts import Bar, bars
from .words import interval, number, percent


def text(coverage: Coverage | None) -> str:
    """What intervals promise, and what they hold."""
    if not coverage:
        return ""
    return say(
        "Beside each prediction stand the ends of an interval, which is to hold {nominal:.3g}% of "
        "the true numbers. Of the held-out ones it holds {share}, and on average it is {width} "
        "wide.",
        nominal=100 * coverage.nominal,
        share=share(coverage.share),
        width=interval(coverage.width),
    )


def share(value: Interval) -> str:
    """A share with its interval, where it has one."""
    if value.low is None or value.high is None:
        return percent(value.value or 0)
    ends = {"low": percent(value.low), "high": percent(value.high)}
    return say("{value} ({low} to {high})", value=percent(value.value or 0), **ends)


def charts(segments: Segments) -> Iterator[tuple[str, Markup]]:
    """The share inside in the groups of each chosen column, beside that of all rows."""
    for name, lines in segments.chosen.items():
        groups = [segments.all.model_copy(update={"group": say("all")}), *lines]
        rows = [bar(line.group, line.inside, line.width) for line in groups if line.inside]
        if lines and rows:
            yield name, bars(say("share inside by {name}", name=name), rows)


def bar(group: str, inside: Interval, width: Interval | None) -> Bar:
    """A group's share, with the width in words."""
    wide = say(" (width {width})", width=number(width.value)) if width else ""
    return Bar(
        of_group(group),
        f"{percent(inside.value or 0)}{wide}",
        inside.value,
        inside.low,
        inside.high,
    )
