"""Which releases of the library close a hole: those whose record says so.

A release's record is its section of the changelog, which is its commit's message for good. A line
that begins with `Security:` names a fix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

from . import history, store

FIX = re.compile(r"^[-*] +\**Security\**:\** *(.+(?:\n {2,}\S.*)*)", re.MULTILINE)


def fixes() -> Mapping[str, tuple[str, ...]]:
    """What the releases that this program knows have closed, the oldest first."""
    return fixes_in(history.HISTORY)


@lru_cache(maxsize=4)
def fixes_in(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """The same of the releases in a folder."""
    releases = history.releases_in(folder)
    commits = store.read_all(releases.archives)
    texts = {one.version: lines(one.message) for one in commits}
    return {version: some for version, some in texts.items() if some}


def lines(record: str) -> tuple[str, ...]:
    """Each fix that a record names, on one line."""
    return tuple(" ".join(text.split()) for text in FIX.findall(record))


def missing(version: str) -> tuple[str, ...]:
    """The fixes that came after a version of the library, each behind the release that has it."""
    have = number(version)
    if have is None:
        return ()
    newer = [(one, texts) for one, texts in fixes().items() if (number(one) or have) > have]
    return tuple(f"{one}: {text}" for one, texts in newer for text in texts)


def number(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None
