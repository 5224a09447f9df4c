"""A render as data: what a template makes of answers, kept so that it need not be made again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.template import history as source

REF = "refs/mlfactory/base/"
LINK, EXECUTABLE, PLAIN = "120000", "100755", "100644"
MAX_BYTES = 100 * 2**20
KEPT = 200  # so many renders stay in the user's cache
MIGRATIONS = "the template has migrations; mlfactory does not run them"
UNSAFE = "Look at the template; nothing was written."


@dataclass(frozen=True)
class Entry:
    """A rendered file; of a symbolic link, `content` is where it points."""

    mode: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Facts:
    """What else a render tells.

    `skip` and `exclude` are patterns: files that are the user's once they exist, and files that
    the template does not want to see. `questions` were not answered before, with their defaults.
    `origins` names the template's file for each rendered one. `trusted` says that it may run code.
    """

    version: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    questions: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Render:
    """All files of one render, sorted by name, and what else is known of it."""

    entries: tuple[Entry, ...]
    facts: Facts

    def text(self, name: str) -> str | None:
        """A file as text, or None when it is not there."""
        found = next((e for e in self.entries if e.name == name and e.mode != LINK), None)
        return found.content.decode("utf-8", "replace") if found else None


def collected(folder: Path, facts: Facts) -> Render:
    """The files below a folder. Raises MlfactoryError for what must not get into a project."""
    return Render(tuple(sorted(entries(folder), key=lambda e: e.name)), facts)


def entries(folder: Path) -> Iterator[Entry]:
    for top, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(top) / name).is_symlink()]
        for name in (*names, *linked):
            path = Path(top) / name
            yield entry(path, path.relative_to(folder).as_posix())


def entry(path: Path, name: str) -> Entry:
    """One file, looked at before it is read."""
    if is_gits(name):
        raise MlfactoryError(f"the template writes into git's own folder: {name}", UNSAFE)
    if path.is_symlink():
        target = str(path.readlink())
        inside = os.path.normpath(os.path.join(os.path.dirname(name), target))  # noqa: PTH118, PTH120
        if os.path.isabs(target) or inside.split("/")[0] == ".." or is_gits(target):  # noqa: PTH117
            raise MlfactoryError(f"the template's link {name} leaves the project: {target}", UNSAFE)
        return Entry(LINK, name, os.fsencode(target))
    if not path.is_file():
        raise MlfactoryError(f"the template renders {name}, which is no file", UNSAFE)
    size = path.stat().st_size
    if size > MAX_BYTES:
        text = f"the template renders {name} with {size / 2**20:,.0f} MiB"
        raise MlfactoryError(f"{text}; {MAX_BYTES // 2**20} are the limit", "Keep data out of it.")
    mode = EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN
    return Entry(mode, name, path.read_bytes())


def is_gits(name: str) -> bool:
    """Whether a path leads into a repository's own folder, however it is written."""
    return any(part.lower() == ".git" for part in PurePosixPath(name).parts)


@lru_cache
def matcher(patterns: tuple[str, ...]) -> Any:
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", [normalize("NFD", line) for line in patterns])


def matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether a path matches one of the patterns, as copier understands them."""
    return bool(patterns) and bool(matcher(patterns).match_file(name))


def key(*parts: Any) -> str:
    """A name for a render: everything that decides what it contains."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def header(render: Render) -> dict[str, Any]:
    return {"facts": vars(render.facts), "files": [[e.mode, e.name] for e in render.entries]}


def restored(head: Mapping[str, Any], contents: list[bytes]) -> Render:
    """A render out of its header and the files' contents."""
    facts = dict(head["facts"])
    facts |= {name: tuple(facts[name]) for name in ("skip", "exclude", "notes")}
    files = zip(head["files"], contents, strict=True)
    return Render(tuple(Entry(mode, name, c) for (mode, name), c in files), Facts(**facts))


def cached(name: str) -> Render | None:
    """A render from the user's cache; a damaged one counts as absent."""
    path = source.cache() / "renders" / name
    try:
        raw = path.read_bytes()
        line, _, body = raw.partition(b"\n")
        head = json.loads(line)
        if head["digest"] != hashlib.sha256(body).hexdigest():
            return None
        ends = iter(head["sizes"])
        contents, place = [], 0
        for size in ends:
            contents.append(body[place : place + size])
            place += size
        found = restored(head, contents)
        os.utime(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def cache(name: str, render: Render) -> None:
    """Keep a render in the user's cache; where that cannot be, it is made again next time."""
    body = b"".join(e.content for e in render.entries)
    head = header(render) | {
        "sizes": [len(e.content) for e in render.entries],
        "digest": hashlib.sha256(body).hexdigest(),
    }
    folder = source.cache() / "renders"
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(
                json.dumps(head, default=str).encode("utf-8", "surrogateescape") + b"\n" + body
            )
        Path(file.name).replace(folder / name)
        for old in sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def keep(top: Path, name: str, render: Render) -> None:
    """Keep a render in the project's own store, as the base of its next update."""
    if git.ref_exists(top, f"{REF}{name}"):
        return
    text = json.dumps(header(render), default=str).encode()
    who = f"{git.NAME} <{git.EMAIL}> 0 +0000"
    parts = [f"commit {REF}{name}\ncommitter {who}\ndata {len(text)}\n".encode(), text, b"\n"]
    for e in render.entries:
        parts += [
            f"M {e.mode} inline {quoted(e.name)}\ndata {len(e.content)}\n".encode(
                "utf-8", "surrogateescape"
            )
        ]
        parts += [e.content, b"\n"]
    git.run("fast-import", "--quiet", cwd=top, stdin=b"".join(parts))


def quoted(name: str) -> str:
    """A path as `git fast-import` reads it, whatever characters it has."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def kept(top: Path, name: str) -> Render | None:
    """A render from the project's own store, or None."""
    found = git.run("cat-file", "commit", f"{REF}{name}", cwd=top, ok=(0, 128))
    if found.code:
        return None
    head = json.loads(found.out.partition("\n\n")[2])
    leaves = git.leaves(top, f"{REF}{name}")
    return restored(head, git.blobs(top, [leaves[path][1] for _, path in head["files"]]))
