"""Compressed files: which kind it is, by the first bytes, and the bytes within."""

import bz2
import gzip
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import IO

from ..errors import FactoryError

START = 16
REASON = 300  # characters of an error, which may hold a value as a whole
ZSTD = "uv add --group train backports-zstd; or unpack it: unzstd"


@dataclass(frozen=True)
class Pack:
    """One way to compress: how it is told, read and written, and the program that undoes it."""

    name: str
    start: bytes  # a pattern of the first bytes; those of bzip2 alone might be a header
    unpack: str
    open: Callable[[Path], IO[bytes]]
    compress: Callable[[bytes], bytes]
    grows: bool = True  # whether more can be put to the end of such a file


def pack_of(path: Path) -> str:
    """The key in PACKS of what packed a file, whatever its name says; empty where nothing did."""
    with path.open("rb") as file:
        start = file.read(START)
    fitting = (suffix for suffix, pack in PACKS.items() if re.match(pack.start, start, re.DOTALL))
    return next(fitting, "")


def is_packed(path: Path) -> bool:
    return bool(pack_of(path))


def open_packed(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if it is packed. FactoryError for an archive of several."""
    pack = PACKS.get(pack_of(path))
    return pack.open(path) if pack else path.open("rb")


def damages(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What is raised when a packed file was cut off or damaged, and other errors."""
    zstd = sys.modules.get("backports.zstd")
    more = (zstd.ZstdError,) if zstd else ()
    damage = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
    return (*damage, *more, *others)


def open_gzip(path: Path) -> IO[bytes]:
    return gzip.open(path)  # type: ignore[return-value]


def open_bzip2(path: Path) -> IO[bytes]:
    return bz2.open(path)


def open_xz(path: Path) -> IO[bytes]:
    return lzma.open(path)


def open_zstd(path: Path) -> IO[bytes]:
    file: IO[bytes] = zstd_of(str(path)).open(path)
    return file


def zstd_of(name: str) -> ModuleType:
    """The package that reads Zstandard, which Python has from 3.14 on only."""
    try:
        return import_module("backports.zstd")
    except ImportError as error:
        message = f"{name} is compressed by zstd, and the package backports-zstd is not here"
        raise FactoryError(message, ZSTD) from error


def open_zip(path: Path) -> IO[bytes]:
    """The one file of an archive. FactoryError where it has several, a password or damage."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [file for file in archive.infolist() if is_own(file)]
            check_members(path, members)
            return archive.open(members[0])
    except zipfile.BadZipFile as error:
        message = f"{path} is a ZIP archive or an Excel workbook that was cut off or damaged"
        raise FactoryError(message, "export the data again") from error


def is_own(member: zipfile.ZipInfo) -> bool:
    """Whether somebody put it there, and not the system that packed the archive."""
    parts = Path(member.filename).parts
    return not (member.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith("."))


def check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if "[Content_Types].xml" in names:
        raise FactoryError(f"{path} is an Excel workbook", "give it a name that ends in .xlsx")
    if len(members) != 1:
        listing = f": {', '.join(names[:5])}" if names else ""
        hint = "unpack it first: unzip; then give one of them, or a pattern of several"
        raise FactoryError(f"{path} is an archive of {len(members)} files{listing}", hint)
    if members[0].flag_bits & 1:
        raise FactoryError(f"{path} is locked by a password", "unpack it first: unzip")


def to_zip(content: bytes) -> bytes:
    """An archive of one file."""
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("data.csv"), content, zipfile.ZIP_DEFLATED)
    return whole.getvalue()


def to_gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def to_zstd(content: bytes) -> bytes:
    whole: bytes = zstd_of("the file").compress(content)
    return whole


PACKS = {
    ".gz": Pack("gzip", rb"\x1f\x8b", "gunzip", open_gzip, to_gzip),
    ".bz2": Pack("bzip2", rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "bunzip2", open_bzip2, bz2.compress),
    ".xz": Pack("xz", rb"\xfd7zXZ\x00", "unxz", open_xz, lzma.compress),
    ".zst": Pack("zstd", rb"\x28\xb5\x2f\xfd", "unzstd", open_zstd, to_zstd),
    ".zip": Pack("ZIP", rb"PK(\x03\x04|\x05\x06)", "unzip", open_zip, to_zip, grows=False),
}
