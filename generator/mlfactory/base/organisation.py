"""What an organisation sets, as `mlfactory` uses it: the factory's library reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlfactory_runtime import organisation
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.organisation import Setting

from . import addresses
from .answers import Answers
from .credentials import mask
from .errors import MlfactoryError, UsageError

CALLED = "Add --set {}=VALUE; a project is called after its directory."
ANEW = "Give another: --set {}=VALUE"
ANSWERS = ("owner", "remote")  # settings that answer the questions of their names


def settings() -> Mapping[str, Setting]:
    """All that is set, by its name. Raises MlfactoryError for what cannot be, or holds a secret."""
    try:
        values = organisation.settings()
    except FactoryError as error:
        raise MlfactoryError(error.message, error.hint) from error
    for one in values.values():
        addresses.refuse(f"{one.name} of {one.source}", str(one.value), addresses.OTHER)
    return values


def value(name: str, default: Any = "") -> Any:
    """What is set under a name."""
    setting = settings().get(name)
    return setting.value if setting else default


def answers_among(questions: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that are set, to those of the questions that a template has."""
    return {n: s.value for n, s in settings().items() if n in ANSWERS and n in questions}


def description(one: Setting) -> str:
    """A setting and who says it, for people."""
    value = ", ".join(one.value) if isinstance(one.value, tuple) else str(one.value)
    return f"{one.name} = {mask(value)} ({one.source})"


def misnomers(answers: Answers) -> Iterator[str]:
    """What the names that an organisation asks for say of answers."""
    settings()
    yield from (text for _, text in organisation.misnomers(answers))


def check_names(answers: Answers, hint: str = CALLED) -> None:
    """Raises UsageError for an answer that is not named as the organisation asks for."""
    settings()
    for name, text in organisation.misnomers(answers):
        raise UsageError(text, hint.format(name))


def check_new_names(old: Answers, new: Answers) -> None:
    """The same for answers that an update changes; a name of before has been there for long."""
    fresh = {name: answer for name, answer in new.items() if old.get(name) != answer}
    check_names(fresh, ANEW)
