"""What a composed template asks: upstream's questions, those of the company, and trials of both."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mlfactory.base.answers import Answers, suggestion
from mlfactory.base.errors import UsageError

from . import pairs

FILE = "company/questions.yml"
NAME = re.compile(r"(?!True$|False$|None$)[A-Za-z]\w*")
OWN_KEYS = ("required", "example")  # of ours, and not copier's
KEYS = {
    *OWN_KEYS, "type", "help", "default", "choices", "multiselect", "multiline", "placeholder",
    "qmark", "secret", "validator", "when", "ask",
}  # fmt: skip
NO_DEFAULTS = "the defaults are not allowed together, so that --defaults makes no project: {}"
FORBIDDEN = "Mend the validator, or the example or row in company.yml that it forbids."
NEVER = (
    "{} is tried with nothing, for no row with it is allowed: if there is one, add it to "
    "`combinations`"
)
SHADOW = (
    "upstream asks {0}, too, and yours stands in its place: compare them; to change what upstream "
    "asks, leave `type` out"
)
# What the questions alone do not tell: answers of mlfactory's own that bring other files.
MORE: tuple[Answers, ...] = (
    {"folder": "models/churn"},
    {"data_source": "data/query.sql"},
    {"mlfactory_source": "mlfactory==0.5.0"},
)
Questions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Reply:
    """What a template says to answers: why it does not take them together, or nothing; and which
    questions it does not ask then."""

    refusal: str
    hidden: frozenset[str] = frozenset()


Ask = Callable[[Answers], Reply]


@dataclass(frozen=True)
class Rows:
    """Answers to try a template with: each with each other, one by one, and as the company names
    them. What no validator allows is not among them; `never` are answers that are in none."""

    crossed: tuple[Answers, ...]
    single: tuple[Answers, ...]
    extra: tuple[Answers, ...]
    never: tuple[str, ...] = ()

    @property
    def all(self) -> list[Answers]:
        return distinct([*self.crossed, *self.single, *self.extra])


def merge(own: Questions, upstream: Questions) -> dict[str, dict[str, Any]]:
    """The company's questions as copier takes them. One with a `type` is the company's alone; of
    another it says what changes, and all else is as upstream asks it.

    Raises UsageError for a question that can be neither asked nor tried.
    """
    merged = {}
    for name, facts in own.items():
        if not (isinstance(facts, Mapping) and NAME.fullmatch(str(name))):
            hint = "Write it as copier does, in a table; a name begins with a letter."
            raise UsageError(f"the question {name} is none", hint)
        if odd := sorted(facts.keys() - KEYS):
            hint = suggestion(odd[0], sorted(KEYS)).replace("It asks:", "It has:")
            raise UsageError(f"the question {name} has no entry {odd[0]}", hint)
        refuse_idle(name, facts, upstream)
        whole = dict(facts) if "type" in facts else {**upstream[name], **facts}
        refuse_odd(name, whole)
        if whole.get("required"):
            whole.pop("default", None)
        merged[name] = {key: value for key, value in whole.items() if key not in OWN_KEYS}
    return merged


def refuse_idle(name: str, facts: Mapping[str, Any], upstream: Questions) -> None:
    """Raises UsageError for a change of what upstream does not ask, and for a default that nobody
    would be asked about: such a question is asked of those only who answer it."""
    if "type" in facts:
        return
    if name not in upstream:
        what = f"the question {name} has no type, and upstream asks nothing of that name to change"
        hint = "Add type: str, say, where it is one of yours."
        raise UsageError(what, f"{suggestion(name, sorted(upstream))} {hint}")
    when = str({**upstream[name], **facts}.get("when", ""))
    if {"default", "required"} & facts.keys() and re.search(rf"\b{name}\b", when):
        what = f"{name} is asked only of those who answer it, and no project would record a default"
        raise UsageError(what, f"Ask everybody, with when: true below {name}, or leave it out.")


def shadows(own: Questions, upstream: Questions) -> tuple[str, ...]:
    """What is said of questions that stand in place of upstream's."""
    both = (name for name, facts in own.items() if "type" in facts and name in upstream)
    return tuple(SHADOW.format(name) for name in both)


def refuse_unlisted(name: str, facts: Mapping[str, Any]) -> None:
    """Raises UsageError for a default or an example that nobody could choose. What other answers
    decide is seen when it is tried."""
    values = [str(value) for value in choices_of(facts)]
    for key in ("example", *(() if facts.get("required") else ("default",))):
        one = facts.get(key)
        answers = [str(part) for part in (one if isinstance(one, list) else [one])]
        rest = [text for text in answers if text not in values and "{" not in text]
        if values and one is not None and rest:
            what = f"the {key} of the question {name} is none of its choices: {rest[0]}"
            raise UsageError(what, f"Its choices are {', '.join(values)}.")


def refuse_odd(name: str, facts: Mapping[str, Any]) -> None:
    """Raises UsageError for a question without a default that nobody could try."""
    refuse_unlisted(name, facts)
    required = facts.get("required")
    if required and "example" not in facts and "choices" not in facts:
        raise UsageError(
            f"the question {name} is required and has no example",
            "Add example: VALUE, with which renders are tried.",
        )
    if facts.get("secret") and (required or "default" not in facts):
        raise UsageError(
            f"the question {name} is secret, and copier records no answer to such a one",
            "Add default: VALUE, and no required: it is asked anew at each update.",
        )
    if not required and "default" not in facts and "choices" not in facts:
        raise UsageError(
            f"the question {name} has no default",
            "Add default: VALUE, or required: true where none can be right.",
        )


def examples(own: Questions) -> dict[str, Any]:
    """An answer to each question that has an example, or no default."""
    return {
        name: facts["example"] if "example" in facts else values_of(facts)[0]
        for name, facts in own.items()
        if facts.get("required") or "example" in facts
    }


def values_of(facts: Mapping[str, Any]) -> list[Any]:
    """The answers to a question of which there are few; none of others."""
    if facts.get("type") == "bool":
        return [True, False]
    values = choices_of(facts)
    return [[one] for one in values] if facts.get("multiselect") else values


def choices_of(facts: Mapping[str, Any]) -> list[Any]:
    """The values among which one chooses; none where other answers decide what they are."""
    choices = facts.get("choices", ())
    if isinstance(choices, str):
        return []
    values = choices.values() if isinstance(choices, dict) else choices
    plain = (one[1] if isinstance(one, list | tuple) else one for one in values)
    whole = [one["value"] if isinstance(one, dict) else one for one in plain]
    return [] if any("{{" in str(one) or "{%" in str(one) for one in whole) else whole


def refuse_strange(questions: Questions, more: tuple[Answers, ...]) -> None:
    """Raises UsageError for a combination that answers what nobody asks: it would try nothing."""
    if odd := sorted({name for row in more for name in row} - questions.keys()):
        hint = suggestion(odd[0], sorted(questions))
        raise UsageError(f"combinations answers {odd[0]}, which nobody asks", hint)


def rows_of(questions: Questions, own: Questions, more: tuple[Answers, ...], ask: Ask) -> Rows:
    """The answers to try a template with: every combination of those that are always asked, each
    of the others once where it is asked, and what the company names.

    Raises UsageError where none can be given, or not what the company names.
    """
    base = examples(own)
    always = free(questions)
    rows = pairs.combinations(always, lambda row: not ask({**base, **row}).refusal)
    crossed = [{**base, **row} for row in rows] or [base]
    files = [{**base, **row} for row in MORE if row.keys() <= questions.keys()]
    rest = [
        with_one([*crossed, *files], name, value, ask)
        for name, facts in questions.items()
        if isinstance(facts.get("when"), str)
        for value in values_of(facts)
    ]
    single = [row for row in (*rest, *files) if not ask(row).refusal]
    extra = [{**base, **row} for row in more]
    for row in (crossed[0], *extra):
        if reason := ask(row).refusal:
            raise UsageError(f"with {about(row)}: {reason}", FORBIDDEN)
    answers = {text for row in rest for text in texts_of(row)}
    answers |= {(name, repr(value)) for name, values in always.items() for value in values}
    never = answers.difference(*map(texts_of, (*crossed, *single, *extra)))
    texts = [NEVER.format("=".join(answer)) for answer in sorted(never)]
    if reason := ask(base).refusal:
        texts.append(NO_DEFAULTS.format(reason))
    return Rows(tuple(crossed), tuple(single), tuple(extra), tuple(texts))


def with_one(rows: list[Answers], name: str, value: Any, ask: Ask) -> Answers:
    """An answer to a question that is not always asked, with the first of the rows in which it is,
    and may be given, else with the very first."""
    whole = [{**row, name: value} for row in rows]
    replies = ((row, ask(row)) for row in whole)
    fits = (row for row, reply in replies if not reply.refusal and name not in reply.hidden)
    return next(fits, whole[0])


def free(questions: Questions) -> dict[str, list[Any]]:
    """The questions that are always asked and have few answers, with these."""
    return {
        name: values
        for name, facts in questions.items()
        if facts.get("when", True) is True and (values := values_of(facts))
    }


def real(rows: Rows, *, few: bool) -> list[Answers]:
    """The answers to make factories with: so few that each answer occurs, or all; and those that
    the company names, unless they need what only a larger repository or a database has."""
    apart = {name for row in MORE for name in row}
    extra = [row for row in rows.extra if not row.keys() & apart]
    return distinct([*(covering(rows.crossed) if few else rows.crossed), *extra])


def distinct(rows: list[Answers]) -> list[Answers]:
    return list({repr(sorted(row.items())): row for row in rows}.values())


def about(row: Answers) -> str:
    """Answers in a few words."""
    return ", ".join(f"{name}={value}" for name, value in row.items()) or "defaults"


def covering(rows: Collection[Answers]) -> list[Answers]:
    """As few of the rows as it takes for each answer to occur."""
    missing = {answer for row in rows for answer in texts_of(row)}
    few: list[Answers] = []
    while missing or not few:
        few.append(max(rows, key=lambda row: len(missing & texts_of(row))))
        missing -= texts_of(few[-1])
    return few


def texts_of(row: Answers) -> set[tuple[str, str]]:
    return {(name, repr(value)) for name, value in row.items()}
