"""How a text table is written: its encoding, its separator, and the names in its header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base.errors import MlfactoryError

from .file import HEAD_BYTES, SAVE, load, quoted
from .header import check_first, read_names, unnamed_warnings

SNIFFED_LINES = 50
STRONG, WEAK = (",", ";", "\t", "|", "\x01"), ("^", "~", "#", ":", " ")
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WIDE = {(False, True): "utf-16-le", (True, False): "utf-16-be"}  # which byte is zero in ASCII
WESTERN = frozenset(
    "äöüÄÖÜßéèêëÉàâáãåæÅçÇñÑóòôõøØíìîïúùûÿœŒ€£¥°²³µ§–—’‘“”„«»…·®™½¿¡ºª\xa0"  # noqa: RUF001
)
ENCODINGS = [
    *("cp1251", "cp1250", "iso8859_2", "iso8859_5", "shift_jis", "gb18030", "big5", "euc_kr"),
    *("cp1253", "cp1254", "koi8_r", "mac_roman"),
]
CONTROL = re.compile(rb"[\x02-\x08\x0e-\x1a\x1c-\x1f]")
NOTE = re.compile(rb"sep=[^\r\n]\r?\n", re.IGNORECASE)


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
    """Read so many bytes of the file. Raises MlfactoryError when they are no text with a header."""
    raw, whole = load(path, limit)
    encoding = find_encoding(path, raw, whole)
    content = decoded(path, raw, encoding, whole)
    skipped = 0
    if note := NOTE.match(content):
        content, skipped = content[note.end() :], 1
    if b"\n" not in content[:HEAD_BYTES]:
        content = content.replace(b"\r", b"\n")
    if not whole:
        content = whole_lines(content)
    head = beginning(content)
    separator = find_separator(head)
    rows = records(head, separator)
    check_first(path, rows, 1 if named(rows) else table_line(head))
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


def find_encoding(path: Path, raw: bytes, whole: bool) -> str:
    """UTF-16 by its mark or its zero bytes, UTF-8 if all of it is, else the likeliest."""
    if raw.startswith(UTF16):
        return "utf-16"
    if wide := WIDE.get((raw[:1] == b"\0", raw[1:2] == b"\0")):
        return wide
    if b"\0" in raw:
        raise MlfactoryError(f"{path} is not text: it holds zero bytes", SAVE)
    head = raw[:4096]
    if len(CONTROL.findall(head)) > 0.01 * len(head):
        raise MlfactoryError(f"{path} is not text: it holds control characters", SAVE)
    try:
        codecs.utf_8_decode(raw, "strict", whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        check_damage(path, raw, error.start)
        return guess_encoding(raw[start : start + HEAD_BYTES])


def check_damage(path: Path, raw: bytes, place: int) -> None:
    """Raises MlfactoryError when this is UTF-8, but for few bytes: other text reads badly as it."""
    around = raw[max(0, place - HEAD_BYTES) : place + HEAD_BYTES].decode("utf-8", "replace")
    odd = re.findall(r"[^\x00-\x7f]", around)
    if len(odd) > 2 * odd.count("\ufffd"):
        line = raw.count(b"\n", 0, place) + 1
        new = quoted(path.with_stem(f"{path.stem}-utf8"))
        raise MlfactoryError(
            f"{path} is UTF-8, but line {line:,} has the byte 0x{raw[place]:02X}",
            f"Mend it, or drop such bytes: iconv -c -f UTF-8 -t UTF-8 {quoted(path)} > {new}",
        )


def guess_encoding(raw: bytes) -> str:
    """Western European where its letters stand among plain ones; else what statistics say."""
    from charset_normalizer import from_bytes

    text = raw.decode("cp1252", errors="replace")
    odd = re.findall(r"[^\x00-\x7f]", text)
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    latin = sum(bool(re.search("[A-Za-z]", word)) for word in words)
    if 2 * latin >= len(words) and sum(letter in WESTERN for letter in odd) >= 0.9 * len(odd):
        return "cp1252"
    best = from_bytes(raw, cp_isolation=ENCODINGS).best()
    return best.encoding if best and best.encoding in ENCODINGS else "cp1252"


def decoded(path: Path, raw: bytes, encoding: str, whole: bool) -> bytes:
    """The same in UTF-8; MlfactoryError where a byte means nothing."""
    if encoding == "utf-8":
        return raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(raw, final=whole)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        new = quoted(path.with_stem(f"{path.stem}-utf8"))
        raise MlfactoryError(
            f"{path} is text in no encoding that can be told: taken for {encoding}, line {line:,} "
            f"has the byte 0x{raw[error.start]:02X}",
            f"Convert it: iconv -f ITS_ENCODING -t UTF-8 {quoted(path)} > {new}",
        ) from error
    if "\0" in text:
        raise MlfactoryError(f"{path} is not text: it holds zero bytes", SAVE)
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
    head = content[:HEAD_BYTES]
    if len(content) > HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
    return head.decode(errors="ignore")


def find_separator(text: str) -> str:
    """The character under which most lines have the most columns; a rare one only if all have."""
    best = max(STRONG, key=lambda sign: fit(text, sign))
    if fit(text, best)[1] > 0.5:
        return best
    rare = max(WEAK, key=lambda sign: fit(text, sign))
    return rare if fit(text, rare)[1] > 0.9 else best


def fit(text: str, sign: str) -> tuple[float, float]:
    """The columns of the header, less where other lines do not agree, and how many do."""
    widths = [len(row) for row in records(text, sign) if row]
    if not widths or widths[0] < 2:
        return 0, 0
    agreeing = sum(width == widths[0] for width in widths) / len(widths)
    return widths[0] * agreeing, agreeing


def table_line(text: str) -> int:
    """The line in which a table begins, if all that follows has as many columns; 0 if none does."""
    lines = text.splitlines(keepends=True)
    for skipped in range(min(len(lines) - 1, SNIFFED_LINES)):
        rest = "".join(lines[skipped : skipped + SNIFFED_LINES])
        titles = any(named(records(lines[skipped], sign)) for sign in STRONG)
        if titles and max(fit(rest, sign)[1] for sign in STRONG) > 0.9:
            return skipped + 1
    return 0


def named(rows: list[list[str]]) -> bool:
    """Whether the first line has several names, and not a title with empty cells behind it."""
    return bool(rows) and sum(bool(name.strip()) for name in rows[0]) > 1


def records(text: str, sign: str) -> list[list[str]]:
    """The first lines, parted."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
    try:
        return [row for row, _ in zip(reader, range(SNIFFED_LINES), strict=False)]
    except csv.Error:
        return []


def guess_warnings(path: Path, content: bytes, encoding: str) -> tuple[str, ...]:
    """An encoding that was guessed, with words that show whether it is right."""
    if encoding.startswith("utf"):
        return ()
    odd = re.findall(
        r"[^\s\"',;|]*[^\x00-\x7f][^\s\"',;|]*", content[:HEAD_BYTES].decode("utf-8", "ignore")
    )
    words = ", ".join(word[:40] for word in list(dict.fromkeys(odd))[:3])
    doubt = f": see whether {words} is right, and else convert it first (iconv)" if words else ""
    return (f"{path.name} is not UTF-8 and is read as {encoding}{doubt}",)
