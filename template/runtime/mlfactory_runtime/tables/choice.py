"""Which table of a file is meant, and the packages that not everybody has."""

import difflib
import shlex
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..errors import FactoryError
from .file import AGAIN


def choice(path: Path, names: Sequence[str], table: str | None) -> str:
    """The table that is meant. FactoryError where it is not there, or nobody said which."""
    if table in names:
        return str(table)
    if len(names) == 1 and table is None:
        return names[0]
    if not names:
        raise FactoryError(f"{path} holds no table", AGAIN)
    listing = ", ".join(map(repr, names[:20]))
    if table is None:
        hint = f"say which: --table {shlex.quote(names[0])}"
        raise FactoryError(f"{path} holds {len(names)} tables: {listing}", hint)
    near = difflib.get_close_matches(table, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {listing}"
    raise FactoryError(f"{path} holds no table {table!r}", hint)


def package_of(name: str, path: Path, hint: str) -> ModuleType:
    """A package that not everybody has. FactoryError that says how to get it."""
    try:
        return import_module(name)
    except ImportError as error:
        message = f"{path} needs the package {name}, which is not here"
        raise FactoryError(message, hint) from error
