"""How releases are stored: a compressed stream each, and beside it the wheel of its runtime.

The history is append-only: what exists is never written again.
"""

from __future__ import annotations

import lzma
from functools import lru_cache
from pathlib import Path

from mlfactory.base.errors import MlfactoryError

from . import mount, stream, wheel

SUFFIX = ".stream.xz"
PRESET = 9 | lzma.PRESET_EXTREME


def add(folder: Path, commit: stream.Commit, packed: tuple[bytes, ...]) -> tuple[Path, ...]:
    """Write a release: what has changed since the last one, and the wheel of its runtime."""
    content = stream.written(mount.stored(commit), *unpacked(packed)[-1:])
    new = {f"{commit.version}{SUFFIX}": lzma.compress(content, preset=PRESET)}
    if built := mount.built(commit):
        new[wheel.file_name(commit.version)] = built
    folder.mkdir(exist_ok=True)
    for name, stored in new.items():
        with (folder / name).open("xb") as file:
            file.write(stored)
    return tuple(folder / name for name in new)


@lru_cache(maxsize=2)
def unpacked(packed: tuple[bytes, ...]) -> tuple[stream.Commit, ...]:
    """Releases as they are stored, oldest first, read once. Raises MlfactoryError when damaged."""
    found: list[stream.Commit] = []
    try:
        for content in packed:
            found.append(stream.read(lzma.decompress(content), *found[-1:]))
    except (lzma.LZMAError, ValueError, KeyError) as error:
        raise damaged(str(error)) from error
    return tuple(found)


def restored(commit: stream.Commit, content: bytes) -> stream.Commit:
    """A release with its runtime. Raises MlfactoryError where the wheel is missing."""
    if content:
        return mount.restored(commit, content)
    if mount.PYPROJECT in commit.files:
        raise damaged(f"{wheel.file_name(commit.version)} is missing")
    return commit


def damaged(what: str) -> MlfactoryError:
    return MlfactoryError(f"the template's history is damaged: {what}", "Reinstall mlfactory.")
