"""What a factory may give back in files of its own, each found by its name: the forms of these."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any, Literal

import numpy as np
import polars as pl

from .errors import FactoryError
from .records.evaluation import OwnMetric
from .settings.availability import Finding

Array = np.ndarray
Better = Literal["higher", "lower"]
CheckRows = Callable[[pl.DataFrame], Iterable[Finding]]
DecideSides = Callable[[pl.DataFrame], pl.Series]
Pull = Callable[[Path], str]

DECLARED = 'METRICS = {"profit": Metric(profit, better="higher")}'
MEASURES = "def {}(y, p, weights) -> float"
CHECKS = "def check(rows: pl.DataFrame) -> Iterable[Finding]"
SIDES = "def sides(raw: pl.DataFrame) -> pl.Series"
PULLS = "def pull(target: Path) -> str"
# What the library measures; the names are taken.
BUILT_IN: dict[str, Better] = {
    "roc_auc": "higher", "pr_auc": "higher", "log_loss": "lower", "brier": "lower",
    "accuracy": "higher", "f1": "higher", "calibration_error": "lower",
    "rmse": "lower", "mae": "lower", "quantile_loss": "lower", "r2": "higher",
}  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A metric of a factory's own.

    `function` is called with y of shape (rows,), a prediction p and weights of shape (rows,), and
    gives a number. For two classes y is 1 where the positive one came, and p its probability; for
    k classes y is 0 to k-1 and p of shape (rows, k); for numbers both are numbers. A weight says
    how often a row counts; the intervals come of many such weights. `label` is for people.
    """

    function: Callable[[Array, Array, Array], float]
    better: Better
    label: str = ""

    def described(self, name: str) -> OwnMetric:
        """What is shown of it: the first line of the function's docstring says what it means."""
        text = (inspect.getdoc(self.function) or "").partition("\n")[0]
        return OwnMetric(label=self.label or name, better=self.better, text=text)


@dataclass(frozen=True)
class Extension:
    """Something of a factory's own that the library has found, by its file."""

    kind: Literal["metric", "check", "source", "split", "template", "section"]
    name: str
    file: str


def checked(found: Any, file: str, form: str, parameters: tuple[str, ...]) -> Any:
    """The function, if it can be called with so many values; else FactoryError shows its form."""
    if not callable(found):
        name = form.removeprefix("def ").partition("(")[0]
        raise FactoryError(f"{file} has no function `{name}`", f"add it: {form}")
    try:
        inspect.signature(found).bind(*parameters)
    except TypeError as error:
        name = getattr(found, "__name__", "it")
        raise FactoryError(
            f"{file}: `{name}` takes other values: {error}", f"it is called as {form}"
        ) from error
    return found


def checked_metrics(declared: Any, file: str) -> dict[str, Metric]:
    """The metrics that a metrics.py declares; FactoryError where they are not of the form."""
    kinds = declared.values() if isinstance(declared, dict) else [declared]
    if not all(isinstance(one, Metric) for one in kinds):
        form = f"{DECLARED}, where {MEASURES.format('profit')}"
        hint = f"write: {form}; or remove the file, if an earlier template left it"
        raise FactoryError(f"{file} does not name its metrics in METRICS", hint)
    metrics: dict[str, Metric] = declared
    for name, metric in metrics.items():
        if name in BUILT_IN:
            raise FactoryError(
                f"{file}: {name!r} is the library's own metric", "give yours another name"
            )
        if metric.better not in ("higher", "lower"):
            raise FactoryError(
                f"{file}: of {name!r}, {metric.better!r} is better", f"say which: {DECLARED}"
            )
        called = getattr(metric.function, "__name__", name)
        checked(metric.function, file, MEASURES.format(called), ("y", "p", "weights"))
    return dict(metrics)


def line_of(error: Exception, file: str) -> str:
    """The file, with the line in which something went wrong, where one of its own is known."""
    trace = extract_tb(error.__traceback__)
    name = Path(file).name
    lines = [frame.lineno for frame in trace if Path(frame.filename).name == name]
    return f"{file}, line {lines[-1]}" if lines else file


def call(function: Callable[..., Any], file: str, *values: Any) -> Any:
    """What a factory's own function gives; what goes wrong in it is a FactoryError with its line.

    A FactoryError of its own is for people as it is.
    """
    try:
        return function(*values)
    except FactoryError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise FactoryError(
            f"{line_of(error, file)}: {type(error).__name__}: {reason}", "mend that line"
        ) from error
