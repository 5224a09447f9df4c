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

Checked = TypeVar("Checked", bound=BaseModel)


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2, as DVC reads it: `no`, `on` and `2025-01-01` are words like any other."""


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
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise FactoryError(f"{path} is not valid YAML: {reason}", mend(text)) from error
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
        text = f"{path} has entries that cannot be: {problems(error)}"
        raise FactoryError(text, f"correct them in {path}") from error


def problems(error: ValidationError) -> str:
    """One line of `where: what` per problem that pydantic found."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
    )
