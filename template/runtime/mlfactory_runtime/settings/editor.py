"""JSON Schemas of params.yaml and features.yaml, by which editors complete and check them.

They are made of the models that check the files, and say a little less: what depends on another
entry is found by `factory check` alone.
"""

import json
from typing import Any

from pydantic import BaseModel

from .catalog import Catalog
from .params import Params

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MODELS: dict[str, type[BaseModel]] = {"params": Params, "features": Catalog}


def editor_schema(name: str) -> str:
    """The schema of `params` or `features`, as a JSON text."""
    model = MODELS[name]
    schema = {"$schema": DRAFT, **model.model_json_schema()}
    if model.model_config.get("coerce_numbers_to_str"):
        schema = _with_numbers(schema)
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _with_numbers(part: Any) -> Any:
    """The same, where a text may be written as a number, as `values: [1, 2]` is."""
    if isinstance(part, list):
        return [_with_numbers(one) for one in part]
    if not isinstance(part, dict):
        return part
    whole = {key: _with_numbers(value) for key, value in part.items()}
    is_free = whole.get("type") == "string" and "enum" not in whole and "const" not in whole
    return whole | {"type": ["string", "number"]} if is_free else whole
