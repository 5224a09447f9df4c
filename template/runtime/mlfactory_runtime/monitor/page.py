"""The monitor's page for people: one file that needs nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..project import RUNBOOK, Project
from ..records.monitoring import Checked, Line, Monitored, Performance
from ..report.charts import over_time, pairs
from ..report.pages import render
from ..report.words import LABELS, metric_words

TEMPLATE = "monitor.html"
SHOWN, BACK, BINS = ("alarm", "warning"), 8, 12


def write(project: Project, result: Monitored, path: Path) -> None:
    """Write the page about what the monitor found."""
    text = render(project, TEMPLATE, context(project, result))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def context(project: Project, result: Monitored) -> dict[str, Any]:
    """Everything that the template speaks of."""
    by_status: dict[str, list[Checked]] = {}
    for check in result.checks:
        by_status.setdefault(check.status, []).append(check)
    wrong = [check for status in SHOWN for check in by_status.get(status, [])]
    return {
        **dict(result),
        "factory": project.name,
        "by_status": by_status,
        "wrong": wrong,
        "advice": dict(advice(project.root / RUNBOOK, [check.runbook for check in wrong])),
        "metrics": list(metrics(result.performance)),
        "labels": LABELS,
        "drifted": [
            dict(one) | {"chart": distributions(one), "past": past(one.name, result)}
            for one in result.features
            if one.status in SHOWN and (one.psi is not None or one.missing is not None)
        ],
        "scores": [dict(one) | {"chart": distributions(one)} for one in result.predictions],
    }


def advice(runbook: Path, anchors: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The runbook's entries under these anchors: title and what to do."""
    text = runbook.read_text("utf-8") if runbook.is_file() else ""
    for entry in re.split("^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = entry.partition("\n")
        anchor = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        if anchor in anchors:
            yield anchor, {"title": title, "text": coded(body.partition("**Do**: ")[2] or body)}


def coded(text: str) -> Markup:
    """Markdown's paragraphs of plain text in which only code is marked."""
    parts = enumerate(" ".join(text.split()).split("`"))
    form = Markup("<code>{}</code>")
    return Markup("").join(form.format(part) if k % 2 else part for k, part in parts)


def metrics(performance: Performance) -> Iterator[dict[str, Any]]:
    """Each metric over time: what it was, what was estimated, and what it was on the holdout."""
    windows, reference = performance.windows, performance.reference or {}
    names = [key for one in windows for kind in (one.observed, one.estimate) for key in kind or ()]
    places = [window.end[:10] for window in windows if window.end] or ["the file"]
    for key in sorted(dict.fromkeys(names), key=lambda key: key != performance.metric):
        series = {
            "measured": [(one.observed or {}).get(key) for one in windows],
            "estimated": [(one.estimate or {}).get(key) for one in windows],
        }
        label, better = metric_words(key, performance.own_metrics)
        yield {
            "label": label,
            "better": better,
            "now": {name: values[-1] for name, values in series.items()},
            "reference": reference.get(key),
            "chart": over_time(f"{label} over time", places, series, reference.get(key)),
        }


def distributions(line: Line) -> Markup:
    """What was in training, and what is now."""
    before, now = line.expected, line.observed
    parts = (before.bins or (), before.shares or (), now.shares or ())
    rows = list(zip(*parts, strict=True))
    if len(rows) > BINS:
        rows = sorted(rows, key=lambda row: -abs(row[2] - row[1]))[:BINS]
    return pairs(line.name, rows) if rows else Markup("")


def past(name: str, result: Monitored) -> str:
    """The share of a feature's rows that lay elsewhere in the windows before."""
    values = [window.values.get(f"drift:{name}") for window in result.history]
    return ", ".join(f"{value:.1%}" for value in values[-BACK:] if value is not None)
