"""What an organisation sets, as `mlfactory` uses it: the factory's library reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlfactory_runtime import organisation
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.organisation import Setting

from . import addresses
from .answers import Answers
from .credentials import mask
from .errors import MlfactoryError, UsageError

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
    return f"{one.name} = {mask(str(one.value))} ({one.source})"


def misnomers(answers: Answers) -> Iterator[str]:
    """What the names that an organisation asks for say of answers."""
    setting = settings().get(organisation.PATTERNS)
    for question, pattern in (setting.value if setting else {}).items():
        answer = answers.get(question)
        if setting and answer is not None and not re.search(pattern, str(answer)):
            yield f"{question} is {answer!r}, and {setting.source} asks for {pattern}"


def check_names(answers: Answers) -> None:
    """Raises UsageError for an answer that is not named as the organisation asks for."""
    for text in misnomers(answers):
        name = text.partition(" ")[0]
        raise UsageError(text, f"Add --set {name}=VALUE; a project is called after its directory.")
