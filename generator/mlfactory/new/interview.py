"""The questions of `mlfactory new` about the data, at a terminal: what was seen, and a default.

Whoever is asked sees each column with what its first rows hold, whether it is about persons or may
tell the target, why a default is proposed, and can go back to the question before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING

from mlfactory.base.answers import Question
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.talk import Proposal, Talk

from . import arrival, intake
from .journal import QUERY, Run

if TYPE_CHECKING:
    from mlfactory_runtime.draft.preview import Preview

    from mlfactory.look.preview import Beginning, Facts

ROWS = 5000
NONE = "none"
TARGET = r"target|label|class|outcome|churn(ed)?|y|default|survived|objetivo|clase|etiqueta"
NAME = r"(.*[ _-])?(id|key|uuid|code|number|nr|no|codigo)|.*Id"
OPTIONS = {"target": "--target", "id_column": "--id", "time_column": "--time"}
ALSO = ("serving", "ci", "remote", "owner")  # questions with an option of the same name
LEFT_OUT = "{!r} is left out until you confirm it (factory catalog review): {}"
UNLEARNED = "{!r} is not learned from ({})"
VEILED = "{!r} is learned from, and its values are shown nowhere ({})"


@dataclass(frozen=True)
class Sight:
    """What the first rows show, and what a draft would say of them with the answers so far."""

    facts: tuple[Facts, ...]
    preview: Preview

    def text(self, one: Facts) -> str:
        """A column in a few words; what is about persons is not shown."""
        lack = f", {one.missing / one.rows:.0%} missing" if one.missing else ""
        personal = self.preview.personal.get(one.name, "")
        leak = "may tell the outcome" if one.name in self.preview.leaks else ""
        example = "" if personal else f", such as {one.example}"
        fact = f"{one.different:,} different{lack}{example}"
        return "; ".join(filter(None, (fact, personal, leak)))

    @property
    def days(self) -> list[str]:
        """The columns that hold days or moments."""
        return [name for name, kind in self.preview.dtypes.items() if kind in ("date", "datetime")]

    def notes(self, answers: Mapping[str, str]) -> Iterator[str]:
        """What the factory is going to do about leaks, groups and columns about persons."""
        yield from (LEFT_OUT.format(*pair) for pair in self.preview.leaks.items())
        yield from self.preview.notes
        for name, why in self.preview.personal.items():
            if name not in answers.values():
                text = VEILED if name in self.preview.learned else UNLEARNED
                yield text.format(name, why)


def beginning(run: Run, paths: Sequence[Path]) -> Beginning | None:
    """The first rows of the data, wherever they are."""
    from mlfactory.look import preview

    if run.form != QUERY:
        with arrival.naming(run.tables, intake.sources(run)):
            return preview.beginning(paths, ROWS) if paths else None
    from mlfactory.look import query

    answer = query.ask(Path(run.data), str(run.given["url_env"]))
    return preview.of_frame(answer.frame.head(ROWS))


def sight(rows: Beginning, answers: Mapping[str, str], task: str) -> Sight:
    """Look at the rows with the answers so far."""
    from mlfactory.look import preview

    target, identifier, time = (answers.get(name, "") for name in OPTIONS)
    parts = {"target": target, "identifier": identifier, "time": time}
    return Sight(preview.facts(rows), preview.preview(rows, task=task, **parts))


def propose_target(sight: Sight, facts: Sequence[Facts]) -> tuple[str, str]:
    """The column that is called like one, else the last that names no person."""
    for one in facts:
        if re.fullmatch(TARGET, one.name, re.IGNORECASE):
            return one.name, "its name says so"
    last = [one for one in facts if one.different > 1 and one.name not in sight.preview.personal]
    return (last or facts)[-1].name, "it is the last column"


def propose_id(sight: Sight, facts: Sequence[Facts]) -> tuple[str, str]:
    """A column of that name in which no value repeats, else the one whose rows belong together."""
    for one in facts:
        is_whole = not one.missing and one.different == one.rows
        if is_whole and re.fullmatch(NAME, one.name, re.IGNORECASE):
            return one.name, f"its name says so, and no value repeats in {one.rows:,} rows"
    for one in facts:
        if (one.name,) == sight.preview.group and not one.missing:
            return one.name, f"it names whom several rows are about; {sight.preview.notes[0]}"
    return NONE, "no column whose name says so has values that never repeat"


def propose_time(sight: Sight, facts: Sequence[Facts]) -> tuple[str, str]:
    """None, for that is for people to decide; the columns with days are named."""
    days = [one.name for one in facts if one.name in sight.days]
    if not days:
        return NONE, "no column holds days"
    names = " or ".join(days)
    return NONE, f"name {names} where later rows are predicted: the newest are held out then"


Propose = Callable[[Sight, Sequence["Facts"]], tuple[str, str]]
QUESTIONS: tuple[tuple[str, str, Propose], ...] = (
    ("target", "Which column is predicted?", propose_target),
    ("id_column", "Which column names a row or an entity?", propose_id),
    ("time_column", "Which column tells when a row became known?", propose_time),
)
SURE = "Go on with these?"


def ask(run: Run, paths: Sequence[Path], talk: Talk) -> Run:
    """Ask what no option has answered; an answer can be taken back while these are asked."""
    rows = beginning(run, paths) if not run.given.get("target") else None
    if rows is None or not rows.frame.width:
        return run
    options = {name: str(run.given[name]) for name in OPTIONS if run.given.get(name)}
    questions = [one for one in QUESTIONS if one[0] not in run.given]
    answers: dict[str, str] = {}
    place = 0
    while place <= len(questions):
        before = {name: answers[name] for name, *_ in questions[:place]}
        view = sight(rows, options | before, task_of(run, before))
        if place == len(questions):
            place = place - 1 if goes_back(view, options | before, talk) else place + 1
            continue
        name, text, propose = questions[place]
        rest = [one for one in view.facts if one.name not in {*options.values(), *before.values()}]
        proposal = _proposal(name, view, rest, propose, is_first=place == 0)
        answer = talk.pick(text, proposal)
        if answer is None:
            place -= 1
            continue
        answers[name] = "" if answer == NONE and name != "target" else answer
        if why := refusal(run, before | {name: answers[name]}, answers[name]):
            talk.note(why)
            continue
        place += 1
    return replace(run, given={**run.given, **answers})


def task_of(run: Run, answers: Mapping[str, str]) -> str:
    """What is predicted, once there is a target."""
    if not answers.get("target"):
        return "classification"
    return intake.look_at(replace(run, given={**run.given, **answers})).task


def refusal(run: Run, answers: Mapping[str, str], name: str) -> str:
    """Why the data speak against the column just named; what is wrong with all of them is raised.

    Raises MlfactoryError where another answer would not help.
    """
    try:
        intake.look_at(replace(run, given={**run.given, **answers}))
    except MlfactoryError as error:
        if repr(name) not in error.message:
            raise
        return f"{error.message}. {error.hint}"
    return ""


def goes_back(view: Sight, answers: Mapping[str, str], talk: Talk) -> bool:
    """Say what follows from the answers, if anything does, and ask whether they stand."""
    notes = [*view.notes(answers)]
    if not notes:
        return False
    for text in notes:
        talk.note(text)
    yes = Proposal((("yes", ""),), "yes", "features.yaml says so, and can be changed", True)
    return talk.pick(SURE, yes) is None


def _proposal(
    name: str, view: Sight, facts: Sequence[Facts], propose: Propose, *, is_first: bool
) -> Proposal:
    default, why = propose(view, facts)
    choices = [(one.name, view.text(one)) for one in facts]
    if name != "target":
        choices.append((NONE, ""))
    return Proposal(tuple(choices), default, why, can_go_back=not is_first)


def command(run: Run, questions: Mapping[str, Question]) -> str:
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
    for name, value in picks(run, questions):
        words += [f"--{name}", value] if name in ALSO else ["--set", f"{name}={value}"]
    for name, value in request.settings.items():
        words += ["--set", f"{name}={value}"]
    words += {True: ["--inside"], False: ["--own-repository"], None: []}[request.inside]
    words += ["--trust"] if run.trusted and request.template else []
    return join([*words, "--defaults"])


def picks(run: Run, questions: Mapping[str, Question]) -> Iterator[tuple[str, str]]:
    """The answers that the template's defaults would not give, beside those that come from the
    directory, the data and --set."""
    data = {*OPTIONS, *run.given} - {*ALSO}
    elsewhere, answers = {"project_name", *data, *run.request.settings}, run.answers
    for name in (name for name in questions if name in answers and name not in elsewhere):
        if (value := answers[name]) != questions[name].default:
            yield name, value if isinstance(value, str) else json.dumps(value)
