"""The data contract for those who deliver the data: a JSON Schema (draft 2020-12) of one row.

Values stand in it as JSON has them. It allows nothing that the contract refuses, but for days that
no month has; of text it asks the plain form, where the factory reads what people write too.
"""

from typing import Any

from .catalog import Catalog, Column
from .params import Params

DRAFT = "https://json-schema.org/draft/2020-12/schema"
LONG = (-(2**63), 2**63 - 1)
DAY = "[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
HOUR, SIXTY = "([01][0-9]|2[0-3])", "[0-5][0-9]"
CLOCK = rf"{HOUR}:{SIXTY}(:{SIXTY}(\.[0-9]{{1,6}})?(Z|[-+]{HOUR}:{SIXTY})?)?"
FORMS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "date": {"type": "string", "format": "date", "pattern": f"^{DAY}$"},
    "datetime": {"type": "string", "pattern": f"^{DAY}([T ]{CLOCK})?$"},
}


def contract_schema(catalog: Catalog, params: Params) -> dict[str, Any]:
    """What a row must hold. `x-` marks what only people read: owner, source, format in files."""
    markers = params.data.missing
    columns = {n: property_of(c, (*markers, *c.missing)) for n, c in catalog.columns.items()}
    return {
        "$schema": DRAFT,
        "title": f"Rows to predict {params.data.target}",
        "type": "object",
        "properties": columns,
        "required": list(columns),
    }


def property_of(column: Column, markers: tuple[str, ...]) -> dict[str, Any]:
    """One column; a marker for `missing` is no value, for JSON has null."""
    rule = dict(FORMS[column.dtype])
    low, high = column.range or (None, None)
    if column.dtype == "int":
        low = LONG[0] if low is None else max(low, LONG[0])
        high = LONG[1] if high is None else min(high, LONG[1])
    rule |= {k: v for k, v in (("minimum", low), ("maximum", high)) if v is not None}
    if column.allowed is not None:
        rule["enum"] = [value for value in column.allowed if value not in markers]
    elif column.dtype == "string" and not column.nullable:
        rule |= {"pattern": r"^\S([\s\S]*\S)?$", "not": {"enum": sorted(set(markers))}}
    if column.nullable:
        rule["type"] = [rule["type"], "null"]
        if "enum" in rule:
            rule["enum"].append(None)
    content = {
        "description": column.description,
        "x-owner": column.owner,
        "x-source": column.source,
        "x-format": column.format,
        "x-missing": list(column.missing),
        "x-sensitive": "" if column.sensitive == "none" else column.sensitive,
    }
    return rule | {key: value for key, value in content.items() if value}
