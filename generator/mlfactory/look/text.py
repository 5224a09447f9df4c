"""A text table, or its beginning: in UTF-8, with its separator and the names in its header."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from mlfactory_runtime.tables.dialect import (
    CHUNK,
    check_text,
    converted,
    count_notes,
    encoding_of,
    find_separator,
    first_damage,
    records,
)
from mlfactory_runtime.tables.file import HEAD, SAVE
from mlfactory_runtime.tables.header import check_first, read_names

from ..base.errors import MlfactoryError
from .faults import sentence
from .file import load, quote
from .header import unnamed_warnings


@dataclass(frozen=True)
class Text:
    """The part of a text table that is looked at, in UTF-8 and from the header on.

    `width` counts the columns of the file: a last one that is empty has no name. `skipped` lines
    stood before the header.
    """

    path: Path
    content: bytes
    whole: bool
    encoding: str
    separator: str
    names: tuple[str, ...]
    width: int
    skipped: int
    warnings: tuple[str, ...]


def read(path: Path, limit: int) -> Text:
    """Read so many bytes of the file. Raises an error when they are no text with a header."""
    raw, whole = load(path, limit)
    check_text(path, raw)
    chunks = (raw[start : start + CHUNK] for start in range(0, len(raw), CHUNK))
    encoding = encoding_of(path, chunks, whole=whole).removesuffix("-sig")
    content = decode(path, raw, encoding, whole)
    if b"\n" not in content[:HEAD]:
        content = content.replace(b"\r", b"\n")
    if not whole:
        content = whole_lines(content)
    skipped = count_notes(beginning(content))
    content = b"".join(content.split(b"\n", skipped)[skipped:])
    head = beginning(content)
    separator = find_separator(head)
    rows = records(head, separator)
    check_first(path, head, rows)
    return Text(
        path=path,
        content=content,
        whole=whole,
        encoding=encoding,
        separator=separator,
        names=read_names(rows),
        width=len(rows[0]),
        skipped=skipped,
        warnings=(*unnamed_warnings(path, rows), *guess_warnings(path, content, encoding)),
    )


def decode(path: Path, raw: bytes, encoding: str, whole: bool) -> bytes:
    """The same in UTF-8; MlfactoryError where a byte means nothing."""
    if encoding == "utf-8":
        return raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(raw, final=whole)
    except UnicodeDecodeError as error:
        raise MlfactoryError(
            f"{path} is text in no encoding that can be told: taken for {encoding}, "
            f"{first_damage(path, encoding)}",
            f"Convert it: iconv -f ITS_ENCODING -t UTF-8 {quote(path)} > {converted(path)}",
        ) from error
    if "\0" in text:
        raise MlfactoryError(f"{path} is not text: it holds zero bytes", sentence(SAVE))
    return text.encode(errors="replace")


def whole_lines(content: bytes) -> bytes:
    """Up to the last line end that stands outside of quotes, as far as their number tells."""
    end = content.rfind(b"\n") + 1
    odd = content.count(b'"', 0, end) % 2
    while odd and end:
        start = content.rfind(b"\n", 0, end - 1) + 1
        odd ^= content.count(b'"', start, end) % 2
        end = start
    return content[:end] or content


def beginning(content: bytes) -> str:
    """The first lines; one that is cut at the end is left out."""
    head = content[:HEAD]
    if len(content) > HEAD:
        head = head[: head.rfind(b"\n") + 1] or head
    return head.decode(errors="ignore")


def guess_warnings(path: Path, content: bytes, encoding: str) -> tuple[str, ...]:
    """An encoding that was guessed, with words that show whether it is right."""
    if encoding.startswith("utf"):
        return ()
    odd = re.findall(
        r"[^\s\"',;|]*[^\x00-\x7f][^\s\"',;|]*", content[:HEAD].decode("utf-8", "ignore")
    )
    words = ", ".join(word[:40] for word in list(dict.fromkeys(odd))[:3])
    doubt = f": see whether {words} is right, and else convert it first (iconv)" if words else ""
    return (f"{path.name} is not UTF-8 and is read as {encoding}{doubt}",)
