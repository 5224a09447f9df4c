"""The sentences of the report: what the numbers say, in words for people."""

from collections.abc import Callable, Iterator, Mapping
from math import floor, log10
from typing import Protocol

from ..extensions import BUILT_IN
from ..records.evaluation import (
    Costs,
    Effect,
    Evaluation,
    Interval,
    Lift,
    OwnMetric,
    Segment,
    Segments,
)
from ..settings.catalog import Catalog
from ..settings.decision import Decision
from ..settings.params import Params

FEW_ROWS, FEW_OF_A_CLASS = 200, 30
MODELS = {
    "model": "this model", "linear": "linear model", "naive": "constant",
    "last_value": "last known value", "seasonal_naive": "value a season before",
    "previous_value": "value just before",
}  # fmt: skip
LABELS = {
    "roc_auc": "ROC AUC", "pr_auc": "average precision", "log_loss": "log loss",
    "brier": "Brier score", "f1": "F1", "calibration_error": "calibration error", "rmse": "RMSE",
    "mae": "mean absolute error", "r2": "R²", "quantile_loss": "quantile loss",
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


def metric_words(metric: str, own: Mapping[str, OwnMetric]) -> tuple[str, str]:
    """What people call a metric, and whether more of it is better or less."""
    if metric in own:
        return own[metric].label, own[metric].better
    return LABELS.get(metric, metric.replace("_", " ")), BUILT_IN.get(metric, "higher")


def in_order(evaluation: Evaluation) -> list[str]:
    """The metrics to show: those that lead, the one that decides, and the others."""
    first = (*evaluation.leading, evaluation.metric)
    others = [name for name in evaluation.models["model"] if name not in SITUATIONAL]
    return list(dict.fromkeys((*first, *others)))


def reason(evaluation: Evaluation) -> str:
    """Why the verdict is as it is, with the metric as people call it."""
    label, _ = metric_words(evaluation.metric, evaluation.own_metrics)
    return evaluation.reason.replace(evaluation.metric, label)


def number(value: float | None) -> str:
    """At least three significant digits, without an exponent where people can do without."""
    if value is None:
        return "not defined"
    if abs(value) < 1e-12:
        return "0"
    digits = 2 - floor(log10(abs(value)))
    return f"{value:,.{max(digits, 0)}f}" if -10 < digits < 8 else f"{value:.3g}"


def interval(measure: Measured) -> str:
    """A value with its interval, where it has one."""
    if measure.value is None or measure.low is None:
        return number(measure.value)
    return f"{number(measure.value)} ({number(measure.low)} to {number(measure.high)})"


def percent(value: float) -> str:
    """A share as people say it."""
    return f"{value:.0%}" if value >= 0.1 or value == 0 else f"{value:.1%}"


def count_of(count: int, name: str) -> str:
    """How many there are of something."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def quote(name: str) -> str:
    """A name in a sentence."""
    return f"“{name}”"


def list_of(names: list[str], limit: int = 8) -> str:
    """Names in a sentence, the first of many."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(quote, names[:limit])) + more


def gain_text(gain: Interval, base: float | None) -> str:
    """How the model does against a baseline, whose metric is `base`, in words."""
    if gain.value is None or gain.low is None or gain.high is None or not base:
        return "cannot be compared on these rows"
    way = "lower" if gain.value >= 0 else "higher"
    sure = "better" if gain.low > 0 else "worse" if gain.high < 0 else None
    chance = f"surely {sure}" if sure else "which may be chance"
    share = f"{abs(gain.value / base):.0%}"
    if share == "0%":
        share = "less than 0.5%"
    same = share.startswith("less") and not sure
    text = "about the same" if same else f"{share} {way}, {chance}"
    return f"{text}; improvement {interval(gain)}"


def unit(evaluation: Evaluation) -> Callable[[float], str]:
    """How a prediction is written: a probability as a percentage, a number as it is."""
    return number if evaluation.task == "regression" else percent


def effect(effect: Effect, evaluation: Evaluation) -> str:
    """How the prediction changes with a feature."""
    write = unit(evaluation)
    groups = [line for line in effect.groups if line.group != "missing"] or list(effect.groups)
    low, high = (pick(groups, key=lambda line: line.predicted) for pick in (min, max))
    name = effect.about or evaluation.positive
    what = f"probability of {quote(name)}" if name else quote(evaluation.target)
    if write(low.predicted) == write(high.predicted):
        return f"The predicted {what} stays at about {write(low.predicted)}."
    first, last = groups[0], groups[-1]
    if effect.ordered and {low.group, high.group} == {first.group, last.group}:
        way = "rises" if high is last else "falls"
        ends = (f"{write(line.predicted)} ({line.group})" for line in (first, last))
        return f"The predicted {what} {way} from {' to '.join(ends)}."
    return (
        f"The predicted {what} is lowest, {write(low.predicted)}, for {low.group}, "
        f"and highest, {write(high.predicted)}, for {high.group}."
    )


def segment(group: Segment, evaluation: Evaluation) -> str:
    """How the model does on a group of rows in which it is worse."""
    label, write = LABELS.get(evaluation.metric, evaluation.metric), unit(evaluation)
    text = f"{quote(group.feature)}: {group.group} ({group.rows:,} rows): {label} {interval(group)}"
    if group.saved is None or group.rest_saved is None:  # of an earlier release
        text += f", against {number(group.rest)} in all other rows."
    else:
        text += (
            f", {saving_text(group.saved)} what the constant of that group has; in the other "
            f"groups it is {saving_text(group.rest_saved)} theirs."
        )
    if group.predicted is not None and group.observed is not None:
        text += f" Predicted were {write(group.predicted)} on average, "
        text += f"true were {write(group.observed)}."
    return text


def saving_text(share: float) -> str:
    """How much of a loss is saved, or added."""
    return f"{percent(abs(share))} {'below' if share >= 0 else 'above'}"


def off(group: Segment, evaluation: Evaluation) -> str:
    """How the mean prediction differs from what came, in a group where it surely does."""
    write, gap = unit(evaluation), group.gap
    text = f"{quote(group.feature)}: {group.group} ({group.rows:,} rows): predicted were "
    if gap is None or gap.value is None or gap.low is None or gap.high is None:
        return text
    ends = sorted(map(abs, (gap.low, gap.high)))
    way = "more" if gap.value > 0 else "less"
    return text + (
        f"{write(group.predicted or 0)} on average, true were {write(group.observed or 0)}: "
        f"surely {way}, by {write(ends[0])} to {write(ends[1])}."
    )


def segments(groups: Segments | None) -> str:
    """Whether the model is worse for someone."""
    if not groups or not groups.looked_at:
        return "There are too few held-out rows to compare groups of them."
    looked_at = f"{count_of(groups.looked_at, 'group')} of at least 30 held-out rows were looked at"
    if not groups.worst:
        return f"{looked_at}: in none of them does it surely save less than in the others."
    worse = (
        f"{looked_at}. In {groups.worse} of them it surely saves less, of what the constant of the "
        "group loses, than in the others"
    )
    more = "" if groups.worse == len(groups.worst) else ", most of all in these"
    return f"{worse}{more}:"


def top(evaluation: Evaluation) -> Lift | None:
    """The line of the lift that sentences are about: that of a tenth of the rows, if there is."""
    return min(evaluation.lift, key=lambda line: abs(line.top - 0.1), default=None)


def lift(evaluation: Evaluation) -> str:
    """What the rows with the highest probability hold."""
    best = top(evaluation)
    if not best:
        return ""
    return (
        f"The {best.top:.0%} of the rows with the highest probability hold "
        f"{percent(best.share)} of all that are {quote(evaluation.positive or '')}: "
        f"{best.lift:.1f} times as many as by chance. Of these {best.rows:,} rows, "
        f"{best.positives:,.0f} are."
    )


def decision(evaluation: Evaluation, params: Params) -> Iterator[str]:
    """From where on a row is called positive, why, and what that costs."""
    costs, rule = evaluation.decision, params.decision
    if not costs:
        return
    name = quote(evaluation.positive or "")
    prices = f"a false alarm costs {rule.cost_fp:g} and a miss {rule.cost_fn:g}"
    why = "as params.yaml says"
    if rule.is_budgeted:
        why = f"so many calls are in the budget, {budget(rule)}"
    elif rule.threshold is None:
        why = f"the cheapest if {prices}, and probabilities can be taken at their word"
    yield (
        f"A row is called {name} when its probability is {evaluation.threshold:.3g} or more: {why}."
    )
    yield (
        f"Where {prices}, these calls cost {number(costs.cost)} per held-out row; to call "
        f"nobody {name} would cost {number(costs.nobody)}, and everybody "
        f"{number(costs.everybody)}."
    )
    if rule.has_costs and "saving" in evaluation.models["model"]:
        saving = interval(evaluation.models["model"]["saving"])
        yield f"Against the better of calling nobody and everybody they save {saving} per row."
    if "recall_at_budget" in evaluation.leading:
        yield _within(evaluation, rule)
    if not rule.is_budgeted:
        yield _cheapest(costs)


def budget(rule: Decision) -> str:
    """How many rows can be called, in words."""
    if rule.budget is not None and rule.budget_rows:
        return f"{rule.budget:,g} of {rule.budget_rows:,} rows"
    share = f"{100 * rule.share:.3g}% of the rows"
    return share if rule.budget is not None else f"taken to be {share}, for params.yaml names none"


def _within(evaluation: Evaluation, rule: Decision) -> str:
    """What is found when only the budget is called, and from where on that is."""
    costs, own = evaluation.decision, evaluation.models["model"]
    recall, precision = (interval(own[f"{name}_at_budget"]) for name in ("recall", "precision"))
    text = (
        f"Within the budget, {budget(rule)}, {recall} of all that are "
        f"{quote(evaluation.positive or '')} are found, and {precision} of the calls are right"
    )
    if not costs or costs.budget_threshold is None or rule.is_budgeted:
        return f"{text}."
    price = f", which costs {number(costs.budget_cost)} per row" if rule.has_costs else ""
    return f"{text}: calls from {number(costs.budget_threshold)} on keep to it{price}."


def _cheapest(costs: Costs) -> str:
    if costs.cost <= costs.cheapest:
        return "No other threshold would have been cheaper on these rows."
    nobody, limit = costs.cheapest == costs.nobody, number(costs.cheapest_threshold)
    where = "for nobody" if nobody else f"from {limit} on"
    text = f"In hindsight calls {where} would have been the cheapest, at {number(costs.cheapest)}"
    if costs.improvable:
        return f"{text}: surely cheaper by more than a tenth."
    return f"{text}, which may be chance."


def cautions(catalog: Catalog, params: Params) -> Iterator[str]:
    """What is suspect, doubtful or sensitive in the data."""
    for name, column in catalog.columns.items():
        if column.suspect:
            end = "" if column.suspect.endswith((".", "?")) else "."
            why = f"it may give the outcome away: {column.suspect}{end}"
            yield f"{quote(name)} is left out, for {why}"
    inputs = catalog.inputs(params)
    for name, column in catalog.columns.items():
        if column.doubt and (name in inputs or column.role == "target"):
            yield f"{quote(name)}: {column.doubt}."
    if special := [name for name, column in inputs.items() if column.sensitive == "special"]:
        yield (
            f"The model learns from {list_of(special)}: data of a kind that the law protects "
            "specially, such as health or belief. Make sure that there is a legal ground."
        )


def steps(evaluation: Evaluation, catalog: Catalog, params: Params) -> Iterator[str]:
    """What to do next, the most urgent first."""
    inputs = catalog.inputs(params).items()
    guesses = [name for name, column in inputs if column.assumed]
    suspect = [name for name, column in catalog.columns.items() if column.suspect]
    if evaluation.verdict == "rejected":
        yield _better(evaluation)
    if suspect or guesses:
        what = [count_of(len(suspect), "suspect column")] if suspect else []
        what += [f"the availability of {count_of(len(guesses), 'column')}"] if guesses else []
        yield f"Decide on {' and '.join(what)}: factory catalog review asks for each."
    if lack := _rows_lacking(evaluation):
        yield f"Bring more rows: {lack}, and differences within the intervals cannot be seen."
    if evaluation.decision and not params.decision.has_costs and params.decision.budget is None:
        yield "Say what a false alarm and a miss cost, under decision in params.yaml."
    worst = evaluation.segments.worst if evaluation.segments else ()
    for name in dict.fromkeys(line.feature for line in worst[:2]):
        yield f"Ask who knows {quote(name)} why groups of it are harder, and what would tell more."
    if bare := [name for name, column in inputs if not column.description]:
        yield f"Describe what {list_of(bare, 4)} mean, in features.yaml: others will ask."
    if not params.report.segments:
        yield "Name the columns whose groups matter, under report.segments in params.yaml."
    if evaluation.verdict == "accepted":
        yield "Decide whether it goes into use, and write down why, in docs/about.md."


def _better(evaluation: Evaluation) -> str:
    if evaluation.reason in evaluation.warnings:
        return "Do not use it: look for the leak: take the column out, or confirm what is known."
    lead = evaluation.gain["naive"].low
    if lead is None:
        return "Do not use it yet: deliver more of what was held out, or hold out more of it."
    if lead > 0:
        return f"Do not use it: {reason(evaluation)}. Features are added in features.py."
    return (
        f"Do not use it: look for columns that tell more of {quote(evaluation.target)}, or for "
        "more rows."
    )


def _rows_lacking(evaluation: Evaluation) -> str:
    """Which rows are few, if some are."""
    counts = (evaluation.split.classes or {}).get("holdout", {})
    rare = min(evaluation.classes, key=lambda name: counts.get(name, 0), default="")
    if rare and counts.get(rare, 0) < FEW_OF_A_CLASS:
        return f"only {counts.get(rare, 0):,} held-out rows are {quote(rare)}"
    rows = evaluation.rows["holdout"]
    return f"only {rows:,} rows are held out" if rows < FEW_ROWS else ""
