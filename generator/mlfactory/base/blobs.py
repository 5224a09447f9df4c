"""Files as git stores them, where it stores them as they are: of hundreds of repositories, it would
read each file of each render from the disk, and look for each one's place.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path

from .git import Repository

SHA256 = 64  # digits of an id in repositories of that kind
# What git may change in a text that is added, filters and encodings aside: line ends of Windows,
# and an id that it has written itself.
CHANGEABLE = re.compile(rb"\r|\$Id")
CHANGES = ("filter", "working-tree-encoding")


def is_plain(content: bytes) -> bool:
    """Whether no line end and no id in a file may change."""
    return not CHANGEABLE.search(content)


def converted(repository: Repository, index: Path, paths: list[str]) -> set[str]:
    """Those of the paths that have a filter or an encoding, by the attributes that an index has."""
    stdin = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    argv = ("check-attr", "-z", "--stdin", "--cached", *CHANGES)
    fields = repository.run(*argv, env={"GIT_INDEX_FILE": str(index)}, stdin=stdin).out.split("\0")
    rows = zip(fields[::3], fields[2::3], strict=False)
    return {path for path, value in rows if value not in ("unspecified", "unset")}


def oid_of(content: bytes, digits: int) -> str:
    """The id of a file in a repository whose ids have so many digits."""
    kind = hashlib.sha256 if digits == SHA256 else hashlib.sha1
    return kind(header(content) + content).hexdigest()


def header(content: bytes) -> bytes:
    return f"blob {len(content)}\0".encode()


def write(objects: Path, oid: str, content: bytes) -> None:
    """Write a file into a folder of objects, as git does."""
    path = objects / oid[:2] / oid[2:]
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(header(content) + content, 1))
        path.chmod(0o444)
