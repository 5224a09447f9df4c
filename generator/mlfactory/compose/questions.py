"""What a composed template asks: upstream's questions, those of the company, and trials of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations as pairs_of
from itertools import product
from typing import Any

from mlfactory.base.answers import Answers
from mlfactory.base.errors import UsageError

FILE = "template/questions/company.yml"
OWN_KEYS = ("required", "example")  # of ours, and not copier's
MOST = 48  # with more combinations than this, only all pairs of answers are tried
# What the questions alone do not tell: answers of mlfactory's own that bring other files.
MORE: tuple[Answers, ...] = ({"folder": "models/churn"}, {"data_source": "data/query.sql"})
Questions = Mapping[str, Mapping[str, Any]]


def merge(own: Questions, upstream: Questions) -> dict[str, dict[str, Any]]:
    """The company's questions as copier takes them: what one of upstream's says holds where the
    company says nothing of it.

    Raises UsageError for a question that can be neither asked nor tried.
    """
    merged = {}
    for name, facts in own.items():
        if not isinstance(facts, Mapping) or not name.isidentifier():
            raise UsageError(f"the question {name} is none", "Write it as copier does, in a table.")
        whole = {**upstream.get(name, {}), **facts}
        refuse_odd(name, whole)
        if whole.get("required"):
            whole.pop("default", None)
        merged[name] = {key: value for key, value in whole.items() if key not in OWN_KEYS}
    return merged


def refuse_odd(name: str, facts: Mapping[str, Any]) -> None:
    """Raises UsageError for a question without a default that nobody could try."""
    required = facts.get("required")
    if required and "example" not in facts and "choices" not in facts:
        raise UsageError(
            f"the question {name} is required and has no example",
            "Add example: VALUE, with which renders are tried.",
        )
    if not required and "default" not in facts and "choices" not in facts:
        raise UsageError(
            f"the question {name} has no default",
            "Add default: VALUE, or required: true where none can be right.",
        )


def examples(own: Questions) -> dict[str, Any]:
    """An answer to each question that has no default."""
    return {
        name: facts["example"] if "example" in facts else values_of(facts)[0]
        for name, facts in own.items()
        if facts.get("required")
    }


def values_of(facts: Mapping[str, Any]) -> list[Any]:
    """The answers to a question of which there are few; none of others."""
    choices = facts.get("choices", ())
    if facts.get("type") == "bool":
        return [True, False]
    if isinstance(choices, str):
        return []
    values = choices.values() if isinstance(choices, dict) else choices
    plain = (one[1] if isinstance(one, list | tuple) else one for one in values)
    return [one["value"] if isinstance(one, dict) else one for one in plain]


def combinations(questions: Questions, own: Questions, more: tuple[Answers, ...]) -> list[Answers]:
    """The answers to try a template with: every combination of those that are always asked, and
    each of the others once."""
    base = examples(own)
    free = {
        name: values
        for name, facts in questions.items()
        if facts.get("when", True) is True and (values := values_of(facts))
    }
    rows: list[Answers] = [{**base, **row} for row in crossed(free)]
    rest = [
        {name: value}
        for name, facts in questions.items()
        if isinstance(facts.get("when"), str)
        for value in values_of(facts)
    ]
    files = [row for row in MORE if row.keys() <= questions.keys()]
    rows += [{**base, **row} for row in (*rest, *files, *more)]
    return list({repr(sorted(row.items())): row for row in rows}.values())


def crossed(values: Mapping[str, list[Any]]) -> Iterator[Answers]:
    """All combinations, or where these are too many so many that each pair of answers occurs."""
    rows = [dict(zip(values, row, strict=True)) for row in product(*values.values())]
    if len(rows) <= MOST:
        yield from rows
        return
    missing = {pair for row in rows for pair in pairs(row)}
    while missing:
        best = max(rows, key=lambda row: len(missing.intersection(pairs(row))))
        missing -= set(pairs(best))
        yield best


def pairs(row: Answers) -> list[tuple[Any, ...]]:
    return list(pairs_of(((name, repr(value)) for name, value in row.items()), 2))
