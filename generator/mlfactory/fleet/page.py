"""A fleet's status as a page that needs nothing else.

What it shows comes from repositories of others: it is escaped where it becomes HTML, and nothing
of it becomes a script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlfactory_runtime.visible import visible

from mlfactory.base.credentials import mask
from mlfactory.base.errors import MlfactoryError

from .status import Row, totals

TEMPLATE = Path(__file__).with_name("page.html")
COLUMNS = ("repository", "version", "behind", "drift", "conflicts", "proposal", "owner", "updated",
           "trained", "production", "health", "runtime")  # fmt: skip
KINDS = ("current", "behind", "drifted", "conflict", "proposed", "production", "alarm", "skipped",
         "failed")  # fmt: skip
FILES, REPOSITORIES = 25, 40  # so many are in the map of drift
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
    """A row of the table, and the kinds that it is filtered by."""

    cells: tuple[Cell, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Stripe:
    """A file in the map of drift, and what each repository has made of it."""

    path: str
    states: tuple[Cell, ...]


@dataclass(frozen=True)
class Heat:
    """The map of drift: files by repositories."""

    names: tuple[str, ...]
    files: tuple[Stripe, ...]


def write(rows: Sequence[Row], file: Path, title: str = "The fleet") -> None:
    """Write the page. Raises MlfactoryError where it cannot be written."""
    try:
        file.write_text(render(rows, title), "utf-8")
    except OSError as error:
        raise MlfactoryError(f"{file} cannot be written: {error.strerror}") from error


def render(rows: Sequence[Row], title: str) -> str:
    from jinja2 import Environment

    environment = Environment(autoescape=True, finalize=safe)
    page = environment.from_string(TEMPLATE.read_text("utf-8"))
    time = datetime.now(UTC).strftime("%Y-%m-%d at %H:%M UTC")
    lines = [Line(cells(row), kinds(row)) for row in rows]
    return page.render(
        title=title,
        time=time,
        totals={word: number for word, number in totals(rows).items() if number},
        columns=COLUMNS,
        kinds=[kind for kind in KINDS if any(kind in line.kinds for line in lines)],
        rows=lines,
        heat=heat(rows),
    )


def safe(value: object) -> object:
    """A text without secrets in addresses, in which nothing hides or turns what is beside it."""
    return visible(mask(value)) if type(value) is str else value


def cells(row: Row) -> tuple[Cell, ...]:
    name = Cell(row.name, row.name, row.group)
    if row.skip or row.error:
        text = f"skipped: {row.skip}" if row.skip else row.error
        tone = "soft" if row.skip else "bad"
        rest = (Cell(),) * (len(COLUMNS) - 3)
        return (name, Cell(text, text, tone=tone), Cell(), *rest)
    conflicts = ", ".join(one.path for one in row.conflicts)
    drift = ", ".join(f"{n} {state}" for state, n in row.drift.items())
    return (
        name,
        Cell(row.version, row.version, f"pinned to {row.pin}" if row.pin else ""),
        behind(row),
        Cell(drift, str(sum(row.drift.values()))),
        Cell(str(len(row.conflicts) or ""), str(len(row.conflicts)), conflicts, "bad"),
        Cell(row.proposal, row.proposal, row.branch),
        Cell(row.owner, row.owner, f"clone: {row.remark}" if row.remark else ""),
        day(row.updated),
        day(row.trained),
        production(row),
        Cell(row.health.state, row.health.state, row.health.time, TONES.get(row.health.state, "")),
        Cell(row.runtime, row.runtime),
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
        "skipped": row.skip,
        "failed": row.error,
    }
    return tuple(kind for kind, holds in facts.items() if holds)


def heat(rows: Sequence[Row]) -> Heat:
    """The files that most repositories have changed, and who has."""
    counts = Counter(one.path for row in rows for one in row.files)
    paths = [path for path, _ in counts.most_common(FILES)]
    drifted = sorted((row for row in rows if row.files), key=lambda row: -len(row.files))
    shown = drifted[:REPOSITORIES]
    states = [{one.path: one.state for one in row.files} for row in shown]
    conflicts = [{one.path for one in row.conflicts} for row in shown]
    files = tuple(
        Stripe(path, tuple(map(square, [path] * len(shown), states, conflicts))) for path in paths
    )
    return Heat(tuple(row.name for row in shown), files)


def square(path: str, states: Mapping[str, str], conflicts: set[str]) -> Cell:
    tone = "torn" if path in conflicts else "on" if path in states else ""
    return Cell(states.get(path, ""), tone=tone)
