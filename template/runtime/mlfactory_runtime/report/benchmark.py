"""The report's section on other libraries, if they were tried on these rows and settings."""

from collections.abc import Iterator

from ..project import REPORTS, Project
from ..records.benchmark import Benchmark, Contender
from ..records.evaluation import Evaluation
from ..records.record import read
from .words import interval, number

FILE = REPORTS / "benchmark.json"
PAGE = "docs/how-to/another-estimator.md"
NAMES = {
    "catboost": "CatBoost",
    "ebm": "explainable boosting machine",
    "xgboost": "XGBoost",
    "hgb": "HistGradientBoosting",
    "autogluon": "AutoGluon",
    "linear": "linear model",
    "own": "this model",
}


def read_benchmark(project: Project, evaluation: Evaluation) -> Benchmark | None:
    """What was compared with this very model. Hashes tie the file to it, so that it need not be
    among the stage's dependencies.
    """
    record, names = read(Benchmark, project.root / FILE), evaluation.provenance
    if record is None:
        return None
    tied = (record.data, record.params, record.code)
    return record if tied == (names["data"], names["params"], names["code"]) else None


def lines(record: Benchmark | None) -> Iterator[dict[str, str]]:
    """A line of the table for each contender that was measured, the best first."""
    if record is None:
        return
    every = [one for one in (record.model, *record.others) if one.state == "measured"]
    for one in sorted(every, key=lambda one: one.value or 0.0):
        yield {
            "name": title(one),
            "value": number(one.value),
            "gain": interval(one.gain) if one.gain else "",
            "seconds": f"{one.seconds or 0:,.1f}",
            "memory": f"{one.memory or 0:,.0f}",
        }


def title(one: Contender) -> str:
    """What people call it, with its version."""
    name = NAMES.get(one.name, one.name)
    return name if one.name in ("own", "linear") else f"{name} {one.version}"


def missing(record: Benchmark | None) -> Iterator[str]:
    """A sentence for each that could not be measured."""
    for one in record.others if record else ():
        verb = "could not be installed" if one.state == "absent" else "failed"
        if one.state != "measured":
            yield f"{NAMES.get(one.name, one.name)} {verb}: {one.why}"


def warnings(record: Benchmark | None) -> Iterator[str]:
    """What to mind where another library is surely better by more than matters."""
    for one in record.winners if record else ():
        yield (
            f"{NAMES.get(one.name, one.name)} by its defaults is surely better on the same rows, "
            f"by more than gate.margin: how it becomes the model stands in {PAGE} of mlfactory"
        )
