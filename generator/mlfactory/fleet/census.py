"""`mlfactory fleet init` and `add`: fleet.yml, written so that people can go on with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import yaml

from mlfactory.base import addresses, answers, git
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.project.record import CRUFT_FILE, PATTERN, is_bare
from mlfactory.update.ready import shorten

from . import inventory
from .clone import source_of
from .inventory import Fleet, Member
from .reader import Reader

DEPTH = 3  # so far below a folder clones are looked for
HEADER = """\
# The repositories of this fleet. `mlfactory fleet status` says how they are.
# template: git+https://git.example.com/team/template.git   # else each one's own
# groups: [pilot, rest]     # waves, in this order
# answers: {{}}              # to questions that are new to a repository
branch: {branch}   # what proposals are called

repositories:
"""
NO_RECORD = "no template is known that it was made from"


@dataclass(frozen=True)
class Census:
    """What stands in a fleet's file now, line by line, and how many repositories are new."""

    file: str
    lines: tuple[str, ...]
    new: int
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        noun = "repository" if self.new == 1 else "repositories"
        return "; ".join((f"{self.file} names {self.new} more {noun}", *self.notes))


def begin(folder: Path, file: Path) -> Census:
    """Write a fleet's file for what is in a folder. Raises an error where there is one already."""
    check_new(file)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a directory", "Name a folder with clones.")
    places, again = once([*repositories(folder)])
    entries = [entry for place in places for entry in entries_of(place, file)]
    if not entries:
        raise UsageError(f"{folder} has no git repositories", "Name a folder with clones.")
    names = shorten([place.name for place in again])
    notes = (f"left out, clones of one that it names: {names}",) if again else ()
    return begin_with(file, entries, notes=notes)


def once(places: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The first clone or work tree of each repository, and those that lead to the same."""
    firsts: dict[str, Path] = {}
    for place in places:
        firsts.setdefault(address_of(place), place)
    rest = {*places} - {*firsts.values()}
    return [*firsts.values()], sorted(rest)


def address_of(place: Path) -> str:
    """Where a clone leads; one that does not say it leads to itself."""
    try:
        address, _ = source_of(Member("", str(place.resolve()), is_path=True))
    except MlfactoryError:
        return str(place)
    return inventory.same_address(address)


def check_new(file: Path) -> None:
    """Raises UsageError where there is a file already."""
    if file.exists():
        raise UsageError(f"{file} exists", "Add to it: mlfactory fleet add URL_OR_PATH")


def begin_with(
    file: Path, entries: Sequence[Mapping[str, str]], more: str = "", notes: tuple[str, ...] = ()
) -> Census:
    """Write a new file with these entries; `more` comes before them."""
    rows = [line for entry in entries for line in lines_of(entry)]
    header = HEADER.format(branch=inventory.BRANCH).replace(
        "\nrepositories:", f"{more}\nrepositories:"
    )
    text = header + "".join(f"{row}\n" for row in rows)
    check(file, text)
    write(file, text)
    return Census(str(file), tuple(text.splitlines()), len(entries), notes)


def repositories(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Clones and bare repositories at and below a folder; what is inside of one is its own."""
    if (folder / ".git").exists() or is_bare(folder):
        yield folder
    elif depth:
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.is_symlink() and not inner.name.startswith("."):
                yield from repositories(inner, depth - 1)


def entries_of(place: Path, file: Path) -> Iterator[dict[str, str]]:
    """What is written of a repository: an entry for each project in it."""
    argv = ("ls-tree", "-r", "-z", "--name-only", "HEAD")
    listing = git.run(*argv, cwd=place, ok=(0, 128))
    where = {"path": os.path.relpath(place.resolve(), file.parent.resolve())}
    yield from entries_at(where, listing.out.split("\0"))


def entries_at(where: Mapping[str, str], names: Sequence[str]) -> Iterator[dict[str, str]]:
    """The same of a repository whose files have these names."""
    paths = [PurePosixPath(name) for name in names if name]
    records = [p for p in paths if fnmatch(p.name, PATTERN) or p.name == CRUFT_FILE]
    folders = sorted({p.parent.as_posix() for p in records})
    for folder in folders:
        yield {**where, **({"folder": folder} if folder != "." else {}), **several(records, folder)}
    if not folders:
        yield {**where, "skip": NO_RECORD if paths else "it has no commit yet"}


def several(records: Sequence[PurePosixPath], folder: str) -> dict[str, str]:
    """Which record is meant, where a folder has several and none of the usual names."""
    names = sorted(p.name for p in records if p.parent.as_posix() == folder)
    usual = {answers.FILE, CRUFT_FILE} & {*names}
    return {"answers_file": names[0]} if len(names) > 1 and not usual else {}


def lines_of(entry: Mapping[str, str]) -> list[str]:
    """An entry as YAML, in a list."""
    rows = [f"{key}: {scalar(value)}" for key, value in entry.items()]
    return [f"  - {rows[0]}", *(f"    {row}" for row in rows[1:])]


def scalar(text: str) -> str:
    """A text as YAML reads it back, on one line."""
    return yaml.safe_dump(text, width=10**6, allow_unicode=True).removesuffix("\n...\n").strip()


def add(file: Path, names: Sequence[str], fields: Mapping[str, str]) -> Census:
    """Add repositories to a fleet's file. Raises an error for what the file cannot take; what
    stands in it stays, comments too."""
    for name in names:
        addresses.refuse("REPOSITORY", name)
    before = inventory.read(file) if file.exists() else None
    entries = [entry_of(file, name, fields) for name in names]
    keys = {one.key for one in before.members} if before else set()
    text = file.read_text("utf-8") if before else HEADER.format(branch=inventory.BRANCH)
    rows = [row for entry in entries for row in lines_of(entry)]
    fresh = insert(file, text, rows) if before else text + "".join(f"{row}\n" for row in rows)
    after = check(file, fresh)
    if len(after.members) != len(keys) + len(entries):
        raise MlfactoryError(f"{file} has a form that cannot be added to", "Add it by hand.")
    write(file, fresh)
    return Census(str(file), tuple(fresh.splitlines()), len(entries))


def entry_of(file: Path, name: str, fields: Mapping[str, str]) -> dict[str, str]:
    """An entry for what somebody typed: a path is kept as it is seen from the file."""
    path = Path(name).expanduser()
    rest = {key: value for key, value in fields.items() if value}
    if not path.is_dir():
        if ":" not in name:
            raise UsageError(
                f"there is no folder {name}", "Name a clone, or the URL of a repository."
            )
        return {"url": name, **rest}
    return {"path": os.path.relpath(path.resolve(), file.parent.resolve()), **rest}


def insert(file: Path, text: str, rows: Sequence[str]) -> str:
    """The text with more entries at the end of the list of repositories."""
    _, root = inventory.compose(file)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    node = next((value for key, value in pairs if key.value == "repositories"), None)
    lines = text.splitlines()
    if node is None:
        return "\n".join([*lines, "repositories:", *rows]) + "\n"
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        raise MlfactoryError(
            f"{file}:{node.start_mark.line + 1}: repositories cannot be added to",
            "Write it as a list, one `- url: ...` per line.",
        )
    shift = node.start_mark.column - 2
    moved = [f"{' ' * shift}{row}" if shift > 0 else row[-shift:] for row in rows]
    at = last_line(node) + 1
    return "\n".join([*lines[:at], *moved, *lines[at:]]) + "\n"


def last_line(node: yaml.Node) -> int:
    """The last line, from 0, of what a node writes; comments behind it are not its own."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return last_line(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.line)


def check(file: Path, text: str) -> Fleet:
    """The fleet that a text describes. Raises MlfactoryError for what cannot be read."""
    reader, root = Reader(file), yaml.compose(text, Loader=yaml.SafeLoader)
    fleet = inventory.parse(reader, root, file) if root else Fleet(file, ())
    if reader.problems:
        hint = f"Nothing was written to {file}."
        raise UsageError("\n".join(reader.problems), hint)
    return fleet


def write(file: Path, text: str) -> None:
    """Put a file in its place in one move."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MlfactoryError(f"{file} cannot be written: {error.strerror}") from error
