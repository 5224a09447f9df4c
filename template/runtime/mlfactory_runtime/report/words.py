"""The sentences of the report: what the numbers say, in words for people."""

from collections.abc import Callable, Mapping
from math import floor, log10
from typing import Protocol

from ..extensions import BUILT_IN
from ..languages import form, of_group, of_record, say
from ..records.evaluation import (
    Effect,
    Evaluation,
    Interval,
    Lift,
    OwnMetric,
    Segment,
    Segments,
)

MODELS = {
    "model": "this model", "linear": "linear model", "naive": "constant",
    "last_value": "last known value", "seasonal_naive": "value a season before",
    "previous_value": "value just before",
}  # fmt: skip
LABELS = {
    "roc_auc": "ROC AUC", "pr_auc": "average precision", "log_loss": "log loss",
    "brier": "Brier score", "f1": "F1", "calibration_error": "calibration error", "rmse": "RMSE",
    "accuracy": "accuracy", "mae": "mean absolute error", "r2": "R²",
    "quantile_loss": "quantile loss",
    "cost": "cost per row", "saving": "saving per row",
    "recall_at_budget": "share found within the budget",
    "precision_at_budget": "share of right calls within the budget",
    "lift_at_budget": "lift within the budget",
}  # fmt: skip
# Of interest where costs or a budget are known, or a quantile is predicted: a mean is a bad one.
SITUATIONAL = {
    "cost", "saving", "recall_at_budget", "precision_at_budget", "lift_at_budget", "quantile_loss",
}  # fmt: skip


class Measured(Protocol):
    """A value with the ends of its interval, None where there is none."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def label_of(metric: str) -> str:
    """What people call a metric of the library, or of a factory whose name tells enough."""
    return say(LABELS[metric]) if metric in LABELS else metric


def model_name(name: str) -> str:
    """What people call a model that was measured."""
    return say(MODELS[name])


def metric_words(metric: str, own: Mapping[str, OwnMetric]) -> tuple[str, str]:
    """What people call a metric, and whether more of it is better or less."""
    if metric in own:
        return own[metric].label, say(own[metric].better)
    name = say(LABELS[metric]) if metric in LABELS else metric.replace("_", " ")
    return name, say(BUILT_IN.get(metric, "higher"))


def in_order(evaluation: Evaluation) -> list[str]:
    """The metrics to show: those that lead, the one that decides, and the others."""
    first = (*evaluation.leading, evaluation.metric)
    others = [name for name in evaluation.models["model"] if name not in SITUATIONAL]
    return list(dict.fromkeys((*first, *others)))


def reason(evaluation: Evaluation) -> str:
    """Why the verdict is as it is, with the metric as people call it."""
    metric, own = evaluation.metric, evaluation.own_metrics
    label = own[metric].label if metric in own else LABELS.get(metric, metric.replace("_", " "))
    return of_record(evaluation.reason.replace(metric, label))


def number(value: float | None) -> str:
    """At least three significant digits, without an exponent where people can do without."""
    if value is None:
        return say("not defined")
    if abs(value) < 1e-12:
        return "0"
    digits = 2 - floor(log10(abs(value)))
    return form(f",.{max(digits, 0)}f" if -10 < digits < 8 else ".3g", value)


def interval(measure: Measured) -> str:
    """A value with its interval, where it has one."""
    if measure.value is None or measure.low is None:
        return number(measure.value)
    ends = {"low": number(measure.low), "high": number(measure.high)}
    return say("{value} ({low} to {high})", value=number(measure.value), **ends)


def percent(value: float) -> str:
    """A share as people say it."""
    return form(".0%" if value >= 0.1 or value == 0 else ".1%", value)


def count_of(count: int, name: str) -> str:
    """How many there are of something."""
    return say(f"{{count:,}} {name}{'' if count == 1 else 's'}", count=count)


def quote(name: str) -> str:
    """A name in a sentence."""
    return say("“{name}”", name=name)


def list_of(names: list[str], limit: int = 8) -> str:
    """Names in a sentence, the first of many."""
    text = ", ".join(map(quote, names[:limit]))
    if len(names) <= limit:
        return text
    return say("{names} and {count} more", names=text, count=len(names) - limit)


def gain_text(gain: Interval, base: float | None) -> str:
    """How the model does against a baseline, whose metric is `base`, in words."""
    if gain.value is None or gain.low is None or gain.high is None or not base:
        return say("cannot be compared on these rows")
    sure = say("surely better") if gain.low > 0 else say("surely worse") if gain.high < 0 else None
    share, is_small = abs(gain.value / base), f"{abs(gain.value / base):.0%}" == "0%"
    text = say("about the same")
    if sure or not is_small:
        size = say("less than 0.5%") if is_small else form(".0%", share)
        way = say("{share} lower", share=size)
        if gain.value < 0:
            way = say("{share} higher", share=size)
        text = f"{way}, {sure or say('which may be chance')}"
    return say("{text}; improvement {gain}", text=text, gain=interval(gain))


def unit(evaluation: Evaluation) -> Callable[[float], str]:
    """How a prediction is written: a probability as a percentage, a number as it is."""
    return number if evaluation.task == "regression" else percent


def effect(effect: Effect, evaluation: Evaluation) -> str:
    """How the prediction changes with a feature."""
    write = unit(evaluation)
    groups = [line for line in effect.groups if line.group != "missing"] or list(effect.groups)
    low, high = (pick(groups, key=lambda line: line.predicted) for pick in (min, max))
    name = effect.about or evaluation.positive
    what = quote(evaluation.target)
    if name:
        what = say("probability of {name}", name=quote(name))
    if write(low.predicted) == write(high.predicted):
        text = "The predicted {what} stays at about {value}."
        return say(text, what=what, value=write(low.predicted))
    first, last = groups[0], groups[-1]
    if effect.ordered and {low.group, high.group} == {first.group, last.group}:
        ends = {
            "start": f"{write(first.predicted)} ({of_group(first.group)})",
            "end": f"{write(last.predicted)} ({of_group(last.group)})",
        }
        if high is last:
            return say("The predicted {what} rises from {start} to {end}.", what=what, **ends)
        return say("The predicted {what} falls from {start} to {end}.", what=what, **ends)
    return say(
        "The predicted {what} is lowest, {least}, for {low}, and highest, {most}, for {high}.",
        what=what, least=write(low.predicted), low=of_group(low.group),
        most=write(high.predicted), high=of_group(high.group),
    )  # fmt: skip


def _whose(group: Segment) -> str:
    """Which group of rows it is, and how large."""
    name = {"feature": quote(group.feature), "group": of_group(group.group)}
    return say("{feature}: {group} ({rows:,} rows)", rows=group.rows, **name)


def segment(group: Segment, evaluation: Evaluation) -> str:
    """How the model does on a group of rows in which it is worse."""
    write = unit(evaluation)
    text = f"{_whose(group)}: {label_of(evaluation.metric)} {interval(group)}"
    if group.saved is None or group.rest_saved is None:  # of an earlier release
        text += say(", against {value} in all other rows.", value=number(group.rest))
    else:
        text += say(
            ", {saving} what the constant of that group has; in the other groups it is {others} "
            "theirs.",
            saving=saving_text(group.saved), others=saving_text(group.rest_saved),
        )  # fmt: skip
    if group.predicted is not None and group.observed is not None:
        means = {"predicted": write(group.predicted), "actual": write(group.observed)}
        text += " " + say("Predicted were {predicted} on average, true were {actual}.", **means)
    return text


def saving_text(share: float) -> str:
    """How much of a loss is saved, or added."""
    size = percent(abs(share))
    return say("{share} below", share=size) if share >= 0 else say("{share} above", share=size)


def off(group: Segment, evaluation: Evaluation) -> str:
    """How the mean prediction differs from what came, in a group where it surely does."""
    write, gap = unit(evaluation), group.gap
    if gap is None or gap.value is None or gap.low is None or gap.high is None:
        return say("{who}: predicted were ", who=_whose(group))
    low, high = map(write, sorted(map(abs, (gap.low, gap.high))))
    text = (
        "{who}: predicted were {predicted} on average, true were {actual}: surely less, by {low} "
        "to {high}."
    )
    if gap.value > 0:
        text = (
            "{who}: predicted were {predicted} on average, true were {actual}: surely more, by "
            "{low} to {high}."
        )
    means = {"predicted": write(group.predicted or 0), "actual": write(group.observed or 0)}
    return say(text, who=_whose(group), **means, low=low, high=high)


def segments(groups: Segments | None) -> str:
    """Whether the model is worse for someone."""
    if not groups or not groups.looked_at:
        return say("There are too few held-out rows to compare groups of them.")
    text = "{groups} of at least 30 held-out rows were looked at"
    count = say(text, groups=count_of(groups.looked_at, "group"))
    if not groups.worst:
        text = "{looks}: in none of them does it surely save less than in the others."
        return say(text, looks=count)
    worse = say(
        "{looks}. In {worse} of them it surely saves less, of what the constant of the group "
        "loses, than in the others",
        looks=count, worse=groups.worse,
    )  # fmt: skip
    more = "" if groups.worse == len(groups.worst) else say(", most of all in these")
    return f"{worse}{more}:"


def top(evaluation: Evaluation) -> Lift | None:
    """The line of the lift that sentences are about: that of a tenth of the rows, if there is."""
    return min(evaluation.lift, key=lambda line: abs(line.top - 0.1), default=None)


def lift(evaluation: Evaluation) -> str:
    """What the rows with the highest probability hold."""
    best = top(evaluation)
    if not best:
        return ""
    return say(
        "The {top:.0%} of the rows with the highest probability hold {share} of all that are "
        "{name}: {lift:.1f} times as many as by chance. Of these {rows:,} rows, {positives:,.0f} "
        "are.",
        top=best.top, share=percent(best.share), name=quote(evaluation.positive or ""),
        lift=best.lift, rows=best.rows, positives=best.positives,
    )  # fmt: skip
