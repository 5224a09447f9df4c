"""The format of the template's history: what `git fast-import` reads, one whole tree per commit."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from . import git
from .errors import MlfactoryError

IDENTITY = f"{git.NAME} <{git.EMAIL}>"
TREE = ("copier.yml", "template")


def is_release_of(content: bytes, version: str, stream: bytes) -> bool:
    """Whether the release has exactly this tree."""
    return stream.endswith(content + tag(version))


def commit(version: str, message: str, seconds: int, content: bytes) -> bytes:
    """One release for `git fast-import`; the branch's tip, if any, is its parent."""
    text = f"{message.strip()}\n".encode()
    head = f"commit refs/heads/main\ncommitter {IDENTITY} {seconds} +0000\ndata {len(text)}\n"
    return head.encode() + text + content + tag(version)


def tag(version: str) -> bytes:
    return f"reset refs/tags/v{version}\nfrom refs/heads/main\n\n".encode()


def tree(checkout: Path, *, untracked: bool = True) -> bytes:
    """The template's whole tree as fast-import commands, the same for the same files."""
    entries = [entry(checkout, mode, name) for mode, name in template_files(checkout, untracked)]
    return b"deleteall\n" + b"".join(entries)


def template_files(checkout: Path, untracked: bool) -> list[tuple[str, str]]:
    """Mode and path of copier.yml and all below template/, sorted; files deleted are left out."""
    listed = list(git_files(checkout, untracked)) or list(plain_files(checkout))
    return sorted((m, n) for m, n in listed if os.path.lexists(checkout / n))


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


def entry(checkout: Path, mode: str, name: str) -> bytes:
    """One file as a fast-import command."""
    if mode not in ("100644", "100755") or re.search(r'[\n"\\]', name):
        raise MlfactoryError(f"{name} cannot be part of a template", "Use plain files and names.")
    content = (checkout / name).read_bytes()
    return f"M {mode} inline {name}\ndata {len(content)}\n".encode() + content + b"\n"


def unpack(stream: bytes, folder: Path) -> None:
    """Write the tree of one commit below `folder`: what git would check out, without git."""
    for mode, name, content in files(stream):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if mode == "100755":
            path.chmod(0o755)


def files(stream: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Mode, name and content of every file of one commit."""
    place = data(stream, stream.index(b"\ndata ") + 1)[1] + len(b"deleteall\n")
    while stream.startswith(b"M ", place):
        end = stream.index(b"\n", place)
        _, mode, _, name = stream[place:end].decode().split(" ", 3)
        content, place = data(stream, end + 1)
        yield mode, name, content
        place += 1


def data(stream: bytes, place: int) -> tuple[bytes, int]:
    """The bytes of a `data` command and where they end."""
    end = stream.index(b"\n", place)
    start, size = end + 1, int(stream[place:end].removeprefix(b"data "))
    return stream[start : start + size], start + size
