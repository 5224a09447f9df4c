"""How a text file is written: its compression, encoding and separator."""

import codecs
import csv
import gzip
import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from ..errors import FactoryError

HEAD, CHUNK, LINES = 1 << 20, 1 << 20, 50
USUAL, RARE = (",", ";", "\t", "|", "\x01"), ("^", "~", "#", ":", " ")
GZIP = b"\x1f\x8b"
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WIDE = {(False, True): "utf-16-le", (True, False): "utf-16-be"}  # which byte is zero in ASCII
WESTERN = set("äöüÄÖÜßéèêëÉàâáãåæÅçÇñÑóòôõøØíìîïúùûÿœŒ€£¥°²³µ§–—’‘“”„«»…·®™½¿¡ºª\xa0")  # noqa: RUF001
ENCODINGS = [
    "cp1251", "cp1250", "iso8859_2", "iso8859_5", "shift_jis", "gb18030", "big5", "euc_kr",
    "cp1253", "cp1254", "koi8_r", "mac_roman",
]  # fmt: skip


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if gzip packed it."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def head(path: Path, encoding: str) -> str:
    """The first lines as text; a line that is cut off at the end is left out."""
    with opened(path) as file:
        raw = file.read(HEAD)
    text = raw.decode(encoding, errors="ignore")
    whole = text if len(raw) < HEAD else text[: text.rfind("\n") + 1] or text
    return after_note(whole)


def after_note(text: str) -> str:
    """The text without the first line `sep=;`, a note of spreadsheets."""
    first = text[:6].lower()
    return text.partition("\n")[2] if first.startswith("sep=") and first[5:].strip() == "" else text


def find_encoding(path: Path, declared: str = "utf-8") -> str:
    """UTF-8 if all of it is, UTF-16 by its mark or zeros, else what is declared or likeliest."""
    with opened(path) as file:
        start = file.read(HEAD)
        if start.startswith(UTF16):
            return "utf-16"
        if wide := WIDE.get((start[:1] == b"\0", start[1:2] == b"\0")):
            return wide
        decoder = codecs.getincrementaldecoder("utf-8")()
        chunk = start
        try:
            while chunk:
                decoder.decode(chunk)
                chunk = file.read(CHUNK)
            decoder.decode(b"", final=True)
            return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
        except UnicodeDecodeError:
            odd = start + chunk if chunk is not start else start
    if declared != "utf-8":
        return declared
    text = re.findall(r"[^\x00-\x7f]", odd.decode("utf-8", "replace"))
    if len(text) > 2 * text.count("\ufffd"):
        raise FactoryError(f"{path} is UTF-8, but for some bytes", "mend them at the source")
    return guess_encoding(odd)


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
    """The same text in UTF-8 without a note for spreadsheets: the file itself, or a copy."""
    with opened(path) as file:
        start = file.read(HEAD)
        packed = isinstance(file, gzip.GzipFile)
    text = start[:64].decode(encoding, errors="ignore")
    note, bare = after_note(text) != text, b"\r" in start and b"\n" not in start
    if encoding.startswith("utf-8") and not (packed or note or bare):
        yield path
        return
    with TemporaryDirectory(prefix="factory-") as folder:
        copy = Path(folder) / "text.csv"
        rewrite(path, encoding, copy, skip=note, bare=bare)
        yield copy


def rewrite(path: Path, encoding: str, copy: Path, *, skip: bool, bare: bool) -> None:
    """Write the text in UTF-8; `bare` returns become lines. FactoryError if it cannot be read."""
    newline = None if bare else ""
    try:
        with (
            io.TextIOWrapper(opened(path), encoding=encoding, newline=newline) as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            if skip:
                source.readline()
            shutil.copyfileobj(source, target, CHUNK)
    except (UnicodeDecodeError, EOFError, OSError) as error:
        reason = f"{path} cannot be read as {encoding}: {error}"
        raise FactoryError(reason, "set data.encoding in params.yaml") from error
