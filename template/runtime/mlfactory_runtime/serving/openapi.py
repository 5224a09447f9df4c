"""The OpenAPI document: what FastAPI knows, and what follows from catalog and signature."""

from pathlib import Path

import yaml
from fastapi import FastAPI
from pydantic_core import from_json, to_json

from ..learn.intervals import ENDS
from ..predict.scorer import Scorer
from .schema import Parser, Row, example

NUMBER = "00000000000000000000000000000000"
REST = Path(__file__).with_name("openapi.yaml")


def complete(app: FastAPI, parser: Parser, scorer: Scorer, sample: Row, *, keyed: bool) -> None:
    """Put the fields of a row and of an answer into the document that the application gives.

    `sample` is what the example of a row is answered; empty where none is.
    """
    model, intervals = scorer.signature, scorer.intervals
    rest, document = yaml.safe_load(REST.read_text("utf-8")), app.openapi()
    schemas, row = rest["components"]["schemas"], parser.one.json_schema()
    examples = [{name: example(one) for name, one in parser.inputs.items()}]
    schemas["Row"] = row | {"examples": examples}
    schemas["Rows"]["oneOf"][1]["maxItems"] = parser.many.json_schema()["maxItems"]
    if sample:
        answer = {"request_id": NUMBER, "model": scorer.version, "predictions": [sample]}
        schemas["Answer"]["examples"] = [from_json(to_json(answer, inf_nan_mode="null"))]
    fields: Row = {name: row["properties"][name] for name in parser.identifiers}
    fields["prediction"] = {"enum": list(model.classes)} if model.classes else {"type": "number"}
    if model.classes:
        shares = {name: {"type": "number"} for name in model.classes}
        fields["probabilities"] = {"type": "object", "properties": shares}
    if intervals:
        meaning = (
            f"The true number lies from lower to upper in about {intervals.coverage:g} of cases."
        )
        fields |= {name: {"type": "number", "description": meaning} for name in ENDS}
        schemas["Prediction"]["required"] += ENDS
    schemas["Prediction"]["properties"] |= fields
    for path, methods in rest["paths"].items():
        for method, entries in methods.items():
            if keyed and "401" in entries["responses"]:
                entries["security"] = [{"key": []}]
            document["paths"].setdefault(path, {}).setdefault(method, {}).update(entries)
    document["components"] = rest["components"]
