"""The OpenAPI document: what FastAPI knows, and what follows from catalog and signature."""

from pathlib import Path

import yaml
from fastapi import FastAPI

from ..predict import Scorer
from .schema import Parser, Row, described, example

REST = Path(__file__).with_name("openapi.yaml")


def complete(app: FastAPI, parser: Parser, scorer: Scorer, *, keyed: bool) -> None:
    """Put the fields of a row and of an answer into the document that the application gives."""
    rest, found, known = yaml.safe_load(REST.read_text("utf-8")), app.openapi(), scorer.signature
    schemas, fields = rest["components"]["schemas"], parser.inputs
    schemas["Row"] |= {
        "properties": {name: described(one) for name, one in fields.items()},
        "required": [name for name, one in fields.items() if one.required],
        "examples": [{name: example(one) for name, one in fields.items()}],
    }
    schemas["Rows"]["oneOf"][1]["maxItems"] = parser.limit
    told: Row = {name: schemas["Row"]["properties"][name] for name in parser.identifiers}
    told["prediction"] = {"enum": list(known.classes)} if known.classes else {"type": "number"}
    if known.classes:
        shares = {name: {"type": "number"} for name in known.classes}
        told["probabilities"] = {"type": "object", "properties": shares}
    schemas["Prediction"]["properties"] |= told
    for path, methods in rest["paths"].items():
        for method, entries in methods.items():
            locked: Row = (
                {"security": [{"key": []}]} if keyed and "401" in entries["responses"] else {}
            )
            known_entries = found["paths"].setdefault(path, {}).setdefault(method, {})
            known_entries |= entries | locked
    found["components"] = rest["components"]
