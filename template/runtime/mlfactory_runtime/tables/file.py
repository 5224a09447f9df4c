"""What kind of file it is, by its first bytes, and how its bytes are read."""

import codecs
import io
from pathlib import Path
from urllib.parse import unquote

from ..errors import FactoryError
from .packs import PACKS, open_packed, pack_of

HEAD, START = 1 << 20, 1000
SAVE = "save the table as CSV (UTF-8, with a header) or as Parquet"
AGAIN = "export the data again"
NAME = "give it a name that ends in {}"
SIGN_IN = "sign in where it comes from, and get it"
SIGNATURES = (
    (b"PAR1", "is a Parquet file", "give it a name that ends in .parquet"),
    (b"PARE", "is an encrypted Parquet file", "save it without encryption"),
    (b"\x1f\x8b", "was compressed by gzip twice", "unpack it first: gunzip"),
    (b"PK\x03\x04", "is a ZIP archive or an Excel sheet", SAVE),
    (b"\x28\xb5\x2f\xfd", "was compressed by zstd twice", "unpack it first: unzstd"),
    (b"BZh", "was compressed by bzip2 twice", "unpack it first: bunzip2"),
    (b"\xfd7zXZ", "was compressed by xz twice", "unpack it first: unxz"),
    (b"7z\xbc\xaf", "is a 7-Zip archive", "unpack it first: 7z x"),
    (
        b"\xd0\xcf\x11\xe0",
        "is an Excel sheet, an old one or one with a password",
        NAME.format(".xls"),
    ),
    (b"SQLite format 3", "is an SQLite database", NAME.format(".sqlite")),
    (b"\x89HDF", "is an HDF5 file", SAVE),
    (b"ARROW1", "is an Arrow file", NAME.format(".arrow")),
    (b"ORC", "is an ORC file", SAVE),
    (b"%PDF", "is a PDF document", SAVE),
    (b"version https://git-lfs", "is a pointer of Git LFS, not the data", "run `git lfs pull`"),
    (b"<!doctype html", "is a web page, not the data", SIGN_IN),
    (b"<html", "is a web page, not the data", SIGN_IN),
    (b"<?xml", "is an XML file", SAVE),
    (b'{"', "is a JSON file", NAME.format(".jsonl, one object a line")),
    (b"[{", "is a JSON file", NAME.format(".json")),
)
# An ordinary header may begin with these letters; a binary file is not all text.
LIKE_TEXT = (b"ORC", b"BZh", b"PARE", b"PAR1", b"ARROW1", b"SQLite format 3")


def is_parquet(path: Path) -> bool:
    """Whether its name says so."""
    return path.suffix == ".parquet"


def partitions(path: Path) -> dict[str, str | None]:
    """The columns that stand in the folders of a file, as Hive and Spark write them: `Home=rent/`.

    A column is text; `__HIVE_DEFAULT_PARTITION__` is a missing value.
    """
    pairs = (unquote(folder).partition("=") for folder in path.parts[:-1])
    return {
        name: None if value == "__HIVE_DEFAULT_PARTITION__" else value
        for name, sign, value in pairs
        if name.strip() and sign
    }


def kind(path: Path) -> str:
    """How a file is packed, by its first bytes: `.parquet`, `text`, or a name in PACKS."""
    with path.open("rb") as file:
        start = file.read(4)
    return ".parquet" if start == b"PAR1" else pack_of(path) or "text"


def check_content(path: Path) -> None:
    """Raises FactoryError when the file is no table at all, or not the one that its name says."""
    with open_packed(path) as file:
        start = file.read(START)
    check_signature(path, start)
    if is_parquet(path):
        check_parquet(path, start)


def check_signature(path: Path, head: bytes) -> None:
    """Raises FactoryError when the first bytes are those of another kind of file."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:32].lower()
    for signature, what, hint in SIGNATURES:
        own = signature == b"PAR1" and is_parquet(path)
        text = signature in LIKE_TEXT and b"\0" not in head[:START]
        fits = start.startswith(signature) if signature.islower() else head.startswith(signature)
        if (fits or start.startswith(signature)) and not own and not text:
            pack = PACKS.get(pack_of(path))
            first = f"unpack it first: {pack.unpack}; then " if pack and "twice" not in what else ""
            raise FactoryError(f"{path} {what}", first + hint)


def check_parquet(path: Path, head: bytes) -> None:
    """Raises FactoryError when this is no whole Parquet file."""
    if pack := PACKS.get(pack_of(path)):
        raise FactoryError(
            f"{path} is compressed by {pack.name}", f"unpack it first: {pack.unpack}"
        )
    if not head.startswith(b"PAR1"):
        raise FactoryError(
            f"{path} is no Parquet file, in spite of its name",
            "if it is text, give it a name that ends in .csv",
        )
    with path.open("rb") as file:
        end = file.seek(-min(4, len(head)), io.SEEK_END)
        if end < 8 or file.read() != b"PAR1":
            raise FactoryError(f"{path} is a Parquet file that was cut off", AGAIN)
