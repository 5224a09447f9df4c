"""Whether two templates render the same: each alternative of every question, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfactory.base.errors import MlfactoryError

from . import rendering

MOST = 40
TEXT = "Another Thing"


@dataclass(frozen=True)
class Proof:
    """How many sets of answers were rendered by both, and where the trees differ: the answers, the
    path, and how. `error` is why nothing could be compared."""

    cases: int
    differences: tuple[tuple[str, str, str], ...] = ()
    error: str = ""

    @property
    def is_equal(self) -> bool:
        return bool(self.cases) and not self.differences and not self.error


def prove(
    home: Path, fresh: Path, variables: Mapping[str, Any], names: Mapping[str, str], source: str
) -> Proof:
    """Render both with the same answers and compare all files to the byte."""
    differences: list[tuple[str, str, str]] = []
    count = 0
    try:
        for values in alternatives(variables):
            count += 1
            old = rendering.cookiecutter_tree(home, source, values)
            new = rendering.copier_tree(fresh, {names[name]: v for name, v in values.items()})
            label = ", ".join(f"{name}={value}" for name, value in values.items()) or "defaults"
            differences += [(label, path, how) for path, how in unlike(old, new)]
    except MlfactoryError as error:
        return Proof(count, tuple(differences), error.message)
    return Proof(count, tuple(differences))


def alternatives(variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The defaults, then each other answer of a choice, of yes or no, and another text."""
    every: list[dict[str, Any]] = [{}]
    for name, raw in variables.items():
        if name.startswith("_"):
            continue
        if isinstance(raw, list):
            every += [{name: one} for one in raw[1:] if "{" not in str(one)]
        elif isinstance(raw, bool):
            every += [{name: not raw}]
        elif isinstance(raw, str) and "{" not in raw:
            every += [{name: TEXT}]
    yield from every[:MOST]


def unlike(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path in sorted({*old, *new}):
        if path not in new:
            yield path, "only cookiecutter renders it"
        elif path not in old:
            yield path, "only copier renders it"
        elif old[path] != new[path]:
            yield path, "its content or its mode differs"
