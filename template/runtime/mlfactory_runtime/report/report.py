"""The pipeline's third stage: the report for people, the model card and the data card.

The same inputs give the same bytes: when, where and at which commit they were made is not told.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..data.extensions import own_sections
from ..errors import FactoryError
from ..learn.groups import is_sensitive
from ..project import EVALUATION, SECTIONS, SNAPSHOT, Project
from ..records.data import Snapshot
from ..records.evaluation import Evaluation, Interval, Segment, Segments
from ..records.record import read
from ..settings.catalog import Catalog
from ..settings.params import Params
from . import coverage as intervals
from . import words
from .charts import COLOURS, Axes, Bar, Dot, Point, bars, compact, dots, plot
from .pages import render
from .words import LABELS, MODELS, gain_text, interval, metric_words, number

OUTPUTS = ("data_card.md", "model_card.md", "report.html")
FEATURES, CELLS, OTHERS = 15, 8, "all others"


def write_report(project: Project) -> Path:
    """Write the report and both cards; gives the path of the report."""
    params, catalog = project.params, project.catalog
    values = context(project, read_evaluation(project), catalog, params)
    for name in OUTPUTS:
        text = render(project, name, values)
        (project.reports / name).write_text(text, "utf-8", newline="\n")
    return project.reports / "report.html"


def read_evaluation(project: Project) -> Evaluation:
    """What the stage `train` found."""
    evaluation = read(Evaluation, project.root / EVALUATION)
    if evaluation is None:
        raise FactoryError(f"{EVALUATION} is not here", "make it: dvc repro train")
    if evaluation.format == 1:
        raise FactoryError(f"{EVALUATION} is of an older release", "make it again: dvc repro")
    return evaluation


def read_snapshot(project: Project, data: str) -> Snapshot | None:
    """Where the data came from, without the folder, and on which day, if that is known of them.

    The hash ties the file to the data, so it need not be among the stage's dependencies.
    """
    snapshot = read(Snapshot, project.root / SNAPSHOT)
    if snapshot is None or snapshot.hash != data:
        return None
    origin, day = Path(snapshot.origin).name, snapshot.taken[:10]
    return snapshot.model_copy(update={"origin": origin, "taken": day})


def context(
    project: Project, evaluation: Evaluation, catalog: Catalog, params: Params
) -> dict[str, Any]:
    """Everything that the templates speak of."""
    inputs, split, segments = catalog.inputs(params), evaluation.split, evaluation.segments
    counts = (split.classes or {}).get("holdout", {})
    label = LABELS.get(evaluation.metric, evaluation.metric)
    base = {name: values[evaluation.metric].value for name, values in evaluation.models.items()}
    return dict(evaluation) | {
        "params": params,
        "catalog": catalog,
        "features": catalog.features(params),
        "sources": sorted({column.source for column in inputs.values() if column.source}),
        "snapshot": read_snapshot(project, evaluation.provenance["data"]),
        "assumed": [name for name, column in inputs.items() if column.assumed],
        "cautions": list(words.cautions(catalog, params)),
        "steps": list(words.steps(evaluation, catalog, params)),
        "acting": list(acting(evaluation)),
        "hidden": [name for name in catalog.features(params) if is_sensitive(catalog, name)],
        "worst": [words.segment(one, evaluation) for one in segments.worst] if segments else [],
        "off": [words.off(one, evaluation) for one in segments.most_off] if segments else [],
        "segments_text": words.segments(segments),
        "segment_charts": dict(segment_charts(segments, label)) if segments else {},
        "coverage_text": intervals.text(evaluation.coverage),
        "coverage_charts": dict(intervals.charts(segments)) if segments else {},
        "top": words.top(evaluation),
        "lift_text": words.lift(evaluation),
        "budget": words.budget(params.decision),
        "decision_texts": list(words.decision(evaluation, params)),
        "sections": [f"{SECTIONS.name}/{path.name}" for path in own_sections(project)],
        "names": MODELS,
        "label": label,
        "better": metric_words(evaluation.metric, evaluation.own_metrics)[1],
        "reason": words.reason(evaluation),
        "warnings": list(dict.fromkeys([*split.warnings, *evaluation.warnings])),
        "compared": {name: gain_text(gain, base[name]) for name, gain in evaluation.gain.items()},
        "metrics": list(metrics(evaluation)),
        "importance_chart": bars("importance", [
            Bar(line.feature, f"{line.gain:.1%}", line.gain)
            for line in evaluation.importance[:FEATURES]
        ]),
        "backtest_chart": bars(f"{label} in past windows", [
            Bar(f"{fold.begin[:10]} to {fold.end[:10]}", number(fold.value), fold.value)
            for fold in evaluation.backtest
        ]),
        "pictures": pictures(project, evaluation, counts),
        "others": OTHERS,
        "confusion": confusion(project, sorted(counts, key=lambda name: (-counts[name], name))),
    }  # fmt: skip


def metrics(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """Each metric with the values of all models and their picture; those that lead first."""
    models = evaluation.models
    for key in words.in_order(evaluation):
        label, better = metric_words(key, evaluation.own_metrics)
        values = {name: models[name][key] for name in MODELS if name in models}
        rows = [Bar(MODELS[name], interval(one), *ends(one)) for name, one in values.items()]
        chart = bars(f"{label}, {better} is better", rows)
        own = evaluation.own_metrics.get(key)
        heading = {"label": label, "better": better, "text": own.text if own else ""}
        yield {"key": key, **heading, "values": values, "chart": chart}


def acting(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """How the most important features act, each in a picture and a sentence."""
    unit = words.unit(evaluation)

    def write(value: float) -> str:
        return unit(value) if abs(value) < 1e5 else compact(value)

    for one in evaluation.effects:
        groups = list(one.groups)
        if not one.ordered:
            groups = sorted(groups, key=lambda line: -line.predicted)
        rows = [
            Dot(line.group, write(line.predicted), line.predicted, line.observed) for line in groups
        ]
        values = [value for row in rows for value in (row.value, row.actual)]
        low = min(values) if evaluation.task == "regression" else 0.0
        range_size = sum(row.label != "missing" for row in rows) if one.ordered else 0
        chart = dots(one.feature, rows, low, max(values), write, range_size=range_size)
        yield dict(one) | {"chart": chart, "text": words.effect(one, evaluation)}


def segment_charts(segments: Segments, label: str) -> Iterator[tuple[str, Markup]]:
    """The primary metric in the groups of each chosen column, beside that of all rows."""
    for name, lines in segments.chosen.items():
        groups = [segments.all.model_copy(update={"group": "all"}), *lines]
        rows = [
            Bar(line.group, f"{number(line.value)} ({line.rows:,} rows)", *ends(line))
            for line in groups
        ]
        if lines:
            yield name, bars(f"{label} by {name}", rows)


def ends(measure: Interval | Segment) -> tuple[float | None, float | None, float | None]:
    """A value and its interval."""
    return measure.value, measure.low, measure.high


def pictures(project: Project, evaluation: Evaluation, counts: dict[str, int]) -> dict[str, Markup]:
    """The plots whose points the stage `train` left, by name; `counts` are rows by class."""
    positive, threshold = evaluation.positive, evaluation.threshold or 0.5
    share = counts.get(positive or "", 0) / (sum(counts.values()) or 1)
    level = ((0.0, share), (1.0, share)) if positive is not None else ()
    classes = {
        "roc": ("line", Axes("share of the others called wrongly", "share of the class found")),
        "pr": ("line", Axes("share of the class found", "share of calls right", reference=level)),
        "gain": ("line", Axes("share of rows called", "share of the class found")),
        "calibration": ("line dots", Axes("predicted probability", "observed share")),
    }
    plots = {}
    for name, (draw, axes) in classes.items():
        curves = read_curves(project, name)
        largest = sorted(curves, key=lambda key: -counts.get(key, 0))[:COLOURS]
        if curves:
            plots[name] = plot(name, axes, {key: curves[key] for key in largest}, draw)
    for points in read_curves(project, "cost").values():
        top = 1.05 * max(y for _, y in points)
        mark = (threshold, 0.0), (threshold, top)
        axes = Axes("called from this probability on", "cost per row", reference=mark, top=top)
        stops = [x for x, _ in points[1:]] + [0.0]
        steps = [p for (x, y), stop in zip(points, stops, strict=True) for p in ((x, y), (stop, y))]
        plots["cost"] = plot("cost of calls", axes, {"": steps})
    for pairs in read_curves(project, "residuals").values():
        low, high = min(map(min, pairs)), max(map(max, pairs))
        margin = (high - low) / 25 or abs(high) / 10 or 1.0
        low, high = low - margin, high + margin
        axes = Axes("true value", "predicted value", low, high, ((low, low), (high, high)))
        plots["residuals"] = plot("predicted and true values", axes, {"": pairs}, "dots")
    return plots


def read_plot(project: Project, name: str) -> Iterator[dict[str, str]]:
    """The lines of a CSV file of plot points; none where the task has no such plot."""
    path = project.reports / "plots" / f"{name}.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def read_curves(project: Project, name: str) -> dict[str, list[Point]]:
    """The points of each class by its name, which is empty where the plot has no classes."""
    curves: dict[str, list[Point]] = {}
    for line in read_plot(project, name):
        label = line.pop("class", "")
        x, y, *_ = map(float, line.values())
        if isfinite(x) and isfinite(y):
            curves.setdefault(label, []).append((x, y))
    return curves


def confusion(project: Project, order: list[str]) -> dict[str, dict[str, int]]:
    """Rows by actual and by predicted class, the largest first; small ones are put together."""
    pairs = [(line["actual"], line["predicted"]) for line in read_plot(project, "confusion")]
    order = list(dict.fromkeys([*order, *sorted({name for pair in pairs for name in pair})]))
    largest = order if len(order) <= CELLS else order[: CELLS - 1]
    labels = {name: name for name in largest}
    counts = Counter(
        (labels.get(actual, OTHERS), labels.get(predicted, OTHERS)) for actual, predicted in pairs
    )
    names = list(dict.fromkeys([*largest, *sorted({name for pair in counts for name in pair})]))
    return {
        actual: {predicted: counts[actual, predicted] for predicted in names} for actual in names
    }
