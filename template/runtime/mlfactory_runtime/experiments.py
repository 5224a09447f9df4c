"""The experiments that DVC keeps, as a table: what differs, and how good each is in validation.

DVC knows the experiments and their settings; the evaluation that is committed with each one has the
metric with its interval. The rows that are held out are not looked at.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import FactoryError
from .git import dvc, tries
from .project import EVALUATION, PARAMS, Project
from .records.evaluation import Evaluation, Interval
from .records.record import parse, read

HERE = "workspace"
PARTS = {"code": "code", "data": "data", "lock": "packages", "runtime": "library"}
NOTHING = Interval(None, None, None)


@dataclass(frozen=True)
class Experiment:
    """One line: `state` is that of DVC where it has not ended well; `differs` is by name."""

    name: str
    rev: str
    state: str = ""
    metric: str = ""
    validation: Interval = NOTHING
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    differs: Mapping[str, Any] = field(default_factory=dict)


def experiments(project: Project) -> list[Experiment]:
    """The workspace, its commit, and the experiments that began there, the best first.

    `differs` holds settings that are other than in the commit, and the parts of it that changed.
    """
    revisions = json.loads(dvc(project.root, "exp", "show", "--json", hint="dvc exp show"))
    if not revisions:
        raise FactoryError("there is no commit to compare with", "git commit")
    base = next((one for one in revisions if one["rev"] != HERE), revisions[0])
    settings, first = _settings(base), _evaluation(project, base["rev"])
    runs = [(one, group) for group in base.get("experiments") or () for one in group["revs"][:1]]
    lines = [_line(project, one, group, settings, first) for one, group in runs]
    lines.sort(key=lambda line: (line.validation.value is None, line.validation.value or 0.0))
    top = [
        _line(project, one, {}, settings, first)
        for one in revisions
        if one["rev"] in (HERE, base["rev"])
    ]
    return [*top, *lines]


def _line(
    project: Project,
    entry: Mapping[str, Any],
    group: Mapping[str, Any],
    settings: Mapping[str, Any],
    first: Evaluation | None,
) -> Experiment:
    own, evaluation = _settings(entry), _evaluation(project, entry["rev"])
    differs = {
        name: own.get(name) for name in {**settings, **own} if own.get(name) != settings.get(name)
    }
    validation = evaluation.validation if evaluation else None
    return Experiment(
        name=group.get("name") or entry.get("name") or entry["rev"],
        rev=entry["rev"],
        state=_state(entry, group),
        metric=evaluation.metric if evaluation else "",
        validation=_interval(evaluation),
        metrics=validation.metrics if validation else {},
        differs=differs | dict(_parts(first, evaluation)),
    )


def _interval(evaluation: Evaluation | None) -> Interval:
    """The primary metric in validation; of an earlier release without the ends."""
    validation = evaluation.validation if evaluation else None
    if evaluation is None or validation is None:
        return NOTHING
    if validation.interval is not None:
        return validation.interval
    return Interval(validation.metrics[evaluation.metric], None, None)


def _state(entry: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    """What DVC says of a run that has not ended well."""
    if entry.get("error"):
        return "failed"
    state = ((group.get("executor") or {}).get("state") or "").lower()
    return "" if state in ("success", "") else state


def _parts(first: Evaluation | None, own: Evaluation | None) -> Iterator[tuple[str, str]]:
    """Which parts that are no settings differ."""
    for key, name in PARTS.items():
        if first and own and first.provenance.get(key) != own.provenance.get(key):
            yield name, "changed"


def _settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a revision by their names in full."""
    params = ((entry.get("data") or {}).get("params") or {}).get(PARAMS.as_posix()) or {}
    return dict(_flat(params.get("data") or {}))


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _evaluation(project: Project, rev: str) -> Evaluation | None:
    if rev == HERE:
        return read(Evaluation, project.root / EVALUATION)
    text = tries(project.root, "show", f"{rev}:./{EVALUATION.as_posix()}")
    return parse(Evaluation, text, EVALUATION.name) if text else None


def table(lines: list[Experiment]) -> list[str]:
    """The lines for a terminal, each short enough for 80 columns unless many settings differ."""
    metric = next((line.metric for line in lines if line.metric), "metric")
    head = ("", f"{metric} in validation", "differs by")
    rows = [head, *((_name(line), _number(line), _differs(line)) for line in lines)]
    wide = [max(len(row[k]) for row in rows) for k in (0, 1)]
    return [f"{a:{wide[0]}}  {b:{wide[1]}}  {c}".rstrip() for a, b, c in rows]


def _name(line: Experiment) -> str:
    return line.name if line.name == HERE else f"{line.name} {line.rev[:7]}".strip()


def _number(line: Experiment) -> str:
    one = line.validation
    if one.value is None:
        return line.state or "-"
    ends = "" if one.low is None or one.high is None else f" [{one.low:.4g}, {one.high:.4g}]"
    return f"{one.value:.4g}{ends}"


def _differs(line: Experiment) -> str:
    """Settings by the last part of their names, for the line is short; JSON has them in full."""
    parts = PARTS.values()
    return ", ".join(
        f"{name} changed"
        if name in parts
        else f"{name.rpartition('.')[2]}={json.dumps(value, ensure_ascii=False)}"
        for name, value in line.differs.items()
    )
