"""Which template a project was made from: read from copier's answers file, or from cruft's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mlfactory.base import answers, git
from mlfactory.base.errors import MlfactoryError

COPIER, CRUFT = "copier", "cruft"
CRUFT_FILE = ".cruft.json"
PATTERN = ".copier-answers*.y*ml"


@dataclass(frozen=True)
class Project:
    """A folder that a template made, as HEAD has it.

    `prefix` is its place in the repository at `top`, with a slash at the end, or empty. `file`
    records the template: where it comes from (`source`), which `version`, and the `answers`.
    """

    path: Path
    top: Path
    prefix: str
    file: str
    kind: str
    text: str
    source: str
    version: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    directory: str = ""
    checkout: str = ""
    skip: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.name

    def spec(self, name: str) -> str:
        """A path of the project as git takes it, whatever characters it has."""
        path = f"{self.prefix}{name}".rstrip("/")
        return f":(top,literal){path}" if path else ":(top)"


def find(place: Path, file: str = "") -> Project:
    """The project at `place` or around it. Raises MlfactoryError when there is none."""
    start = Path(place).expanduser().resolve()
    if not start.is_dir():
        raise MlfactoryError(f"{place} is not a directory", "Name the folder of a project.")
    top = git.toplevel(start)
    if top is None:
        hint = "Put it there: git init && git add --all && git commit"
        raise MlfactoryError(f"{start} is in no git repository", hint)
    top = top.resolve()
    if not git.ref_exists(top, "HEAD"):
        raise MlfactoryError(f"{top} has no commit yet", "git add --all && git commit")
    around = [p for p in (start, *start.parents) if p == top or top in p.parents]
    for folder in around:
        if chosen := choose(folder, file):
            return read(folder, top, chosen)
    raise MlfactoryError(
        f"{start} has no {file or answers.FILE}: no template is known that it was made from",
        "Go to a project that copier, cruft or mlfactory made.",
    )


def choose(folder: Path, file: str) -> str:
    """The file in a folder that records a template, or an empty string."""
    if file:
        return file if (folder / file).is_file() else ""
    for known in (answers.FILE, CRUFT_FILE):
        if (folder / known).is_file():
            return known
    others = sorted(path.name for path in folder.glob(PATTERN))
    if len(others) > 1:
        hint = f"Say which one: --answers-file {others[0]}"
        raise MlfactoryError(f"{folder} has several answers files: {', '.join(others)}", hint)
    return others[0] if others else ""


def read(folder: Path, top: Path, file: str) -> Project:
    """The project as its last commit records it."""
    inside = folder.relative_to(top).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    text = git.text_at(top, "HEAD", f"{prefix}{file}")
    if text is None:
        raise MlfactoryError(f"git does not track {folder / file}", f"git add {file} && git commit")
    reader = read_cruft if file.endswith(".json") else read_copier
    return reader(folder, top, prefix, file, text)


def read_copier(folder: Path, top: Path, prefix: str, file: str, text: str) -> Project:
    found = answers.parse(text, folder / file)
    source, version = str(found.get("_src_path") or ""), str(found.get("_commit") or "")
    check(folder / file, source, version, "_src_path", "_commit")
    given = {key: value for key, value in found.items() if not key.startswith("_")}
    return Project(folder, top, prefix, file, COPIER, text, source, version, given)


def read_cruft(folder: Path, top: Path, prefix: str, file: str, text: str) -> Project:
    try:
        found = json.loads(text)
        context = dict(found["context"]["cookiecutter"])
    except (ValueError, KeyError, TypeError) as error:
        raise MlfactoryError(
            f"{folder / file} is damaged: {error!r}", "git log -p .cruft.json"
        ) from error
    source, version = str(found.get("template") or ""), str(found.get("commit") or "")
    check(folder / file, source, version, "template", "commit")
    return Project(
        folder,
        top,
        prefix,
        file,
        CRUFT,
        text,
        source,
        version,
        context,
        directory=str(found.get("directory") or ""),
        checkout=str(found.get("checkout") or ""),
        skip=tuple(map(pattern, [*several(found.get("skip")), *more_skipped(top, prefix)])),
    )


def more_skipped(top: Path, prefix: str) -> list[str]:
    """What `[tool.cruft] skip` in pyproject.toml names."""
    text = git.text_at(top, "HEAD", f"{prefix}pyproject.toml")
    try:
        return several(answers.tool_table(text, "cruft").get("skip"))
    except TypeError:
        return []


def several(found: Any) -> list[str]:
    """What is written as a list, or as the one name that would be in it."""
    return [found] if isinstance(found, str) else list(found or ())


def pattern(name: str) -> str:
    """A path or glob that cruft skips, as a pattern like those of .gitignore. cruft's begin at the
    project's folder; without an asterisk it is a path, letter by letter."""
    path = PurePosixPath(str(name)).as_posix()
    escaped = path if "*" in path else re.sub(r"([\\?\[\]!# ])", r"\\\1", path)
    return f"/{escaped}"


def check(file: Path, source: str, version: str, *keys: str) -> None:
    """Raises MlfactoryError for a record that names no template, or one that git would misread."""
    for key, value in zip(keys, (source, version), strict=True):
        if not value:
            raise MlfactoryError(
                f"{file} has no {key}: it does not say which template the project has",
                "A template must be a git repository to be updated from.",
            )
        if value.startswith("-") or not value.isprintable():
            raise MlfactoryError(f"{file}: {key} cannot be {value!r}", f"git log -p {file.name}")
