"""What a factory may give back in files of its own, each found by its name: the forms of these."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, Literal

from .errors import FactoryError
from .records.evaluation import OwnMetric
from .settings.availability import Finding

if TYPE_CHECKING:  # whoever asks for models or promotes one need not wait for these
    import numpy as np
    import polars as pl

Better = Literal["higher", "lower"]
CheckRows = Callable[["pl.DataFrame"], Iterable[Finding]]
DecideSides = Callable[["pl.DataFrame"], "pl.Series"]
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
    "cost": "lower", "saving": "higher", "recall_at_budget": "higher",
    "precision_at_budget": "higher", "lift_at_budget": "higher",
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

    function: Callable[[np.ndarray, np.ndarray, np.ndarray], float]
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


def check(function: Any, file: str, form: str, parameters: tuple[str, ...]) -> Any:
    """The function, if it can be called with so many values; else FactoryError shows its form."""
    if not callable(function):
        name = form.removeprefix("def ").partition("(")[0]
        raise FactoryError(f"{file} has no function `{name}`", f"add it: {form}")
    try:
        inspect.signature(function).bind(*parameters)
    except TypeError as error:
        name = getattr(function, "__name__", "it")
        raise FactoryError(
            f"{file}: `{name}` takes other values: {error}", f"it is called as {form}"
        ) from error
    return function


def averaging(fit: Callable[..., Any]) -> Callable[..., Any]:
    """`fit` for each of the variants in its settings; what it gives has to be boosters, in a tuple.

    So they are saved, explained and predicted with like those of one.
    """

    @wraps(fit)
    def fit_each(train: Any, validation: Any, signature: Any, settings: Any) -> Any:
        if not settings.variants:
            return fit(train, validation, signature, settings)
        models = [fit(train, validation, signature, one) for one in settings.each]
        if all(isinstance(one, tuple) for one in models):
            return tuple(booster for one in models for booster in one)
        hint = "leave model.variants empty in params.yaml, or average in model.py"
        raise FactoryError("model.variants is set, and `fit` of model.py gives no boosters", hint)

    return fit_each


def check_metrics(content: Any, file: str) -> dict[str, Metric]:
    """The metrics that a metrics.py declares; FactoryError where they are not of the form."""
    kinds = content.values() if isinstance(content, dict) else [content]
    if not all(isinstance(one, Metric) for one in kinds):
        form = f"{DECLARED}, where {MEASURES.format('profit')}"
        hint = f"write: {form}; or remove the file, if an earlier template left it"
        raise FactoryError(f"{file} does not name its metrics in METRICS", hint)
    metrics: dict[str, Metric] = content
    for name, metric in metrics.items():
        if name in BUILT_IN:
            raise FactoryError(
                f"{file}: {name!r} is the library's own metric", "give yours another name"
            )
        if metric.better not in ("higher", "lower"):
            raise FactoryError(
                f"{file}: of {name!r}, {metric.better!r} is better", f"say which: {DECLARED}"
            )
        title = getattr(metric.function, "__name__", name)
        check(metric.function, file, MEASURES.format(title), ("y", "p", "weights"))
    return dict(metrics)


def call(function: Callable[..., Any], file: str, *values: Any, hint: str = "") -> Any:
    """What a factory's own function gives; what goes wrong in it is a FactoryError with its line.

    `file` is what messages call the function's file. What is yielded is collected here, where a
    mistake is caught. A FactoryError of its own is for people as it is.
    """
    try:
        result = function(*values)
        return list(result) if isinstance(result, Iterator) else result
    except FactoryError:
        raise
    except Exception as error:
        code = getattr(inspect.unwrap(function), "__code__", None)
        raise broken(error, Path(code.co_filename) if code else None, file, hint) from error


def broken(error: Exception, code: Path | None, file: str, hint: str = "") -> FactoryError:
    """What is told of a factory's own code that fails: the last line of its own, and why.

    `code` is the file that was called or imported, and `file` what messages call it.
    """
    spot = file
    if code and (position := last_line(error, code.resolve().parent)):
        where, line = position
        spot = (Path(file).parent / where).as_posix() + (f", line {line}" if line else "")
    reason = error.msg if isinstance(error, SyntaxError) else str(error).strip().partition("\n")[0]
    if not hint:
        more = "; a library of your own comes with: uv add LIBRARY"
        hint = "mend that line" + (more if isinstance(error, ImportError) else "")
    return FactoryError(f"{spot}: {type(error).__name__}: {reason}", hint)


def last_line(error: Exception, folder: Path) -> tuple[Path, int | None] | None:
    """The last line below `folder`, without links, that was reached, or cannot be understood."""
    lines = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        lines.append((error.filename or "", error.lineno))
    for name, line in reversed(lines):
        if (path := Path(name).resolve()).is_relative_to(folder):
            return path.relative_to(folder), line
    return None
