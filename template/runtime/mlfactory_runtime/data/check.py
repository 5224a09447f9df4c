"""What `factory check` and `factory summary` have to say."""

from collections import Counter
from pathlib import Path

from ..errors import FactoryError
from ..extensions import CheckRows
from ..organisation import misnomers
from ..project import ANSWERS, PARAMS, Project
from ..settings.availability import Finding, check_catalog
from ..settings.catalog import Catalog
from ..settings.idle import idle
from ..settings.params import Data, Params
from ..tables.read import column_names, first_batch, read_batches
from .extensions import check_extensions, working
from .library import check_library
from .own import SPLIT, row_findings, sides_of

NAMED, TRIED = 12, 100


def check(project: Project, *, strict: bool = False, data: bool = True) -> list[Finding]:
    """The catalog, the availability of every feature, the contract on all of the data, and
    the factory's own code on the first rows.
    """
    params, catalog = project.params, project.catalog
    findings = [*check_library(project), *check_extensions(project), *check_names(project)]
    findings += check_catalog(catalog, params, strict=strict)
    own_split = bool(working(lambda: project.decide_sides))
    findings += [
        Finding("warning", PARAMS.name, None, text, "set it to its default, or change the reason")
        for text in idle(params, own_split=own_split)
    ]
    findings += check_last_fit(params, own_split=own_split)
    if not data or not catalog.columns:
        return findings
    if not project.raw.is_file():
        message = f"{params.data.path} is not here: the contract was not checked"
        return [*findings, Finding("warning", None, params.data.path, message, "dvc pull")]
    own = working(lambda: project.check_rows)
    findings += check_data(project.raw, catalog, params.data, own)
    broken = any(finding.level == "error" and finding.feature for finding in findings)
    return findings if broken else findings + check_features(project) + check_sides(project)


def check_names(project: Project) -> list[Finding]:
    """Is the factory called as the organisation asks for?"""
    return [
        Finding("warning", None, ANSWERS.name, text, f"mlfactory update --set {name}=VALUE")
        for name, text in misnomers(project.answers)
    ]


def check_data(
    path: Path, catalog: Catalog, data: Data, own: CheckRows | None = None
) -> list[Finding]:
    """Every batch of a file against the contract, and columns that nobody has described.

    A batch that keeps the contract is looked at by the factory's own check, too.
    """
    from .contract import broken_rules, findings, read_rows, unusual, unusual_findings

    names = column_names(path, data)
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
    broken, notes = Counter[tuple[str, str]](), dict[Finding, None]()
    odd = Counter[tuple[str, str]]()
    for raw in read_batches(path, data):
        rows, cases = read_rows(raw, present, data)
        broken.update(broken_rules(cases))
        odd.update(unusual(rows, present))
        if not cases.height and not lacking:
            notes |= dict.fromkeys(row_findings(own, rows))
    return new + lacking + findings(broken, catalog) + unusual_findings(odd, catalog) + list(notes)


def check_last_fit(params: Params, *, own_split: bool) -> list[Finding]:
    """Whether anybody has decided that the newest rows, which a split by time holds out, teach
    nothing to what is used.
    """
    if own_split or not params.data.time or "refit" in params.model.model_fields_set:
        return []
    message = "model.refit is not there: what is used learns nothing from the rows held out by time"
    remedy = "under model: `refit: true`, which wants that verb in model.py, or `refit: false`"
    return [Finding("warning", PARAMS.name, None, message, remedy)]


def check_features(project: Project) -> list[Finding]:
    """Does features.py compute what is declared, from no more than a prediction is given?"""
    from .computed import featured, refuse_undeclared
    from .contract import read_rows

    params, catalog = project.params, project.catalog
    inputs = catalog.inputs(params)
    if (raw := first_batch(project.raw, params.data)) is None:
        return []
    rows, _ = read_rows(raw.head(TRIED), inputs, params.data)
    try:
        frame = featured(rows, catalog.features(params), project.compute)
        refuse_undeclared(frame, {*inputs, *catalog.derived})
    except FactoryError as error:
        return [Finding("error", "derived", None, error.message, error.hint)]
    return []


def check_sides(project: Project) -> list[Finding]:
    """Does split.py look at one row at a time? It is tried on the first batch."""
    decide = working(lambda: project.decide_sides)
    raw = first_batch(project.raw, project.params.data) if decide else None
    if not decide or raw is None:
        return []
    try:
        sides_of(decide, raw)
    except FactoryError as error:
        return [Finding("error", SPLIT, None, error.message, error.hint)]
    return []


def lines(findings: list[Finding]) -> list[str]:
    """The findings in lines for people: features that share one are named together."""
    shared: dict[tuple[str, str | None, str, str], list[str]] = {}
    for f in findings:
        shared.setdefault((f.level, f.source, f.message, f.remedy), []).append(
            f.feature or "features.yaml"
        )
    return [
        f"{level}: {names_text(names)}{_of(source)}: {message}\n  remedy: {remedy}"
        for (level, source, message, remedy), names in shared.items()
    ]


def _of(source: str | None) -> str:
    return "" if source is None else f" (source: {source or 'unknown'})"


def names_text(names: list[str]) -> str:
    """The names, or the first of many."""
    text = ", ".join(names[:NAMED])
    return text if len(names) <= NAMED else f"{text} and {len(names) - NAMED} more"
