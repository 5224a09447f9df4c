"""The format of the template's history: what `git fast-import` reads, one commit per release."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError

IDENTITY = f"{git.NAME} <{git.EMAIL}>"
TREE = ("copier.yml", "template")
WHOLE = "deleteall\n"  # before all files of a commit that names no parent
HEAD = re.compile(rb"commit refs/heads/main\ncommitter [^\n]* (\d+) \+0000\n")
TAG = re.compile(rb"reset refs/tags/v([^\n]+)\nfrom refs/heads/main\n\n\Z")
COMMAND = re.compile(rb"(?:M (\d{6}) inline|D) ([^\n]+)\n")


@dataclass(frozen=True)
class File:
    """One file of a template; the mode is git's."""

    mode: str
    content: bytes


Files = Mapping[str, File]


@dataclass(frozen=True)
class Commit:
    """One version of the template: what its release said, when, and all of its files."""

    version: str
    message: str
    seconds: int
    files: Files


def dump(commit: Commit, parent: Commit | None = None) -> bytes:
    """A commit for `git fast-import`: all files, or what has changed since the parent."""
    text = f"{commit.message.strip()}\n".encode()
    head = f"commit refs/heads/main\ncommitter {IDENTITY} {commit.seconds} +0000\n"
    start = f"from refs/tags/v{parent.version}\n" if parent else WHOLE
    old = parent.files if parent else {}
    deletions = "".join(f"D {name}\n" for name in sorted(old.keys() - commit.files.keys()))
    new = [entry(n, f) for n, f in sorted(commit.files.items()) if old.get(n) != f]
    head += f"data {len(text)}\n"
    return b"".join(
        [head.encode(), text, start.encode(), deletions.encode(), *new, tag(commit.version)]
    )


def entry(name: str, file: File) -> bytes:
    """One file as a fast-import command."""
    head = f"M {file.mode} inline {name}\ndata {len(file.content)}\n"
    return head.encode() + file.content + b"\n"


def tag(version: str) -> bytes:
    return f"reset refs/tags/v{version}\nfrom refs/heads/main\n\n".encode()


def read(stream: bytes, parent: Commit | None = None) -> Commit:
    """What `written` wrote. Raises ValueError for anything else."""
    head = HEAD.match(stream)
    if head is None:
        raise ValueError("no commit")
    text, end = data(stream, head.end())
    files, end = read_files(stream, end, parent)
    version = TAG.match(stream, end)
    if version is None:
        raise ValueError(f"no tag after {len(files)} files")
    return Commit(version[1].decode(), text.decode(), int(head[1]), files)


def read_files(stream: bytes, at: int, parent: Commit | None) -> tuple[Files, int]:
    """All files of a commit, and where its commands end."""
    start = f"from refs/tags/v{parent.version}\n" if parent else WHOLE
    whole = stream.startswith(WHOLE.encode(), at)
    if not whole and not stream.startswith(start.encode(), at):
        raise ValueError(f"not after {parent.version}" if parent else "not the first commit")
    files = dict(parent.files) if parent and not whole else {}
    at = stream.index(b"\n", at) + 1
    while command := COMMAND.match(stream, at):
        mode, name = command[1], command[2].decode()
        at = command.end()
        if mode is None:
            del files[name]
            continue
        content, at = data(stream, at)
        files[name] = File(mode.decode(), content)
        at += 1
    return files, at


def data(stream: bytes, at: int) -> tuple[bytes, int]:
    """The bytes of a `data` command and where they end."""
    end = stream.index(b"\n", at)
    start, size = end + 1, int(stream[at:end].removeprefix(b"data "))
    return stream[start : start + size], start + size


def tree(checkout: Path, *, untracked: bool = True) -> Files:
    """The template's files, by their names in the checkout."""
    entries = template_files(checkout, untracked)
    return {name: file(checkout, mode, name) for mode, name in entries}


def template_files(checkout: Path, untracked: bool) -> list[tuple[str, str]]:
    """Mode and path of copier.yml and all below template/, sorted; files deleted are left out."""
    entries = list(git_files(checkout, untracked)) or list(plain_files(checkout))
    return sorted((m, n) for m, n in entries if os.path.lexists(checkout / n))


def git_files(checkout: Path, untracked: bool) -> Iterator[tuple[str, str]]:
    if git.toplevel(checkout) is None:
        return
    for mode, name in git.files(checkout, *TREE, untracked=untracked):
        yield (mode_on_disk(checkout / name) if mode == "?" else mode), name


def plain_files(checkout: Path) -> Iterator[tuple[str, str]]:
    """The same without git, as in an unpacked sdist."""
    for root in TREE:
        top = checkout / root
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield mode_on_disk(path), path.relative_to(checkout).as_posix()


def mode_on_disk(path: Path) -> str:
    if path.is_symlink():
        return "120000"
    return "100755" if path.exists() and path.stat().st_mode & 0o100 else "100644"


def file(checkout: Path, mode: str, name: str) -> File:
    """One file as the checkout has it. Raises MlfactoryError for links and names that mislead."""
    if mode not in ("100644", "100755") or re.search(r'[\n"\\]', name):
        raise MlfactoryError(f"{name} cannot be part of a template", "Use plain files and names.")
    return File(mode, (checkout / name).read_bytes())


def unpack(files: Files, folder: Path) -> None:
    """Write files below `folder`: what git would check out, without git."""
    for name, file in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        if file.mode == "100755":
            path.chmod(0o755)
