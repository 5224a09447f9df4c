"""Answers to a template's questions: where they come from and which one holds."""

from __future__ import annotations

import difflib
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Any

from .errors import MlfactoryError, UsageError

Answers = Mapping[str, Any]

FILE = ".copier-answers.yml"
# Options of `mlfactory new` and the questions that they answer: the contract with every template.
OPTIONS = {
    "--owner": "owner",
    "--data": "data_file",
    "--url-env": "url_env",
    "--target": "target",
    "--id": "id_column",
    "--time": "time_column",
    "--task": "task",
    "--serving": "serving",
    "--ci": "ci",
    "--remote": "remote",
}
CONFLICT = re.compile(r"^(<{7} |>{7} |={7}$)", re.MULTILINE)
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# A package of one of these names would hide, or be hidden by, what a factory imports.
TAKEN = """
apprise click dvc factory fastapi gto jinja2 joblib lightgbm mlfactory mypy numpy pandas pandera
pip polars pre_commit prometheus_client psycopg pyarrow pydantic pymysql pytest requests rich ruff
scikit_learn scipy setuptools sklearn skops sqlalchemy src test tests tox typer uv uvicorn wheel
yaml
"""


@dataclass(frozen=True)
class Question:
    """One question of a template; `is_asked` is false for values that are only computed, and
    `default` is as the template writes it: None where no default can be right."""

    name: str
    type: str
    is_asked: bool
    help: str = ""
    choices: tuple[Any, ...] = ()
    default: Any = None


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises MlfactoryError when there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MlfactoryError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MlfactoryError(f"{path} is not YAML: {error}") from error
    return parse(text, path)


def parse(text: str, path: Path) -> dict[str, Any]:
    """The mapping in a YAML text that was read from `path`."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise unreadable(path, text, error) from error
    if not isinstance(document, dict):
        raise MlfactoryError(f"{path} holds no answers", "Write one `question: value` per line.")
    return {str(key): value for key, value in document.items()}


def unreadable(path: Path, text: str, error: Exception) -> MlfactoryError:
    """What is said of a file that is not YAML, and in which line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if marks := CONFLICT.search(text):
        line = text.count("\n", 0, marks.start()) + 1
        text = f"{path} has git's marks of a conflict in it, in line {line}"
        return MlfactoryError(text, "Resolve it, and commit.")
    where = f", in line {mark.line + 1}" if mark else ""
    return MlfactoryError(f"{path} is not YAML: {problem or error}{where}", f"Mend {path.name}.")


def tool_table(text: str | None, tool: str) -> Mapping[str, Any]:
    """What a pyproject.toml says under `[tool.<tool>]`; nothing where it says nothing readable."""
    return table(text, "tool", tool)


def table(text: str | None, *path: str) -> Mapping[str, Any]:
    """A table of a TOML text, which may begin with the mark of Windows; nothing where it has none,
    or is not readable."""
    try:
        value: Any = tomllib.loads((text or "").removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return {}
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def read_given(path: str) -> dict[str, Any]:
    """The answers in the file of --answers; copier's own entries (`_commit`) are left out."""
    if not path:
        return {}
    return {key: value for key, value in read(Path(path)).items() if not key.startswith("_")}


def parse_settings(pairs: Iterable[str]) -> dict[str, str]:
    """The answers of --set QUESTION=VALUE; everything after the first `=` is the value."""
    settings: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"--set {pair} has no value", "Write --set QUESTION=VALUE.")
        if settings.get(name.strip(), value) != value:
            raise UsageError(f"--set gives {name.strip()} twice, with different values")
        settings[name.strip()] = value
    return settings


def merge(options: Answers, settings: Answers, file: Answers) -> dict[str, Any]:
    """All answers: an option holds before --set, --set before the file of --answers.

    Raises UsageError when an option and --set contradict each other.
    """
    for name in options.keys() & settings.keys():
        if str(options[name]) != str(settings[name]):
            option = next((o for o, q in OPTIONS.items() if q == name), name)
            raise UsageError(
                f"{option} says {options[name]!r} and --set {name} says {settings[name]!r}",
                "Give one of them.",
            )
    return {**file, **settings, **options}


def check(answers: Answers, questions: Mapping[str, Question]) -> None:
    """Raises UsageError when an answer has no question, or is not of the question's type."""
    for name, value in answers.items():
        question = questions.get(name)
        if question is None:
            names = [one.name for one in questions.values() if one.is_asked]
            raise UsageError(f"this template has no question {name}", suggestion(name, names))
        if not question.is_asked:
            raise UsageError(f"{name} follows from other answers and cannot be set")
        check_number(question, value)


def check_number(question: Question, value: Any) -> None:
    """Raises UsageError for text where a number is asked; copier would not say for which."""
    kind = {"int": int, "float": float}.get(question.type)
    try:
        if kind is not None:
            kind(value)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{question.name} is a number, and {value!r} is none") from error


def suggestion(name: str, choices: Iterable[str]) -> str:
    """A hint with the nearest known name, else with all of them."""
    names = list(choices)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"It asks: {', '.join(names)}." if names else "It asks nothing."


def project_name(directory: Path) -> str:
    """The project's name, from its directory. Raises UsageError when it cannot be one."""
    name = directory.name.lower().replace("_", "-")
    if not NAME.fullmatch(name):
        words = re.sub(r"[^a-z0-9]+", "-", name).strip("-0123456789") or "factory"
        raise UsageError(
            f"{directory.name!r} cannot be a project's name: "
            "lower-case letters, digits and single dashes, beginning with a letter",
            rename(words),
        )
    if is_taken(name):
        raise UsageError(f"{name!r} is the name of a Python package", rename(f"{name}-model"))
    return name


def rename(name: str) -> str:
    return f"Name the directory {name}, or add --set project_name={name}."


def is_taken(name: str) -> bool:
    """Whether a package of this name would collide with Python, or with what a factory uses."""
    package = name.replace("-", "_")
    return iskeyword(package) or package in sys.stdlib_module_names or package in TAKEN.split()
