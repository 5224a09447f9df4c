"""Plans and states as lines of text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlfactory.base.answers import Answers
from mlfactory.project.record import USUAL
from mlfactory.update.changes import Change, fold

if TYPE_CHECKING:
    from mlfactory.update.drift import Status
    from mlfactory.update.plan import UpdatePlan


def plan_lines(plan: UpdatePlan) -> Iterator[str]:
    """From where to where, what is new, and what happens to each file."""
    if plan.is_current:
        yield f"{plan.project} is at {plan.to_version}: nothing to do"
        return
    yield f"{plan.project}: {plan.from_version} -> {plan.to_version} of {plan.source}"
    if plan.changelog:
        yield from ("", *(f"  {text}".rstrip() for text in plan.changelog.splitlines()))
    questions = ("New questions, with their answers:", plan.questions)
    for title, values in (questions, ("New settings, with their defaults:", plan.settings)):
        if values:
            yield from ("", title)
            yield from (f"  {text}" for text in answer_lines(values))
    if plan.dropped:
        yield from ("", "Answers that are dropped, because their questions are gone:")
        yield from (f"  {text}" for text in answer_lines(plan.dropped))
    if skipped := [*not_run(plan.skipped_migrations, plan.skipped_tasks)]:
        yield from ("", "Not run, as the template is not trusted (--trust runs it):")
        yield from (f"  {text}" for text in skipped)
    yield from ("", "Files:", *map(change_line, fold(plan.changes)))
    for name in plan.blocked:
        yield change_line(Change(name, "in the way", "git does not track it: move it away first"))
    yield from ("", *(f"note: {text}" for text in plan.warnings)) if plan.warnings else ()


def not_run(migrations: Iterable[str], tasks: Iterable[str]) -> Iterator[str]:
    """What a template would run, one line each."""
    for kind, commands in (("migration", migrations), ("task", tasks)):
        yield from (f"{kind}: {' '.join(command.split())}" for command in commands)


def answer_lines(answers: Answers) -> Iterator[str]:
    """Names with their values, as one can read them."""
    for name, value in answers.items():
        yield f"{name}: {json.dumps(value, default=str, ensure_ascii=False)}"


def change_line(change: Change) -> str:
    return f"  {change.state:<12}  {change.path}" + (f"  ({change.note})" if change.note else "")


def state_counts(one: Status) -> dict[str, int]:
    return dict(Counter(change.state for change in one.files))


def status_lines(one: Status) -> Iterator[str]:
    where = one.path if one.answers_file in ("", *USUAL) else f"{one.path} ({one.answers_file})"
    if one.error:
        yield f"{where}: error: {one.error}"
        return
    news = f"behind: {one.version} -> {one.newest}" if one.behind else f"at {one.version}"
    counts = ", ".join(f"{n} {state}" for state, n in state_counts(one).items() if state != "clean")
    yield f"{where}: {news} of {one.source}; {counts or 'no drift'}"
    yield from (change_line(c) for c in one.files if c.state != "clean")
    yield from (change_line(Change(c.path, "conflict", c.reason)) for c in one.conflicts)
    yield from (f"  question      {text}" for text in answer_lines(one.questions))
    yield from (f"  dropped       {text}" for text in answer_lines(one.dropped))
    skipped = not_run(one.skipped_migrations, one.skipped_tasks)
    yield from (f"  not run       {text}" for text in skipped)
    yield from (f"  note          {text}" for text in one.warnings)
