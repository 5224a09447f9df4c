"""How the runtime gets into the template: at two places, for two answers to `runtime`.

In the repository it is an ordinary package in template/runtime. What copier reads has it as a
wheel below vendor/ and as files below runtime/; a stored release leaves it to the wheel.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mlfactory.base.errors import MlfactoryError

from . import wheel
from .stream import Commit, File, Files

HOME = "template/runtime/"
PACKAGE = f"{HOME}{wheel.PACKAGE}/"
PYPROJECT = f"{HOME}pyproject.toml"
VENDOR = "template/project/{% if runtime == 'wheel' %}vendor{% endif %}/"
SOURCE = "template/project/{% if runtime == 'source' %}runtime{% endif %}/"
VERSION = "template/questions/runtime_version.yml"
QUESTION = 'runtime_version:\n  type: str\n  default: "{}"\n  when: false\n'
RENDERED = re.compile(r"\{\{|\{%|\{#|\.jinja$")  # what copier would not leave as it is


def has_package(files: Files) -> bool:
    return any(name.startswith(PACKAGE) for name in files)


def home(files: Files) -> Files:
    """What stands in template/runtime, by its names there."""
    return {n.removeprefix(HOME): f for n, f in files.items() if n.startswith(HOME)}


def wheel_of(commit: Commit) -> bytes:
    """The wheel of a version, or nothing where it has no runtime."""
    if not has_package(commit.files):
        return b""
    return wheel.build(home(commit.files), commit.version)


def without_package(commit: Commit) -> Commit:
    """What a release's stream holds: all but the package."""
    files = {n: f for n, f in commit.files.items() if not n.startswith(PACKAGE)}
    return replace(commit, files=files)


def with_package(commit: Commit, content: bytes) -> Commit:
    """A stored release with the package that its wheel has."""
    package = {f"{HOME}{name}": file for name, file in wheel.files(content).items()}
    return replace(commit, files={**commit.files, **package})


def for_copier(commit: Commit, content: bytes) -> Commit:
    """What copier reads, with the wheel and its files where they are rendered."""
    if not content:
        return commit
    rest = {n: f for n, f in commit.files.items() if not n.startswith(HOME)}
    source = {f"{SOURCE}{n}": file for n, file in with_version(commit).items()}
    extras = {
        f"{VENDOR}{wheel.file_name(commit.version)}": File(wheel.PLAIN, content),
        VERSION: File(wheel.PLAIN, QUESTION.format(commit.version).encode()),
    }
    return replace(commit, files={**rest, **source, **extras})


def with_version(commit: Commit) -> Files:
    """The runtime's files, with the template's version in its pyproject.toml."""
    files = dict(home(commit.files))
    for name in files:
        if RENDERED.search(name):
            raise MlfactoryError(f"copier would render {HOME}{name}", "Give it another name.")
    text = re.sub(
        rb'^version = "[^"]*".*$',
        f'version = "{commit.version}"'.encode(),
        files["pyproject.toml"].content,
        count=1,
        flags=re.MULTILINE,
    )
    return {**files, "pyproject.toml": File(wheel.PLAIN, text)}
