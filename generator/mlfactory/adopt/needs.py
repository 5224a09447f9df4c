"""What the library of a factory asks for, and what of theirs can never be installed beside it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from email.parser import BytesParser
from io import BytesIO

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from mlfactory.render.result import Render

from .request import Task

WHEEL = "vendor/mlfactory_runtime-"


def of_library(ours: Render) -> tuple[str, ...]:
    """The requirements of the library that the template brings along; none where it brings none."""
    wheel = next((e.content for e in ours.entries if e.name.startswith(WHEEL)), b"")
    if not wheel:
        return ()
    with zipfile.ZipFile(BytesIO(wheel)) as file:
        name = next(one for one in file.namelist() if one.endswith(".dist-info/METADATA"))
        headers = BytesParser().parsebytes(file.read(name), headersonly=True)
    return tuple(map(str, headers.get_all("Requires-Dist", ())))


def clashes(theirs: Iterable[object], library: Iterable[str]) -> Iterator[Task]:
    """A task for each of their requirements that shares no version with the library's."""
    rows: dict[str, list[SpecifierSet]] = {}
    for one in map(Requirement, library):
        rows.setdefault(canonicalize_name(one.name), []).append(one.specifier)
    for text in map(str, theirs):
        try:
            own = Requirement(text)
        except InvalidRequirement:
            continue
        ranges = rows.get(canonicalize_name(own.name), [])
        other = next((one for one in ranges if not overlap(own.specifier, one)), None)
        if other is not None:
            yield Task(
                "dependencies",
                f"pyproject.toml asks for {own}, and the library of a factory for {own.name}"
                f"{other}: no version is both. Widen yours.",
                ("uv lock",),
            )


def overlap(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Whether some version may be in both: at a bound, right after one, or before all."""
    texts = [clause.version.removesuffix(".*") for clause in (*one, *other)]
    tries = [Version("0")]
    for text in texts:
        try:
            tries += [Version(text), Version(f"{Version(text).base_version}.0.1")]
        except InvalidVersion:
            return True
    both = one & other
    return any(both.contains(version, prereleases=True) for version in tries)
