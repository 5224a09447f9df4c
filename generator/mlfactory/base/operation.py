"""What git is in the middle of in a repository, and what is left to do there."""

from __future__ import annotations

import re
from pathlib import Path

from .git import Repository

# A rebase comes first: it keeps a CHERRY_PICK_HEAD, too, while it stands still.
RUNNING = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "cherry-pick",
    "BISECT_LOG": "bisect",
}


def operation(repository: Repository) -> str:
    """What git is in the middle of, or an empty string."""
    running = (verb for name, verb in RUNNING.items() if repository.path_of(name).exists())
    return next(running, "")


def files_with_markers(repository: Repository, *specs: str) -> list[str]:
    """Changed files in which conflict markers are left.

    Lines of `=======` alone are none: they also underline headings.
    """
    argv = ("-c", "core.quotePath=false", "diff", "--check", "--no-color", "HEAD")
    warnings = repository.run(*argv, "--", *specs, passive=True, ok=(0, 2)).out
    rows = re.findall(r"^(.+):(\d+): leftover conflict marker", warnings, re.MULTILINE)
    return sorted({name for name, row in rows if begins_conflict(repository.top / name, int(row))})


def begins_conflict(file: Path, row: int) -> bool:
    """Whether a line that git takes for a conflict marker is not only a line under a heading."""
    lines = file.read_bytes().split(b"\n") if file.is_file() else []
    return len(lines) >= row and lines[row - 1].startswith((b"<", b">", b"|"))
