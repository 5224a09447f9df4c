"""What the bytes and the first lines of a file say, without reading it as a table."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import MlfactoryError

SAMPLE_BYTES = 100_000_000
HEAD_BYTES = 1 << 20
SNIFFED_LINES = 50
SEPARATORS = ",;\t|"
SAVE = "Save the table as CSV (UTF-8, with a header) or as Parquet."
AGAIN = "Export the data again."
SIGNATURES = (
    (b"PAR1", "is a Parquet file", "Give it a name that ends in .parquet."),
    (b"PARE", "is an encrypted Parquet file", "Save it without encryption."),
    (b"\x1f\x8b", "is compressed by gzip", "Unpack it first: gunzip."),
    (b"PK\x03\x04", "is a ZIP archive or an Excel sheet", SAVE),
    (b"\x28\xb5\x2f\xfd", "is compressed by zstd", "Unpack it first: unzstd."),
    (b"BZh", "is compressed by bzip2", "Unpack it first: bunzip2."),
    (b"\xfd7zXZ", "is compressed by xz", "Unpack it first: unxz."),
    (b"\xd0\xcf\x11\xe0", "is an old Excel sheet", SAVE),
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
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SUFFIXES = {
    **dict.fromkeys((".gz", ".zip", ".zst", ".bz2", ".xz", ".7z", ".tar", ".tgz"), "Unpack it."),
    **dict.fromkeys((".tsv", ".tab", ".txt", ".dat", ".data"), "rename"),
    ".dvc": "Run `dvc pull`, and give the file that it describes.",
}


def check(path: Path) -> None:
    """The file is there, can be read, and is what its name says; MlfactoryError if not."""
    check_place(path)
    check_suffix(path)
    try:
        with path.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
            opened.seek(-min(4, len(head)), io.SEEK_END)
            tail = opened.read()
    except OSError as error:
        raise MlfactoryError(
            f"{path} cannot be read: {error.strerror}", f"Look at `ls -l {quoted(path)}`."
        ) from error
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise MlfactoryError(f"{path} is empty", AGAIN)
    check_signature(path, head)
    if path.suffix == ".parquet":
        check_parquet(path, head, tail)
    else:
        check_text(path, head)


def check_place(path: Path) -> None:
    """A file stands there, and its name can go into a pipeline."""
    if "://" in str(path) or re.match(r"(https?|s3|gs|az|hdfs):/", str(path)):
        raise MlfactoryError(f"{path} is an address, not a file", "Download it, and give the file.")
    if path.is_dir():
        raise MlfactoryError(f"{path} is a directory", "Give one CSV or Parquet file.")
    if not path.exists():
        raise MlfactoryError(f"there is no file {path}", suggestion(path))
    if not path.is_file():
        raise MlfactoryError(f"{path} is not a regular file", "Write the data to a file first.")
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
    tables = sorted(n for n in names if n.endswith((".csv", ".parquet")))
    return f"The folder has {', '.join(tables[:5])}." if tables else f"Look into {path.parent}."


def check_suffix(path: Path) -> None:
    if path.suffix in (".csv", ".parquet"):
        return
    kind = path.suffix.lower()
    hint = SUFFIXES.get(kind, SAVE)
    if kind in (".csv", ".parquet"):
        hint = f"Rename it: mv {quoted(path)} {quoted(path.with_suffix(kind))}"
    elif hint == "rename":
        new = quoted(path.with_suffix(".csv"))
        hint = f"If it is a table with a header, rename it: mv {quoted(path)} {new}"
    raise MlfactoryError(f"{path} ends in neither .csv nor .parquet", hint)


def check_signature(path: Path, head: bytes) -> None:
    """Raises MlfactoryError when the first bytes are those of another kind of file."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:32].lower()
    for signature, kind, hint in SIGNATURES:
        own = signature == b"PAR1" and path.suffix == ".parquet"
        # An ordinary header may begin with these three letters, a binary file is not all text.
        text = signature in (b"ORC", b"BZh", b"PARE", b"PAR1") and b"\0" not in head[:1000]
        found = start.startswith(signature) if signature.islower() else head.startswith(signature)
        if (found or start.startswith(signature)) and not own and not text:
            raise MlfactoryError(f"{path} {kind}", hint)


def check_parquet(path: Path, head: bytes, tail: bytes) -> None:
    if not head.startswith(b"PAR1"):
        raise MlfactoryError(
            f"{path} is no Parquet file, in spite of its name",
            "If it is text, give it a name that ends in .csv.",
        )
    if tail != b"PAR1" or path.stat().st_size < 12:
        raise MlfactoryError(f"{path} is a Parquet file that was cut off", AGAIN)


def check_text(path: Path, head: bytes) -> None:
    """Text in UTF-8, in lines; only the part that is looked at is decoded."""
    if head.startswith(UTF16):
        raise MlfactoryError(f"{path} is text in UTF-16", reencode(path, "UTF-16"))
    if b"\0" in head:
        raise MlfactoryError(f"{path} is not text: it holds zero bytes", SAVE)
    if b"\r" in head and b"\n" not in head:
        new = quoted(path.with_stem(f"{path.stem}-lines"))
        raise MlfactoryError(
            f"the lines of {path} end in carriage returns only",
            f"Convert it: tr '\\r' '\\n' < {quoted(path)} > {new}",
        )
    check_encoding(path)


def check_encoding(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    for chunk in chunks(path):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise MlfactoryError(
                f"{path} is not text in UTF-8: line {line:,} has the byte 0x{chunk_byte(error)}",
                reencode(path, "WINDOWS-1252"),
            ) from error
        line += chunk.count(b"\n")


def chunk_byte(error: UnicodeDecodeError) -> str:
    return f"{error.object[error.start]:02X}"


def chunks(path: Path) -> Iterator[bytes]:
    """The beginning of the file, as much of it as is looked at."""
    left = SAMPLE_BYTES
    with path.open("rb") as opened:
        while left > 0 and (chunk := opened.read(min(left, HEAD_BYTES))):
            left -= len(chunk)
            yield chunk


def reencode(path: Path, encoding: str) -> str:
    new = quoted(path.with_stem(f"{path.stem}-utf8"))
    return f"Convert it: iconv -f {encoding} -t UTF-8 {quoted(path)} > {new}"


def quoted(path: Path) -> str:
    return shlex.quote(str(path))


def separator(path: Path) -> str:
    """What parts the columns: the character under which most lines have the most columns."""
    if path.suffix == ".parquet":
        return ","
    text = beginning(path)
    return max(SEPARATORS, key=lambda sign: width(text, sign))


def beginning(path: Path) -> str:
    """The first lines, without a byte order mark; a line that is cut at the end is left out."""
    with path.open("rb") as opened:
        raw = opened.read(HEAD_BYTES)
    whole = raw if len(raw) < HEAD_BYTES else raw[: raw.rfind(b"\n") + 1] or raw
    return whole.decode("utf-8-sig", errors="ignore")


def width(text: str, sign: str) -> float:
    """The columns of the header, less where other lines do not agree with it."""
    widths = [len(row) for row in records(text, sign) if row]
    if not widths or widths[0] < 2:
        return 0
    return widths[0] * sum(w == widths[0] for w in widths) / len(widths)


def records(text: str, sign: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
    try:
        return [row for row, _ in zip(reader, range(SNIFFED_LINES), strict=False)]
    except csv.Error:
        return []


def header(path: Path) -> tuple[str, ...]:
    """The names as they are written: a reader would rename one that comes twice."""
    first = next(iter(records(beginning(path), separator(path))), [])
    if not first:
        raise MlfactoryError(
            f"{path} has no header in its first line", "Put the names of the columns there."
        )
    if re.fullmatch(r"sep=.?", ",".join(first).strip(), re.IGNORECASE):
        raise MlfactoryError(
            f"the first line of {path} is a note for spreadsheets, not the header",
            "Delete the line `sep=`.",
        )
    return tuple(first)


def check_names(path: Path, names: Sequence[str]) -> None:
    """Every column has a name of its own, and the header is not a row of data."""
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise MlfactoryError(f"{path} has two columns named {twice[0]!r}", "Rename one of them.")
    if patterns := [name for name in names if name == "*" or re.fullmatch(r"\^.*\$", name)]:
        raise MlfactoryError(
            f"{path} has a column named {patterns[0]!r}, which polars takes for a pattern",
            "Rename it in the file.",
        )
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise MlfactoryError(
                f"column {number} of {path} has no name",
                "Name it in the header; pandas writes such a column without `index=False`.",
            )
        if re.search(r"[\x00-\x1f\x7f]", name):
            raise MlfactoryError(
                f"the name of column {number} of {path} has a line break or control character: "
                f"{name[:80]!r}",
                "Rename the column.",
            )
    if path.suffix == ".csv" and looks_like_data(names):
        raise MlfactoryError(
            f"the first line of {path} is not a header: it holds {', '.join(names[:5])}",
            "Put the names of the columns into the first line.",
        )
    if len(names) < 2:
        raise MlfactoryError(
            f"{path} has one column only: {names[0][:80]!r}",
            "A model needs others to learn from; comma, semicolon, tab or | must part them.",
        )


def looks_like_data(names: Sequence[str]) -> bool:
    """Years may be names of columns; fractions never are."""
    number = re.compile(r"\s*[-+]?\d+(\.\d+)?(e[-+]?\d+)?\s*", re.IGNORECASE)
    fraction = re.compile(r"\s*[-+]?\d*\.\d+\s*")
    return all(map(number.fullmatch, names)) or any(map(fraction.fullmatch, names))


def name_warnings(names: Sequence[str]) -> tuple[str, ...]:
    spaced = [name for name in names if name != name.strip()]
    if not spaced:
        return ()
    return (f"the name of the column {spaced[0]!r} begins or ends with a space",)
