"""What becomes of each file: the project's own holds, what it lacks is added, what nobody has
touched since an older template made it moves to ours."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from mlfactory.base import git, objects, workflows
from mlfactory.base.errors import MlfactoryError
from mlfactory.project.record import PYPROJECT, Project
from mlfactory.render.result import Render
from mlfactory.render.safety import Entry

from . import ignore, needs, older, pyproject
from .place import Place
from .pyproject import Around
from .request import (
    ADDED,
    GOES,
    KEEPS,
    MERGES,
    MOVES,
    SAME,
    TAKES,
    UNION,
    Piece,
    Task,
)  # fmt: skip

IGNORE, ATTRIBUTES, README = ".gitignore", ".gitattributes", "README.md"
LINES = (ATTRIBUTES, ".dvcignore")
CODE = (".py", ".ipynb")
OWN = re.compile(r"src/[^/]+/(features|model)\.py")
# What a factory tracks besides its skeleton: it must not be hidden.
TRACKED = (
    "dvc.lock", "uv.lock", "data/snapshot.json", "reports/metrics.json",
    "reports/evaluation.json", "reports/data_card.md", "reports/model_card.md",
    "promotions/1.md", "docs/adoption.md", "docs/mlfactory-adoption.md",
)  # fmt: skip
Choose = Callable[[str], bool]


@dataclass(frozen=True)
class Sides:
    """What is put together: the project, its template's render, and what an older template made
    of its answers, where one is recorded."""

    here: Place
    ours: Render
    package: str
    folder: str
    old: Project | None = None
    base: Render | None = None

    def place_of(self, name: str) -> str:
        """Where a file of the render stands, from the top of the repository."""
        return workflows.name_of(self.folder, name) or f"{self.here.prefix}{name}"

    def name_of(self, name: str) -> str:
        """The same as the report names it, from the project."""
        place = self.place_of(name)
        inside = place.startswith(self.here.prefix)
        return place.removeprefix(self.here.prefix) if inside else f"/{place}"


@dataclass
class Composition:
    """All files of the merge, and what is left to a person."""

    pieces: list[Piece]
    tasks: list[Task]

    def of(self, *states: str) -> list[str]:
        return [piece.path for piece in self.pieces if piece.state in states]


def compose(sides: Sides, choose: Choose | None = None) -> Composition:
    """Decide on every file; `choose` asks whether the template's may take a file's place."""
    out = Composition([], [])
    check_hidden_above(sides)
    contents = their_contents(sides)
    last = {PYPROJECT, IGNORE}
    for entry in sorted(sides.ours.entries, key=lambda e: e.name in last):
        theirs = contents.get(entry.name)
        check_room(sides, entry)
        if theirs is None and entry.name == PYPROJECT and their_code(sides):
            theirs = b""
        out.pieces.append(piece(sides, entry, theirs, out, choose))
    if sides.old and sides.old.file not in {e.name for e in sides.ours.entries}:
        out.pieces.append(Piece(sides.old.file, GOES))
    return out


def check_hidden_above(sides: Sides) -> None:
    """Raises MlfactoryError where the repository around hides what a folder of it would get."""
    here = sides.here
    places = [sides.place_of(e.name) for e in sides.ours.entries] if here.prefix else []
    hidden = [name for name in git.ignored(here.repository, places) if name not in here.leaves]
    own = {f"{here.prefix}{name}" for name in here.names if name == IGNORE}
    if hidden and not own:
        raise MlfactoryError(
            f"the repository's .gitignore keeps {len(hidden)} files of the factory out of git: "
            f"{', '.join(hidden[:4])}",
            f"git check-ignore --verbose --no-index {hidden[0]} names the rule to change.",
        )


def their_contents(sides: Sides) -> Mapping[str, bytes]:
    """The project's own files where the template has one, too; links have no content."""
    leaves = sides.here.leaves
    names = [e.name for e in sides.ours.entries if sides.place_of(e.name) in leaves]
    plain = [n for n in names if leaves[sides.place_of(n)][0].startswith("100")]
    oids = [leaves[sides.place_of(name)][1] for name in plain]
    contents = objects.blobs(sides.here.repository, oids)
    return {**dict.fromkeys(names, b""), **dict(zip(plain, contents, strict=True))}


def check_room(sides: Sides, entry: Entry) -> None:
    """Raises MlfactoryError where a file has the name of a folder of the template, or the other
    way round."""
    place, leaves = sides.place_of(entry.name), sides.here.leaves
    above = [p.as_posix() for p in PurePosixPath(place).parents if p.as_posix() in leaves]
    if above or any(name.startswith(f"{place}/") for name in leaves):
        raise MlfactoryError(
            f"{(above or [place])[0]} is in the way: a factory has {place}", "Move it elsewhere."
        )


def piece(
    sides: Sides, entry: Entry, theirs: bytes | None, out: Composition, choose: Choose | None
) -> Piece:
    """What becomes of one file."""
    name, path = entry.name, sides.name_of(entry.name)
    if name == IGNORE:
        return ignored(sides, theirs, entry, out)
    if theirs is None:
        return Piece(path, ADDED, with_endings(sides, entry), entry.mode)
    if not sides.here.leaves.get(sides.place_of(name), ("100",))[0].startswith("100"):
        return Piece(path, KEEPS)  # a link, or another repository
    if sides.old and name == sides.old.file:
        return Piece(path, MOVES, entry.content, entry.mode)
    if name == PYPROJECT:
        return merged_pyproject(sides, theirs, entry, out)
    if theirs == entry.content:
        return Piece(path, SAME)
    if name == README:
        return Piece(path, UNION, theirs.rstrip(b"\n") + b"\n\n" + entry.content)
    if name in LINES:
        return Piece(path, UNION, both_lines(with_endings(sides, entry), theirs))
    base = sides.base and next((e for e in sides.base.entries if e.name == name), None)
    if base and base.content == theirs:
        return Piece(path, MOVES, entry.content, entry.mode)
    if base and (text := three_ways(theirs, base.content, entry.content)):
        return Piece(path, MERGES, text)
    if choose and choose(path):
        return Piece(path, TAKES, entry.content, entry.mode)
    return Piece(path, KEEPS, diff=diff(path, theirs, entry.content))


def three_ways(theirs: bytes, base: bytes, ours: bytes) -> bytes | None:
    """What git makes of both changes, or None where they meet."""
    if b"\0" in theirs + base + ours:
        return None
    with TemporaryDirectory(prefix="mlfactory-") as folder:
        for name, content in (("theirs", theirs), ("base", base), ("ours", ours)):
            Path(folder, name).write_bytes(content)
        argv = ("merge-file", "--quiet", "--stdout", "theirs", "base", "ours")
        result = git.run(*argv, cwd=Path(folder), ok=range(256))
    return result.out.encode("utf-8", "surrogateescape") if result.code == 0 else None


def diff(path: str, theirs: bytes, ours: bytes) -> str:
    """How the template's file differs from the project's."""
    before, after = (text.decode("utf-8", "replace").splitlines(True) for text in (theirs, ours))
    return "".join(difflib.unified_diff(before, after, f"yours/{path}", f"template/{path}"))


def both_lines(ours: bytes, theirs: bytes) -> bytes:
    """The template's lines, then theirs: of attributes, the last one that fits holds."""
    have = {line.strip() for line in theirs.splitlines()}
    more = [line for line in ours.splitlines() if line.strip() not in have]
    return b"\n".join([*more, *theirs.splitlines()]) + b"\n"


def with_endings(sides: Sides, entry: Entry) -> bytes:
    """The template's attributes, with an exception for each file that has other line ends: git
    would call these changed."""
    if entry.name != ATTRIBUTES:
        return entry.content
    spec = f":(top){sides.here.prefix}"
    listing = sides.here.repository.run("ls-files", "--eol", "-z", "--", spec).out.split("\0")
    rows = (row.partition("\t") for row in listing if row.startswith(("i/crlf", "i/mixed")))
    names = [name.removeprefix(sides.here.prefix) for _, _, name in rows]
    return entry.content + b"".join(f'"/{name}" -text\n'.encode() for name in names)


def ignored(sides: Sides, theirs: bytes | None, entry: Entry, out: Composition) -> Piece:
    """The union of both, and a task where a line of the template's had to be left out."""
    data = f"data/raw/{sides.ours.facts.answers.get('data_file', 'data.csv')}.dvc"
    inside = [n for n in map(sides.name_of, names_of(sides)) if not n.startswith("/")]
    old, new = text_of(theirs or b""), text_of(entry.content)
    both = ignore.union(old, new, sides.here.names, (*inside, data, *TRACKED))
    if both.omitted:
        out.tasks.append(
            Task(
                "ignored",
                "These lines of the template's .gitignore were left out, for they would hide files "
                f"that git tracks here: {', '.join(both.omitted)}. Data and models belong to DVC.",
                ("git rm -r --cached PATH", "dvc add PATH"),
            )
        )
    return Piece(entry.name, UNION if theirs else ADDED, bytes_of(both.text), entry.mode)


def text_of(content: bytes) -> str:
    """A file as text, whatever bytes it has; `bytes_of` gives the same ones back."""
    return content.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def names_of(sides: Sides) -> list[str]:
    return [entry.name for entry in sides.ours.entries]


def merged_pyproject(sides: Sides, theirs: bytes, entry: Entry, out: Composition) -> Piece:
    """Theirs with what a factory needs."""
    here = sides.here
    stay = [path for path in out.of(KEEPS) if not path.startswith("/")]
    has_setup = here.has("setup.py", "setup.cfg")
    around = Around(
        code=tuple(their_code(sides)),
        package=sides.package,
        others=here.names,
        keep=tuple(f"/{path}" for path in stay),
        has_tests=any(n.startswith("tests/") or "/tests/" in n for n in here.names),
        has_setup=has_setup,
        facts=older.of_setup(here.text("setup.py"), here.text("setup.cfg")) if has_setup else None,
        library=needs.of_library(sides.ours),
    )
    plain = theirs.removeprefix(codecs.BOM_UTF8)  # Windows begins with it, and TOML has none
    both = pyproject.merge(text_of(plain), text_of(entry.content), around)
    out.tasks.extend(both.tasks)
    return Piece(entry.name, UNION if theirs else ADDED, bytes_of(both.text))


def their_code(sides: Sides) -> list[str]:
    """The folders and files of their own Python, as few as name none of the factory's."""
    own = {PurePosixPath(name) for name in names_of(sides)}
    folders = {folder.as_posix() for path in own for folder in path.parents}
    paths = set()
    for name in sides.here.names:
        if name.endswith(CODE):
            parts = PurePosixPath(name).parts
            heads = ("/".join(parts[: n + 1]) for n in range(len(parts)))
            paths.add(next((head for head in heads if head not in folders), name))
    return sorted(paths)
