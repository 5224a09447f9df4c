"""What a column is good for: pure decisions on counts, and the sentences that go with them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mlfactory.base.errors import MlfactoryError, UsageError

TASKS = ("auto", "classification", "regression")
MIN_ROWS = 50
MIN_CLASS = 3
RARE_CLASS = 10
FEW_VALUES = 10
MANY_CLASSES = 100
MIN_ENTITIES = 10
LARGE_ENTITY = 0.3
SHOWN = 12
DATES = "Write dates in one way, such as 2025-12-31 or 2025-12-31 23:59:59"


@dataclass(frozen=True)
class Parts:
    """The columns that play a part, and the task that was asked for."""

    target: str
    identifier: str = ""
    time: str = ""
    task: str = "auto"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.target, self.identifier, self.time)))


@dataclass(frozen=True)
class TargetFacts:
    """What the target holds; `counts` are rows per value, where there are few values.

    `odd` are words among numbers, which count as missing; `strange` ones are too many for that.
    """

    name: str
    rows: int
    present: int
    distinct: int
    kind: str
    counts: tuple[tuple[str, int], ...] = ()
    strange: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    dtype: str = "String"
    odd: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spread:
    """How the rows spread over the values of the identifier; `most` belong to `top`."""

    name: str
    rows: int
    missing: int
    distinct: int
    most: int
    top: str
    whole: bool = True


@dataclass(frozen=True)
class Span:
    """What the time column holds; `wrong` different values are no moments."""

    name: str
    missing: int
    distinct: int
    newest: str
    examples: tuple[str, ...]
    wrong: int
    whole: bool = True


def check(source: str, names: Sequence[str], parts: Parts) -> None:
    """The columns are there, each plays one part, and something is left to learn from."""
    if parts.task not in TASKS:
        raise UsageError(f"there is no task {parts.task!r}", f"Use --task {', '.join(TASKS)}.")
    options = {"--target": parts.target, "--id": parts.identifier, "--time": parts.time}
    for option, name in options.items():
        if name or option == "--target":
            check_column(source, names, option, name)
    columns = parts.columns
    if len(set(columns)) < len(columns):
        both = [option for option, name in options.items() if name and columns.count(name) > 1]
        raise UsageError(
            f"the column {options[both[0]]!r} cannot be {' and '.join(both)} at once",
            f"Name another column with {both[-1]}, or leave it out.",
        )
    if not set(names) - set(columns):
        raise MlfactoryError(
            f"{source} has no column to learn from besides {', '.join(columns)}",
            "Add the columns that a prediction may be made from.",
        )


def check_column(source: str, names: Sequence[str], option: str, name: str) -> None:
    """The column is there. Raises MlfactoryError with the nearest name, or all of them."""
    if name in names:
        return
    spellings = {other.strip().lower(): other for other in reversed(names)}
    near = difflib.get_close_matches(name.strip().lower(), spellings, 1)
    listing = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    hint = f"Did you mean {option} {spellings[near[0]]!r}? " if near else ""
    message = f"{source} has no column {name!r}" if name else f"{option} names no column"
    raise MlfactoryError(message, f"{hint}Its columns are {listing}.")


def check_rows(source: str, facts: TargetFacts, whole: bool) -> None:
    """Enough rows with a target to fit a model and to hold some out, and not all alike."""
    if facts.rows == 0:
        raise MlfactoryError(
            f"{source} has a header and no row", "Look where its rows should come from."
        )
    where = "in every row" if whole else "in every row that was looked at"
    if facts.present == 0:
        raise MlfactoryError(
            f"the target {facts.name!r} is missing {where}", "Name another column with --target."
        )
    if facts.present < MIN_ROWS:
        raise MlfactoryError(
            f"{source} has {facts.present} rows with a target; at least {MIN_ROWS} are needed to "
            "train on some and test on others",
            "Collect more rows first.",
        )
    if facts.distinct < 2 and whole:
        some = facts.present < facts.rows
        raise MlfactoryError(
            f"the target {facts.name!r} is {facts.examples[0]!r} {where}{' that has one' * some}",
            "Name another column with --target, or add rows with another outcome.",
        )


def decide(facts: TargetFacts, task: str) -> tuple[str, str]:
    """The task and the sentence that explains it; MlfactoryError when the target has none."""
    check_kind(facts, task)
    guess = guess_task(facts)
    choice = guess if task == "auto" else task
    content = holds(facts)
    if choice == "regression" and facts.kind not in ("whole", "whole float", "number"):
        raise MlfactoryError(
            f"the target {facts.name!r} {content}: no number can be predicted",
            "Leave --task out, or say --task classification.",
        )
    if choice == "classification":
        check_classes(facts)
    if task == "auto":
        return choice, f"the target {facts.name!r} {content}, so the task is {choice}"
    return choice, f"the task is {choice}, as asked for; the target {facts.name!r} {content}"


def check_kind(facts: TargetFacts, task: str) -> None:
    """Refuse what is neither a class nor a number, and say why."""
    name, examples = repr(facts.name), " or ".join(map(repr, facts.strange))
    problems = {
        "other": (f"holds {facts.dtype} values", "Name a column of plain values with --target."),
        "decorated": (
            f"holds numbers with other signs in them, such as {examples}",
            "Write numbers with digits and a decimal point only: 1234.5",
        ),
        "mixed": (
            f"holds numbers, but also {examples}",
            "Leave unknown values empty, or say --task classification if these are classes.",
        ),
        "moment": (
            f"holds dates, such as {facts.examples[0] if facts.examples else ''}",
            "Name another column with --target; a number of days can be predicted.",
        ),
    }
    as_classes = task == "classification" and facts.kind in ("mixed", "moment")
    if facts.kind in problems and not as_classes:
        problem, hint = problems[facts.kind]
        raise MlfactoryError(f"the target {name} {problem}", hint)


def guess_task(facts: TargetFacts) -> str:
    """Numbers are predicted as numbers, unless there are only a few whole ones."""
    few = {"whole": FEW_VALUES, "whole float": 2, "number": 0}.get(facts.kind)
    if few is None or facts.distinct <= few:
        return "classification"
    return "regression"


def holds(facts: TargetFacts) -> str:
    kinds = {"whole": "whole numbers", "whole float": "whole numbers", "number": "numbers"}
    return f"holds {facts.distinct:,} different {kinds.get(facts.kind, 'names')}"


def check_classes(facts: TargetFacts) -> None:
    """Not a class per row: that is an identifier, free text, or a number after all."""
    if facts.distinct <= MANY_CLASSES:
        return
    number = facts.kind in ("whole", "whole float", "number")
    raise MlfactoryError(
        f"the target {facts.name!r} has {facts.distinct:,} classes, such as "
        f"{', '.join(map(repr, facts.examples))}; at most {MANY_CLASSES} can be told apart",
        "Say --task regression." if number else "Name another column with --target.",
    )


def target_warnings(facts: TargetFacts, task: str, whole: bool) -> tuple[str, ...]:
    """What is odd about the target; MlfactoryError when only one class has enough rows."""
    warnings = []
    if unknown := facts.rows - facts.present:
        warnings.append(f"{unknown:,} of {facts.rows:,} rows have no target and are left out")
    if facts.odd:
        words = ", ".join(map(repr, facts.odd))
        warnings.append(f"the target {facts.name!r} holds numbers; taken for missing are {words}")
    if facts.distinct < 2:
        warnings.append(f"the target {facts.name!r} never changes in what was looked at")
    if task == "regression":
        if 1 < facts.distinct <= FEW_VALUES:
            warnings.append(f"the target {facts.name!r} {holds(facts)} only: classes, perhaps")
        return tuple(warnings)
    return (*warnings, *alike_warnings(facts), *rare_warnings(facts, whole))


def alike_warnings(facts: TargetFacts) -> tuple[str, ...]:
    """Classes that differ in spelling only."""
    spellings: dict[str, list[str]] = {}
    for value, _ in facts.counts:
        spellings.setdefault(" ".join(value.lower().split()), []).append(value)
    alike = next((values for values in spellings.values() if len(values) > 1), None)
    if alike is None:
        return ()
    return (
        f"classes of {facts.name!r} differ in spelling only: {', '.join(map(repr, alike))}; each "
        "is a class of its own until they are written alike in the data",
    )


def rare_warnings(facts: TargetFacts, whole: bool) -> tuple[str, ...]:
    rare = [(f"{value!r} ({rows})", rows) for value, rows in facts.counts if rows < RARE_CLASS]
    tiny = [name for name, rows in rare if rows < MIN_CLASS and whole]
    few = [name for name, _ in rare if name not in tiny]
    if len(facts.counts) - len(tiny) < 2 <= len(facts.counts):
        raise MlfactoryError(
            f"but for one, the classes of {facts.name!r} have fewer than {MIN_CLASS} rows, too few "
            f"to train, validate and test on: {', '.join(tiny[:SHOWN])}",
            "Add rows of these classes, or join them in the data.",
        )
    groups = {"have few rows": few, f"have fewer than {MIN_CLASS} rows and are left out": tiny}
    texts = {what: ", ".join(names[:SHOWN]) for what, names in groups.items() if names}
    return tuple(f"some classes of {facts.name!r} {what}: {text}" for what, text in texts.items())


def check_identifier(spread: Spread) -> tuple[str, ...]:
    """Warnings; MlfactoryError when the column does not name rows or entities."""
    name = repr(spread.name)
    if spread.missing:
        raise MlfactoryError(
            f"the identifier {name} is missing in {spread.missing:,} of {spread.rows:,} rows",
            "Fill it at the source, or leave --id out.",
        )
    if spread.distinct < MIN_ENTITIES and spread.whole:
        raise MlfactoryError(
            f"the identifier {name} has {spread.distinct} different values only: it names no rows",
            "Name the column that tells rows or entities apart, or leave --id out.",
        )
    if spread.most > LARGE_ENTITY * spread.rows:
        share = spread.most / spread.rows
        return (f"{share:.0%} of the rows have the identifier {spread.top!r} in {name}",)
    return ()


def check_time(span: Span) -> tuple[str, ...]:
    """Warnings; MlfactoryError when rows cannot be put in order by this column."""
    name = repr(span.name)
    if span.wrong:
        examples = ", ".join(map(repr, span.examples))
        raise MlfactoryError(
            f"the time column {name} holds values, not dates: {examples}",
            f"{DATES}, or leave --time out.",
        )
    if span.missing:
        raise MlfactoryError(
            f"the time column {name} is missing in {span.missing:,} rows",
            "Fill it at the source, or leave --time out.",
        )
    if span.distinct < 2 and span.whole:
        raise MlfactoryError(
            f"the time column {name} is {span.newest!r} in every row: nothing is newer than "
            "the rest and could be held out",
            "Leave --time out.",
        )
    tomorrow = str(date.today() + timedelta(days=2))
    if span.newest > tomorrow:
        return (f"the time column {name} goes into the future, up to {span.newest}",)
    return ()
