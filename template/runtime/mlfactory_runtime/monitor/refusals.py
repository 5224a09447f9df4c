"""Rows that the model was not asked about, because they broke the contract."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from ..log.refusals import ALL, STRANGER, counted
from ..log.store import engine_of, micros
from ..records.monitoring import Refusal, Refusals
from .reading import Seen, Watched
from .verdict import Check
from .window import Window

SHOWN, PAGE, KEYS = 3, "rows-cannot-be-scored", "the-service-refuses-requests"


def refusals(window: Window, watched: Watched) -> Refusals:
    """What the log counts in a window, the rule that was broken most first."""
    engine = engine_of(watched.params.log)
    mine = {"target": watched.params.data.target, "model": watched.version}
    broken = counted(engine, mine, micros(window.begin), micros(window.end))
    strange = {key: rows for key, rows in broken.items() if key[2] == STRANGER}
    rules = lines({key: rows for key, rows in broken.items() if key not in {ALL, *strange}})
    strangers = lines({(field, rule, ""): rows for (field, rule, _), rows in strange.items()})
    return Refusals(rows=broken[ALL], rules=rules, strangers=strangers)


def lines(broken: Mapping[tuple[str, str, str], int]) -> tuple[Refusal, ...]:
    """A line for each rule."""
    rules: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (field, rule, value), rows in broken.items():
        rules[field, rule][value] += rows
    refused = [
        Refusal(
            field=field, rule=rule, rows=values.total(),
            values={value: rows for value, rows in values.most_common() if value},
        )
        for (field, rule), values in rules.items()
    ]  # fmt: skip
    return tuple(sorted(refused, key=lambda line: (-line.rows, line.field, line.rule)))


def check_refusals(these: Refusals, sample: Seen, watched: Watched) -> list[Check]:
    """Whether surely more rows are refused than do not matter; it rings at once."""
    total = sample.rows + these.rows
    checks = check_strangers(these.strangers, total, watched) if these.strangers else []
    if not total:
        return checks
    message = f"{these.rows:,} of {total:,} rows were refused"
    if these.rules:
        message += f": {'; '.join(map(as_text, these.rules[:SHOWN]))}"
    most = these.rules[0].field if these.rules else ""
    column = watched.catalog.columns.get(most)
    return [
        Check(
            "refused", "operation", *much(these.rows, total, watched), message, PAGE, at_once=True,
            feature=most if column else None,
            source=column.source if column else "",
            owner=column.owner if column else "",
        ),
        *checks,
    ]  # fmt: skip


def check_strangers(refused: Sequence[Refusal], answerable: int, watched: Watched) -> list[Check]:
    """Whether surely too many requests are of clients that hold no key, or whose key was not read.

    That has to come back to ring: a client whose key has ended goes on asking, and whoever tries
    doors goes on to the next.
    """
    requests = sum(line.rows for line in refused)
    why = "; ".join(map(as_text, refused[:SHOWN]))
    message = f"{requests:,} requests of unknown clients got no answer: {why}"
    measured = much(requests, answerable + requests, watched)
    return [Check("strangers", "operation", *measured, message, KEYS)]


def much(rows: int, total: int, watched: Watched) -> tuple[bool, float, float]:
    """Whether a share surely exceeds `monitor.rate` (binomial test), the share, and that limit."""
    from scipy.stats import binom

    settings = watched.params.monitor
    bad = bool(binom.sf(rows - 1, total, settings.rate) < settings.level)
    return bad, rows / total, settings.rate


def as_text(line: Refusal) -> str:
    """A rule in words, with the categories that nobody knew."""
    values = ", ".join(repr(value) for value in list(line.values)[:SHOWN])
    what = f"{line.field} {line.rule}" if line.field else line.rule
    return f"{what} in {line.rows:,}" + (f" ({values})" if values else "")
