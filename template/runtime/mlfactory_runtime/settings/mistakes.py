"""What is wrong with a YAML file of settings: where it stands, and what may have been meant."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

Place = Sequence[str | int]


def mistakes(error: ValidationError, root: yaml.Node | None, kind: type[BaseModel]) -> str:
    """`where: what` per problem that pydantic found, with its place and the nearest name."""
    return "; ".join(
        f"{place_of(root, item['loc'])}: {'.'.join(map(str, item['loc']))}: {reason_of(item, kind)}"
        for item in error.errors()
    )


def place_of(node: yaml.Node | None, place: Place) -> str:
    """Where the key stands, or the nearest one above it; what pydantic adds of types is no key."""
    mark = node.start_mark if node else None
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = [pair for pair in node.value if pair[0].value == str(part)]
            mark, node = (pairs[0][0].start_mark, pairs[0][1]) if pairs else (mark, node)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            mark = node.start_mark
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an empty file"


def reason_of(item: Any, kind: type[BaseModel]) -> str:
    """What pydantic says; of a key that is not there the names that are."""
    if item["type"] != "extra_forbidden":
        return str(item["msg"])
    *above, name = item["loc"]
    names = keys_at(kind, above)
    near = difflib.get_close_matches(str(name), names, 1)
    if near:
        return f"there is no such key; did you mean {near[0]!r}?"
    elsewhere = [place for place in keys_below(kind) if place.rpartition(".")[2] == str(name)]
    advice = f"did you mean {elsewhere[0]!r}?" if elsewhere else f"there are {', '.join(names)}"
    return f"there is no such key; {advice}"


def keys_at(kind: type[BaseModel], place: Place) -> list[str]:
    """The keys of the group of settings that stands there."""
    for part in place:
        field = kind.model_fields.get(str(part))
        kind = next(models_in(field.annotation), kind) if field else kind
    return list(kind.model_fields)


def keys_below(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """All keys with their groups: `model.learning_rate`."""
    for name, field in kind.model_fields.items():
        yield prefix + name
        for below in models_in(field.annotation):
            yield from keys_below(below, f"{prefix}{name}.")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)
