"""What is registered, where it is in use, and what its commit says of it."""

import json
from typing import Any

from pydantic import ValidationError

from ..errors import FactoryError
from ..git import tries
from ..project import EVALUATION, Project
from ..records.evaluation import Evaluation
from ..records.record import parse
from ..records.registry import Approval, Facts, Models, Stage, Version
from .signatures import signers
from .tags import Tag, artifact, stages, tags, versions


def message_json(message: str) -> dict[str, Any]:
    """What a tag's message says, if it is one of ours."""
    try:
        content = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def facts(project: Project, commit: str) -> Facts:
    """What the commit says of its model; without an evaluation that can be read, only when."""
    text = tries(project.root, "show", f"{commit}:./{EVALUATION.as_posix()}")
    trained = tries(project.root, "show", "--no-patch", "--format=%cI", commit) or None
    try:
        evaluation = parse(Evaluation, text, EVALUATION.name)
    except FactoryError:
        return Facts(commit=commit, trained_at=trained)
    return Facts(
        commit=commit,
        trained_at=trained,
        data=evaluation.provenance.get("data"),
        template=evaluation.provenance.get("template"),
        rows=evaluation.rows.get("holdout"),
        metric=evaluation.metric,
        metrics=evaluation.models.get("model", {}),
        verdict=evaluation.verdict,
        reason=evaluation.reason,
        warnings=evaluation.warnings,
    )


def models(project: Project, remote: str = "") -> Models:
    """All versions and stages. With a remote, those that it has now; `odd` tags differ here."""
    every = tags(project, remote)
    own = versions(project, every)
    who = signers(project, own)
    here = {one.tag: one for one in tags(project)}
    odd = [one.tag for one in every if one.tag in here and here[one.tag].commit != one.commit]
    return Models(
        name=artifact(project),
        versions=tuple(version_of(project, one, who.get(one.version)) for one in own),
        stages={name: in_use(one) for name, one in stages(project, every).items()},
        odd=tuple(odd),
    )


def version_of(project: Project, tag: Tag, who: str | None) -> Version:
    """A version, with what its commit says."""
    values = dict(facts(project, tag.commit))
    return Version(version=tag.version, tag=tag.tag, signed_by=who, **values)


def in_use(tag: Tag) -> Stage:
    """What a stage holds, since when, from which commit and data, and approved by whom."""
    return Stage(
        version=tag.version,
        since=tag.since.isoformat() if tag.since.timestamp() else None,
        commit=tag.commit,
        tag=tag.tag,
        **dict(approval(tag.message)),
    )


def approval(message: str) -> Approval:
    """What the message of a stage's tag says; nothing where another program made the tag."""
    try:
        return Approval.model_validate(message_json(message))
    except ValidationError:
        return Approval()
