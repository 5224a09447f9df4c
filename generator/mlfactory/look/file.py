"""What the place, the name and the first bytes of a file say, and how its bytes are read."""

from __future__ import annotations

import codecs
import difflib
import gzip
import io
import re
import shlex
import zlib
from pathlib import Path
from typing import IO

from mlfactory.base.errors import MlfactoryError

SAMPLE_BYTES = 100_000_000
HEAD_BYTES = 1 << 20
TEXTS = (".csv", ".tsv", ".txt", ".tab", ".dat", ".data", ".psv")
NAMES = (*TEXTS, *(f"{suffix}.gz" for suffix in TEXTS), ".parquet")
ENDINGS = f"{', '.join(TEXTS)} (each also with .gz) or .parquet"
GZIP = b"\x1f\x8b"
SAVE = "Save the table as CSV (UTF-8, with a header) or as Parquet."
AGAIN = "Export the data again."
SIGNATURES = (
    (b"PAR1", "is a Parquet file", "Give it a name that ends in .parquet."),
    (b"PARE", "is an encrypted Parquet file", "Save it without encryption."),
    (GZIP, "was compressed by gzip twice", "Unpack it first: gunzip."),
    (b"PK\x03\x04", "is a ZIP archive or an Excel sheet", SAVE),
    (b"\x28\xb5\x2f\xfd", "is compressed by zstd", "Unpack it first: unzstd."),
    (b"BZh", "is compressed by bzip2", "Unpack it first: bunzip2."),
    (b"\xfd7zXZ", "is compressed by xz", "Unpack it first: unxz."),
    (b"7z\xbc\xaf", "is a 7-Zip archive", "Unpack it first: 7z x."),
    (b"\xd0\xcf\x11\xe0", "is an Excel sheet, an old one or one with a password", SAVE),
    (b"SQLite format 3", "is an SQLite database", SAVE),
    (b"\x89HDF", "is an HDF5 file", SAVE),
    (b"ARROW1", "is an Arrow file", SAVE),
    (b"ORC", "is an ORC file", SAVE),
    (b"%PDF", "is a PDF document", SAVE),
    (b"version https://git-lfs", "is a pointer of Git LFS, not the data", "Run `git lfs pull`."),
    (b"<!doctype html", "is a web page, not the data", "Sign in where it comes from, and get it."),
    (b"<html", "is a web page, not the data", "Sign in where it comes from, and get it."),
    (b"<?xml", "is an XML file", SAVE),
    (b'{"', "is a JSON file", SAVE),
    (b"[{", "is a JSON file", SAVE),
)
LIKE_TEXT = (b"ORC", b"BZh", b"PARE", b"PAR1")
PACKED = (".gz", ".zip", ".zst", ".bz2", ".xz", ".7z", ".tar", ".tgz")
DVC = "Run `dvc pull`, and give the file that it describes."


def is_parquet(path: Path) -> bool:
    return path.suffix == ".parquet"


def check(path: Path, *, named: bool = True) -> None:
    """The file is there, can be read, and is what its name says; MlfactoryError if not.

    With `named`, its name must do in a pipeline, too.
    """
    check_place(path)
    if named:
        check_name(path)
    check_suffix(path)
    head, _ = load(path, HEAD_BYTES)
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise MlfactoryError(f"{path} is empty", AGAIN)
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
        f"{path} cannot be read: {error.strerror or error}", f"Look at `ls -l {quoted(path)}`."
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
    if path.name.endswith(NAMES):
        return
    low = path.with_name(path.name.lower())
    hint = SAVE
    if low.name.endswith(NAMES):
        hint = f"Rename it: mv {quoted(path)} {quoted(low)}"
    elif low.suffix == ".dvc":
        hint = DVC
    elif low.suffix in PACKED:
        hint = "Unpack it."
    raise MlfactoryError(f"the name of {path} ends in none of {ENDINGS}", hint)


def quoted(path: Path) -> str:
    return shlex.quote(str(path))


def load(path: Path, limit: int) -> tuple[bytes, bool]:
    """The first bytes, unpacked where gzip packed them, and whether these are all."""
    try:
        with opened(path) as stream:
            raw = stream.read(limit)
            return raw, not stream.read(1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MlfactoryError(f"{path} was packed by gzip, and cut off or damaged", AGAIN) from error
    except OSError as error:
        raise unreadable(path, error) from error


def opened(path: Path) -> IO[bytes]:
    """Unpacked by what the file is, not by its name."""
    return gzip.open(path) if is_packed(path) else path.open("rb")  # type: ignore[return-value]


def is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def check_signature(path: Path, head: bytes) -> None:
    """Raises MlfactoryError when the first bytes are those of another kind of file."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:32].lower()
    for signature, kind, hint in SIGNATURES:
        own = signature == b"PAR1" and is_parquet(path)
        # An ordinary header may begin with these letters, a binary file is not all text.
        text = signature in LIKE_TEXT and b"\0" not in head[:1000]
        found = start.startswith(signature) if signature.islower() else head.startswith(signature)
        if (found or start.startswith(signature)) and not own and not text:
            packed = is_packed(path) and signature != GZIP
            raise MlfactoryError(
                f"{path} {kind}", f"Unpack it first: gunzip. {hint}" if packed else hint
            )


def check_parquet(path: Path, head: bytes) -> None:
    if is_packed(path):
        raise MlfactoryError(f"{path} is compressed by gzip", "Unpack it first: gunzip.")
    if not head.startswith(b"PAR1"):
        raise MlfactoryError(
            f"{path} is no Parquet file, in spite of its name",
            "If it is text, give it a name that ends in .csv.",
        )
    with path.open("rb") as file:
        end = file.seek(-min(4, len(head)), io.SEEK_END)
        if end < 8 or file.read() != b"PAR1":
            raise MlfactoryError(f"{path} is a Parquet file that was cut off", AGAIN)
