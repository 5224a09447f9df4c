"""What is registered, where it is in use, and what its commit says of it."""

import json
from typing import Any

from ..git import tries
from ..project import Project
from .tags import Tag, artifact, stages, tags, versions

Told = dict[str, Any]


def told_of(message: str) -> Told:
    """What a tag's message says, if it is one of ours."""
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def facts(project: Project, commit: str) -> Told:
    """What the commit says of its model: when it was made, from which data, how good it is."""
    found = told_of(tries(project.root, "show", f"{commit}:./reports/evaluation.json"))
    provenance = found.get("provenance", {})
    return {
        "commit": commit,
        "trained_at": tries(project.root, "show", "--no-patch", "--format=%cI", commit) or None,
        "data": provenance.get("data"),
        "template": provenance.get("template"),
        "rows": found.get("rows", {}).get("holdout"),
        "metric": found.get("metric"),
        "metrics": found.get("models", {}).get("model", {}),
        "verdict": found.get("verdict"),
        "reason": found.get("reason"),
        "warnings": found.get("warnings", []),
    }


def models(project: Project, remote: str = "") -> Told:
    """All versions and stages. With a remote, those that it has now; `odd` tags differ here."""
    found = tags(project, remote)
    here = {one.tag: one for one in tags(project)}
    odd = [one.tag for one in found if one.tag in here and here[one.tag].commit != one.commit]
    return {
        "name": artifact(project),
        "versions": [
            {"version": one.version, "tag": one.tag, **facts(project, one.commit)}
            for one in versions(project, found)
        ],
        "stages": {name: in_use(one) for name, one in stages(project, found).items()},
        "odd": odd,
    }


def in_use(held: Tag) -> Told:
    """What a stage holds, since when, from which commit and data, and approved by whom."""
    record = told_of(held.message)
    kept = ("data", "approved_by", "proposed_by", "from", "record", "forced", "why")
    return {
        "version": held.version,
        "since": held.since.isoformat() if held.since.timestamp() else None,
        "commit": held.commit,
        "tag": held.tag,
        **{key: record.get(key) for key in kept},
    }
