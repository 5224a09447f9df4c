"""One cache of packages for all environments of these tests, with what Python compiled of them.

uv links each file of a package from its cache into every environment, so that the bytecode that
one environment has made is right for all: compiling anew is what costs a new one most.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

PACKAGES = "archive-v0"  # where uv's cache has the files of each wheel


def linked(cache: Path, place: Path) -> Path:
    """A copy of a cache by links, made once for all processes that ask for the same place."""
    place.parent.mkdir(exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            made = place.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)
            copy(cache, made) if cache.is_dir() else made.mkdir()
            made.rename(place)
    return place


def copy(cache: Path, place: Path) -> None:
    """By links, where both are on one disk."""
    try:
        shutil.copytree(cache, place, symlinks=True, copy_function=os.link)
    except (shutil.Error, OSError):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()


def share_bytecode(environment: Path, cache: Path) -> None:
    """Lay what was compiled in an environment beside the cache's own links of the same files."""
    sources = dict(files(cache / PACKAGES, ".py"))
    for _, compiled in files(environment, ".pyc"):
        source = compiled.parents[1] / f"{compiled.name.partition('.')[0]}.py"
        number = source.stat().st_ino if source.is_file() else 0
        if number in sources:
            target = sources[number].parent / "__pycache__" / compiled.name
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                new = target.with_name(f".{os.getpid()}-{target.name}")
                shutil.copyfile(compiled, new)
                new.replace(target)


def files(folder: Path, suffix: str) -> Iterator[tuple[int, Path]]:
    """The files of a kind below a folder, with what the disk knows each by."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            if name.endswith(suffix):
                path = Path(place, name)
                yield path.stat().st_ino, path
