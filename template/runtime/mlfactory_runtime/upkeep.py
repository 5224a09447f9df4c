"""What a newer template leaves to its user, each step with its command."""

import re
from pathlib import Path
from typing import Any

from .compat import MODULES
from .data.extensions import places
from .data.library import NAME
from .migrate import is_done, migrate, own_files, readable
from .packages import differences, normal
from .project import LOCK, PACKAGES, PIPELINE, PYPROJECT, Project
from .registry.artifact import lock_of
from .settings.availability import Finding
from .settings.yaml import read_yaml

# What stood below src/<package>/ until 0.3, by the first part of its name, and was tested.
OLD = {
    *MODULES,
    *"""
    alerts charts cli compare dialect draft edit harvest labels leaks monitor online personal plots
    registry report review roles schema source templates update words
    """.split(),  # noqa: SIM905 - a list would be a page
}
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(?:==\s*([^\s;,]+))?")
INTO_LIBRARY = (
    "git rm it; what you changed in it belongs into runtime/mlfactory_runtime/,"
    " which comes with: mlfactory update --set runtime=source"
)


def upkeep(project: Project) -> list[Finding]:
    """Packages to lock, imports to rewrite, files that nobody reads, models to train anew."""
    return [
        *packages(project),
        *(warning(".venv", text, mend) for text, mend in differences(project)),
        *imports(project),
        *unread(project),
        *stages(project),
    ]


def warning(name: str, message: str, remedy: str) -> Finding:
    return Finding("warning", name, None, message, remedy)


def packages(project: Project) -> list[Finding]:
    """Is uv.lock of the packages that pyproject.toml asks for?"""
    lock, pins = project.locked, requirements(project.pyproject)
    if not (lock and pins):
        return []
    own: dict[str, Any] = next((one for one in lock if one["name"] == normal(project.name)), {})
    metadata = own.get("metadata", {})
    groups = [metadata.get("requires-dist", []), *metadata.get("requires-dev", {}).values()]
    names = {one["name"] for group in groups for one in group}
    version = next((one.get("version") for one in lock if one["name"] == NAME), None)
    if names == pins.keys() and version == (pins.get(NAME) or version):
        return []
    return [warning(str(PACKAGES), f"it is not that of {PYPROJECT}", "uv lock && uv sync")]


def requirements(pyproject: dict[str, Any]) -> dict[str, str]:
    """The packages that are asked for, each with its one version if it is pinned."""
    project = pyproject.get("project", {})
    extras, groups = (
        project.get("optional-dependencies", {}),
        pyproject.get("dependency-groups", {}),
    )
    lists = [project.get("dependencies", []), *extras.values(), *groups.values()]
    texts = (text for one in lists for text in one if isinstance(text, str))
    pairs = [match.groups("") for text in texts if (match := REQUIREMENT.match(text))]
    return {normal(name): version for name, version in sorted(pairs, key=lambda one: one[1])}


def imports(project: Project) -> list[Finding]:
    """Imports of modules that are a library now, a finding for each file or each line by hand."""
    message = "it imports what is part of the library now"
    changes = migrate(project, dry_run=True)
    return [
        *(
            warning(file, message, "factory migrate")
            for file in dict.fromkeys(one.file for one in changes if is_done(one))
        ),
        *(
            warning(
                f"{one.file}, line {one.line}", f"{one.before} does not do any more", one.by_hand
            )
            for one in changes
            if not is_done(one)
        ),
    ]


def unread(project: Project) -> list[Finding]:
    """Files of templates until 0.3 that are still here, because somebody has edited them."""
    package, tests = sorted(project.source.rglob("*")), sorted(project.root.glob("tests/test_*.py"))
    paths = places(project)
    files = [p for p in package if p.is_file() and is_old(p, project) and p not in paths]
    if not (files or tests):
        return []
    texts = {path: text for path, text in readable(own_files(project)) if path not in files}
    message = "nobody reads it: what it was is part of the library now"
    return [
        *(
            warning(project.relative(path), message, INTO_LIBRARY)
            for path in files
            if not any(
                re.search(rf"\bimport\b.*\b{path.stem}\b|\.{path.stem} import", text)
                for text in texts.values()
            )
        ),
        *(
            warning(project.relative(path), "it tests what is part of the library now", "git rm it")
            for path in tests
            if path.stem.removeprefix("test_") in OLD
            and "from .package import" in texts.get(path, "")
        ),
    ]


def is_old(path: Path, project: Project) -> bool:
    parts = path.relative_to(project.source).parts
    return parts[0].removesuffix(".py") in OLD and "__pycache__" not in parts


def stages(project: Project) -> list[Finding]:
    """Was the model made by the stages that dvc.yaml has?"""
    now = read_yaml(project.root / PIPELINE).get("stages", {})
    for name, stage in lock_of(project.root).items() if now else ():
        paths = {one["path"] for one in stage.get("deps", [])}
        deps = {one for one in now.get(name, {}).get("deps", []) if "$" not in str(one)}
        if not deps <= paths:
            return [
                warning(str(LOCK), f"{PIPELINE} has changed since the model was made", "dvc repro")
            ]
    return []
