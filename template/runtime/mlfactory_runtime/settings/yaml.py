"""YAML as DVC reads it, checked against a model of its content."""

import re
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import (
    BaseModel,
    ValidationError,
)

from ..errors import FactoryError

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


def read_checked(path: Path, kind: type[Checked]) -> Checked:
    """Read a YAML file; a FactoryError names the file and every entry that is wrong."""
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "run this in the factory's own directory")
    try:
        return kind.model_validate(yaml.load(path.read_text("utf-8"), Loader) or {})  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split())
        raise FactoryError(f"{path} is not valid YAML: {text}", "mend that line") from error
    except ValidationError as error:
        text = f"{path} has entries that cannot be: {problems(error)}"
        raise FactoryError(text, f"correct them in {path}") from error


def problems(error: ValidationError) -> str:
    """One line of `where: what` per problem that pydantic found."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
    )
