"""What is wrong with a YAML file of settings: where it stands, and what may have been meant."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

Place = Sequence[str | int]
PLAIN = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "dict_type": "should be a group of names with values",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "list_type": "should be a list, such as [a, b]",
    "missing": "is missing, and has no default",
    "model_type": "should be a group of settings",
    "string_type": "should be a text",
    "tuple_type": "should be a list, such as [a, b]",
}
PERCENT, COMMA = re.compile(r"\s*([\d.]+)\s*%\s*"), re.compile(r"\s*(\d+),(\d+)\s*")


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
    """What is wrong with a value; of a key that is not there the names that are."""
    if item["type"] != "extra_forbidden":
        return of_value(item)
    *above, name = item["loc"]
    names = keys_at(kind, above)
    near = difflib.get_close_matches(str(name), names, 1)
    if near:
        return f"there is no such key; did you mean {near[0]!r}?"
    elsewhere = [place for place in keys_below(kind) if place.rpartition(".")[2] == str(name)]
    advice = f"did you mean {elsewhere[0]!r}?" if elsewhere else f"there are {', '.join(names)}"
    return f"there is no such key; {advice}"


def of_value(item: Any) -> str:
    """What a value should be, what it is, and what may have been meant."""
    what, value = PLAIN.get(item["type"], str(item["msg"])), item.get("input")
    speaks = item["type"] in ("missing", "value_error")  # says all itself
    if speaks or not isinstance(value, str | int | float | bool | None):
        return what
    written = {None: "empty", True: "true", False: "false"}
    text = written[value] if value is None or isinstance(value, bool) else f"{value!r:.60}"
    guess = meaning(str(value), re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected"))))
    return f"{what}, and is {text}" + (f"; did you mean {guess}?" if guess else "")


def meaning(value: str, names: Sequence[str]) -> str:
    """The nearest name, or the number in a percentage or with a decimal comma."""
    if near := difflib.get_close_matches(value.lower(), names, 1):
        return near[0]
    if names:
        return ""
    if share := PERCENT.fullmatch(value):
        return f"{float(share[1]) / 100:g}"
    number = COMMA.fullmatch(value)
    return f"{number[1]}.{number[2]}" if number else ""


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
