"""The packages that training depends on, of all that uv.lock holds; and whether they are here.

The lock is of everybody's tools, too. A notebook server that somebody adds changes no model, so the
stage `train` depends on the file that is written here, and not on the lock.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from .project import Project

FILE = Path("models/packages.txt")
GROUP = "train"
NOT_LOCKED = {"pip", "setuptools", "uv", "wheel"}
Locked = dict[str, Any]


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def training_packages(project: Project) -> str:
    """A line for each package that training can import, with its version, in order.

    Without the factory's own entry in the lock every package counts.
    """
    lock = project.locked
    own = next((one for one in lock if one["name"] == normal(project.name)), None)
    if own is None:
        return _lines(lock)
    needs = [*own.get("dependencies", []), *own.get("dev-dependencies", {}).get(GROUP, [])]
    return _lines(_closure(needs, lock))


def _lines(lock: Iterable[Locked]) -> str:
    return "".join(sorted({f"{one['name']} {one.get('version', '')}\n" for one in lock}))


def _closure(needs: list[Locked], lock: list[Locked]) -> Iterator[Locked]:
    """What is needs with what that needs, extras included."""
    reached: set[tuple[str, str, str]] = set()
    while needs:
        need = needs.pop()
        fits = [one for one in lock if _is(one, need)]
        for one in fits:
            for extra in ("", *need.get("extra", ())):
                place = one["name"], one.get("version", ""), extra
                if place not in reached:
                    reached.add(place)
                    needs += _needs(one, extra)
        yield from fits


def _is(package: Locked, need: Locked) -> bool:
    """Whether a package is what a line of the lock asks for."""
    same = package["name"] == need["name"]
    return same and need.get("version", package.get("version")) == package.get("version")


def _needs(package: Locked, extra: str) -> list[Locked]:
    needs: list[Locked] = package.get("dependencies", [])
    if extra:
        needs = package.get("optional-dependencies", {}).get(extra, [])
    return needs


def write(project: Project) -> Path:
    """Write the file that training depends on."""
    path = project.root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(training_packages(project), "utf-8", newline="\n")
    return path


def differences(project: Project) -> Iterator[tuple[str, str]]:
    """How the factory's environment differs from its lock: what, and the command that mends it.

    Nothing is said of an environment that is not the factory's own.
    """
    if not project.locked or Path(sys.prefix).resolve() != (project.root / ".venv").resolve():
        return
    here = {normal(one.name): one.version for one in distributions() if one.name}
    versions: dict[str, set[str]] = {}
    for one in project.locked:
        versions.setdefault(one["name"], set()).add(one.get("version", ""))
    both = sorted(here.keys() & versions.keys())
    if other := [name for name in both if not versions[name] & {here[name], ""}]:
        text = f"{other[0]} {here[other[0]]} is installed, and {max(versions[other[0]])} is locked"
        yield text + _more(other), "uv sync"
    if foreign := sorted(here.keys() - versions.keys() - NOT_LOCKED):
        mend = f"uv add {foreign[0]} (a tool: uv add --dev {foreign[0]}); uv sync removes it"
        yield f"{foreign[0]} is installed, and not in uv.lock{_more(foreign)}", mend


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more like it)" if names[1:] else ""
