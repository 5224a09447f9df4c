"""The questions of `mlfactory new` about the data, at a terminal: what was seen, and a default.

Whoever is asked sees each column with what its first rows hold, why a default is proposed, and can
go back to the question before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import join
from typing import Any

from mlfactory.base.talk import Proposal, Talk

from .journal import QUERY, Run

ROWS, SHORT = 2000, 24
NONE = "none"
TARGET = r"target|label|class|outcome|churn(ed)?|y|default|survived|objetivo|clase|etiqueta"
NAME = r"(.*[ _-])?(id|key|uuid|code|number|nr|no|codigo)|.*Id"
DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
OPTIONS = {"target": "--target", "id_column": "--id", "time_column": "--time"}
USUAL = {"serving": "batch", "ci": "github", "remote": "", "owner": ""}


@dataclass(frozen=True)
class Facts:
    """What the first rows hold of a column: how many differ, and one of the values."""

    name: str
    rows: int
    different: int
    missing: int
    example: str
    are_days: bool

    @property
    def fact(self) -> str:
        """In a few words."""
        lack = f", {self.missing / self.rows:.0%} missing" if self.missing else ""
        return f"{self.different:,} different{lack}, such as {self.example}"


def columns(run: Run, paths: Sequence[Path]) -> tuple[Facts, ...]:
    """What is to be seen of each column; nothing of a query, which is not run for that."""
    from mlfactory.look import rows

    if run.form == QUERY or not paths:
        return ()
    table = rows.read(paths[0], ROWS).rows
    return tuple(
        _facts_of(name, [row[name] for row in table]) for name in (table[0] if table else ())
    )


def _facts_of(name: str, values: Sequence[Any]) -> Facts:
    texts = [str(value).strip() for value in values if value is not None and str(value).strip()]
    example = texts[0] if texts else "nothing"
    short = example if len(example) <= SHORT else f"{example[:SHORT]}…"
    are_days = bool(texts) and all(DAY.match(text) for text in texts)
    return Facts(name, len(values), len(set(texts)), len(values) - len(texts), short, are_days)


def propose_target(facts: Sequence[Facts]) -> tuple[str, str]:
    """The column that is called like one, else the last."""
    for one in facts:
        if re.fullmatch(TARGET, one.name, re.IGNORECASE):
            return one.name, "its name says so"
    return facts[-1].name, "it is the last column"


def propose_id(facts: Sequence[Facts]) -> tuple[str, str]:
    """A column of that name in which no value repeats."""
    for one in facts:
        is_whole = not one.missing and one.different == one.rows
        if is_whole and re.fullmatch(NAME, one.name, re.IGNORECASE):
            return one.name, f"its name says so, and no value repeats in {one.rows:,} rows"
    return NONE, "no column whose name says so has values that never repeat"


def propose_time(facts: Sequence[Facts]) -> tuple[str, str]:
    """None, for that is for people to decide; the columns with days are named."""
    days = [one.name for one in facts if one.are_days]
    if not days:
        return NONE, "no column holds days"
    names = " or ".join(days)
    return NONE, f"name {names} where later rows are predicted: the newest are held out then"


Propose = Callable[[Sequence[Facts]], tuple[str, str]]
QUESTIONS: tuple[tuple[str, str, Propose], ...] = (
    ("target", "Which column is predicted?", propose_target),
    ("id_column", "Which column names a row or an entity?", propose_id),
    ("time_column", "Which column tells when a row became known?", propose_time),
)


def ask(run: Run, paths: Sequence[Path], talk: Talk) -> Run:
    """Ask what no option has answered; an answer can be taken back while these are asked."""
    facts = columns(run, paths)
    if not facts or run.given.get("target"):
        return run
    questions = [one for one in QUESTIONS if one[0] not in run.given]
    answers: dict[str, str] = {}
    place = 0
    while place < len(questions):
        name, text, propose = questions[place]
        rest = [one for one in facts if one.name not in _before(answers, questions[:place])]
        answer = talk.pick(text, _proposal(name, rest, propose, is_first=place == 0))
        if answer is None:
            place -= 1
            continue
        answers[name] = "" if answer == NONE and name != "target" else answer
        place += 1
    return replace(run, given={**run.given, **answers})


def _before(answers: dict[str, str], questions: Sequence[tuple[str, str, Propose]]) -> set[str]:
    """The columns that questions before have taken."""
    return {answers[name] for name, *_ in questions}


def _proposal(name: str, facts: Sequence[Facts], propose: Propose, *, is_first: bool) -> Proposal:
    default, why = propose(facts)
    choices = [(one.name, one.fact) for one in facts]
    if name != "target":
        choices.append((NONE, ""))
    return Proposal(tuple(choices), default, why, can_go_back=not is_first)


def command(run: Run) -> str:
    """The one command that does the same without questions."""
    request, answers = run.request, run.answers
    words = ["mlfactory", "new", request.directory]
    for option, value in (
        ("--data", request.data),
        ("--table", request.table),
        ("--query", request.query),
        ("--template", request.template),
        ("--ref", request.ref),
        ("--tag-prefix", request.tag_prefix),
        ("--answers", request.answers_file),
    ):
        words += [option, value] if value else []
    for name, option in OPTIONS.items():
        words += [option, str(answers[name])] if answers.get(name) else []
    for name, usual in USUAL.items():
        value = str(answers.get(name) or "")
        words += [f"--{name}", value] if value != usual else []
    for name, value in request.settings.items():
        words += ["--set", f"{name}={value}"]
    words += {True: ["--inside"], False: ["--own-repository"], None: []}[request.inside]
    words += ["--trust"] if run.trusted and request.template else []
    return join([*words, "--defaults"])
