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
from ..files import write_json
from ..languages import day, form, of_group, of_record, say, writing_in
from ..learn.groups import is_sensitive
from ..project import EVALUATION, SECTIONS, SNAPSHOT, Project
from ..records.data import Snapshot
from ..records.evaluation import Evaluation, Fold, Interval, Segment, Segments
from ..records.record import read
from ..settings.catalog import Catalog
from ..settings.params import Params
from . import advice, calls, words
from . import benchmark as others
from . import coverage as intervals
from .charts import COLOURS, Axes, Bar, Dot, Point, bars, compact, dots, plot
from .pages import render
from .twin import twin
from .words import MODELS, gain_text, interval, metric_words, model_name, number

TWIN, ABOUT, OPEN = "report.json", "docs/about.md", "**TO ANSWER**"
OUTPUTS = ("data_card.md", "model_card.md", "report.html")
FEATURES, CELLS, OTHERS = 15, 8, "all others"


def write_report(project: Project) -> Path:
    """Write the report and both cards; gives the path of the report."""
    params, catalog = project.params, project.catalog
    with writing_in(params.report.language):
        values = context(project, read_evaluation(project), catalog, params)
        for name in OUTPUTS:
            text = render(project, name, values)
            (project.reports / name).write_text(text, "utf-8", newline="\n")
        write_json(project.reports / TWIN, twin(values))
    return project.reports / "report.html"


def read_evaluation(project: Project) -> Evaluation:
    """What the stage `train` found."""
    evaluation = read(Evaluation, project.root / EVALUATION)
    if evaluation is None:
        raise FactoryError(f"{EVALUATION} is not here", "make it: dvc repro train")
    if evaluation.format == 1:
        raise FactoryError(f"{EVALUATION} is of an older release", "make it again: dvc repro")
    return evaluation


def unanswered(project: Project) -> int:
    """How many questions of the model's charter nobody has answered."""
    path = project.root / ABOUT
    return path.read_text("utf-8").count(f": {OPEN}") if path.is_file() else 0


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
    label = words.label_of(evaluation.metric)
    base = {name: values[evaluation.metric].value for name, values in evaluation.models.items()}
    compared = others.read_benchmark(project, evaluation)
    return dict(evaluation) | {
        "params": params,
        "catalog": catalog,
        "features": catalog.features(params),
        "sources": sorted({column.source for column in inputs.values() if column.source}),
        "owner": str(project.answers.get("owner") or ""),
        "training": None,  # the copy that is handed on says more, see dated.py
        "unanswered": unanswered(project),
        "snapshot": read_snapshot(project, evaluation.provenance["data"]),
        "assumed": [name for name, column in inputs.items() if column.assumed],
        "cautions": list(advice.cautions(catalog, params)),
        "steps": list(advice.steps(evaluation, catalog, params)),
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
        "budget": calls.budget(params.decision),
        "decision_texts": list(calls.decision(evaluation, params)),
        "sections": [f"{SECTIONS.name}/{path.name}" for path in own_sections(project)],
        "names": {name: model_name(name) for name in MODELS},
        "label": label,
        "better": metric_words(evaluation.metric, evaluation.own_metrics)[1],
        "reason": words.reason(evaluation),
        "warnings": [
            of_record(text)
            for text in dict.fromkeys(
                [*split.warnings, *evaluation.warnings, *others.warnings(compared)]
            )
        ],
        "benchmark": compared,
        "contenders": list(others.lines(compared)),
        "absent": list(others.missing(compared)),
        "compared": {name: gain_text(gain, base[name]) for name, gain in evaluation.gain.items()},
        "metrics": list(metrics(evaluation)),
        "importance_chart": bars(say("importance"), [
            Bar(line.feature, form(".1%", line.gain), line.gain)
            for line in evaluation.importance[:FEATURES]
        ]),
        "backtest_chart": bars(say("{label} in past windows", label=label), [
            Bar(_window(fold), number(fold.value), fold.value)
            for fold in evaluation.backtest
        ]),
        "pictures": pictures(project, evaluation, counts),
        "others": say(OTHERS),
        "confusion": confusion(project, sorted(counts, key=lambda name: (-counts[name], name))),
    }  # fmt: skip


def _window(fold: Fold) -> str:
    return say("{begin} to {end}", begin=day(fold.begin[:10]), end=day(fold.end[:10]))


def metrics(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """Each metric with the values of all models and their picture; those that lead first."""
    models = evaluation.models
    for key in words.in_order(evaluation):
        label, better = metric_words(key, evaluation.own_metrics)
        values = {name: models[name][key] for name in MODELS if name in models}
        rows = [Bar(model_name(name), interval(one), *ends(one)) for name, one in values.items()]
        title = say("{label}, {better} is better", label=label, better=better)
        chart = bars(title, rows)
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
            Dot(of_group(line.group), write(line.predicted), line.predicted, line.observed)
            for line in groups
        ]
        values = [value for row in rows for value in (row.value, row.actual)]
        low = min(values) if evaluation.task == "regression" else 0.0
        range_size = sum(line.group != "missing" for line in groups) if one.ordered else 0
        chart = dots(one.feature, rows, low, max(values), write, range_size=range_size)
        yield dict(one) | {"chart": chart, "text": words.effect(one, evaluation)}


def segment_charts(segments: Segments, label: str) -> Iterator[tuple[str, Markup]]:
    """The primary metric in the groups of each chosen column, beside that of all rows."""
    for name, lines in segments.chosen.items():
        groups = [segments.all.model_copy(update={"group": "all"}), *lines]
        rows = [Bar(of_group(line.group), _with_rows(line), *ends(line)) for line in groups]
        if lines:
            yield name, bars(say("{label} by {name}", label=label, name=name), rows)


def _with_rows(line: Segment) -> str:
    return say("{value} ({rows:,} rows)", value=number(line.value), rows=line.rows)


def ends(measure: Interval | Segment) -> tuple[float | None, float | None, float | None]:
    """A value and its interval."""
    return measure.value, measure.low, measure.high


def pictures(project: Project, evaluation: Evaluation, counts: dict[str, int]) -> dict[str, Markup]:
    """The plots whose points the stage `train` left, by name; `counts` are rows by class."""
    positive, threshold = evaluation.positive, evaluation.threshold or 0.5
    share = counts.get(positive or "", 0) / (sum(counts.values()) or 1)
    level = ((0.0, share), (1.0, share)) if positive is not None else ()
    hits = say("share of the class found")
    classes = {
        "roc": ("line", Axes(say("share of the others called wrongly"), hits)),
        "pr": ("line", Axes(hits, say("share of calls right"), reference=level)),
        "gain": ("line", Axes(say("share of rows called"), hits)),
        "calibration": ("line dots", Axes(say("predicted probability"), say("observed share"))),
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
        axes = Axes(
            say("called from this probability on"), say("cost per row"), reference=mark, top=top
        )
        stops = [x for x, _ in points[1:]] + [0.0]
        steps = [p for (x, y), stop in zip(points, stops, strict=True) for p in ((x, y), (stop, y))]
        plots["cost"] = plot(say("cost of calls"), axes, {"": steps})
    for pairs in read_curves(project, "residuals").values():
        low, high = min(map(min, pairs)), max(map(max, pairs))
        margin = (high - low) / 25 or abs(high) / 10 or 1.0
        low, high = low - margin, high + margin
        names = say("true value"), say("predicted value")
        axes = Axes(*names, low, high, ((low, low), (high, high)))
        plots["residuals"] = plot(say("predicted and true values"), axes, {"": pairs}, "dots")
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
    others = say(OTHERS)
    order = list(dict.fromkeys([*order, *sorted({name for pair in pairs for name in pair})]))
    largest = order if len(order) <= CELLS else order[: CELLS - 1]
    labels = {name: name for name in largest}
    counts = Counter(
        (labels.get(actual, others), labels.get(predicted, others)) for actual, predicted in pairs
    )
    names = list(dict.fromkeys([*largest, *sorted({name for pair in counts for name in pair})]))
    return {
        actual: {predicted: counts[actual, predicted] for predicted in names} for actual in names
    }
