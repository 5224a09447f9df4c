"""Renders that are kept, so that they need not be made again: in the user's cache, and the base of
a project's next update in the project's own store."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlfactory.base import git, objects
from mlfactory.base.git import Repository
from mlfactory.template import history

from . import safety
from .result import Facts, Render, Replaced
from .safety import Entry

REF = "refs/mlfactory/base/"
REPORTS = "fast_import_crash_*"
LIMIT = 200  # so many renders stay in the user's cache


def key(*parts: Any) -> str:
    """A name for a render: everything that decides what it contains."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def header(render: Render) -> dict[str, Any]:
    return {"facts": asdict(render.facts), "files": [[e.mode, e.name] for e in render.entries]}


def from_header(head: Mapping[str, Any], contents: list[bytes]) -> Render:
    """A render out of its header and the files' contents. Raises MlfactoryError for what is unsafe:
    what is kept was not always looked at as closely."""
    facts = dict(head["facts"])
    facts |= {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    facts["replaced"] = tuple(Replaced(**one) for one in facts.get("replaced", ()))
    files = zip(head["files"], contents, strict=True)
    return Render(safety.check([Entry(mode, name, c) for (mode, name), c in files]), Facts(**facts))


def read(name: str) -> Render | None:
    """A render from the user's cache; a damaged one counts as absent."""
    path = history.cache() / "renders" / name
    try:
        raw = path.read_bytes()
        line, _, body = raw.partition(b"\n")
        head = json.loads(line)
        if head["digest"] != hashlib.sha256(body).hexdigest():
            return None
        ends = iter(head["sizes"])
        contents, offset = [], 0
        for size in ends:
            contents.append(body[offset : offset + size])
            offset += size
        render = from_header(head, contents)
        os.utime(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return render


def write(name: str, render: Render) -> None:
    """Keep a render in the user's cache; where that cannot be, it is made again next time."""
    body = b"".join(e.content for e in render.entries)
    head = header(render) | {
        "sizes": [len(e.content) for e in render.entries],
        "digest": hashlib.sha256(body).hexdigest(),
    }
    folder = history.cache() / "renders"
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(
                json.dumps(head, default=str).encode("utf-8", "surrogateescape") + b"\n" + body
            )
        Path(file.name).replace(folder / name)
        for old in sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime)[:-LIMIT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def key_for(name: str, render: Render) -> str:
    """The name for a render in which the template's code ran: without trust it is another one."""
    return trust_key(name) if render.facts.code_ran else name


def trust_key(name: str) -> str:
    return key(name, "trusted")


def look_up(
    name: str, repository: Repository | None = None, *, trust: bool = False
) -> Render | None:
    """A kept render, also from a project's store. With trust, one in which nothing was skipped."""
    for one in (trust_key(name), name) if trust else (name,):
        render = read(one) or (recall(repository, one) if repository else None)
        if render and not (trust and render.facts.has_skipped):
            return render
    return None


def keep(repository: Repository, name: str, render: Render) -> None:
    """Keep a render in the project's own store, as the base of its next update."""
    name = key_for(name, render)
    if git.ref_exists(repository, f"{REF}{name}"):
        return
    text = json.dumps(header(render), default=str).encode()
    who = f"{git.NAME} <{git.EMAIL}> 0 +0000"
    parts = [f"commit {REF}{name}\ncommitter {who}\ndata {len(text)}\n".encode(), text, b"\n"]
    for e in render.entries:
        parts += [
            f"M {e.mode} inline {quote(e.name)}\ndata {len(e.content)}\n".encode(
                "utf-8", "surrogateescape"
            )
        ]
        parts += [e.content, b"\n"]
    with no_reports(repository):
        repository.run("fast-import", "--quiet", stdin=b"".join(parts))


@contextmanager
def no_reports(repository: Repository) -> Iterator[None]:
    """Remove the report that git leaves in its folder when an import fails; we say it ourselves."""
    before = {*repository.folder.glob(REPORTS)}
    try:
        yield
    finally:
        for path in {*repository.folder.glob(REPORTS)} - before:
            path.unlink(missing_ok=True)


def quote(name: str) -> str:
    """A path as `git fast-import` reads it, whatever characters it has."""
    text = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def recall(repository: Repository, name: str) -> Render | None:
    """A render from the project's own store, or None."""
    commit = repository.run("cat-file", "commit", f"{REF}{name}", ok=(0, 128))
    if commit.code:
        return None
    head = json.loads(commit.out.partition("\n\n")[2])
    leaves = objects.leaves(repository, f"{REF}{name}")
    return from_header(
        head, objects.blobs(repository, [leaves[path][1] for _, path in head["files"]])
    )
