"""Files, trees and commits as git stores them, where it stores them as they are: of hundreds of
repositories, it would read each file of each render from the disk, and look for each one's place;
and for a single one it would be started a dozen times.
"""

from __future__ import annotations

import hashlib
import re
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from .git import EMAIL, NAME, Repository

SHA256 = 64  # digits of an id in repositories of that kind
# What git may change in a text that is added, filters and encodings aside: line ends of Windows,
# and an id that it has written itself.
CHANGEABLE = re.compile(rb"\r|\$Id")
CHANGES = ("filter", "working-tree-encoding")
# With these, git takes what has a zero byte for a text, or for one that holds its id.
AS_TEXT = ("text", "crlf", "eol", "ident")
NO_CHANGE = {"unspecified", "unset"}
FOLDER = "40000"
Leaves = Mapping[str, tuple[str, str]]


def is_plain(content: bytes) -> bool:
    """Whether no line end and no id in a file may change."""
    return not CHANGEABLE.search(content)


def is_binary(content: bytes) -> bool:
    """Whether git sees that it is no text, and leaves it as it is unless attributes say more."""
    return b"\0" in content


def may_stay(content: bytes) -> bool:
    """Whether there are attributes with which git stores a file byte by byte, for sure."""
    return is_plain(content) or is_binary(content)


def attributes(repository: Repository, index: Path, paths: list[str]) -> dict[str, set[str]]:
    """The attributes by which git would change a file that is added, by its path: those that an
    index has, which need not be there where no file of attributes is."""
    stdin = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    argv = ("check-attr", "-z", "--stdin", "--cached", *CHANGES, *AS_TEXT)
    fields = repository.run(*argv, env={"GIT_INDEX_FILE": str(index)}, stdin=stdin).out.split("\0")
    names: dict[str, set[str]] = {path: set() for path in paths}
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        if value not in NO_CHANGE and (name, value) != ("text", "auto"):
            names[path].add(name)
    return names


def is_kept(content: bytes, names: set[str]) -> bool:
    """Whether git stores a file with these attributes byte by byte."""
    if is_plain(content):
        return not names.intersection(CHANGES)
    return is_binary(content) and not names


def oid_of(content: bytes, digits: int, kind: str = "blob") -> str:
    """The id of a file, or of another object, in a repository whose ids have so many digits."""
    digest = hashlib.sha256 if digits == SHA256 else hashlib.sha1
    return digest(header(content, kind) + content).hexdigest()


def header(content: bytes, kind: str) -> bytes:
    return f"{kind} {len(content)}\0".encode()


def write(objects: Path, oid: str, content: bytes, kind: str = "blob") -> None:
    """Write an object into a folder of objects, as git does."""
    path = objects / oid[:2] / oid[2:]
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(header(content, kind) + content, 1))
        path.chmod(0o444)


def put(objects: Path, content: bytes, digits: int, kind: str) -> str:
    """Write an object, and return its id."""
    oid = oid_of(content, digits, kind)
    write(objects, oid, content, kind)
    return oid


def put_tree(objects: Path, leaves: Leaves, digits: int) -> str | None:
    """Write the trees of some files, and return the id of the one at the top; None where a file
    has the name of a folder, which git settles."""
    folders: dict[str, dict[str, tuple[str, str]]] = {}
    for name, leaf in leaves.items():
        folder, _, last = name.rpartition("/")
        folders.setdefault(folder, {})[last] = leaf
    return put_folder(objects, with_parents(folders), "", digits)


def with_parents(
    folders: Mapping[str, dict[str, tuple[str, str]]],
) -> dict[str, dict[str, tuple[str, str]]]:
    """The same with each folder in the one around it, whose id is not known yet."""
    full = {"": dict(folders.get("", {}))} | {name: dict(rows) for name, rows in folders.items()}
    for name in folders:
        while name:
            name, _, last = name.rpartition("/")
            full.setdefault(name, {}).setdefault(last, (FOLDER, ""))
    return full


def put_folder(
    objects: Path, folders: Mapping[str, Mapping[str, tuple[str, str]]], at: str, digits: int
) -> str | None:
    rows = []
    for name, (mode, oid) in folders[at].items():
        path = f"{at}/{name}" if at else name
        if (mode == FOLDER) != (path in folders):
            return None
        below = put_folder(objects, folders, path, digits) if mode == FOLDER else oid
        if below is None:
            return None
        raw = name.encode("utf-8", "surrogateescape")
        rows.append((raw + b"/" * (mode == FOLDER), mode.encode(), raw, bytes.fromhex(below)))
    content = b"".join(mode + b" " + raw + b"\0" + oid for _, mode, raw, oid in sorted(rows))
    return put(objects, content, digits, "tree")


def put_commit(objects: Path, tree: str, message: str, *parents: str) -> str:
    """Write a commit of ours that no branch has, and return its id."""
    who = f"{NAME} <{EMAIL}> {int(time.time())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {who}", f"committer {who}", "", message.rstrip("\n"), ""]
    content = "\n".join(lines).encode("utf-8", "surrogateescape")
    return put(objects, content, len(tree), "commit")
