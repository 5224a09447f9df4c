"""Whether the library that stands in vendor/ is the one that the lock and the environment have.

Whether it was released is what `mlfactory doctor` knows: a file cannot vouch for itself.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from .. import runtime_version
from ..project import PACKAGES, Project
from ..settings.availability import Finding

VENDOR, NAME = Path("vendor"), "mlfactory-runtime"
PATTERN = "mlfactory_runtime-*.whl"
BACK = "git log -- vendor uv.lock; mlfactory doctor compares it with what was released"


def check_library(project: Project) -> Iterator[Finding]:
    """What does not fit together; nothing where the library is not in vendor/."""
    wheels = sorted((project.root / VENDOR).glob(PATTERN))
    for wheel in wheels[1:]:
        message = f"{project.relative(wheel)} is one of {len(wheels)} wheels of the library"
        yield Finding(
            "warning", "library", None, message, "remove those that pyproject.toml does not name"
        )
    for wheel in wheels[:1]:
        locked = dict(locked_files(project))
        name, digest = project.relative(wheel), hashlib.sha256(wheel.read_bytes()).hexdigest()
        if locked.get(wheel.name, digest) != digest:
            message = f"{name} is not the file that {PACKAGES} has locked"
            yield Finding("error", "library", None, message, BACK)
        version = wheel.name.split("-")[1]
        if runtime_version() not in (version, "unpacked"):
            message = f"{name} is not what this environment runs: that is {runtime_version()}"
            yield Finding("warning", "library", None, message, "uv sync")


def locked_files(project: Project) -> Iterator[tuple[str, str]]:
    """The library's wheels that uv.lock names, with their SHA-256."""
    for package in project.locked:
        if package["name"] == NAME:
            for wheel in package.get("wheels", []):
                yield wheel.get("filename", ""), wheel["hash"].removeprefix("sha256:")
