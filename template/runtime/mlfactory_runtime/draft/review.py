"""Going through the catalog with a person: what is suspect, and what is only assumed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import FactoryError
from ..project import CATALOG, EVALUATION, Project
from ..records.evaluation import Evaluation
from ..records.record import read
from ..settings.catalog import Catalog, Column
from ..settings.edit import open_yaml, save_yaml

Kind = Literal["suspect", "assumed"]
WHEN = {"o": "online", "b": "batch", "a": "after_outcome"}


@dataclass(frozen=True)
class Question:
    """A column that a person has to decide on, with its share of the importance if known."""

    name: str
    kind: Kind
    column: Column
    importance: float | None

    def json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "column": self.name,
            "kind": self.kind,
            "importance": self.importance,
            "evidence": self.column.suspect,
            "drafted": self.column.drafted,
            "availability": self.column.availability,
        }


def pending(project: Project) -> list[Question]:
    """What nobody has decided yet: suspects first, then the most important feature first."""
    catalog, questions = project.catalog, []
    weight, learned = importance(project, catalog), catalog.inputs(project.params)
    for name, column in catalog.columns.items():
        suspect = column.suspect and column.role not in ("ignored", "target")
        if suspect or (column.assumed and name in learned):
            kind: Kind = "suspect" if suspect else "assumed"
            questions.append(Question(name, kind, column, weight.get(name)))
    return sorted(questions, key=lambda one: (one.kind != "suspect", -(one.importance or 0.0)))


def importance(project: Project, catalog: Catalog) -> dict[str, float]:
    """The share of each raw column in the last model's importance; empty before the first one."""
    shares: dict[str, float] = {}
    evaluation = read(Evaluation, project.root / EVALUATION)
    for line in evaluation.importance if evaluation else ():
        in_catalog = line.feature in catalog.columns or line.feature in catalog.derived
        for root in catalog.roots(line.feature) if in_catalog else ():
            shares[root] = shares.get(root, 0.0) + line.gain
    return shares


def review(project: Project, ask: Callable[[Question], str], say: Callable[[str], None]) -> int:
    """Ask about each, write each answer at once, and give the number of answers.

    `o`, `b` and `a` say when a value is known; of a suspect, `o` and `b` also take the suspicion
    away. `i` ignores the column, an empty answer leaves it for later, `q` ends. With a `*`, an
    answer is given to all that follow; what is suspect is decided one by one, and comes first.
    """
    count, questions = 0, pending(project)
    for place, question in enumerate(questions):
        reply = ask(question).strip().lower()
        if reply == "q":
            break
        if not reply:
            continue
        every = reply.endswith("*") and question.kind == "assumed"
        answer = reply.removesuffix("*") if every else reply
        if answer not in (*WHEN, "i"):
            say(f"{reply!r} is none of o, b, a, i, q: {question.name} is left for later")
            continue
        names = [each.name for each in questions[place:]] if every else [question.name]
        decide(project, names, answer)
        count += len(names)
        if every:
            break
    return count


def decide(project: Project, names: Iterable[str], answer: str) -> None:
    """Write one decision on columns into features.yaml; everything else in it stays as it is."""
    yaml, content = open_yaml(project.root / CATALOG)
    for name in names:
        entry = content["columns"].get(name)
        if entry is None:
            text = f"features.yaml has no column {name!r} any more"
            raise FactoryError(text, "run the review again")
        if answer in WHEN:
            entry["availability"] = WHEN[answer]
        if answer in ("a", "i"):
            entry["role"] = "ignored"
        for mark in ("assumed", "suspect"):
            entry.pop(mark, None)
    save_yaml(yaml, content, project.root / CATALOG)


def line_of(name: str, column: Column) -> dict[str, str]:
    """A line of `factory catalog show`."""
    state = "suspect" if column.suspect else "assumed" if column.assumed else ""
    return {
        "column": name,
        "role": column.role,
        "type": column.dtype,
        "available": column.availability,
        "sensitive": column.sensitive,
        "state": state,
        "why": column.suspect or column.doubt or column.drafted or column.description,
    }
