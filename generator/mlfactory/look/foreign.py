"""Data that are no text and no Parquet: which they are, and the same as Parquet."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from mlfactory_runtime.tables import FactoryError, conversion, folders
from mlfactory_runtime.tables.packs import pack_of

from mlfactory.base import origin
from mlfactory.base.errors import MlfactoryError

from .faults import as_ours, sentence

ADD = "uv add --group train "
# What flows through a pipe has no name: its first bytes give it one.
ENDINGS = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"[": ".json", b"{": ".jsonl"}


def ending_of(path: Path) -> str:
    """How a file of this kind is called."""
    with path.open("rb") as file:
        start = file.read(100).lstrip()
    endings = (ending for signature, ending in ENDINGS.items() if start.startswith(signature))
    return next(endings, f".csv{pack_of(path)}")


def name_of(path: Path) -> str:
    """What the file is called once it stands in a factory."""
    return f"{conversion.stem_of(path)}.parquet" if conversion.is_foreign(path) else path.name


@as_ours()
def files_of(pattern: str) -> tuple[Path, ...]:
    """The files of a folder or a pattern, in the order of their names."""
    return tuple(folders.files_of(pattern))


def any_of(paths: Sequence[Path]) -> bool:
    """Whether one of the files has to be converted."""
    return any(map(conversion.is_foreign, paths))


def tables_in(path: Path) -> tuple[str, ...]:
    """The sheets or tables of a file that may hold several. Raises MlfactoryError."""
    try:
        return conversion.tables_in(path)
    except FactoryError as error:
        raise ours(error) from error


def convert(path: Path, folder: Path, table: str | None) -> Path:
    """The file as Parquet somewhere in the folder, or itself where it is no foreign one."""
    if not conversion.is_foreign(path):
        return path
    target = folder.joinpath(*conversion.hive_folders(path), name_of(path))
    target.parent.mkdir(parents=True)
    try:
        conversion.convert(path, None, table, target)
    except FactoryError as error:
        raise ours(error) from error
    return target


@as_ours()
def copy(path: Path, table: str | None, target: Path) -> None:
    """Put the file, or the same as Parquet, in its place."""
    with conversion.readable(path, None, table) as plain:
        shutil.copyfile(plain, target)


def ours(error: FactoryError) -> MlfactoryError:
    """A package that a factory would add is added to this program."""
    package = error.hint.removeprefix(ADD).partition(";")[0]
    own = f"Add it: {origin.install('--with', package)}"
    return MlfactoryError(error.message, sentence(error.hint if package == error.hint else own))
