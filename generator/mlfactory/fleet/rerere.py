"""git's rerere, with a memory that a fleet shares: what a conflict is called, and its resolution.

The memory is a folder as git has it, `ID/preimage` and `ID/postimage`, and can be committed. An ID
is of the lines in conflict alone, so that it is the same wherever these are.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository

FILE = "conflict"
MARKS = re.compile(rb"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
ON = (
    "-c",
    "rerere.enabled=true",
    "-c",
    "rerere.autoUpdate=false",
    "-c",
    "merge.conflictStyle=merge",
)


@dataclass(frozen=True)
class Sides:
    """The three versions of a file in conflict, as they are stored."""

    base: bytes
    ours: bytes
    theirs: bytes


@contextmanager
def memory(folder: Path | None = None) -> Iterator[Repository]:
    """A repository of its own that remembers in a folder, or only for this moment."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        store = git.init(Path(scratch))
        if folder:
            (Path(scratch) / ".git/rr-cache").symlink_to(folder.resolve())
        else:
            (Path(scratch) / ".git/rr-cache").mkdir()
        yield store


def lay_out(store: Repository, sides: Sides) -> Path:
    """Bring a file into conflict as a merge does."""
    rows = []
    for number, content in enumerate((sides.base, sides.ours, sides.theirs), 1):
        argv = ("hash-object", "-w", "--no-filters", "--stdin")
        oid = store.run(*argv, stdin=content).out.strip()
        rows.append(f"100644 {oid} {number}\t{FILE}\n")
    store.run("read-tree", "--empty")
    store.run("update-index", "--index-info", stdin="".join(rows).encode())
    store.run(*ON, "checkout", "--quiet", "--merge", "--", FILE)
    store.path_of("MERGE_RR").unlink(missing_ok=True)
    return store.top / FILE


def identify(store: Repository, sides: Sides) -> tuple[str, bytes]:
    """The ID of a conflict, empty where git knows none, and the file with its marks."""
    content = lay_out(store, sides).read_bytes()
    store.run(*ON, "rerere")
    record = store.path_of("MERGE_RR")
    text = record.read_text() if record.exists() else ""
    return text.partition("\t")[0].partition(".")[0], content


def remember(store: Repository, folder: Path, name: str) -> None:
    """Keep what a conflict looked like before somebody resolves it."""
    try:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        image = store.path_of("rr-cache") / name / "preimage"
        (place / "preimage").write_bytes(image.read_bytes())
    except OSError as error:
        raise MlfactoryError(f"{folder} cannot be written: {error.strerror}") from error


def replay(store: Repository, sides: Sides) -> bytes | None:
    """The file with the resolution that is remembered, or None where that does not hold for it."""
    path = lay_out(store, sides)
    store.run(*ON, "rerere")
    content = path.read_bytes()
    return None if has_marks(content) else content


def has_marks(content: bytes) -> bool:
    return bool(MARKS.search(content))
