"""Files that a command writes for people: over one of its own kind, and over nothing else."""

from __future__ import annotations

from pathlib import Path

from .errors import UsageError

PAGE, DOCUMENT = "<!doctype html", "{"


def check(file: Path, begin: str = PAGE) -> None:
    """Raises UsageError for a file that is there and does not begin like what is to be written, or
    for a place where none can be: somebody's data are not a page of before."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder", "Name a file.")
    if file.exists() and not file.is_file() and begin == DOCUMENT:
        raise UsageError(f"{file} is no file but a device or a pipe", "Name a file.")
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}", f"mkdir -p {file.parent}")
    if file.is_file() and (first := start_of(file, len(begin))) and first.lower() != begin:
        what = "page" if begin == PAGE else "JSON document"
        raise UsageError(f"{file} is there already, and is no {what}", "Name another file.")


def start_of(file: Path, length: int) -> str:
    with file.open("rb") as content:
        return content.read(length).decode("latin-1")
