"""YAML as DVC reads it, checked against a model of its content."""

import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ValidationError,
)

from ..errors import FactoryError
from ..files import mend, read_text
from . import syntax
from .mistakes import mistakes

Checked = TypeVar("Checked", bound=BaseModel)


class Twice(yaml.YAMLError):
    """A key that stands twice in one mapping."""

    def __init__(self, key: str, first: int, line: int, column: int) -> None:
        super().__init__(
            f"line {line}, column {column}: the key {key!r} stands there again after line {first}"
        )


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2, as DVC reads it: `no`, `on` and `2025-01-01` are words like any other.

    A key that stands twice is an error: the first of two blocks would be lost without a word.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise Twice(key.value, lines[key.value], line, key.start_mark.column + 1)
            lines[key.value] = line
        content: dict[Any, Any] = super().construct_mapping(node, deep)
        return content


Loader.yaml_implicit_resolvers = {}
for tag, form, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{form})$"), first)


def read_yaml(path: Path) -> dict[str, Any]:
    """What a YAML file names, as DVC reads it; nothing where it is not at hand or is empty.

    A FactoryError names the file and the line that is wrong.
    """
    return parse_yaml(read_text(path), path) if path.is_file() else {}


def parse_yaml(text: str, path: Path) -> dict[str, Any]:
    """The same for the text of a file that stands elsewhere."""
    try:
        content = yaml.load(text, Loader) or {}  # noqa: S506
    except Twice as error:
        hint = "put what both hold under one key, or take one out"
        raise FactoryError(f"{path}, {error}", hint) from error
    except yaml.YAMLError as error:
        message = f"{path} is not valid YAML: {syntax.reason(error)}"
        raise FactoryError(message, syntax.advice(error, text)) from error
    if not isinstance(content, dict):
        raise FactoryError(f"{path} is not valid YAML: it names nothing", mend(text))
    return content


def read_checked(path: Path, kind: type[Checked]) -> Checked:
    """Read a YAML file; a FactoryError names the file and every entry that is wrong."""
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "run this in the factory's own directory")
    try:
        return kind.model_validate(read_yaml(path))
    except ValidationError as error:
        root = yaml.compose(read_text(path), Loader)
        text = f"{path} has entries that cannot be: {mistakes(error, root, kind)}"
        raise FactoryError(text, f"correct them in {path}") from error


def problems(error: ValidationError) -> str:
    """One line of `where: what` per problem that pydantic found."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
    )
