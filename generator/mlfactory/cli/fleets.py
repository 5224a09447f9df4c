"""Fleets as lines of text, and as JSON has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from mlfactory.fleet.inventory import Member
from mlfactory.fleet.status import Row, totals
from mlfactory.update.changes import Change

from .lines import change_line

HEADINGS = ("repository", "version", "behind", "drift", "state", "owner", "updated", "trained",
            "production", "health", "runtime")  # fmt: skip


def member_lines(members: Iterable[Member]) -> Iterator[str]:
    """A line per member, and its reason where it is left out."""
    rows = [("repository", "address", "folder", "branch", "group", "pin", "owner", "skip")]
    rows += [
        (m.name, m.address, m.folder, m.branch, m.group, m.pin, m.owner, m.skip) for m in members
    ]
    yield from columns(rows)


def status(rows: Sequence[Row]) -> dict[str, Any]:
    """Rows as JSON has them, with their drift counted, and the totals."""
    documents = [{**asdict(row), "drift": row.drift} for row in rows]
    return {"repositories": documents, "totals": totals(rows)}


def status_lines(rows: Sequence[Row], *, files: bool = False) -> Iterator[str]:
    """A table, below it what went wrong, and the totals."""
    lines = list(columns([HEADINGS, *map(cells, rows)]))
    yield lines[0]
    for row, line in zip(rows, lines[1:], strict=True):
        yield line
        if files:
            yield from (f"  {change_line(one)}" for one in row.files)
        yield from (
            f"  {change_line(Change(one.path, 'conflict', one.reason))}" for one in row.conflicts
        )
    yield ""
    for row in rows:
        if row.error:
            yield f"{row.name}: error: {row.error}"
            yield from (f"  hint: {text}" for text in row.hint.splitlines())
    yield ", ".join(f"{number} {word}" for word, number in totals(rows).items() if number)


def cells(row: Row) -> tuple[str, ...]:
    if row.skip or row.error:
        state = f"skipped: {row.skip}" if row.skip else "error, see below"
        return (row.name, "", "", "", state, row.owner, "", "", "", "", "")
    return (
        row.name,
        row.version,
        behind(row),
        ", ".join(f"{n} {state}" for state, n in row.drift.items()),
        state_of(row),
        row.owner,
        row.updated,
        row.trained,
        production(row),
        health(row),
        row.runtime,
    )


def behind(row: Row) -> str:
    if not row.behind:
        return ""
    return f"{row.behind}: {row.newest}" if row.behind > 0 else row.newest


def state_of(row: Row) -> str:
    """What else is to be known of it, the most urgent first."""
    words = (
        f"{len(row.conflicts)} in conflict" if row.conflicts else "",
        f"proposal {row.proposal}" if row.proposal else "",
        f"pinned to {row.pin}" if row.pin else "",
        f"clone: {row.remark}" if row.remark else "",
    )
    return ", ".join(filter(None, words))


def production(row: Row) -> str:
    return f"{row.model.version} since {row.model.since[:10]}" if row.model else ""


def health(row: Row) -> str:
    """The verdict of the monitor, and how old that news is."""
    if not row.health.state:
        return ""
    return f"{row.health.state}, {age(row.health.time)}" if row.health.time else row.health.state


def age(time: str) -> str:
    """How long ago a moment was, in days or hours."""
    try:
        then = datetime.fromisoformat(time)
    except ValueError:
        return "at an unknown time"
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    hours = int((datetime.now(UTC) - then).total_seconds() // 3600)
    return f"{hours // 24} days old" if hours >= 48 else f"{max(hours, 0)} h old"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows with their cells one below the other; columns in which nothing stands are left out."""
    used = [k for k in range(len(rows[0])) if any(row[k] for row in rows[1:])] or [0]
    widths = {k: max(len(row[k]) for row in rows) for k in used}
    for row in rows:
        yield "  ".join(row[k].ljust(widths[k]) for k in used).rstrip()
