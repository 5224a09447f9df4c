"""Trials of a template: what it renders with each combination of answers, and whether that is
sound."""

from __future__ import annotations

import ast
import json
import re
import shutil
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlfactory.base import answers, process
from mlfactory.base.answers import Answers
from mlfactory.base.errors import (
    MlfactoryError,
    OpenQuestionError,
    RefusedAnswerError,
    UsageError,
)
from mlfactory.render import trial
from mlfactory.template import stream
from mlfactory.template.mount import SOURCE, VENDOR
from mlfactory.template.stream import Files

from . import overlay, questions
from .company import Company
from .questions import Questions, Reply, Rows, about

LIBRARY = (SOURCE, VENDOR)  # mlfactory's own, which no rule of a company changes
PROJECT = "trial"
OPEN = "Give it an example in company.yml: questions: {NAME: {required: true, example: VALUE}}"
NO_RECORD = f"{answers.FILE} records no template, so that nothing could be updated"
NO_RUFF = "ruff is not on the PATH: nobody looked whether Python is formatted as factories want it"


def layout(files: Files) -> trial.Source:
    """What a template asks, and which folder of it is rendered. Raises MlfactoryError."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        stream.unpack(files, Path(scratch) / "template")
        plain = trial.read(Path(scratch) / "template")
    if not plain.folder:
        raise MlfactoryError(
            "upstream renders all of its files, so that nothing can be kept beside them",
            "Move what is rendered into a folder, and name it as _subdirectory in copier.yml.",
        )
    if f"{plain.folder}/".startswith(overlay.HOME):
        raise MlfactoryError(
            f"upstream renders {plain.folder}/, where a version keeps what it was made with",
            "Give the folder another name, and name that as _subdirectory in copier.yml.",
        )
    return plain


class Questionnaire:
    """What a template says to answers; the reasons why it refuses some, each with the first."""

    def __init__(self, source: trial.Source, into: Path) -> None:
        self.source, self.into = source, into
        self.forbidden: dict[str, Answers] = {}
        self.replies: dict[str, Reply] = {}

    def ask(self, row: Answers) -> Reply:
        key = repr(sorted(row.items()))
        if key not in self.replies:
            self.replies[key] = self.reply(row)
        return self.replies[key]

    def reply(self, row: Answers) -> Reply:
        try:
            return Reply("", trial.ask(self.source, self.into, row))
        except OpenQuestionError as error:
            raise UsageError(error.message, OPEN) from error
        except RefusedAnswerError as error:
            self.forbidden.setdefault(error.message, row)
            return Reply(error.message)


def rows_of(files: Files, whole: Questions, company: Company) -> tuple[Rows, tuple[str, ...]]:
    """The answers to try a template with, and why others are left out: nobody can give them."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        folder = Path(scratch)
        stream.unpack(without_library(files), folder / "template")
        form = Questionnaire(trial.read(folder / "template"), folder / PROJECT)
        rows = questions.rows_of(whole, company.questions, company.combinations, form.ask)
    texts = (f"{about(row)}: {reason}" for reason, row in form.forbidden.items())
    return rows, tuple(texts)


def names(files: Files, root: str, rows: list[Answers]) -> dict[str, tuple[str, ...]]:
    """The names in a project of each file that is rendered, over all combinations of answers; the
    library is left out. A file that none of them brings has its own without conditions: some
    answer will bring it, and rules are about it, too."""
    lean = without_library(files)
    empty = {n: replace(f, content=b"") if n.startswith(root) else f for n, f in lean.items()}
    everything: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        folder = Path(scratch)
        stream.unpack(empty, folder / "template")
        source = trial.read(folder / "template")
        for number, row in enumerate(rows):
            result = trial.render(source, folder / str(number) / PROJECT, row)
            for name, origin in result.origins.items():
                everything.setdefault(origin, set()).add(name)
    for name in (name.removeprefix(root) for name in lean if name.startswith(root)):
        everything.setdefault(f"{root}{name}", {overlay.bare(name)})
    return {origin: tuple(sorted(plain)) for origin, plain in sorted(everything.items())}


def without_library(files: Files) -> Files:
    """What there is to try: mlfactory's library is as it was released, and most of the files."""
    return {name: file for name, file in files.items() if not name.startswith(LIBRARY)}


def try_all(files: Files, rows: list[Answers]) -> tuple[str, ...]:
    """Render every combination and check what comes out; gives what could not be checked.

    Raises MlfactoryError that names the answers and the file.
    """
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        folder = Path(scratch)
        stream.unpack(without_library(files), folder / "template")
        source, styles = trial.read(folder / "template"), Styles()
        for number, row in enumerate(rows):
            into = folder / str(number) / PROJECT
            check(source, into, row, styles)
            shutil.rmtree(into.parent)
    return () if ruff() else (NO_RUFF,)


def check(source: trial.Source, into: Path, row: Answers, styles: Styles) -> None:
    """One of them."""
    try:
        result = trial.render(source, into, row)
    except MlfactoryError as error:
        raise MlfactoryError(f"with {about(row)}: {error.message}", error.hint) from error
    faults = [f"{name} is written by two files of the template" for name in result.clashes]
    faults += one_file_elsewhere(result.origins)
    faults += [NO_RECORD] * (answers.FILE in result.origins and not records(into / answers.FILE))
    for name in sorted(result.origins):
        faults += [f"{name}: {fault}" for fault in faults_of(into / name)]
    faults += styles.faults(into)
    if faults:
        more = f" (and {len(faults) - 1} more)" if faults[1:] else ""
        raise MlfactoryError(f"with {about(row)}: {faults[0]}{more}", "Mend the rule or the file.")


def one_file_elsewhere(names: Iterable[str]) -> Iterator[str]:
    """Names that differ in case only."""
    by_fold: dict[str, str] = {}
    for name in sorted(names):
        if (other := by_fold.setdefault(name.casefold(), name)) != name:
            yield f"{other} and {name} are one file where case does not count"


def records(file: Path) -> bool:
    """Whether a project knows its template."""
    return re.search(r"^_src_path:", file.read_text("utf-8", "replace"), re.MULTILINE) is not None


def faults_of(path: Path) -> tuple[str, ...]:
    """What is wrong with a file, as far as its kind tells."""
    is_readable = path.suffix in READERS and path.is_file()
    return faults_in(path.suffix, path.read_bytes()) if is_readable else ()


@lru_cache(maxsize=2**12)  # most files are the same with most answers
def faults_in(suffix: str, content: bytes) -> tuple[str, ...]:
    try:
        READERS[suffix](content.decode())
    except MlfactoryError as error:
        return (error.message.splitlines()[-1].strip(),)
    except (ValueError, SyntaxError) as error:
        return (" ".join(str(error).split()),)
    return ()


def read_python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ast.parse(text)


def read_yaml(text: str) -> None:
    import yaml

    class Loose(yaml.SafeLoader):
        """Tags such as GitLab's !reference mean something to others."""

    Loose.add_multi_constructor("!", lambda *_: None)
    try:
        list(yaml.load_all(text, Loose))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def read_shell(text: str) -> None:
    process.run(["sh", "-n"], stdin=text.encode())


READERS: Mapping[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".py": read_python,
    ".sh": read_shell,
    ".toml": tomllib.loads,
    ".yaml": read_yaml,
    ".yml": read_yaml,
}


def ruff() -> str | None:
    """Where ruff is, if it is here."""
    return shutil.which("ruff", path=process.environment()["PATH"])


class Styles:
    """What ruff says of renders; of those whose code and settings are the same it is asked once."""

    def __init__(self) -> None:
        self.faults_by_code: dict[str, list[str]] = {}

    def faults(self, folder: Path) -> list[str]:
        key = repr([*code_and_settings(folder)])
        if key not in self.faults_by_code:
            self.faults_by_code[key] = style_faults(folder)
        return self.faults_by_code[key]


def code_and_settings(folder: Path) -> Iterator[tuple[str, Any]]:
    """All that ruff reads of a render."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name == "pyproject.toml":
            yield name, ruff_settings(path.read_text("utf-8", "replace"))
        elif path.is_file() and path.suffix in (".py", ".pyi", ".ipynb", ".toml"):
            yield name, path.read_bytes()


def ruff_settings(text: str) -> tuple[str, str]:
    """What a pyproject.toml says to ruff: its table, and for which Python the code is."""
    python = answers.table(text, "project").get("requires-python", "")
    return repr(answers.tool_table(text, "ruff")), repr(python)


def style_faults(folder: Path) -> list[str]:
    """What ruff says of a render, with the rules that it has itself; nothing where ruff is not."""
    if not (ruff() and (folder / "pyproject.toml").is_file()):
        return []
    faults = []
    for verb in (("format", "--check"), ("check",)):
        argv = ["ruff", *verb, "--no-cache", "--quiet", "--force-exclude", *code_in(folder)]
        result = process.run(argv, folder, ok=(0, 1))
        if result.code:
            text = result.out.strip() or result.err.strip() or "ruff would format it anew"
            faults.append(" ".join(text.splitlines()[0].split()))
    return faults


def code_in(folder: Path) -> list[str]:
    return [name for name in ("src", "tests") if (folder / name).is_dir()] or ["."]
