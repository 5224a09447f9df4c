"""How a text file is written: its compression, encoding and separator."""

import codecs
import csv
import io
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

from ..errors import FactoryError
from ..scratch import temporary
from .file import HEAD, SAVE
from .packs import damages, is_packed, open_packed

CHUNK, LINES = 1 << 20, 50
USUAL, RARE = (",", ";", "\t", "|", "\x01"), ("^", "~", "#", ":", " ")
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WIDE = {(False, True): "utf-16-le", (True, False): "utf-16-be"}  # which byte is zero in ASCII
WESTERN = set("äöüÄÖÜßéèêëÉàâáãåæÅçÇñÑóòôõøØíìîïúùûÿœŒ€£¥°²³µ§–—’‘“”„«»…·®™½¿¡ºª\xa0")  # noqa: RUF001
ENCODINGS = [
    "cp1251", "cp1250", "iso8859_2", "iso8859_5", "shift_jis", "gb18030", "big5", "euc_kr",
    "cp1253", "cp1254", "koi8_r", "mac_roman",
]  # fmt: skip
COMMENTS = ("#", "//", "%")
CONTROL, CONTROL_SHARE = re.compile(rb"[\x02-\x08\x0e-\x1a\x1c-\x1f]"), 0.01


def head(path: Path, encoding: str) -> str:
    """The first lines as text; a line that is cut off at the end is left out."""
    with open_packed(path) as file:
        raw = file.read(HEAD)
    text = raw.decode(encoding, errors="ignore")
    whole = text if len(raw) < HEAD else text[: text.rfind("\n") + 1] or text
    return after_note(whole)


def is_note(text: str) -> bool:
    """Whether the first line is `sep=;` or the like, a note of spreadsheets."""
    first = text[:6].lower()
    return first.startswith("sep=") and first[5:].strip() == ""


def count_notes(text: str) -> int:
    """How many lines stand before the header: a note of spreadsheets, and comments.

    A comment may be the header itself: then as many values stand in it as in the next line.
    """
    lines = text.split("\n", LINES)[:LINES]
    start = end = int(is_note(text))
    while end < len(lines) - 1 and lines[end].startswith(COMMENTS):
        end += 1
    if end > start and is_header(lines[end - 1], lines[end]):
        return end - 1
    while end > start and end < len(lines) - 1 and not lines[end].strip():
        end += 1
    return end


def is_header(comment: str, line: str) -> bool:
    """Whether a comment names the values of the next line, which are no names themselves."""
    if comment.lstrip("#/%").startswith(" ") and not re.search(r"\d", line):
        return False
    widths = [[len(row) for row in records(f"{comment}\n{line}", sign)] for sign in USUAL]
    return any(len(both) == 2 and both[0] == both[1] > 1 for both in widths)


def after_note(text: str) -> str:
    """The text from the header on."""
    count = count_notes(text)
    return "".join(text.split("\n", count)[count:])


def find_encoding(path: Path, declared: str = "utf-8") -> str:
    """UTF-8 if all of it is, UTF-16 by its mark or zeros, else what is declared or likeliest."""
    with open_packed(path) as file:
        return encoding_of(path, iter(partial(file.read, CHUNK), b""), declared)


def encoding_of(
    path: Path, chunks: Iterator[bytes], declared: str = "utf-8", *, whole: bool = True
) -> str:
    """The same for the bytes of a file, or for its first ones if these are not the whole."""
    start = chunk = next(chunks, b"")
    if wide := find_wide(start):
        return wide
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chain((start,), chunks):
            decoder.decode(chunk)
        chunk = b""
        decoder.decode(chunk, final=whole)
        return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
    except UnicodeDecodeError:
        odd = start if chunk is start else start + chunk
    if declared != "utf-8":
        return declared
    text = re.findall(r"[^\x00-\x7f]", odd.decode("utf-8", "replace"))
    if len(text) > 2 * text.count("\ufffd"):
        plain = f"iconv -c -f UTF-8 -t UTF-8 {shlex.quote(str(path))} > {converted(path)}"
        raise FactoryError(
            f"{path} is UTF-8, but for some bytes: {first_damage(path, 'utf-8')}",
            f"mend them at the source, or drop such bytes: {plain}",
        )
    return guess_encoding(odd)


def find_wide(start: bytes) -> str | None:
    """UTF-16 by its mark, or by zeros where ASCII has them."""
    if start.startswith(UTF16):
        return "utf-16"
    return WIDE.get((start[:1] == b"\0", start[1:2] == b"\0"))


def check_text(path: Path, raw: bytes) -> None:
    """Raises FactoryError when the first bytes of a file are those of no text."""
    if find_wide(raw):
        return
    if b"\0" in raw:
        raise FactoryError(f"{path} is not text: it holds zero bytes", SAVE)
    head = raw[:4096]
    if len(CONTROL.findall(head)) > CONTROL_SHARE * len(head):
        raise FactoryError(f"{path} is not text: it holds control characters", SAVE)


def first_damage(path: Path, encoding: str) -> str:
    """Where the first byte stands that means nothing in this encoding."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with open_packed(path) as file:
        for chunk in chain(iter(partial(file.read, CHUNK), b""), (b"",)):
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                return f"line {line:,} has the byte 0x{error.object[error.start]:02X}"
            line += chunk.count(b"\n")
    return ""


def converted(path: Path) -> str:
    """A name for the same text in UTF-8, as a shell wants it."""
    return shlex.quote(str(path.with_stem(f"{path.stem}-utf8")))


def guess_encoding(raw: bytes) -> str:
    """Western European where its letters stand among plain ones; else what statistics say."""
    from charset_normalizer import from_bytes

    text = raw.decode("cp1252", errors="replace")
    odd = [letter for letter in text if ord(letter) > 127]
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    plain = sum(bool(re.search("[A-Za-z]", word)) for word in words)
    if 2 * plain >= len(words) and sum(letter in WESTERN for letter in odd) >= 0.9 * len(odd):
        return "cp1252"
    best = from_bytes(raw, cp_isolation=ENCODINGS).best()
    return best.encoding if best and best.encoding in ENCODINGS else "cp1252"


def find_separator(text: str, declared: str = ",") -> str:
    """What parts the columns: what is declared if it does, else what fits most lines best."""
    if declared != "," and fit(text, declared)[0]:
        return declared
    best = max(USUAL, key=lambda sign: fit(text, sign))
    if fit(text, best)[1] > 0.5:
        return best
    rare = max(RARE, key=lambda sign: fit(text, sign))
    return rare if fit(text, rare)[1] > 0.9 else best


def fit(text: str, sign: str) -> tuple[float, float]:
    """The columns of the header, less where other lines do not agree, and how many do."""
    widths = [len(row) for row in records(text, sign) if row]
    if not widths or widths[0] < 2:
        return 0, 0
    agreeing = sum(w == widths[0] for w in widths) / len(widths)
    return widths[0] * agreeing, agreeing


def records(text: str, sign: str) -> list[list[str]]:
    """The first lines, parted."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
    try:
        return [row for row, _ in zip(reader, range(LINES), strict=False)]
    except csv.Error:
        return []


@contextmanager
def plain(path: Path, encoding: str) -> Iterator[Path]:
    """The same text in UTF-8 from the header on: the file itself, or a copy."""
    with open_packed(path) as file:
        start = file.read(HEAD)
    notes = count_notes(start.decode(encoding, errors="ignore"))
    bare = b"\r" in start and b"\n" not in start
    if encoding.startswith("utf-8") and not (is_packed(path) or notes or bare):
        yield path
        return
    with temporary() as folder:
        copy = folder / "text.csv"
        rewrite(path, encoding, copy, skip=notes, bare=bare)
        yield copy


def rewrite(path: Path, encoding: str, copy: Path, *, skip: int, bare: bool) -> None:
    """Write the text in UTF-8 without its first lines; `bare` returns become lines.

    FactoryError if it cannot be read.
    """
    newline = None if bare else ""
    try:
        with (
            io.TextIOWrapper(open_packed(path), encoding=encoding, newline=newline) as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            for _ in range(skip):
                source.readline()
            shutil.copyfileobj(source, target, CHUNK)
    except UnicodeDecodeError as error:
        reason = f"{path} cannot be read as {encoding}: {first_damage(path, encoding) or error}"
        raise FactoryError(reason, "set data.encoding in params.yaml") from error
    except damages(OSError) as error:
        reason = f"{path} cannot be read as {encoding}: {error}"
        raise FactoryError(reason, "set data.encoding in params.yaml") from error
