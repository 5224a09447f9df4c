"""A fleet's status as a page that needs nothing else.

What it shows comes from repositories of others: it is escaped where it becomes HTML, and nothing
of it becomes a script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mlfactory_runtime.visible import visible

from mlfactory.base.credentials import mask
from mlfactory.base.errors import MlfactoryError

from . import charts
from .catalog import Catalog, Entry, Shared
from .charts import Adoption, Bar
from .levels import LEVELS
from .production import Health, Metric
from .status import Row, totals

TEMPLATE = Path(__file__).with_name("page.html")
COLUMNS = ("repository", "version", "behind", "drift", "conflicts", "proposal", "owner", "updated",
           "trained", "production", "health", "runtime", "levels")  # fmt: skip
KINDS = ("current", "behind", "drifted", "conflict", "proposed", "production", "alarm", "insecure",
         "skipped", "failed")  # fmt: skip
MODEL_COLUMNS = ("repository", "version", "promoted", "metric", "health", "data", "owner")
FILES, REPOSITORIES = 25, 40  # so many are in the map of drift
MEMBERS = 12  # so many are named of those that share a feature
TONES = {"healthy": "good", "alarm": "bad"}


@dataclass(frozen=True)
class Cell:
    """A cell of the table: its text, what it is sorted by, and a second line."""

    text: str = ""
    order: str = ""
    more: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table, and the kinds that it is filtered by; where it has fewer cells than the
    table, the last one takes the rest."""

    cells: tuple[Cell, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Stripe:
    """A file in the map of drift, how many differ in it, and what each has made of it."""

    path: str
    states: tuple[Cell, ...]
    count: int = 0


@dataclass(frozen=True)
class Heat:
    """The map of drift: files by repositories, those with most of it; `count` is how many differ
    at all."""

    names: tuple[str, ...]
    files: tuple[Stripe, ...]
    count: int = 0


@dataclass(frozen=True)
class Page:
    """What a page shows: totals, a table, and a map of drift where there is one."""

    title: str
    totals: Mapping[str, int]
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    heat: Heat = Heat((), ())
    adoption: Adoption = field(default_factory=Adoption)
    waves: tuple[Bar, ...] = ()
    levels: tuple[Bar, ...] = ()
    shared: tuple[Shared, ...] = ()


def write(rows: Sequence[Row], file: Path, groups: Sequence[str] = ()) -> None:
    """Write the page of a status. Raises MlfactoryError where it cannot be written."""
    counts = {word: number for word, number in totals(rows).items() if number}
    lines = tuple(Line(cells(row), kinds(row)) for row in rows)
    parts = (charts.adoption(rows), charts.waves(rows, groups), charts.reached(rows))
    put(Page("The fleet", counts, COLUMNS, lines, heat(rows), *parts), file)


def write_catalog(catalog: Catalog, file: Path) -> None:
    """The same of what is in production."""
    entries = catalog.entries
    counts = {
        "repositories": len(entries),
        "in production": sum(one.model is not None for one in entries),
        "in alarm": sum(one.health.state == "alarm" for one in entries),
    }
    lines = tuple(Line(entry_cells(one), entry_kinds(one)) for one in entries)
    put(Page("In production", counts, MODEL_COLUMNS, lines, shared=catalog.shared), file)


def put(page: Page, file: Path) -> None:
    try:
        file.write_text(render(page), "utf-8")
    except OSError as error:
        raise MlfactoryError(f"{file} cannot be written: {error.strerror}") from error


def render(page: Page) -> str:
    from jinja2 import Environment

    environment = Environment(autoescape=True, finalize=safe)
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    time = datetime.now(UTC).strftime("%Y-%m-%d at %H:%M UTC")
    present = [k for k in KINDS if any(k in line.kinds for line in page.lines)]
    return template.render(page=page, time=time, kinds=present, most=MEMBERS)


def safe(value: object) -> object:
    """A text without secrets in addresses, in which nothing hides or turns what is beside it."""
    return visible(mask(value)) if type(value) is str else value


def cells(row: Row) -> tuple[Cell, ...]:
    if row.skip or row.error:
        text = f"skipped: {row.skip}" if row.skip else row.error
        reason = Cell(text, more=row.hint, tone="" if row.skip else "bad")
        return Cell(row.name, row.name, row.group), reason
    clone = f"clone: {row.remark}" if row.remark else ""
    conflicts = ", ".join(one.path for one in row.conflicts)
    drift = ", ".join(f"{n} {state}" for state, n in row.drift.items())
    return (
        Cell(row.name, row.name, ", ".join(filter(None, (row.group, clone)))),
        Cell(row.version, row.version, f"pinned to {row.pin}" if row.pin else ""),
        behind(row),
        count(len(row.files), drift),
        count(len(row.conflicts), conflicts, "bad"),
        Cell(row.proposal, row.proposal, row.branch),
        Cell(row.owner, row.owner),
        day(row.updated),
        day(row.trained),
        production(row),
        health_cell(row.health),
        runtime(row),
        Cell(f"{len(row.levels)} of {len(LEVELS)}", str(len(row.levels)), ", ".join(row.levels)),
    )


def runtime(row: Row) -> Cell:
    """The library's version, and what it lacks."""
    if not row.security:
        return Cell(row.runtime, row.runtime)
    text = f"{row.runtime}, security fix missing"
    return Cell(text, row.runtime, "; ".join(row.security), "bad")


def count(number: int, more: str, tone: str = "") -> Cell:
    return Cell(str(number or ""), str(number), more, tone)


def health_cell(health: Health) -> Cell:
    """What the monitor said, and the minute when it did."""
    return Cell(
        health.state, health.state, health.time[:16].replace("T", " "), TONES.get(health.state, "")
    )


def behind(row: Row) -> Cell:
    if not row.behind:
        return Cell("", "0")
    text = str(row.behind) if row.behind > 0 else "yes"
    return Cell(text, str(abs(row.behind)), f"newest: {row.newest}", "odd")


def day(text: str) -> Cell:
    return Cell(text, text, tone="day")


def production(row: Row) -> Cell:
    if not row.model:
        return Cell()
    forced = ", forced" if row.model.forced else ""
    return Cell(row.model.version, row.model.version, f"since {row.model.since[:10]}{forced}")


def kinds(row: Row) -> tuple[str, ...]:
    facts = {
        "current": not (row.behind or row.error or row.skip),
        "behind": row.behind,
        "drifted": row.drift,
        "conflict": row.conflicts,
        "proposed": row.proposal,
        "production": row.model,
        "alarm": row.health.state == "alarm",
        "insecure": row.security,
        "skipped": row.skip,
        "failed": row.error,
    }
    return tuple(kind for kind, holds in facts.items() if holds)


def heat(rows: Sequence[Row]) -> Heat:
    """The files that most repositories have changed, and who has."""
    counts = Counter(one.path for row in rows for one in row.files)
    paths = [path for path, _ in counts.most_common(FILES)]
    drifted = sorted((row for row in rows if row.files), key=lambda row: -len(row.files))
    columns = drifted[:REPOSITORIES]
    states = [{one.path: one.state for one in row.files} for row in columns]
    conflicts = [{one.path for one in row.conflicts} for row in columns]
    files = tuple(
        Stripe(path, tuple(map(square, [path] * len(columns), states, conflicts)), counts[path])
        for path in paths
    )
    return Heat(tuple(row.name for row in columns), files, len(drifted))


def square(path: str, states: Mapping[str, str], conflicts: set[str]) -> Cell:
    tone = "torn" if path in conflicts else "on" if path in states else ""
    return Cell(states.get(path, ""), tone=tone)


def entry_cells(entry: Entry) -> tuple[Cell, ...]:
    name, model = Cell(entry.name, entry.name, entry.target), entry.model
    if not model:
        text = entry.error or "nothing in production"
        return name, Cell(text, tone="bad" if entry.error else "")
    forced = (
        {True: "forced", False: "compared"}.get(model.forced) if model.forced is not None else ""
    )
    metrics = [metric_cell(one) for one in model.metrics[:1]] or [Cell()]
    return (
        name,
        Cell(model.version, model.version, f"since {model.since[:10]}"),
        Cell(forced or "", forced or "", model.why),
        metrics[0],
        health_cell(entry.health),
        Cell(model.data[:10], model.data, f"trained {model.trained[:10]}" if model.trained else ""),
        Cell(entry.owner, entry.owner),
    )


def metric_cell(metric: Metric) -> Cell:
    if metric.value is None:
        return Cell(metric.name)
    ends = (metric.low, metric.high)
    interval = "" if None in ends else f"{metric.low:.3g} to {metric.high:.3g}"
    return Cell(f"{metric.name} {metric.value:.3g}", f"{metric.value}", interval)


def entry_kinds(entry: Entry) -> tuple[str, ...]:
    facts = {
        "production": entry.model,
        "alarm": entry.health.state == "alarm",
        "failed": entry.error,
    }
    return tuple(kind for kind, holds in facts.items() if holds)
