"""What `factory check` and `factory summary` have to say."""

from collections import Counter
from typing import Any

from .catalog import Catalog, Finding, check_catalog, load_catalog
from .data import column_names, raw_path, read_batches
from .errors import FactoryError
from .files import EVALUATION, read_json
from .params import Params, load_params

NAMED, TRIED = 12, 100


def check(*, strict: bool = False, data: bool = True) -> list[Finding]:
    """The catalog, the availability of every feature, the contract on all of the data, and
    features.py on the first rows.
    """
    params, catalog = load_params(), load_catalog()
    found = check_catalog(catalog, params, strict=strict)
    if not data or not catalog.columns:
        return found
    if not raw_path(params).is_file():
        message = f"{params.data.path} is not here: the contract was not checked"
        return [*found, Finding("warning", None, params.data.path, message, "dvc pull")]
    found += check_data(catalog, params)
    broken = any(finding.level == "error" and finding.feature for finding in found)
    return found if broken else found + check_features(catalog, params)


def check_data(catalog: Catalog, params: Params) -> list[Finding]:
    """Every batch against the contract, and columns that nobody has described."""
    from .contract import broken_rules, findings, read_rows

    path = raw_path(params)
    names = column_names(path, params.data)
    unknown = [name for name in names if name not in catalog.columns]
    new = [
        Finding("warning", name, path.name, "it is not in the catalog", "factory catalog draft")
        for name in unknown
    ]
    lacking = [
        Finding(
            "error", name, column.source, "the data have no such column",
            f"deliver it again, or take {name!r} out of features.yaml",
        )
        for name, column in catalog.columns.items()
        if name not in names
    ]  # fmt: skip
    present = {name: column for name, column in catalog.columns.items() if name in names}
    broken = Counter[tuple[str, str]]()
    for raw in read_batches(path, params.data):
        broken.update(broken_rules(read_rows(raw, present, params.data)[1]))
    return new + lacking + findings(broken, catalog)


def check_features(catalog: Catalog, params: Params) -> list[Finding]:
    """Does features.py compute what is declared, from no more than a prediction is given?"""
    from .contract import read_rows
    from .signature import featured, refuse_undeclared

    inputs = catalog.inputs(params)
    for raw in read_batches(raw_path(params), params.data):
        rows, _ = read_rows(raw.head(TRIED), inputs, params.data)
        try:
            frame = featured(rows, catalog.features(params))
            refuse_undeclared(frame, {*inputs, *catalog.derived})
        except FactoryError as error:
            return [Finding("error", "derived", None, error.message, error.hint)]
        break
    return []


def told(findings: list[Finding]) -> list[str]:
    """The findings in lines for people: features that share one are named together."""
    shared: dict[tuple[str, str | None, str, str], list[str]] = {}
    for f in findings:
        shared.setdefault((f.level, f.source, f.message, f.remedy), []).append(
            f.feature or "features.yaml"
        )
    return [
        f"{level}: {named(names)}{_of(source)}: {message}\n  remedy: {remedy}"
        for (level, source, message, remedy), names in shared.items()
    ]


def _of(source: str | None) -> str:
    return "" if source is None else f" (source: {source or 'unknown'})"


def named(names: list[str]) -> str:
    """The names, or the first of many."""
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"


def summary() -> dict[str, Any]:
    """The last evaluation in short."""
    told = read_json(EVALUATION)
    if not told:
        raise FactoryError("no model has been evaluated here", "train one: dvc repro")
    kept = ("task", "target", "rows", "metric", "verdict", "reason", "gain", "warnings")
    return {
        **{key: told[key] for key in kept},
        "metrics": told["models"],
        "report": "reports/report.html",
    }
