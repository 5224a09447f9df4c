"""What the reading of tables finds wrong, in the form of this program's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlfactory_runtime.tables import FactoryError

from ..base.errors import MlfactoryError


@contextmanager
def as_ours() -> Iterator[None]:
    """A FactoryError becomes a MlfactoryError."""
    try:
        yield
    except FactoryError as error:
        raise MlfactoryError(error.message, sentence(error.hint)) from error


def sentence(hint: str) -> str:
    """A factory's hint as we write one; a command at its start or end stays as it is typed."""
    if not hint or hint.startswith("export "):
        return hint
    ends = ": " in hint or hint.endswith((".", "?"))
    return f"{hint[:1].upper()}{hint[1:]}{'' if ends else '.'}"
