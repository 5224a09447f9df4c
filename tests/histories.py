"""Generated histories: a template that goes from one version to the next, and a project of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from mlfactory.cli.console import Terminal

TALK = Terminal(quiet_plan=True)
LABEL = re.compile(rb"^(<{7,}|>{7,}|\|{7,}) .*$", re.MULTILINE)
ANSWERS = "{{ _copier_conf.answers_file }}.jinja"
ASKED = "_subdirectory: tree\nname: {type: str, default: someone}\n"
MORE = f"{ASKED}extra: {{type: int, default: 7}}\n"
STEP = 8  # so many lines from one edit to the next: seven of them unchanged
WORDS = [b"a\n", b"b\n", b"\n", b"end\n"]  # lines that come again and again
ODD = [b"", b"\n", b"no newline", b"x\r\ny\r\n", b"\x00\x01\xff\x00", b"mixed\r\nends\n", b"\xe9\n"]


@dataclass(frozen=True)
class File:
    """One file as the template had it, has it, and as the user left it; None where there is none.

    `moved` are the new names that the template and the user gave it; `modes` are executable bits
    of all three.
    """

    old: bytes | None
    new: bytes | None
    mine: bytes | None
    moved: tuple[str, str] = ("", "")
    modes: tuple[bool, bool, bool] = (False, False, False)


@dataclass(frozen=True)
class History:
    files: Mapping[str, File] = field(default_factory=dict)

    @property
    def old(self) -> dict[str, tuple[bytes, bool]]:
        return {n: (f.old, f.modes[0]) for n, f in self.files.items() if f.old is not None}

    @property
    def new(self) -> dict[str, tuple[bytes, bool]]:
        contents = self.files.items()
        return {f.moved[0] or n: (f.new, f.modes[1]) for n, f in contents if f.new is not None}

    @property
    def mine(self) -> dict[str, tuple[bytes, bool]]:
        contents = self.files.items()
        return {f.moved[1] or n: (f.mine, f.modes[2]) for n, f in contents if f.mine is not None}

    @property
    def words(self) -> set[bytes]:
        """The lines that only the user has written, and that are in the project."""
        lines = (line for content, _ in self.mine.values() for line in content.split(b"\n"))
        return {line.strip() for line in lines if line.startswith(b"user ")}


@st.composite
def apart(draw: st.DrawFn, name: str) -> File:
    """Unique lines, and both sides' edits with seven unchanged ones between them."""
    edits = draw(st.lists(st.tuples(st.sampled_from("tu."), st.sampled_from("rid")), max_size=6))
    begin = draw(st.integers(0, STEP - 1))
    old = [f"{name} {n}\n".encode() for n in range(begin + STEP * len(edits))]
    new, mine = list(old), list(old)
    for n, (side, kind) in reversed(list(enumerate(edits))):
        if side != ".":
            edit(new if side == "t" else mine, begin + n * STEP, kind, f"{side} {name} {n}")
    modes = draw(st.sampled_from([(False,) * 3, (True,) * 3]))
    return File(b"".join(old), b"".join(new), b"".join(mine), modes=modes)


def edit(lines: list[bytes], at: int, kind: str, text: str) -> None:
    """Replace, insert or delete."""
    if kind == "d":
        del lines[at]
    elif kind == "r":
        lines[at] = f"{text}\n".encode()
    else:
        lines[at:at] = [f"{text}\n".encode(), f"{text} again\n".encode()]


def contents() -> st.SearchStrategy[bytes]:
    repeated = st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join)
    return st.one_of(repeated, st.sampled_from(ODD))


@st.composite
def one_sided(draw: st.DrawFn, name: str) -> File:
    """Whatever one side did, the other did nothing.

    What users do to files that are not UTF-8, copier loses: of these only the template's changes.
    """
    old, changed = draw(contents()), draw(contents())
    modes = draw(st.tuples(st.booleans(), st.booleans()))
    if not is_text(old + changed) or draw(st.booleans()):
        return File(old, changed, old, modes=(modes[0], modes[1], modes[0]))
    user = f"user {name}\n".encode() + changed
    return File(old, old, user, modes=(modes[0], modes[0], modes[1]))


def is_text(content: bytes) -> bool:
    return b"\x00" not in content and b"\xe9" not in content


@st.composite
def added(draw: st.DrawFn, name: str) -> File:
    content = draw(contents().filter(is_text)) + name.encode()
    template = draw(st.booleans())
    return File(None, content if template else None, None if template else b"user " + content)


@st.composite
def limited(draw: st.DrawFn) -> History:
    """Where copier's replay and git's merge must agree."""
    kinds = [apart] * 6 + [one_sided] * 5 + [added]
    return History({f"f{n}.txt": draw(kind(f"f{n}")) for n, kind in enumerate(kinds)})


@st.composite
def evolved(draw: st.DrawFn, lines: list[bytes], who: str, end: bytes) -> list[bytes]:
    """Some random edits, wherever they fall."""
    fresh_lines = list(lines)
    for n in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(fresh_lines)))
        text = f"{who} {n}".encode() if who.startswith("user") else draw(st.sampled_from(WORDS))
        fresh = [text.strip() + end] * draw(st.integers(0, 1))
        fresh_lines[at : at + draw(st.integers(0, 2))] = fresh
    return fresh_lines


@st.composite
def free(draw: st.DrawFn, name: str) -> File:
    """A file to which both sides may do anything."""
    end = draw(st.sampled_from([b"\n", b"\n", b"\r\n"]))
    words = st.sampled_from([word.strip() + end for word in WORDS])
    old = draw(st.lists(words, max_size=14))
    binary = b"\x00\xff" * draw(st.sampled_from([0, 0, 0, 1]))
    sides = []
    for who in ("template", f"user {name}"):
        content = binary + b"".join(draw(evolved(old, who, end)))
        whole = draw(st.sampled_from([True, True, False]))
        sides.append(content if whole else content.removesuffix(end))
    fate = st.sampled_from(["", "", "", "gone", "moved", "into"])
    fates = draw(st.tuples(fate, fate))
    new, mine = (None if f == "gone" else s for f, s in zip(fates, sides, strict=True))
    moves = {"moved": "{}-moved-by-{}", "into": "{}/inner"}
    moved = tuple(moves.get(f, "").format(name, n) for n, f in enumerate(fates))
    modes = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    exists = draw(st.sampled_from([True, True, True, True, False]))
    before = binary + b"".join(old) if exists else None
    return File(before, new, mine, (moved[0], moved[1]), modes)


@st.composite
def unlimited(draw: st.DrawFn) -> History:
    return History({f"f{n}": draw(free(f"f{n}")) for n in range(draw(st.integers(1, 8)))})


def git(top: Path, *args: str) -> str:
    result = subprocess.run(["git", *args], cwd=top, capture_output=True, check=True)
    return result.stdout.decode("utf-8", "surrogateescape")


def replace(top: Path, files: Mapping[str, tuple[bytes, bool]]) -> None:
    """Exactly these files below a folder, git's own aside."""
    for path in sorted(top.rglob("*"), reverse=True):
        if ".git" in path.relative_to(top).parts:
            continue
        path.rmdir() if path.is_dir() else path.unlink()
    for name, (content, executable) in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if executable else 0o644)


def commit(top: Path, text: str) -> None:
    if not (top / ".git").exists():
        git(top, "init", "--quiet", "--initial-branch=main", "--template=")
    git(top, "add", "--all", "--force")
    git(top, "commit", "--quiet", "--allow-empty", "--message", text)


def template(top: Path, history: History) -> Path:
    """A copier template with two released versions."""
    versions = (("v1.0.0", history.old, ASKED), ("v2.0.0", history.new, MORE))
    for tag, files, questions in versions:
        whole = {f"tree/{n}": file for n, file in files.items()}
        whole |= {
            "copier.yml": (questions.encode(), False),
            f"tree/{ANSWERS}": (b"{{ _copier_answers | to_nice_yaml }}", False),
            "tree/greeting.txt.jinja": (f"{tag} for {{{{ name }}}}\n".encode(), False),
        }
        top.mkdir(exist_ok=True)
        replace(top, whole)
        commit(top, tag)
        git(top, "tag", tag)
    return top


def project(top: Path, source: Path, history: History) -> Path:
    """A project of the first version, made by copier, in which the user has worked."""
    import copier

    answers = {"name": "{{ not.rendered }}"}
    copier.run_copy(str(source), top, data=answers, vcs_ref="v1.0.0", defaults=True, quiet=True)
    commit(top, "as it was made")
    own = {n: (top / n).read_bytes() for n in (".copier-answers.yml", "greeting.txt")}
    replace(top, {**history.mine, **{n: (content, False) for n, content in own.items()}})
    commit(top, "the user's work")
    return top


def content(top: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file of a work tree: bytes, and whether it can be executed."""
    files = {}
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if path.is_symlink():
            files[name] = (os.fsencode(path.readlink()), False)
        elif path.is_file() and not name.startswith(".git/"):
            files[name] = (path.read_bytes(), os.access(path, os.X_OK))
    return files


def state(top: Path) -> dict[str, object]:
    """All that must stay as it is: files, the index's bytes, refs, HEAD and objects."""
    return {
        "files": content(top),
        "index": (top / ".git/index").read_bytes(),
        "objects": sorted(path.as_posix() for path in (top / ".git/objects").rglob("*")),
        "refs": git(top, "for-each-ref"),
        "head": (top / ".git/HEAD").read_text(),
        "kept": sorted(path.name for path in (top / ".git").iterdir()),
    }


def staged(top: Path) -> str:
    """What the index holds, however it is stored."""
    return git(top, "ls-files", "--stage", "-v", "-z")


def differing(ours: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """What is not the same on both sides."""
    names = sorted({*ours, *other})
    return {n: (ours.get(n), other.get(n)) for n in names if ours.get(n) != other.get(n)}


def plain(files: dict[str, tuple[bytes, bool]]) -> dict[str, tuple[bytes, bool]]:
    """The same, with markers that do not name their side: a preview cannot know the names."""
    contents = files.items()
    return {unsigned(name): (LABEL.sub(rb"\1", text), mode) for name, (text, mode) in contents}


def unsigned(name: str) -> str:
    """A file that git calls after a commit, without that: a preview makes another commit."""
    return re.sub(r"~[0-9a-f]{7,} \(", "~(", name)
