"""Ten kinds of leaks, each planted in a table as people come to have such columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from honest import DAY0, Array, Case, Draw, binary, drawn, features, number

LATER = (  # target, column, another column that is honest
    ("dep_delay", "arr_delay"), ("departure_delay", "arrival_delay"), ("open", "close"),
    ("opening_price", "closing_price"), ("weight_before", "weight_after"),
    ("admission_score", "discharge_score"), ("start_temp", "end_temp"),
    ("initial_amount", "final_amount"), ("delay", "actual_delay"), ("amount", "amount_paid"),
    ("pickup_km", "dropoff_km"), ("measure", "check"),
)  # fmt: skip
FOLLOWED = (  # target, time
    ("status", "time"), ("DEATH_EVENT", "time"), ("death", "futime"), ("died", "followup_days"),
    ("event", "survival_months"), ("relapse", "days_to_relapse"), ("dead", "d_time"),
    ("arrest", "week"), ("status", "os_months"), ("cens", "stop"), ("recurrence", "time_to_event"),
    ("death", "obstime"), ("vital_status", "months_survived"), ("churned", "observed"),
    ("outcome", "duration"),
)  # fmt: skip
ENDED = ("last_contact", "end_date", "date_of_death", "last_seen", "exit", "fu_date", "d2")
ENDS = {
    True: (
        "contract cancelled by the customer", "account closed on request", "number ported out",
        "asked for termination, confirmed by letter", "left for a competitor, final bill sent",
    ),
    False: (
        "called about the invoice", "moved to a larger plan", "no contact this year",
        "asked for a new card, sent by letter", "visited the shop and bought a cable",
    ),
}  # fmt: skip
FILLER = (
    "spoke with the branch today and checked all details on file; caller was friendly and asked "
    "twice about opening hours while the line was poor so we wrote it down for later"
)


def case(table: pl.DataFrame, target: str, y: Array | pl.Series, **columns: object) -> Case:
    """A table with its target and the columns that tell it, in any order."""
    told = {name: pl.Series(name, values) for name, values in columns.items()}
    rows = table.drop({*told, target} & {*table.columns})
    return Case(target, rows.with_columns(*told.values(), pl.Series(target, y)), target, (*told,))


def follow_up(draw: Draw, place: int) -> Case:
    """How long somebody was watched until the event or the end of the study."""
    table = features(draw, place)
    target, name = FOLLOWED[place % len(FOLLOWED)]
    n, unit = table.height, (1 if name == "week" else 30)
    event = draw.exponential(40 * np.exp(draw.normal(0, 0.7, n)))
    end = 52.0 if name == "week" else draw.uniform(5, 70, n)
    time = np.maximum(np.round(np.minimum(event, end) * unit), 1)
    came = event < end
    if place % 5 == 4:  # the time is what is asked for, and the status comes with it
        return case(table, name, time, **{target: came.astype(int)})
    words = (came + 1, came, np.where(came, "dead", "alive"))[place % 3]
    return case(table, target, words, **{name: time.astype(int)})


def event_time(draw: Draw, place: int) -> Case:
    """The date of the event; of the others none, the end of the study, or the last contact."""
    table = features(draw, place)
    y, n = binary(table, draw), table.height
    day = DAY0 + draw.integers(0, 700, n)
    stop = (
        np.datetime64("NaT"), DAY0 + 730, np.minimum(DAY0 + 730, day + draw.integers(90, 900, n)),
    )[place % 3]  # fmt: skip
    name = ENDED[place % len(ENDED)]
    return case(table, "died", np.where(y, "yes", "no"), **{name: np.where(y, day, stop)})


def later(draw: Draw, place: int) -> Case:
    """The same measure at a later moment: it is the target and what came after."""
    table = features(draw, place)
    y = number(table, draw)
    target, name = LATER[place % len(LATER)]
    noise = draw.uniform(0.2, 0.5) * y.std() * draw.standard_t(6, len(y)) / 1.22
    other = y * draw.uniform(0.97, 1.03) - 0.1 * y.std() + noise
    other = np.round(other) if (y == np.round(y)).all() else other
    if place % 6 == 5:
        late = y > np.quantile(y, 0.7)
        return case(table, f"{target}_over_limit", late, **{name: other})
    return case(table, target, y, **{name: other})


def parts(draw: Draw, rows: int, count: int, cents: int) -> list[Array]:
    return [np.round(draw.gamma(2, draw.uniform(10, 300), rows), cents) for _ in range(count)]


def summed(draw: Draw, place: int) -> Case:
    """The total of columns; with weights, rounded, corrected in some rows, or only its class."""
    table = features(draw, place)
    count = 2 + place % 4
    each = parts(draw, table.height, count, (0, 2, 3)[place % 3])
    weights = draw.uniform(0.2, 2, count) if place % 5 == 1 else np.ones(count)
    y = sum(w * part for w, part in zip(weights, each, strict=True))
    names = ("rent", "food", "travel", "fees", "tax")
    if place % 5 == 3:
        y = np.round(y)
    if place % 5 == 2:
        some = draw.random(len(y)) < 0.03
        y = np.where(some, draw.permutation(y), y)
    told = dict(zip(names, each, strict=False))
    if place % 4 == 2:
        each, told = each[:2], dict(zip(names, each[:2], strict=False))
        y = each[0] + each[1]
        return case(table, "over_limit", y > np.quantile(y, 0.6), **told)
    return case(table, "total", y, **told)


def difference(draw: Draw, place: int) -> Case:
    """What lies between two columns: numbers, moments, times of day as 1530, or its class."""
    table = features(draw, place)
    n, way = table.height, place % 5
    first = np.round(draw.uniform(100, 5000, n), 2)
    gap = np.round(draw.gamma(2, 60, n) - 60, 2)
    if way == 1:
        begun = DAY0 + draw.integers(0, 600, n)
        days = draw.geometric(0.05, n)
        return case(table, "stay", days, admitted=begun, discharged=begun + days)
    if way == 2:
        begun = DAY0.astype("datetime64[ms]") + 1000 * draw.integers(0, 5 * 10**7, n)
        took = draw.geometric(0.002, n)
        told = {"started": begun, "ended": begun + 1000 * took}
        return case(table, "minutes", np.round(took / 60, 2), **told)
    if way == 3:
        plan, late = draw.integers(300, 1200, n), np.round(draw.gamma(1, 15, n) - 5).astype(int)
        clock = {"planned": plan, "left": plan + late}
        clock = {k: v // 60 * 100 + v % 60 for k, v in clock.items()}
        return case(table, "late", late, **clock)
    if way == 4:
        return case(table, "overdrawn", gap > 0, paid=first + gap, limit=first)
    return case(table, "gain", gap, sold=first + gap, bought=first)


def noisy(draw: Draw, place: int) -> Case:
    """The target with noise: of a number 5 to 45 % of its deviation, of a class 0.1 to 0.45."""
    table = features(draw, place)
    if place % 3 == 2:
        y = binary(table, draw)
        near = y + draw.normal(0, draw.uniform(0.1, 0.45), len(y))
        words = (y, y.astype(int), np.where(y, "yes", "no"))[place // 3 % 3]
        return case(table, "churned", words, signal=near)
    y = number(table, draw)
    near = y + draw.normal(0, draw.uniform(0.05, 0.45) * y.std(), len(y))
    return case(table, "amount", y, estimate_b=near.round(2))


def rate(draw: Draw, place: int) -> Case:
    """The mean of the target over the rows of an entity, this one among them or not, or drawn
    towards the mean of all."""
    rows = int(draw.choice([400, 1500, 5000]))
    table = drawn(draw, rows)
    count = int(draw.choice([12, rows // 40, rows // 8]))
    shop = draw.integers(0, count, rows)
    effect = draw.normal(0, 0.6, count)[shop]
    z = effect + draw.normal(0, 1, rows)
    classed = place % 2 == 0
    y = z > 0.5 if classed else np.round(z * 40 + 100, 1)
    sizes, sums = np.bincount(shop)[shop], np.bincount(shop, y)[shop]
    way = (place // 2) % 5
    means = sums / sizes
    if way == 2:
        means = np.where(sizes > 1, (sums - y) / np.maximum(sizes - 1, 1), y.mean())
    if way == 3:
        means = (sums + 10 * y.mean()) / (sizes + 10)
    means = means.round((3, 6, 4)[place % 3])
    entity = (shop, [f"S{k:04}" for k in shop])[place % 2]
    if way != 4:  # in the others the entity itself is gone
        table = table.with_columns(pl.Series("shop", entity))
    return case(table, "y", y, shop_score=means)


def cut(draw: Draw, place: int) -> Case:
    """A result with a cut: what lies beyond it is written as the cut, or the class is all of it."""
    table = features(draw, place)
    y, n, way = binary(table, draw), table.height, place % 5
    ct = np.where(y, np.round(draw.uniform(15, 44, n), 1), 45.0)
    if way == 0:
        return case(table, "result", np.where(y, "positive", "negative"), ct=ct)
    bad = draw.random(n) < 0.08
    three = np.where(bad, "invalid", np.where(y, "positive", "negative"))
    if way == 1:
        noted = np.where(bad & (draw.random(n) < 0.5), np.nan, ct)
        return case(table, "result", three, ct_result=pl.Series(noted).fill_nan(None))
    if way == 2:
        value = np.round(number(table, draw), 2)
        return case(table, "level", value, high=value >= np.quantile(value, 0.75))
    if way == 3:
        told = [f"{c:.1f}" if c < 45 else ("> 45", "45+")[place % 2] for c in ct]
        return case(table, "result", np.where(y, "positive", "negative"), ct_value=told)
    retested = np.where(draw.random(n) < 0.01, ~y, y)
    grown = np.where(y, 10 ** draw.uniform(5, 7, n), 10 ** draw.uniform(0, 5, n)).round()
    return case(table, "infected", retested, colonies=grown)


def repeated(draw: Draw, place: int) -> Case:
    """Rows that stand in the table again, under numbers of their own in half of the tables."""
    table = features(draw, place)
    y = binary(table, draw) if place % 2 else number(table, draw)
    n, share = table.height, (0.1, 0.3, 1.0)[place % 3]
    more = np.repeat(np.flatnonzero(draw.random(n) < share), 1 + place % 4)
    order = draw.permutation(np.append(np.arange(n), more))
    rows = table.with_columns(pl.Series("y", y))[order]
    own = "ticket" if place % 4 < 2 else None
    if own:
        rows = rows.with_columns(pl.Series(own, draw.permutation(len(order)) + 10**6))
    return Case("copies", rows, "y", identifier=own, copies=order)


def text(draw: Draw, place: int) -> Case:
    """Notes that were written when the outcome was known."""
    table = features(draw, place)
    n, way = table.height, place % 5

    def around(core: str) -> str:
        words = draw.choice(FILLER.split(), 8)
        return " ".join((*words[:4], core, *words[4:]))

    if way == 3:
        y = np.round(np.exp(draw.normal(5, 0.7, n)), 2)
        notes = [around(f"we paid {v:,.2f} EUR" if place % 2 else f"settled at {v}") for v in y]
        return case(table, "claim", y, note=notes)
    y = binary(table, draw)
    if way == 4:
        said = {True: ("fraud confirmed", "confirmed as fraud"), False: ("cleared", "no findings")}
    else:
        said = ENDS
    rare = 0.1 if way == 2 else 0.0  # so many notes say nothing
    notes = [
        around("nothing else" if draw.random() < rare else str(draw.choice(said[bool(c)])))
        for c in y
    ]
    if way == 1:  # nothing around it
        notes = [str(draw.choice(said[bool(c)])) for c in y]
    return case(table, "left", np.where(y, "yes", "no"), note=notes)


KINDS: dict[str, Callable[[Draw, int], Case]] = {
    "follow-up time of a survival table": follow_up,
    "time of the event": event_time,
    "later measure of the same": later,
    "sum of columns": summed,
    "difference of columns": difference,
    "target plus noise": noisy,
    "rate of the target per entity": rate,
    "result with a cut": cut,
    "rows that are repeated": repeated,
    "text that tells the outcome": text,
}
