"""Which template a project was made from: read from copier's answers file, or from cruft's."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Any

from mlfactory.base import answers, git, workflows
from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository
from mlfactory.base.objects import text_at

COPIER, CRUFT = "copier", "cruft"
CRUFT_FILE = ".cruft.json"
PYPROJECT = "pyproject.toml"
PATTERN = ".copier-answers*.y*ml"
USUAL = (answers.FILE, CRUFT_FILE)
NAMES = ("project_name", "project_slug", "repo_name")  # questions that ask what it is called


@dataclass(frozen=True)
class Project:
    """A folder that a template made, as HEAD has it.

    `head` is that commit, and `prefix` the project's place in the repository, with a slash at the
    end, or empty. `file` records the template: where it comes from (`source`), which `version`,
    and the `answers`. Patterns of files that updates leave alone are `keep` for every kind, and
    `skip` for cruft's.
    """

    path: Path
    repository: Repository
    head: str
    prefix: str
    file: str
    text: str
    kind: str = ""
    source: str = ""
    version: str = ""
    answers: Answers = field(default_factory=dict)
    directory: str = ""
    checkout: str = ""
    skip: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    @property
    def left_alone(self) -> tuple[str, ...]:
        """Patterns, as .gitignore has them, of what this project does not take from its template:
        neither changed nor removed, nor brought."""
        return (*self.skip, *self.keep)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        """What the project is called, wherever this copy of it lies."""
        text = text_at(self.repository, self.head, f"{self.prefix}{PYPROJECT}")
        values = (self.answers.get(name) for name in NAMES)
        names = (answers.table(text, "project").get("name"), *values)
        own = (n for n in names if isinstance(n, str) and n.isprintable() and 0 < len(n) < 80)
        return next(own, "") or (self.name if self.prefix else repository_name(self.repository))

    @property
    def top(self) -> Path:
        return self.repository.top

    def spec(self, name: str) -> str:
        """A path of the project as git takes it, whatever characters it has."""
        path = self.place_of(name)
        return f":(top,literal){path}" if path else ":(top)"

    def place_of(self, name: str) -> str:
        """A path of the project from the top of the repository."""
        path = posixpath.normpath(f"{self.prefix}{name}")
        return "" if path == "." else path

    def name_of(self, place: str) -> str:
        """The same from the project's folder; what stands outside of it begins with `../`."""
        if place.startswith(self.prefix):
            return place.removeprefix(self.prefix)
        return posixpath.relpath(place, self.prefix)

    @property
    def specs(self) -> tuple[str, ...]:
        """What git takes for the project's, with what stands at the top of the repository."""
        folder = str(self.answers.get("folder") or "")
        outside = f":(top,glob){workflows.name_of(folder, f'{workflows.HOME}/*.yml')}"
        return (self.spec(""), *([outside] if folder else []))


def repository_name(repository: Repository) -> str:
    """What a repository is called where it was cloned from, else the folder of its main copy."""
    origin = git.config(repository, "remote.origin.url").rstrip("/").removesuffix(".git")
    if name := re.split(r"[/:]", origin)[-1]:
        return name if name.isprintable() else repository.top.name
    home = repository.objects.parent
    return home.parent.name if home.name == ".git" else repository.top.name


def find(start: Path, file: str = "") -> Project:
    """The project at `start` or around it. Raises MlfactoryError when there is none."""
    name, start = start, Path(start).expanduser().resolve()
    start = start.parent if start.name == ".git" else start
    if not start.is_dir():
        raise MlfactoryError(f"{name} is not a directory", "Name the folder of a project.")
    around = git.look_up(start)
    if around is None:
        if is_bare(start):
            hint = f"Look at a clone of it: git clone {quote(str(start))}"
            raise MlfactoryError(f"{start} is a bare repository: no files stand in it", hint)
        hint = "Put it there: git init && git add --all && git commit"
        raise MlfactoryError(f"{start} is in no git repository", hint)
    repository, head = around
    top = repository.top
    if not head:
        raise MlfactoryError(f"{top} has no commit yet", "git add --all && git commit")
    for folder in (p for p in (start, *start.parents) if p == top or top in p.parents):
        if file_name := choose(folder, file):
            return read(folder, repository, head, file_name)
    raise MlfactoryError(
        f"{start} has no {file or answers.FILE}: no template is known that it was made from",
        "Go to a project that copier, cruft or mlfactory made.",
    )


def at_commit(repository: Repository, head: str, folder: str = "", file: str = "") -> Project:
    """The project in a folder of a commit, whatever the work tree has. Raises MlfactoryError."""
    place = repository.top / folder
    argv = ("ls-tree", "-z", "--name-only", f"{head}:{folder.strip('/')}")
    listing = repository.run(*argv, ok=(0, 128))
    if listing.code:
        entry = repository.run("ls-tree", "--full-tree", head, "--", folder).out
        if entry.startswith("160000 "):
            hint = "Name the submodule's own repository instead."
            raise MlfactoryError(f"{folder} is a submodule in it", hint)
        raise MlfactoryError(f"there is no folder {folder} in it", "Mend its `folder`.")
    names = [n for n in listing.out.split("\0") if fnmatch(n, PATTERN) or n in USUAL]
    usual_first = sorted(names, key=lambda n: (n not in USUAL, n))
    if name := file or the_one(usual_first, place):
        return read(place, repository, head, name)
    text = f"it has no {file or answers.FILE}: no template is known that it was made from"
    raise MlfactoryError(text, "Only what copier, cruft or mlfactory made can be looked after.")


def is_bare(folder: Path) -> bool:
    """Whether a folder is a repository without a work tree."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def choose(folder: Path, file: str) -> str:
    """The file in a folder that records a template, or an empty string."""
    if file:
        return file if (folder / file).is_file() else ""
    return the_one(files_in(folder), folder)


def the_one(names: list[str], folder: Path) -> str:
    """The one among files that record a template, or an empty string where there is none."""
    if len(names) > 1 and names[0] not in USUAL:
        hint = f"Say which one: --answers-file {names[0]}"
        raise MlfactoryError(f"{folder} has several answers files: {', '.join(names)}", hint)
    return names[0] if names else ""


def files_in(folder: Path) -> list[str]:
    """All files in a folder that record a template, the usual ones first; beside such a one, what
    names no template is data, as copier's `_external_data`."""
    every = sorted({*(path.name for path in folder.glob(PATTERN)), *USUAL})
    names = [name for name in every if (folder / name).is_file()]
    records = [n for n in names if n in USUAL or b"_src_path" in (folder / n).read_bytes()]
    return sorted(records or names, key=lambda n: n not in USUAL)


def all_at(start: Path) -> list[tuple[Path, str]]:
    """A project and each of the files that record its templates, where there are several."""
    full = Path(start).expanduser().resolve()
    for folder in (full, *full.parents):
        names = files_in(folder)
        if len(names) > 1:
            return [(folder, name) for name in names]
        if names or (folder / ".git").exists():
            break
    return [(start, "")]


def read(folder: Path, repository: Repository, head: str, file: str) -> Project:
    """The project as a commit records it."""
    inside = folder.relative_to(repository.top).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    text = text_at(repository, head, f"{prefix}{file}")
    if text is None:
        raise MlfactoryError(f"git does not track {folder / file}", f"git add {file} && git commit")
    return parse(Project(folder, repository, head, prefix, file, text))


def parse(project: Project) -> Project:
    """The same with what its record says, and its pyproject.toml."""
    project = replace(project, keep=keep_patterns(project))
    return parse_cruft(project) if project.file.endswith(".json") else parse_copier(project)


def with_text(project: Project, text: str) -> Project:
    """The project as another text of its record has it."""
    return parse(replace(project, text=text))


def parse_copier(project: Project) -> Project:
    file = project.path / project.file
    document = answers.parse(project.text, file)
    source, version = str(document.get("_src_path") or ""), str(document.get("_commit") or "")
    check(file, source, version, "_src_path", "_commit")
    values = {key: value for key, value in document.items() if not key.startswith("_")}
    return replace(project, kind=COPIER, source=source, version=version, answers=values)


def parse_cruft(project: Project) -> Project:
    file = project.path / project.file
    try:
        document = json.loads(project.text)
        context = dict(document["context"]["cookiecutter"])
    except (ValueError, KeyError, TypeError) as error:
        raise MlfactoryError(f"{file} is damaged: {error!r}", "git log -p .cruft.json") from error
    source, version = str(document.get("template") or ""), str(document.get("commit") or "")
    check(file, source, version, "template", "commit")
    return replace(
        project,
        kind=CRUFT,
        source=source,
        version=version,
        answers=context,
        directory=str(document.get("directory") or ""),
        checkout=str(document.get("checkout") or ""),
        skip=tuple(map(pattern, [*several(document.get("skip")), *more_skipped(project)])),
    )


def more_skipped(project: Project) -> list[str]:
    """What `[tool.cruft] skip` in pyproject.toml names."""
    try:
        return several(own_settings(project, "cruft").get("skip"))
    except TypeError:
        return []


def keep_patterns(project: Project) -> tuple[str, ...]:
    """What `[tool.mlfactory] keep` in pyproject.toml names. Raises MlfactoryError where that is no
    list of names."""
    value = own_settings(project, "mlfactory").get("keep", [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(
        isinstance(n, str) and n.strip(" !\\") for n in names
    ):
        raise MlfactoryError(
            f"{project.path / PYPROJECT}: keep cannot be {value!r}",
            'It is a list of paths and patterns: keep = ["docs/", "/Makefile"]',
        )
    return tuple(names)


def own_settings(project: Project, tool: str) -> Mapping[str, Any]:
    """A table of the project's pyproject.toml, as the commit has it."""
    text = text_at(project.repository, project.head, f"{project.prefix}{PYPROJECT}")
    return answers.tool_table(text, tool)


def several(value: Any) -> list[str]:
    """What is written as a list, or as the one name that would be in it."""
    return [value] if isinstance(value, str) else list(value or ())


def pattern(name: str) -> str:
    """A path or glob that cruft skips, as a pattern like those of .gitignore. cruft's begin at the
    project's folder; without an asterisk it is a path, letter by letter."""
    path = PurePosixPath(str(name)).as_posix()
    text = path if "*" in path else re.sub(r"([\\?\[\]!# ])", r"\\\1", path)
    return f"/{text}"


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
