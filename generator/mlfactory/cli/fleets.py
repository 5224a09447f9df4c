"""Fleets as lines of text, and as JSON has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlfactory.fleet.catalog import Catalog, Entry
from mlfactory.fleet.inventory import Member
from mlfactory.fleet.learn import Learning
from mlfactory.fleet.plan import FleetPlan
from mlfactory.fleet.production import Health, Metric
from mlfactory.fleet.resolve import Outcome
from mlfactory.fleet.states import Result
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
            yield from (f"  {line_of(one)}" for one in row.files)
        yield from (
            f"  {line_of(Change(one.path, 'conflict', one.reason))}" for one in row.conflicts
        )
    yield ""
    for row in rows:
        if row.error:
            yield f"{row.name}: error: {first_line(row.error)}"
            yield from (f"  hint: {text}" for text in row.hint.splitlines())
    yield ", ".join(f"{number} {word}" for word, number in totals(rows).items() if number)


def line_of(change: Change) -> str:
    """A file on one line, also where its name has several."""
    return "  " + " ".join(change_line(change).split("\n")).lstrip()


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
        health_of(row.health),
        f"{row.runtime}, security fix missing" if row.security else row.runtime,
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


def health_of(health: Health) -> str:
    """The verdict of the monitor, and how old that news is."""
    hours = health.age(datetime.now(UTC))
    if hours is None:
        return health.state
    age = f"{hours // 24} days" if hours >= 48 else f"{hours} h"
    return f"{health.state}, {age} old"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows with their cells one below the other, each on one line whatever others have written;
    columns in which nothing stands are left out."""
    rows = [tuple(" ".join(cell.split()) for cell in row) for row in rows]
    used = [k for k in range(len(rows[0])) if any(row[k] for row in rows[1:])] or [0]
    widths = {k: max(len(row[k]) for row in rows) for k in used}
    for row in rows:
        yield "  ".join(row[k].ljust(widths[k]) for k in used).rstrip()


def plan_lines(plan: FleetPlan) -> Iterator[str]:
    """A line per step, then what several have in common: edits that conflict, new questions."""
    rows = [("repository", "wave", "step", "from", "to", "files", "why")]
    for step in plan.steps:
        files = f"{len(step.changes)}" if step.changes else ""
        why = step.reason or ", ".join(clash.path for clash in step.clashes)
        versions = (step.start, step.to_version)
        wave = step.group or str(step.wave + 1)
        rows.append((step.name, wave, step.action, *versions, files, why))
    yield from columns(rows)
    for title, groups in (
        ("Conflicts, by the edit that makes them:", plan.edits),
        ("New questions, answered with these defaults unless fleet.yml answers them:",
         plan.questions),
    ):  # fmt: skip
        if groups:
            yield from ("", title)
            yield from (f"  {what}: {', '.join(names)}" for what, names in groups.items())
    counts = Counter(step.action for step in plan.steps)
    yield from ("", ", ".join(f"{number} {action}" for action, number in counts.items()))


def results(rows: Sequence[Result]) -> dict[str, Any]:
    return {"repositories": [asdict(row) for row in rows], "totals": counts_of(rows)}


def counts_of(rows: Sequence[Result]) -> dict[str, int]:
    return dict(Counter(row.state for row in rows))


def result_lines(rows: Sequence[Result]) -> Iterator[str]:
    """A line per repository, and how many are in which state."""
    table = [("repository", "state", "commit", "pushed", "note")]
    table += [
        (r.name, r.state, r.commit[:10], "yes" if r.pushed else "", first_line(r.note))
        for r in rows
    ]
    yield from columns(table)
    yield from ("", ", ".join(f"{number} {state}" for state, number in counts_of(rows).items()))


def first_line(text: str) -> str:
    """What matters of a message: git's own word where there is one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = ("fatal:", "remote:", "error:", "!")
    return next((line for line in lines if line.startswith(words)), lines[0] if lines else "")


def catalog_lines(catalog: Catalog) -> Iterator[str]:
    """A line per model in production, and below it the features that several learn from."""
    headings = ("repository", "version", "since", "promoted", "metrics", "health", "data", "owner")
    yield from columns([headings, *map(entry_cells, catalog.entries)])
    if catalog.shared:
        yield from ("", "Features of several models:")
        rows = [("feature", "models", "source")]
        rows += [(r.feature, ", ".join(r.members), "; ".join(r.sources)) for r in catalog.shared]
        yield from (f"  {text}" for text in columns(rows))
    errors = [one for one in catalog.entries if one.error]
    yield from (
        ("", *(f"{one.name}: error: {first_line(one.error)}" for one in errors)) if errors else ()
    )


def entry_cells(entry: Entry) -> tuple[str, ...]:
    model = entry.model
    if not model:
        state = "error, see below" if entry.error else "nothing"
        return (entry.name, state, "", "", "", health_of(entry.health), "", entry.owner)
    metrics = ", ".join(map(metric_text, model.metrics[:2]))
    facts = (model.version, model.since[:10], promotion_of(model.forced), metrics)
    return (entry.name, *facts, health_of(entry.health), model.data[:10], entry.owner)


def promotion_of(forced: bool | None) -> str:
    return {True: "forced", False: "compared"}.get(forced, "") if forced is not None else ""


def metric_text(metric: Metric) -> str:
    if metric.value is None:
        return metric.name
    interval = (
        f" ({metric.low:.3g} to {metric.high:.3g})"
        if metric.low is not None and metric.high is not None
        else ""
    )
    return f"{metric.name} {metric.value:.3g}{interval}"


def resolution_lines(outcome: Outcome, folder: Path) -> Iterator[str]:
    """Each conflict with those that have it, its resolution, and what comes next."""
    for one in outcome.groups:
        yield f"{one.path}: {', '.join(one.members)}"
        if not one.name:
            yield "  only one side has the file: mlfactory update, in a clone"
        elif one.file:
            yield f"  resolve it here: {one.file}"
        yield from (f"    {text}" for text in one.diff.splitlines())
        if one.exceptions:
            yield f"  the resolution does not fit: {', '.join(one.exceptions)}"
    yield from outcome.notes
    if not outcome.steps:
        yield f"nothing is resolved yet: take git's marks out of the files in {folder}"
    elif outcome.is_in_plan:
        yield f"in the plan now: {', '.join(outcome.steps)}; next: mlfactory fleet apply"
    else:
        yield f"resolved: {', '.join(outcome.steps)}; into the plan with: --use"


def lesson_lines(learning: Learning) -> Iterator[str]:
    """Each change with who made it, and what comes of it when the template has it."""
    for one in learning.lessons:
        yield f"{one.path}: {len(one.members)} of {learning.members}: {', '.join(one.members)}"
        yield from (f"    -{text.rstrip()}" for text in one.old)
        yield from (f"    +{text.rstrip()}" for text in one.new)
        for title, names in (
            ("by", one.authors),
            ("of", one.owners),
            ("nearly the same in", one.similar),
        ):
            if names:
                yield f"  {title} {', '.join(names)}"
        if one.obstacle:
            yield f"  not in the draft: {one.obstacle}"
            continue
        yield f"  in the template: {len(one.clean)} have no edit of the file left"
        if one.breaks:
            yield f"  it would conflict in {len(one.breaks)}: {', '.join(one.breaks)}"
    if not learning.lessons:
        yield "no change was made by several"
    yield from learning.notes
