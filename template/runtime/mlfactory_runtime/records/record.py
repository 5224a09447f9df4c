"""How records are written and read.

The number of a form goes up where a reader of the one before would be wrong. Files without a number
are older than numbers, and count as the form that they have.
"""

import json
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import FactoryError
from ..files import read_text, write_json

T = TypeVar("T", bound="Record")


class Part(BaseModel):
    """A part of a record; keys that it does not know are passed over."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        protected_namespaces=(),
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Record(Part):
    """What stands in a file of its own, or is kept by others; `latest` is the form written now."""

    latest: ClassVar[int] = 1

    format: int = 1

    @classmethod
    def upgrade(cls, content: dict[str, Any]) -> dict[str, Any]:
        """What an earlier form says, by the names of today; `format` stays what it was."""
        return content

    @model_validator(mode="before")
    @classmethod
    def upgraded(cls, content: Any) -> Any:
        """Earlier forms are read, too."""
        return cls.upgrade(content) if isinstance(content, dict) else content

    @model_validator(mode="after")
    def check_form(self) -> Self:
        """A later form may say other things by the same names."""
        if self.format > self.latest:
            raise ValueError(f"it has the form {self.format}, and this factory knows {self.latest}")
        return self


def optional(default: Any = None, alias: str | None = None) -> Any:
    """A value that is left out where it is the default: there is none."""
    return Field(
        default,
        exclude_if=lambda value: bool(value == default),
        validation_alias=alias,
        serialization_alias=alias,
    )


def with_alias(alias: str, default: Any = ...) -> Any:
    """A value that files hold under another name."""
    return Field(default, validation_alias=alias, serialization_alias=alias)


def parse(kind: type[T], text: str, name: str) -> T:
    """The record in a text; FactoryError, which calls it by `name`, if there is none in it."""
    try:
        return kind.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        why = f"{path}: {message}" if path else message
    except (ValueError, RecursionError) as error:
        why = f"it is no JSON: {error}"
    raise FactoryError(f"{name} cannot be read: {why}", "make it again, or use what wrote it")


def read(kind: type[T], path: Path) -> T | None:
    """The record in a file; None where there is no file."""
    return parse(kind, read_text(path), path.name) if path.is_file() else None


def write(path: Path, record: Record) -> None:
    """Make the record the whole content of a file."""
    write_json(path, record.model_dump())
