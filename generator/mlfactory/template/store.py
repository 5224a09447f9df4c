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


def add(folder: Path, commit: stream.Commit, archives: tuple[bytes, ...]) -> tuple[Path, ...]:
    """Write a release: what has changed since the last one, and the wheel of its runtime."""
    content = stream.dump(mount.without_package(commit), *read_all(archives)[-1:])
    new = {f"{commit.version}{SUFFIX}": lzma.compress(content, preset=PRESET)}
    if runtime := mount.wheel_of(commit):
        new[wheel.file_name(commit.version)] = runtime
    folder.mkdir(exist_ok=True)
    for name, data in new.items():
        with (folder / name).open("xb") as file:
            file.write(data)
    return tuple(folder / name for name in new)


@lru_cache(maxsize=2)
def read_all(archives: tuple[bytes, ...]) -> tuple[stream.Commit, ...]:
    """Releases as they are stored, oldest first, read once. Raises MlfactoryError when damaged."""
    commits: list[stream.Commit] = []
    try:
        for content in archives:
            commits.append(stream.read(lzma.decompress(content), *commits[-1:]))
    except (lzma.LZMAError, ValueError, KeyError) as error:
        raise damage(str(error)) from error
    return tuple(commits)


def complete(commit: stream.Commit, content: bytes) -> stream.Commit:
    """A release with its runtime. Raises MlfactoryError where the wheel is missing."""
    if content:
        return mount.with_package(commit, content)
    if mount.PYPROJECT in commit.files:
        raise damage(f"{wheel.file_name(commit.version)} is missing")
    return commit


def damage(what: str) -> MlfactoryError:
    return MlfactoryError(f"the template's history is damaged: {what}", "Reinstall mlfactory.")
