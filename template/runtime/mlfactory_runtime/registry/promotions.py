"""The records of promotions: files in an order, each of which names the one before."""

import hashlib
from pathlib import Path

from ..git import tries
from ..project import Project
from ..records.record import parse
from ..records.registry import Promotion
from ..records.trail import Former

PROMOTIONS, BILL = Path("promotions"), ".cdx.json"


def record_in(file: Path) -> Promotion:
    return parse(Promotion, file.read_text("utf-8"), file.name)


def is_record(name: str) -> bool:
    """Whether a file of promotions/ is a record; others stand beside it."""
    return name.endswith(".json") and not name.endswith(BILL)


def record_files(project: Project) -> list[Path]:
    """The records that stand here, in their order."""
    files = (project.root / PROMOTIONS).glob("*.json")
    records = [file for file in files if is_record(file.name)]
    return sorted(records, key=lambda file: (number_of(file), file.name))


def number_of(file: Path) -> int:
    """The number in a record's name: 3 of prod-0003-v1.2.0.json."""
    return int(file.name.rsplit("-", 2)[1])


def former(project: Project, commit: str) -> Former | None:
    """The last record that a commit holds: the next one names it."""
    listing = tries(project.root, "ls-tree", "--name-only", commit, f"{PROMOTIONS}/")
    names = sorted((Path(name) for name in listing.splitlines() if is_record(name)), key=number_of)
    if not names:
        return None
    text = tries(project.root, "show", f"{commit}:./{names[-1].as_posix()}")
    return Former(record=names[-1].stem, sha256=seal(text))


def seal(text: str) -> str:
    """The hash of a record's text, whatever ends its last line."""
    return hashlib.sha256(text.strip().encode()).hexdigest()
