"""From where on a row is called positive, and what calls cost, in words."""

from collections.abc import Iterator

from ..languages import form, say
from ..records.evaluation import Costs, Evaluation
from ..settings.decision import Decision
from ..settings.params import Params
from .words import interval, number, quote


def decision(evaluation: Evaluation, params: Params) -> Iterator[str]:
    """From where on a row is called positive, why, and what that costs."""
    costs, rule = evaluation.decision, params.decision
    if not costs:
        return
    name, prices = quote(evaluation.positive or ""), _prices(rule)
    text = "A row is called {name} when its probability is {limit:.3g} or more: {why}."
    yield say(text, name=name, limit=evaluation.threshold or 0.0, why=_why(rule, prices))
    yield say(
        "Where {prices}, these calls cost {cost} per held-out row; to call nobody {name} would "
        "cost {nobody}, and everybody {everybody}.",
        prices=prices, name=name, cost=number(costs.cost), nobody=number(costs.nobody),
        everybody=number(costs.everybody),
    )  # fmt: skip
    if rule.has_costs and "saving" in evaluation.models["model"]:
        saving = interval(evaluation.models["model"]["saving"])
        text = "Against the better of calling nobody and everybody they save {saving} per row."
        yield say(text, saving=saving)
    if "recall_at_budget" in evaluation.leading:
        yield _within(evaluation, rule)
    if not rule.is_budgeted:
        yield _cheapest(costs)


def _prices(rule: Decision) -> str:
    text = "a false alarm costs {alarm:g} and a miss {miss:g}"
    return say(text, alarm=rule.cost_fp, miss=rule.cost_fn)


def _why(rule: Decision, prices: str) -> str:
    """Why rows are called from there on."""
    if rule.is_budgeted:
        return say("so many calls are in the budget, {budget}", budget=budget(rule))
    if rule.threshold is None:
        text = "the cheapest if {prices}, and probabilities can be taken at their word"
        return say(text, prices=prices)
    return say("as params.yaml says")


def budget(rule: Decision) -> str:
    """How many rows can be called, in words."""
    if rule.budget is not None and rule.budget_rows:
        return say("{count:,g} of {rows:,} rows", count=rule.budget, rows=rule.budget_rows)
    share = say("{share}% of the rows", share=form(".3g", 100 * rule.share))
    if rule.budget is not None:
        return share
    return say("taken to be {share}, for params.yaml names none", share=share)


def _within(evaluation: Evaluation, rule: Decision) -> str:
    """What is found when only the budget is called, and from where on that is."""
    costs, own = evaluation.decision, evaluation.models["model"]
    text = say(
        "Within the budget, {budget}, {recall} of all that are {name} are found, and {precision} "
        "of the calls are right",
        budget=budget(rule), name=quote(evaluation.positive or ""),
        recall=interval(own["recall_at_budget"]), precision=interval(own["precision_at_budget"]),
    )  # fmt: skip
    if not costs or costs.budget_threshold is None or rule.is_budgeted:
        return f"{text}."
    price = ""
    if rule.has_costs:
        price = say(", which costs {cost} per row", cost=number(costs.budget_cost))
    limit = number(costs.budget_threshold)
    return say(
        "{text}: calls from {limit} on keep to it{price}.", text=text, limit=limit, price=price
    )


def _cheapest(costs: Costs) -> str:
    if costs.cost <= costs.cheapest:
        return say("No other threshold would have been cheaper on these rows.")
    where = say("for nobody")
    if costs.cheapest != costs.nobody:
        where = say("from {limit} on", limit=number(costs.cheapest_threshold))
    text = "In hindsight calls {where} would have been the cheapest, at {cost}"
    text = say(text, where=where, cost=number(costs.cheapest))
    if costs.improvable:
        return say("{text}: surely cheaper by more than a tenth.", text=text)
    return say("{text}, which may be chance.", text=text)
