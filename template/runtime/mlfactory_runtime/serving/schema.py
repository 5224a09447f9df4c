"""What a request may hold: checks and the OpenAPI document, both from the catalog."""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, NotRequired

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError, from_json
from typing_extensions import TypedDict

from ..data.contract import MISSING, NONE_OF
from ..learn.signature import Signature
from ..log.refusals import Broken
from ..log.veil import time_column
from ..settings.catalog import Catalog, Column
from ..settings.params import Params

Row = dict[str, Any]
MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[-+]\d\d:\d\d)?)?", re.ASCII
)
EXAMPLES: Row = {
    "bool": True,
    "string": "text",
    "date": "2025-01-31",
    "datetime": "2025-01-31T12:00:00Z",
}
LONG = (-(2**63), 2**63 - 1)
WORDS = {
    "missing": "is not there; send null where it is missing",
    "extra_forbidden": "is no feature of this model",
    "finite_number": "is not finite",
    "too_long": "has too many rows",
    "too_short": "has no row",
    "dict_type": "is no object of features",
}
SHOWN, UNFIT, NAMED = 20, 422, 8


class RefusedError(Exception):
    """A request that is not answered: the status, and each field with the rule that it breaks.

    `rows` got no answer, and `broken` counts what was broken. There, a `rule` stands that few
    requests have, and no name of a field that a client has made up.
    """

    def __init__(
        self, status: int, rule: str = "", *, field: str | None = None, counted: str = ""
    ) -> None:
        super().__init__(rule)
        self.status, self.rows = status, 1
        self.cases: list[Row] = []
        self.broken: Broken = Counter()
        if rule:
            self.add(None, field, rule, (field or "", counted or rule, ""))

    def add(
        self, row: int | None, field: str | None, rule: str, counted: tuple[str, str, str]
    ) -> None:
        """One case more; the first ones are told."""
        self.broken[counted] += 1
        if len(self.cases) < SHOWN:
            self.cases.append({"row": row, "field": field, "rule": rule})


@dataclass(frozen=True)
class Input:
    """A column of the request: what its values may be, and whether null is one of them."""

    column: Column
    needed: bool = False
    markers: frozenset[str] = frozenset()
    required: bool = True

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The range; an integer fits into 64 bits besides."""
        low, high = self.column.range or (None, None)
        if self.column.dtype != "int":
            return low, high
        lowest, highest = LONG
        return (
            lowest if low is None else max(lowest, math.ceil(low)),
            highest if high is None else min(highest, math.floor(high)),
        )

    @property
    def values(self) -> list[str] | None:
        """What a text must be. A marker for `missing` is none of them: JSON has null."""
        values = self.column.allowed
        return None if values is None else [v for v in values if v not in self.markers]

    @property
    def meaning(self) -> str:
        """What the catalog says of the column, what it is for, and what usually stands there."""
        column, purpose = self.column, ""
        if not self.required:
            is_name = column.role == "identifier"
            purpose = "names the row, and its answer" if is_name else "dates the row in the log"
        texts = (column.description, purpose, _usual(column), _known(column))
        return "; ".join(text for text in texts if text)


def _usual(column: Column) -> str:
    low, high = column.usual or (None, None)
    if column.range or column.sensitive != "none" or (low is None and high is None):
        return ""
    ends = ("" if low is None else f" from {low:g}", "" if high is None else f" to {high:g}")
    return "usually" + "".join(ends)


def _known(column: Column) -> str:
    """Values that training saw, where others are answered, too."""
    values = column.values or ()
    if column.unseen == "refuse" or column.sensitive != "none" or not values:
        return ""
    more = f" and {len(values) - NAMED} more" if len(values) > NAMED else ""
    return f"known are {', '.join(values[:NAMED])}{more}; another one is answered as unseen"


@dataclass(frozen=True)
class Parser:
    """Reads a body, checked in one call; one row or many."""

    inputs: dict[str, Input]
    identifiers: tuple[str, ...]
    one: TypeAdapter[Row]
    many: TypeAdapter[list[Row]]

    def read(self, body: bytes) -> list[Row]:
        """The rows, typed. Raises RefusedError."""
        try:
            several = body.lstrip()[:1] == b"["
            return self.many.validate_json(body) if several else [self.one.validate_json(body)]
        except ValidationError as error:
            refusal = self.refusal(error)
            if several and refusal.status == UNFIT:
                refusal.rows = len(from_json(body))
            raise refusal from None

    def refusal(self, error: ValidationError) -> RefusedError:
        """The row, the field and the rule of each of the first violations; never a value."""
        cases = error.errors(include_url=False, include_context=False)
        if cases[0]["type"] == "json_invalid":
            return RefusedError(400, cases[0]["msg"], counted="is no JSON")
        refusal = RefusedError(UNFIT)
        for case in cases:
            field = next((part for part in case["loc"] if isinstance(part, str)), None)
            first = 0 if field else None
            row = next((part for part in case["loc"] if isinstance(part, int)), first)
            own = self.inputs.get(field or "")
            rule = self.rule(case["type"], case, own)
            is_shown = rule == NONE_OF and own is not None and own.column.sensitive == "none"
            value = str(case["input"]) if is_shown else ""
            refusal.add(row, field, rule, (field or "" if own else "", rule, value))
        return refusal

    def rule(self, kind: str, case: ErrorDetails, field: Input | None) -> str:
        """The words of the data contract, as they stand in a quarantine file."""
        if kind in WORDS or field is None:
            return WORDS.get(kind, case["msg"])
        if kind == "contract":
            return case["msg"]
        if case["input"] is None:
            return MISSING
        low, high = field.column.range or LONG
        if kind == "greater_than_equal":
            return f"is below {LONG[0] if low is None else low:g}"
        if kind == "less_than_equal":
            return f"is above {LONG[1] if high is None else high:g}"
        return f"cannot be read as {field.column.dtype}"


def inputs(catalog: Catalog, params: Params, signature: Signature) -> dict[str, Input]:
    """What the model needs, which may be had online, and what names and dates the rows."""
    strict = {feature.name for feature in signature.features if not feature.missing_seen}
    inputs = {
        name: Input(
            column,
            not column.nullable or name in strict,
            frozenset((*params.data.missing, *column.missing)),
        )
        for name, column in catalog.inputs(params).items()
    }
    free = {"range": None, "values": None}
    for name, column in catalog.columns.items():
        if column.role == "identifier" and name not in inputs:
            inputs[name] = Input(column.model_copy(update=free), required=False)
    if (own := time_column(params, catalog)) and params.data.time not in inputs:
        inputs[params.data.time or ""] = Input(own.model_copy(update=free), required=False)
    return inputs


def parser(inputs: dict[str, Input], max_rows: int) -> Parser:
    """The checks, compiled, and the document of a row."""
    fields = {
        name: field_type(field) if field.required else NotRequired[field_type(field)]
        for name, field in inputs.items()
    }
    make: Any = TypedDict  # mypy wants to know the fields
    row: Any = make("Row", fields)
    row.__pydantic_config__ = ConfigDict(extra="forbid")
    one, size = TypeAdapter[Row](row), Field(min_length=1, max_length=max_rows)
    many = TypeAdapter[list[Row]](Annotated[list[row], size])
    names = tuple(name for name, one in inputs.items() if one.column.role == "identifier")
    return Parser(inputs, names, one, many)


def field_type(field: Input) -> Any:
    """The type, the range and the values of one field, and what the document says of it."""
    column, (low, high) = field.column, field.limits
    description = Field(description=field.meaning, examples=[example(field)])
    if column.dtype == "string":
        text = Annotated[str, Field(strict=True), StringConstraints(strip_whitespace=True)]
        content = Annotated[text | None, AfterValidator(text_check(field))]
        return Annotated[content, WithJsonSchema(text_schema(field)), description]
    moment = WithJsonSchema({"type": "string", "format": "date-time"})
    kinds: dict[str, Any] = {
        "int": Annotated[int, Field(strict=True, ge=low, le=high), BeforeValidator(_whole)],
        "float": Annotated[float, Field(strict=True, ge=low, le=high, allow_inf_nan=False)],
        "bool": Annotated[bool, Field(strict=True)],
        "date": Annotated[date, Field(strict=True)],
        "datetime": Annotated[str, Field(strict=True), AfterValidator(_moment), moment],
    }
    kind = kinds[column.dtype]
    kind = kind if field.needed else kind | None
    kind = Annotated[kind, BeforeValidator(missing_check(column))] if column.missing else kind
    return Annotated[kind, description]


def text_schema(field: Input) -> Row:
    """A text in the words of JSON Schema."""
    schema: Row = {"type": "string" if field.needed else ["string", "null"]}
    if field.values is not None:
        return schema | {"enum": field.values if field.needed else [*field.values, None]}
    return schema | {"not": {"enum": sorted(field.markers)}} if field.needed else schema


def text_check(field: Input) -> Callable[[str | None], str | None]:
    """Text is one of the values; without such, what files call missing is missing here too."""
    values = None if field.values is None else frozenset(field.values)

    def check(text: str | None) -> str | None:
        if text is not None and values is not None and text not in values:
            raise PydanticCustomError("contract", NONE_OF)
        text = None if text in field.markers else text
        if text is None and field.needed:
            raise PydanticCustomError("contract", MISSING)
        return text

    return check


def missing_check(column: Column) -> Callable[[Any], Any]:
    """A number or a moment that means missing in this column is null here, too."""
    number = re.compile(r"[-+]?[\d.]+(?:e[-+]?\d+)?", re.IGNORECASE)
    numbers = frozenset(float(mark) for mark in column.missing if number.fullmatch(mark))
    texts = frozenset(column.missing)

    def check(value: Any) -> Any:
        is_missing = value in numbers if type(value) in (int, float) else str(value) in texts
        return None if is_missing and value is not None else value

    return check


def _whole(value: Any) -> Any:
    """In JSON, 5.0 is an integer too."""
    return int(value) if type(value) is float and value.is_integer() else value


def _moment(text: str) -> datetime:
    if not MOMENT.fullmatch(text):
        raise ValueError
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError as error:
        raise ValueError from error


def example(field: Input) -> Any:
    """A value that keeps the contract."""
    if values := [v for v in field.column.values or () if v not in field.markers]:
        return values[0]
    if field.column.dtype not in ("int", "float"):
        return EXAMPLES[field.column.dtype]
    bounds = [bound for bound in field.column.span if bound is not None]
    middle = sum(bounds) / max(len(bounds), 1)
    return math.ceil(middle) if field.column.dtype == "int" else middle
