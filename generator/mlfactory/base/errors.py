"""The errors that people see: what happened, and the next thing to type."""

from __future__ import annotations

from .credentials import mask

OK, ERROR, USAGE, ATTENTION, INTERRUPTED = 0, 1, 2, 4, 130


class MlfactoryError(Exception):
    """Something went wrong; `hint` says what to do next.

    Whatever an address in them holds, no secret is shown.
    """

    exit_code = ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(mask(message))
        self.message = mask(message)
        self.hint = mask(hint)


class UsageError(MlfactoryError):
    """The command was called with arguments that cannot be."""

    exit_code = USAGE


class RefusedAnswerError(UsageError):
    """A template does not take an answer, by itself or together with the others."""


class OpenQuestionError(UsageError):
    """A template asks what has no default, and nobody has answered this `question`."""

    def __init__(self, message: str, hint: str = "", question: str = "") -> None:
        super().__init__(message, hint)
        self.question = question
