"""A factory that tests of its jobs share, and what each of them does to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .conftest import Factory, execute


@contextmanager
def kept(factory: Factory) -> Iterator[Factory]:
    """Give the factory; afterwards it, its origin, its template and its log are as they were, and
    the runner's HOME, where mlfactory keeps what it has seen of a template, is empty."""
    folder = factory.path.parent
    places = (factory.path, folder / "template", folder / "origin")
    before = {place: refs(place, factory) for place in places}
    yield factory
    for place in places:
        put_back(place, before[place], factory)
    shutil.rmtree(folder / "home", ignore_errors=True)
    (folder / "log.db").unlink(missing_ok=True)
    (folder / "log.db").touch()


def git(place: Path, factory: Factory, *argv: str) -> str:
    return execute(("git", *argv), place, factory.env).stdout


def refs(place: Path, factory: Factory) -> dict[str, str]:
    """The objects of a repository's branches and tags, by their names."""
    lines = git(place, factory, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ") for line in lines)


def put_back(place: Path, before: dict[str, str], factory: Factory) -> None:
    """Let branches and tags, and the work tree where there is one, be what they were."""
    now = refs(place, factory)
    for name in now.keys() - before.keys():
        git(place, factory, "update-ref", "-d", name)
    for name, number in before.items():
        if now.get(name) != number:
            git(place, factory, "update-ref", name, number)
    if (place / ".git").exists():
        git(place, factory, "reset", "--quiet", "--hard")
        git(place, factory, "clean", "--quiet", "--force", "-d")
