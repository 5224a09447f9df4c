"""What people have to mind, and what they do next."""

from collections.abc import Iterator

from ..languages import of_record, say
from ..records.evaluation import Evaluation
from ..settings.catalog import Catalog
from ..settings.params import Params
from .words import count_of, list_of, quote, reason

FEW_ROWS, FEW_OF_A_CLASS = 200, 30


def cautions(catalog: Catalog, params: Params) -> Iterator[str]:
    """What is suspect, doubtful or sensitive in the data."""
    for name, column in catalog.columns.items():
        if column.suspect:
            end = "" if column.suspect.endswith((".", "?")) else "."
            why = f"{of_record(column.suspect)}{end}"
            text = "{name} is left out, for it may give the outcome away: {why}"
            yield say(text, name=quote(name), why=why)
    inputs = catalog.inputs(params)
    for name, column in catalog.columns.items():
        if column.doubt and (name in inputs or column.role == "target"):
            yield f"{quote(name)}: {of_record(column.doubt)}."
    if special := [name for name, column in inputs.items() if column.sensitive == "special"]:
        yield say(
            "The model learns from {names}: data of a kind that the law protects specially, such "
            "as health or belief. Make sure that there is a legal ground.",
            names=list_of(special),
        )


def steps(evaluation: Evaluation, catalog: Catalog, params: Params) -> Iterator[str]:
    """What to do next, the most urgent first."""
    inputs = catalog.inputs(params).items()
    guesses = [name for name, column in inputs if column.assumed]
    suspect = [name for name, column in catalog.columns.items() if column.suspect]
    if evaluation.verdict == "rejected":
        yield _better(evaluation)
    if suspect or guesses:
        yield _decide(len(suspect), len(guesses))
    if lack := _rows_lacking(evaluation):
        text = "Bring more rows: {lack}, and differences within the intervals cannot be seen."
        yield say(text, lack=lack)
    if evaluation.decision and not params.decision.has_costs and params.decision.budget is None:
        yield say("Say what a false alarm and a miss cost, under decision in params.yaml.")
    worst = evaluation.segments.worst if evaluation.segments else ()
    for name in dict.fromkeys(line.feature for line in worst[:2]):
        text = "Ask who knows {name} why groups of it are harder, and what would tell more."
        yield say(text, name=quote(name))
    if bare := [name for name, column in inputs if not column.description]:
        text = "Describe what {names} mean, in features.yaml: others will ask."
        yield say(text, names=list_of(bare, 4))
    if not params.report.segments:
        yield say("Name the columns whose groups matter, under report.segments in params.yaml.")
    if evaluation.verdict == "accepted":
        yield say("Decide whether it goes into use, and write down why, in docs/about.md.")


def _decide(suspect: int, guesses: int) -> str:
    """What the review asks for."""
    what = [count_of(suspect, "suspect column")] if suspect else []
    if guesses:
        text = "the availability of {columns}"
        what.append(say(text, columns=count_of(guesses, "column")))
    text = "Decide on {what}: factory catalog review asks for each."
    return say(text, what=say(" and ").join(what))


def _better(evaluation: Evaluation) -> str:
    if evaluation.reason in evaluation.warnings:
        return say(
            "Do not use it: look for the leak: take the column out, or confirm what is known."
        )
    lead = evaluation.gain["naive"].low
    if lead is None:
        return say("Do not use it yet: deliver more of what was held out, or hold out more of it.")
    if lead > 0:
        text = "Do not use it: {reason}. Features are added in features.py."
        return say(text, reason=reason(evaluation))
    text = "Do not use it: look for columns that tell more of {target}, or for more rows."
    return say(text, target=quote(evaluation.target))


def _rows_lacking(evaluation: Evaluation) -> str:
    """Which rows are few, if some are."""
    counts = (evaluation.split.classes or {}).get("holdout", {})
    rare = min(evaluation.classes, key=lambda name: counts.get(name, 0), default="")
    if rare and counts.get(rare, 0) < FEW_OF_A_CLASS:
        text = "only {rows:,} held-out rows are {name}"
        return say(text, rows=counts.get(rare, 0), name=quote(rare))
    rows = evaluation.rows["holdout"]
    return say("only {rows:,} rows are held out", rows=rows) if rows < FEW_ROWS else ""
