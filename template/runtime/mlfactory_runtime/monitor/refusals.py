"""Rows that the model was not asked about, because they broke the contract."""

from collections import Counter, defaultdict

from ..log.refusals import ALL, counted
from ..log.store import engine_of, micros
from ..records.monitoring import Refusal, Refusals
from .reading import Seen, Watched
from .verdict import Check
from .window import Window

SHOWN, PAGE = 3, "rows-cannot-be-scored"


def refusals(window: Window, watched: Watched) -> Refusals:
    """What the log counts in a window, the rule that was broken most first."""
    engine = engine_of(watched.params.log)
    mine = {"target": watched.params.data.target, "model": watched.version}
    broken = counted(engine, mine, micros(window.begin), micros(window.end))
    rules: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (field, rule, value), rows in broken.items():
        if (field, rule, value) != ALL:
            rules[field, rule][value] += rows
    lines = (
        Refusal(
            field=field, rule=rule, rows=values.total(),
            values={value: rows for value, rows in values.most_common() if value},
        )
        for (field, rule), values in rules.items()
    )  # fmt: skip
    ordered = sorted(lines, key=lambda line: (-line.rows, line.field, line.rule))
    return Refusals(rows=broken[ALL], rules=tuple(ordered))


def check_refusals(found: Refusals, seen: Seen, watched: Watched) -> list[Check]:
    """Whether surely more rows are refused than do not matter; it rings at once."""
    from scipy.stats import binom

    settings, total = watched.params.monitor, seen.rows + found.rows
    if not total:
        return []
    share = found.rows / total
    bad = bool(binom.sf(found.rows - 1, total, settings.rate) < settings.level)
    message = f"{found.rows:,} of {total:,} rows were refused"
    if found.rules:
        message += f": {'; '.join(map(said, found.rules[:SHOWN]))}"
    most = found.rules[0].field if found.rules else ""
    column = watched.catalog.columns.get(most)
    return [
        Check(
            "refused", "operation", bad, share, settings.rate, message, PAGE, at_once=True,
            feature=most if column else None,
            source=column.source if column else "",
            owner=column.owner if column else "",
        )
    ]  # fmt: skip


def said(line: Refusal) -> str:
    """A rule in words, with the categories that nobody knew."""
    values = ", ".join(repr(value) for value in list(line.values)[:SHOWN])
    what = f"{line.field} {line.rule}" if line.field else line.rule
    return f"{what} in {line.rows:,}" + (f" ({values})" if values else "")
