"""Files: JSON the same for the same content, TOML with its mistakes named, text put in place."""

import hashlib
import json
import shutil
import tomllib
from glob import has_magic
from pathlib import Path
from secrets import token_hex
from typing import Any

from .errors import FactoryError

CONFLICT = "<<<<<<<"


def short_hash(content: bytes) -> str:
    """Sixteen digits that name the content."""
    return hashlib.sha256(content).hexdigest()[:16]


def pretty(content: Any) -> str:
    """JSON that git can show the differences of."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, content: Any) -> None:
    """Write the file at once, and its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh(path, pretty(content)).replace(path)


def replace(path: Path, text: str) -> None:
    """Put the new text in place at once, so that nobody ever reads half of it."""
    temporary = fresh(path, text)
    shutil.copymode(path, temporary)
    temporary.replace(path)


def fresh(path: Path, text: str) -> Path:
    """The text in a file beside its place, of this call alone. What was there stays as it is if
    there is no room.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.new")
    try:
        temporary.write_bytes(text.encode("utf-8"))
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def recorded(text: str) -> str:
    """A path or pattern as a record of the factory names it: of one that is neither in the factory
    nor beside it the name, or what varies. Git keeps records, and folders may tell of a person."""
    path = Path(text)
    parts = path.parts
    if not path.is_absolute() and not text.startswith("~") and parts.count("..") < 2:
        return text
    first = next((n for n, part in enumerate(parts) if has_magic(part)), len(parts) - 1)
    return str(Path(*parts[first:]))


def read_text(path: Path) -> str:
    """The text as it stands, its ends of lines too; FactoryError where it is no UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        where = f"line {line} holds the byte 0x{error.object[error.start]:02x}"
        raise FactoryError(f"{path} is no text in UTF-8: {where}", "save it as UTF-8") from error


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file, nothing where it is not at hand; FactoryError names the line that is wrong."""
    text = read_text(path) if path.is_file() else ""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FactoryError(f"{path} is not valid TOML: {error}", mend(text)) from error


def mend(text: str) -> str:
    """What to do about a file that cannot be understood."""
    has_conflict = any(line.startswith(CONFLICT) for line in text.splitlines())
    return "resolve the conflict that git has marked in it" if has_conflict else "mend that line"
