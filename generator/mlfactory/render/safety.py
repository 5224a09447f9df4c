"""The one check of everything that was rendered, before git or anything else sees it.

What a template renders becomes a work tree. Git runs what the configuration and the hooks in it
say, follows links, and reads names as file systems do that fold case or ignore characters.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from mlfactory.base.errors import MlfactoryError

LINK, EXECUTABLE, PLAIN = "120000", "100755", "100644"
MAX_BYTES, MAX_TOTAL, MAX_FILES = 100 * 2**20, 500 * 2**20, 20_000
UNSAFE = "Look at the template; nothing was written."
DATA = "Keep data out of it."
# Characters that a Mac's file system leaves out when it compares names.
IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
DRIVE = re.compile(r"[A-Za-z]:[/\\]")
GITS = re.compile(r"\.git|git~\d+")  # the second is what Windows calls it in short
GIT_READS = re.compile(r"\.(gitattributes|gitignore|gitmodules|mailmap)")
# A folder with these is a repository to git, whether they are folders, links or programs; so is one
# that says where the others are.
BARE = ({"head", "objects", "refs"}, {"head", "commondir"})
MODULES = ".gitmodules"
# What a submodule must not say: a program, an option, or a way out of git's own folder.
RUNS = re.compile(
    r"""^\s*(url\s*=\s*"?(-|[\w-]+::)|path\s*=\s*"?(-|/|\.\.)|update\s*=\s*"?!)"""
    r"""|^\s*\[submodule\s+"([^"]*/)?\.\.(/|")""",
    re.MULTILINE | re.IGNORECASE,
)
MOST_LINKS = 40  # that one path may lead through, as for the system itself


@dataclass(frozen=True)
class Entry:
    """A rendered file; of a symbolic link, `content` is where it points."""

    mode: str
    name: str
    content: bytes


def entries_below(folder: Path, more: Iterable[Entry] = ()) -> tuple[Entry, ...]:
    """The files below a folder, and more, sorted by name. Raises MlfactoryError for what must not
    get into a project."""
    return check(sorted((*read(folder), *more), key=lambda e: e.name))


def check(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The same files, if all of them may be in a project. Raises MlfactoryError if not."""
    check_amount(len(entries), sum(len(e.content) for e in entries))
    for one in entries:
        check_name(one.name)
        check_size(one.name, len(one.content))
        if is_named(one.name, re.compile(re.escape(MODULES))) and RUNS.search(text_of(one)):
            raise refusal(f"{one.name} names a submodule that git would run or misplace")
    check_links({e.name: os.fsdecode(e.content) for e in entries if e.mode == LINK}, entries)
    check_no_repository(entries)
    return tuple(entries)


def read(folder: Path) -> Iterator[Entry]:
    """Every file below a folder, looked at before it is read."""
    count = total = 0
    for top, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        for name in folders:
            check_name((Path(top) / name).relative_to(folder).as_posix())
        for name in (*names, *links):
            path = Path(top) / name
            one = entry(path, path.relative_to(folder).as_posix())
            count, total = count + 1, total + len(one.content)
            check_amount(count, total)
            yield one


def entry(path: Path, name: str) -> Entry:
    """One file of a folder."""
    check_name(name)
    facts = path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        return Entry(LINK, name, os.fsencode(path.readlink()))
    check_file(path, name)
    mode = EXECUTABLE if facts.st_mode & 0o100 else PLAIN
    return Entry(mode, name, path.read_bytes())


def write(folder: Path, one: Entry) -> None:
    """Put a file that has passed below a folder of ours."""
    path = folder / one.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if one.mode == LINK:
        path.symlink_to(os.fsdecode(one.content))
    else:
        path.write_bytes(one.content)


def check_file(path: Path, name: str) -> None:
    """Raises MlfactoryError for what cannot be read to its end, or is too large."""
    if not path.is_file():
        raise refusal(f"{name}, which is no file")
    check_size(name, path.stat().st_size)


def check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        text = f"the template renders {name} with {size / 2**20:,.0f} MiB"
        raise MlfactoryError(f"{text}; {MAX_BYTES // 2**20} are the limit", DATA)


def check_amount(count: int, total: int) -> None:
    """Raises MlfactoryError for more than a project can reasonably begin with."""
    if count > MAX_FILES:
        raise MlfactoryError(f"the template renders more than {MAX_FILES:,} files", DATA)
    if total > MAX_TOTAL:
        limit = f"{MAX_TOTAL // 2**20} MiB"
        raise MlfactoryError(f"the template renders more than {limit} in all", DATA)


@lru_cache(maxsize=2**14)
def check_name(name: str) -> None:
    """Raises MlfactoryError for a path that leaves the project, here or on another system."""
    parts = re.split(r"[/\\]", name)
    if CONTROL.search(name):
        raise refusal(f"{name!r}, a name with characters that nobody sees")
    if not name or name[0] in "/\\" or DRIVE.match(name) or ".." in parts:
        raise refusal(f"{name!r}, which leaves the project")
    if is_gits(name):
        text = f"the template writes into git's own folder: {name}"
        raise MlfactoryError(text, UNSAFE)


def is_gits(name: str) -> bool:
    """Whether a path leads into a repository's own folder, however it is written."""
    return any(GITS.fullmatch(plain(part)) for part in re.split(r"[/\\]", name))


def is_named(name: str, names: re.Pattern[str]) -> bool:
    """Whether a file has one of these names to git, on any system."""
    return bool(names.fullmatch(plain(PurePosixPath(name).name)))


def plain(part: str) -> str:
    """One part of a path as file systems compare it: case, characters that do not count, and what
    Windows drops at the end and behind a colon."""
    return IGNORED.sub("", part).lower().partition(":")[0].rstrip(". ")


def text_of(one: Entry) -> str:
    return one.content.decode("utf-8", "replace")


def check_links(links: Mapping[str, str], entries: Sequence[Entry]) -> None:
    """Raises MlfactoryError for a link that leads out of the project, also by way of others."""
    for name, target in links.items():
        if is_named(name, GIT_READS):
            raise refusal(f"{name} as a link, which git does not follow for good reason")
        odd = re.sub(r"\\", "/", target)
        if DRIVE.match(target) or any(resolve(links, name, to) is None for to in {target, odd}):
            text = f"the template's link {name} leaves the project: {target}"
            raise MlfactoryError(text, UNSAFE)
    for one in entries if links else ():
        if through := [p.as_posix() for p in PurePosixPath(one.name).parents if str(p) in links]:
            raise refusal(f"{one.name} through the link {through[0]}")


def resolve(links: Mapping[str, str], name: str, target: str) -> str | None:
    """The place that a link leads to, or None when it leaves the project, reaches git's own folder
    or goes in circles. `..` behind a link is the parent of where that link leads."""
    rest = [*reversed(target.split("/"))]
    here, steps = [*name.split("/")[:-1]], 0
    if target.startswith("/"):
        return None
    while rest:
        part = rest.pop()
        if part == ".." and not here:
            return None
        if part in ("", ".", ".."):
            here = here[:-1] if part == ".." else here
            continue
        here = [*here, part]
        if is_gits(part):
            return None
        if (further := links.get("/".join(here))) is not None:
            steps += 1
            if steps > MOST_LINKS or further.startswith("/"):
                return None
            here.pop()
            rest += reversed(further.split("/"))
    return "/".join(here)


def check_no_repository(entries: Sequence[Entry]) -> None:
    """Raises MlfactoryError for a bare repository: git takes a folder with these names for one,
    and reads its configuration when somebody stands in it."""
    git_names: dict[str, set[str]] = {}
    for one in entries:
        parts = PurePosixPath(one.name).parts
        for at, part in enumerate(map(plain, parts)):
            if any(part in names for names in BARE):
                folder = "/".join(map(plain, parts[:at]))
                git_names.setdefault(folder, set()).add(part)
    for folder, names in git_names.items():
        if any(names >= bare for bare in BARE):
            raise refusal(f"{folder or 'its own folder'} as a git repository")


def refusal(what: str) -> MlfactoryError:
    return MlfactoryError(f"the template renders {what}", UNSAFE)
