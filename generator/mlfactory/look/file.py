"""What the place and the name of a file say, and its first bytes."""

from __future__ import annotations

import codecs
import difflib
import re
import shlex
from gzip import BadGzipFile
from pathlib import Path

from mlfactory_runtime.tables.file import (
    AGAIN,
    HEAD,
    SAVE,
    check_parquet,
    check_signature,
    is_parquet,
)
from mlfactory_runtime.tables.packs import PACKS, damages, open_packed, pack_of

from ..base.errors import MlfactoryError
from .faults import sentence

SAMPLE_BYTES = 100_000_000
TEXTS = (".csv", ".tsv", ".txt", ".tab", ".dat", ".data", ".psv")
PACKED = tuple(f"{suffix}{pack}" for suffix in TEXTS for pack in PACKS)
NAMES = (*TEXTS, *PACKED, ".zip", ".parquet")
ENDINGS = f"{', '.join(TEXTS)} (each also with {', '.join(PACKS)}) or .parquet"
ARCHIVES = (*PACKS, ".7z", ".tar", ".tgz", ".rar")
DVC = "Run `dvc pull`, and give the file that it describes."


def check(path: Path, *, with_name: bool = True) -> None:
    """The file is there, can be read, and is what its name says; MlfactoryError if not.

    With `with_name`, its name must do in a pipeline, too.
    """
    check_place(path)
    if with_name:
        check_name(path)
    check_suffix(path)
    head, _ = load(path, HEAD)
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise MlfactoryError(f"{path} is empty", sentence(AGAIN))
    check_signature(path, head)
    if is_parquet(path):
        check_parquet(path, head)


def check_place(path: Path) -> None:
    """A file stands there."""
    if address := re.search(r"(?:^|/)([a-z][a-z\d+.-]+:/.*)", str(path)):
        raise MlfactoryError(
            f"{address[1]} is an address, not a file", "Download it, and give the file."
        )
    try:
        there, folder, regular = path.exists(), path.is_dir(), path.is_file()
    except OSError as error:
        raise unreadable(path, error) from error
    if folder:
        raise MlfactoryError(f"{path} is a directory", "Give a file with a table in it.")
    if not there and path.is_symlink():
        raise MlfactoryError(
            f"{path} is a link to {path.readlink()}, which is not there",
            "Give the file itself, or mend the link; of data under DVC: dvc pull.",
        )
    if not there:
        raise MlfactoryError(f"there is no file {path}", suggestion(path))
    if not regular:
        raise MlfactoryError(f"{path} is not a regular file", "Write the data to a file first.")


def unreadable(path: Path, error: OSError) -> MlfactoryError:
    return MlfactoryError(
        f"{path} cannot be read: {error.strerror or error}", f"Look at `ls -l {quote(path)}`."
    )


def check_name(path: Path) -> None:
    if re.search(r"""[\x00-\x1f\x7f*?\[\]{}$\\"'`]""", path.name):
        plain = re.sub(r"[^\w.-]+", "_", path.name)
        raise MlfactoryError(
            f"the file name {path.name!r} has characters that mean something to pipelines",
            f"Give the file a plain name, such as {plain}.",
        )


def suggestion(path: Path) -> str:
    """The nearest name in the folder, or the nearest folder that exists."""
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    try:
        names = [p.name for p in path.parent.iterdir() if p.is_file()]
    except OSError:
        return f"The folder {path.parent} cannot be read."
    if near := difflib.get_close_matches(path.name, names, 1):
        return f"Did you mean {path.parent / near[0]}?"
    tables = sorted(name for name in names if name.endswith(NAMES))
    return f"The folder has {', '.join(tables[:5])}." if tables else f"Look into {path.parent}."


def check_suffix(path: Path) -> None:
    from mlfactory_runtime.tables.conversion import READERS, advice

    if path.name.endswith(NAMES):
        return
    low = path.with_name(path.name.lower())
    hint = advice(path) or sentence(SAVE)
    if low.name.endswith(NAMES):
        hint = f"Rename it: mv {quote(path)} {quote(low)}"
    elif low.suffix == ".dvc":
        hint = DVC
    elif low.suffix in ARCHIVES:
        hint = "Unpack it."
    others = ", ".join(READERS)
    raise MlfactoryError(f"the name of {path} ends in none of {ENDINGS}, and not in {others}", hint)


def quote(path: Path) -> str:
    return shlex.quote(str(path))


def load(path: Path, limit: int) -> tuple[bytes, bool]:
    """The first bytes, unpacked where they are packed, and whether these are all."""
    try:
        with open_packed(path) as stream:
            raw = stream.read(limit)
            return raw, not stream.read(1)
    except damages(BadGzipFile) as error:
        message = f"{path} was packed by {PACKS[pack_of(path)].name}, and cut off or damaged"
        raise MlfactoryError(message, sentence(AGAIN)) from error
    except OSError as error:
        raise unreadable(path, error) from error
