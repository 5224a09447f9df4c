"""Trials of a template: what it renders with each combination of answers, and whether that is
sound."""

from __future__ import annotations

import ast
import json
import shutil
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlfactory.base import process
from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError
from mlfactory.render import trial
from mlfactory.template import stream
from mlfactory.template.mount import SOURCE, VENDOR
from mlfactory.template.stream import Files

LIBRARY = (SOURCE, VENDOR)  # mlfactory's own, which no rule of a company changes
PROJECT = "trial"
NO_RUFF = "ruff is not on the PATH: nobody looked whether Python is formatted as factories want it"


def layout(files: Files) -> trial.Layout:
    """What a template asks, and which folder of it is rendered. Raises MlfactoryError."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        stream.unpack(files, Path(scratch) / "template")
        plain = trial.layout(Path(scratch) / "template")
    if not plain.folder:
        raise MlfactoryError(
            "upstream renders all of its files, so that nothing can be kept beside them",
            "Move what is rendered into a folder, and name it as _subdirectory in copier.yml.",
        )
    return plain


def names(files: Files, root: str, rows: list[Answers]) -> dict[str, tuple[str, ...]]:
    """The names in a project of each file that is rendered, over all combinations of answers; the
    library is left out."""
    lean = without_library(files)
    empty = {n: replace(f, content=b"") if n.startswith(root) else f for n, f in lean.items()}
    everything: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        folder = Path(scratch)
        stream.unpack(empty, folder / "template")
        for number, row in enumerate(rows):
            result = trial.render(folder / "template", folder / str(number) / PROJECT, row)
            for name, source in result.origins.items():
                everything.setdefault(source, set()).add(name)
    return {source: tuple(sorted(plain)) for source, plain in sorted(everything.items())}


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
        for number, row in enumerate(rows):
            into = folder / str(number) / PROJECT
            check(folder / "template", into, row)
            shutil.rmtree(into.parent)
    return () if ruff() else (NO_RUFF,)


def check(template: Path, into: Path, row: Answers) -> None:
    """One of them."""
    about = ", ".join(f"{name}={value}" for name, value in row.items()) or "defaults"
    try:
        result = trial.render(template, into, row)
    except MlfactoryError as error:
        raise MlfactoryError(f"with {about}: {error.message}", error.hint) from error
    faults = [f"{name} is written by two files of the template" for name in result.clashes]
    for name in sorted(result.origins):
        faults += [f"{name}: {fault}" for fault in faults_of(into / name)]
    faults += style_faults(into)
    if faults:
        more = f" (and {len(faults) - 1} more)" if faults[1:] else ""
        raise MlfactoryError(f"with {about}: {faults[0]}{more}", "Mend the rule or the file.")


def faults_of(path: Path) -> Iterator[str]:
    """What is wrong with a file, as far as its kind tells."""
    reader = READERS.get(path.suffix)
    if reader is None or not path.is_file():
        return
    try:
        reader(path.read_text("utf-8"))
    except MlfactoryError as error:
        yield error.message.splitlines()[-1].strip()
    except (ValueError, SyntaxError) as error:
        yield " ".join(str(error).split())


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
