"""The pipeline's third stage: the report for people, the model card and the data card.

The same inputs give the same bytes: no time, host or commit stands in any of them.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from math import floor, isfinite, log10
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from .catalog import Catalog, load_catalog
from .charts import COLOURS, Axes, Bar, Point, bars, plot
from .errors import FactoryError
from .metrics import LOWER_IS_BETTER
from .params import Params, load_params

REPORTS = Path("reports")
TEMPLATES = Path(__file__).parent / "templates"
OUTPUTS = ("data_card.md", "model_card.md", "report.html")
FEATURES, CELLS, OTHERS = 15, 8, "all others"
MODELS = {"model": "this model", "linear": "linear model", "naive": "constant"}
LABELS = {
    "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "log_loss": "log loss", "brier": "Brier score",
    "f1": "F1", "calibration_error": "calibration error", "rmse": "RMSE",
    "mae": "mean absolute error", "r2": "R²", "quantile_loss": "quantile loss",
}  # fmt: skip


def write_report() -> Path:
    """Write the report and both cards; gives the path of the report."""
    params, catalog = load_params(), load_catalog()
    told = context(read_evaluation(), catalog, params)
    for name in OUTPUTS:
        text = environment(name).get_template(name).render(told)
        (REPORTS / name).write_text(text, "utf-8", newline="\n")
    return REPORTS / "report.html"


def read_evaluation() -> dict[str, Any]:
    """What the stage `train` found; None for a number that JSON cannot hold."""
    path = REPORTS / "evaluation.json"
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "make it: dvc repro train")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"), parse_constant=lambda _: None)
    return found


def environment(name: str) -> Environment:
    """Jinja that escapes every value as the kind of file demands."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        finalize=markdown if name.endswith(".md") else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"number": number, "interval": interval}
    return found


def context(evaluation: dict[str, Any], catalog: Catalog, params: Params) -> dict[str, Any]:
    """Everything that the templates speak of."""
    inputs, split = catalog.inputs(params), evaluation["split"]
    held = split.get("classes", {}).get("holdout", {})
    label = LABELS.get(evaluation["metric"], evaluation["metric"])
    return evaluation | {
        "params": params,
        "catalog": catalog,
        "features": catalog.features(params),
        "sources": sorted({column.source for column in inputs.values() if column.source}),
        "assumed": [name for name, column in inputs.items() if column.assumed],
        "names": MODELS,
        "label": label,
        "reason": evaluation["reason"].replace(evaluation["metric"], label),
        "warnings": list(dict.fromkeys(split["warnings"] + evaluation["warnings"])),
        "compared": {name: compared(evaluation, name) for name in evaluation["gain"]},
        "metrics": list(metrics(evaluation)),
        "importance_chart": bars("importance", [
            Bar(line["feature"], f"{line['gain']:.1%}", line["gain"])
            for line in evaluation["importance"][:FEATURES]
        ]),
        "backtest_chart": bars(f"{label} in past windows", [
            Bar(f"{fold['from'][:10]} to {fold['to'][:10]}", number(fold["value"]), fold["value"])
            for fold in evaluation["backtest"]
        ]),
        "pictures": pictures(evaluation["positive"], held),
        "confusion": confusion(sorted(held, key=lambda name: (-held[name], name))),
    }  # fmt: skip


def metrics(evaluation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each metric with the values of all models and their picture; the primary one first."""
    models = evaluation["models"]
    for key in sorted(models["model"], key=lambda key: key != evaluation["metric"]):
        label, better = LABELS.get(key, key), "lower" if key in LOWER_IS_BETTER else "higher"
        values = {name: models[name][key] for name in MODELS}
        rows = [Bar(MODELS[name], interval(value), **value) for name, value in values.items()]
        chart = bars(f"{label}, {better} is better", rows)
        yield {"key": key, "label": label, "better": better, "values": values, "chart": chart}


def compared(evaluation: dict[str, Any], name: str) -> str:
    """How the model does against a baseline, in words."""
    gain, base = evaluation["gain"][name], evaluation["models"][name][evaluation["metric"]]["value"]
    if gain["low"] is None or not base:
        return "cannot be compared on these rows"
    way = "lower" if gain["value"] >= 0 else "higher"
    sure = "better" if gain["low"] > 0 else "worse" if gain["high"] < 0 else None
    chance = f"surely {sure}" if sure else "which may be chance"
    return f"{abs(gain['value'] / base):.0%} {way}, {chance}; improvement {interval(gain)}"


def pictures(positive: str | None, held: dict[str, int]) -> dict[str, Markup]:
    """The plots whose points the stage `train` left, by name; `held` counts rows by class."""
    share = held.get(positive or "", 0) / (sum(held.values()) or 1)
    level = ((0.0, share), (1.0, share)) if positive is not None else ()
    classes = {
        "roc": ("line", Axes("share of the others called wrongly", "share of the class found")),
        "pr": ("line", Axes("share of the class found", "share of calls right", reference=level)),
        "calibration": ("line dots", Axes("predicted probability", "observed share")),
    }
    drawn = {}
    for name, (draw, axes) in classes.items():
        curves = read_curves(name)
        largest = sorted(curves, key=lambda key: -held.get(key, 0))[:COLOURS]
        if curves:
            drawn[name] = plot(name, axes, {key: curves[key] for key in largest}, draw)
    for pairs in read_curves("residuals").values():
        low, high = min(map(min, pairs)), max(map(max, pairs))
        margin = (high - low) / 25 or abs(high) / 10 or 1.0
        low, high = low - margin, high + margin
        axes = Axes("true value", "predicted value", low, high, ((low, low), (high, high)))
        drawn["residuals"] = plot("predicted and true values", axes, {"": pairs}, "dots")
    return drawn


def read_plot(name: str) -> Iterator[dict[str, str]]:
    """The lines of a CSV file of plot points; none where the task has no such plot."""
    path = REPORTS / "plots" / f"{name}.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def read_curves(name: str) -> dict[str, list[Point]]:
    """The points of each class by its name, which is empty where the plot has no classes."""
    curves: dict[str, list[Point]] = {}
    for line in read_plot(name):
        label = line.pop("class", "")
        x, y, *_ = map(float, line.values())
        if isfinite(x) and isfinite(y):
            curves.setdefault(label, []).append((x, y))
    return curves


def confusion(order: list[str]) -> dict[str, dict[str, int]]:
    """Rows by actual and by predicted class, the largest first; small ones are put together."""
    kept = order if len(order) <= CELLS else order[: CELLS - 1]
    known = {name: name for name in kept}
    counts = Counter(
        (known.get(line["actual"], OTHERS), known.get(line["predicted"], OTHERS))
        for line in read_plot("confusion")
    )
    names = list(dict.fromkeys([*kept, *sorted({name for pair in counts for name in pair})]))
    return {actual: {called: counts[actual, called] for called in names} for actual in names}


def number(value: float | None) -> str:
    """At least three significant digits, without an exponent where people can do without."""
    if value is None:
        return "not defined"
    if abs(value) < 1e-12:
        return "0"
    digits = 2 - floor(log10(abs(value)))
    return f"{value:,.{max(digits, 0)}f}" if -10 < digits < 8 else f"{value:.3g}"


def interval(found: dict[str, float | None]) -> str:
    """A value with its interval, where it has one."""
    if found["value"] is None or found["low"] is None:
        return number(found["value"])
    return f"{number(found['value'])} ({number(found['low'])} to {number(found['high'])})"


def markdown(value: Any) -> str:
    """Text on one line in which nothing is taken for Markdown or HTML, in or out of a table."""
    text = re.sub(r"\s+", " ", "" if value is None else str(value))
    text = re.sub(r"[\\`*~|$\[\]]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
    return text.replace("&", "&amp;").replace("<", "&lt;")
