"""Addresses that people type: refused where they would be recorded with a secret in them.

What is recorded is committed, pushed and read by everybody. git and DVC have places of their own
for secrets.
"""

from __future__ import annotations

from .answers import OPTIONS, Answers
from .credentials import has_credentials
from .errors import UsageError

GIT = (
    "Let git keep it: git config --global credential.helper cache (or store, or your system's), "
    "and give the address without it; or use a key: git@HOST:OWNER/NAME.git"
)
DVC = (
    "Give the address without it, and keep it in .dvc/config.local, which git ignores: "
    "dvc remote modify --local storage password SECRET"
)
OTHER = "Give the address without it; a secret belongs into an environment variable."
MOVE = (
    "the recorded address of the template holds a credential, which everybody can read: make "
    "it void where it was issued, then: mlfactory template use ADDRESS_WITHOUT_IT"
)


def refuse(what: str, address: str, hint: str = GIT) -> None:
    """Raises UsageError for an address with a credential, which is not repeated."""
    if has_credentials(address):
        raise UsageError(f"{what} holds a credential, and would be committed with it", hint)


def refuse_answers(answers: Answers) -> None:
    """The same for answers, lists of them too."""
    options = {question: option for option, question in OPTIONS.items()}
    for name, value in answers.items():
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str):
                refuse(options.get(name, name), text, DVC if name == "remote" else OTHER)


def warning(source: str) -> tuple[str, ...]:
    """What is said of a project that records one."""
    return (MOVE,) if has_credentials(source) else ()
