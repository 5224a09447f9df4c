"""What a request may hold: checks and the OpenAPI document, both from the catalog."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import ErrorDetails, PydanticCustomError, SchemaValidator, ValidationError
from pydantic_core import core_schema as core

from ..catalog import Catalog, Column
from ..contract import MISSING
from ..params import Params
from ..signature import Signature

Row = dict[str, Any]
MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[-+]\d\d:\d\d)?)?", re.ASCII
)
TYPES = {"int": "integer", "float": "number", "bool": "boolean"}
EXAMPLES: Row = {"bool": True, "string": "text", "date": "2025-01-31", "datetime": "2025-01-31T12:00:00"}  # fmt: skip  # noqa: E501
PAST = (-(2**63), 2**63 - 1)
WORDS = {
    "missing": "is not there; send null where it is missing",
    "extra_forbidden": "is no feature of this model",
    "finite_number": "is not finite",
    "too_long": "has too many rows",
    "too_short": "has no row",
    "dict_type": "is no object of features",
}
SHOWN = 20


class RefusedError(Exception):
    """A request that is not answered: the status, and each field with the rule that it breaks."""

    def __init__(self, status: int, rule: str = "", *, field: str | None = None) -> None:
        super().__init__(rule)
        self.status = status
        self.cases: list[Row] = [{"row": None, "field": field, "rule": rule}] if rule else []


@dataclass(frozen=True)
class Input:
    """A column of the request; `needed` is never null, an `identifier` is given back as it is."""

    column: Column
    markers: tuple[str, ...]
    needed: bool
    identifier: bool = False


@dataclass(frozen=True)
class Parser:
    """Reads a body, checked in one call; one row or many."""

    inputs: dict[str, Input]
    identifiers: tuple[str, ...]
    limit: int
    one: SchemaValidator
    many: SchemaValidator

    def read(self, body: bytes) -> list[Row]:
        """The rows, typed. Raises RefusedError."""
        try:
            if body.lstrip()[:1] == b"[":
                rows: list[Row] = self.many.validate_json(body)
                return rows
            return [self.one.validate_json(body)]
        except ValidationError as error:
            raise self.refused(error) from None

    def refused(self, error: ValidationError) -> RefusedError:
        """The row, the field and the rule of each of the first violations; never a value."""
        cases = error.errors(include_url=False, include_context=False)[:SHOWN]
        if cases[0]["type"] == "json_invalid":
            return RefusedError(400, cases[0]["msg"])
        found = RefusedError(422)
        for case in cases:
            field = next((part for part in case["loc"] if isinstance(part, str)), None)
            first = 0 if field else None
            row = next((part for part in case["loc"] if isinstance(part, int)), first)
            rule = self.rule(case["type"], case, self.inputs.get(field or ""))
            found.cases.append({"row": row, "field": field, "rule": rule})
        return found

    def rule(self, kind: str, case: ErrorDetails, known: Input | None) -> str:
        """The words of the data contract, as they stand in a quarantine file."""
        if kind in WORDS or known is None:
            return WORDS.get(kind, case["msg"])
        if kind == "contract":
            return case["msg"]
        if case["input"] is None:
            return MISSING
        low, high = known.column.range or PAST
        if kind == "greater_than_equal":
            return f"is below {PAST[0] if low is None else low:g}"
        if kind == "less_than_equal":
            return f"is above {PAST[1] if high is None else high:g}"
        return f"cannot be read as {known.column.dtype}"


def inputs(catalog: Catalog, params: Params, signature: Signature) -> dict[str, Input]:
    """What the model needs, which may be had online, and what names the rows."""
    strict = {feature.name for feature in signature.features if not feature.missing_seen}
    found = {
        name: Input(
            column, (*params.data.missing, *column.missing), not column.nullable or name in strict
        )
        for name, column in catalog.inputs(params).items()
    }
    for name, column in catalog.columns.items():
        if column.role == "identifier" and name not in found:
            found[name] = Input(column, (), False, identifier=True)
    return found


def parser(found: dict[str, Input], max_rows: int) -> Parser:
    """The checks, compiled."""
    row = core.typed_dict_schema(
        {
            name: core.typed_dict_field(rules(one), required=not one.identifier)
            for name, one in found.items()
        },
        extra_behavior="forbid",
    )
    rows = core.list_schema(row, min_length=1, max_length=max_rows, fail_fast=False)
    names = tuple(name for name, one in found.items() if one.column.role == "identifier")
    return Parser(found, names, max_rows, SchemaValidator(row), SchemaValidator(rows))


def rules(known: Input) -> core.CoreSchema:
    """The type, the range and the values of one field."""
    column, found = known.column, _rules(known)
    if column.dtype == "string" and not known.identifier:
        return core.no_info_after_validator_function(worded(known), core.nullable_schema(found))
    return found if known.needed else core.nullable_schema(found)


def _rules(known: Input) -> core.CoreSchema:
    low, high = limits(known)
    match known.column.dtype:
        case "int":
            whole = core.int_schema(strict=True, ge=low, le=high)  # type: ignore[arg-type]
            return core.no_info_before_validator_function(_whole, whole)
        case "float":
            return core.float_schema(strict=True, allow_inf_nan=False, ge=low, le=high)
        case "bool":
            return core.bool_schema(strict=True)
        case "date":
            return core.date_schema(strict=True)
        case "datetime":
            return core.no_info_after_validator_function(_moment, core.str_schema(strict=True))
        case _:
            return core.str_schema(strict=True, strip_whitespace=not known.identifier)


def limits(known: Input) -> tuple[float | None, float | None]:
    """The range; an integer fits into 64 bits besides."""
    low, high = (None, None) if known.identifier else known.column.range or (None, None)
    if known.column.dtype != "int":
        return low, high
    lowest, highest = PAST
    return (
        lowest if low is None else max(lowest, math.ceil(low)),
        highest if high is None else min(highest, math.floor(high)),
    )


def allowed(known: Input) -> list[str] | None:
    """The values that a text may have. A marker for `missing` is none: JSON has null."""
    values = None if known.identifier else known.column.values
    return None if values is None else [v for v in values if v not in known.markers]


def worded(known: Input) -> Callable[[str | None], str | None]:
    """Text is one of the values; without such, what files call missing is missing here too."""
    values, markers = allowed(known), frozenset(known.markers)
    choice = None if values is None else frozenset(values)

    def check(text: str | None) -> str | None:
        if text is not None and choice is not None and text not in choice:
            raise PydanticCustomError("contract", "is none of the values in the catalog")
        text = None if text in markers else text
        if text is None and known.needed:
            raise PydanticCustomError("contract", MISSING)
        return text

    return check


def _whole(value: Any) -> Any:
    """In JSON, 5.0 is an integer too."""
    return int(value) if type(value) is float and value.is_integer() else value


def _moment(text: str) -> datetime:
    if not MOMENT.fullmatch(text):
        raise ValueError
    found = datetime.fromisoformat(text)
    try:
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except OverflowError as error:
        raise ValueError from error


def described(known: Input) -> Row:
    """One field in the words of JSON Schema."""
    column, (low, high) = known.column, limits(known)
    kind: Any = TYPES.get(column.dtype, "string")
    told: Row = {"type": kind if known.needed else [kind, "null"]}
    if column.dtype in ("date", "datetime"):
        told["format"] = "date" if column.dtype == "date" else "date-time"
    told |= {k: v for k, v in (("minimum", low), ("maximum", high)) if v is not None}
    if (values := allowed(known)) is not None:
        told["enum"] = values if known.needed else [*values, None]
    elif column.dtype == "string" and known.needed:
        told["not"] = {"enum": list(known.markers)}
    meaning = column.description or ("names the row" if known.identifier else "")
    return told | {"description": meaning, "examples": [example(known)]}


def example(known: Input) -> Any:
    """A value that keeps the contract."""
    column, (low, high) = known.column, limits(known)
    if values := allowed(known):
        return values[0]
    if column.dtype not in ("int", "float"):
        return EXAMPLES[column.dtype]
    known_limits = [bound for bound in (low, high) if bound is not None and abs(bound) < PAST[1]]
    middle = sum(known_limits) / max(len(known_limits), 1)
    return math.ceil(middle) if column.dtype == "int" else middle
