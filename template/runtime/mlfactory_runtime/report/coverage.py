"""How sure a single prediction is: the share of true numbers in their intervals, in words."""

from collections.abc import Iterator

from markupsafe import Markup

from ..records.evaluation import Coverage, Interval, Segments
from .charts import Bar, bars
from .words import interval, number, percent


def text(coverage: Coverage | None) -> str:
    """What intervals promise, and what they hold."""
    if not coverage:
        return ""
    return (
        f"Beside each prediction stand the ends of an interval, which is to hold "
        f"{100 * coverage.nominal:.3g}% of the true numbers. Of the held-out ones it holds "
        f"{share(coverage.share)}, and on average it is {interval(coverage.width)} wide."
    )


def share(value: Interval) -> str:
    """A share with its interval, where it has one."""
    ends = () if value.low is None or value.high is None else (value.low, value.high)
    between = f" ({percent(ends[0])} to {percent(ends[1])})" if ends else ""
    return f"{percent(value.value or 0)}{between}"


def charts(segments: Segments) -> Iterator[tuple[str, Markup]]:
    """The share inside in the groups of each chosen column, beside that of all rows."""
    for name, lines in segments.chosen.items():
        groups = [segments.all.model_copy(update={"group": "all"}), *lines]
        rows = [bar(line.group, line.inside, line.width) for line in groups if line.inside]
        if lines and rows:
            yield name, bars(f"share inside by {name}", rows)


def bar(group: str, inside: Interval, width: Interval | None) -> Bar:
    """A group's share, with the width in words."""
    wide = f" (width {number(width.value)})" if width else ""
    return Bar(group, f"{percent(inside.value or 0)}{wide}", inside.value, inside.low, inside.high)
