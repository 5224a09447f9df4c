"""What a newer template leaves to its user, each step with its command."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from .data.extensions import places
from .migrate import is_done, migrate, own_files
from .project import LOCK, PACKAGES, PYPROJECT, Project
from .settings.availability import Finding

# What stood below src/<package>/ until 0.3, by the first part of its name, and was tested.
OLD = """
    alerts baselines catalog charts check cli compare contract data dialect draft edit errors
    files forget formats groups harvest insight kinds labels leaks log metrics monitor online
    params personal plots predict query registry report review roles schema signature source
    split store synth templates train update words
""".split()  # noqa: SIM905 - a list would be a page
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(?:==\s*([^\s;,]+))?")
LIBRARY, STAGES = "mlfactory-runtime", Path("dvc.yaml")
INTO_LIBRARY = (
    "git rm it; what you changed in it belongs into runtime/mlfactory_runtime/,"
    " which comes with: mlfactory update --set runtime=source"
)


def upkeep(project: Project) -> list[Finding]:
    """Packages to lock, imports to rewrite, files that nobody reads, models to train anew."""
    return [*packages(project), *imports(project), *unread(project), *stages(project)]


def warning(name: str, message: str, remedy: str) -> Finding:
    return Finding("warning", name, None, message, remedy)


def packages(project: Project) -> list[Finding]:
    """Is uv.lock of the packages that pyproject.toml asks for?"""
    file, wanted = project.root / PACKAGES, requirements(project.pyproject)
    if not wanted or not file.is_file():
        return []
    locked = tomllib.loads(file.read_text("utf-8")).get("package", [])
    own: dict[str, Any] = next((one for one in locked if one["name"] == normal(project.name)), {})
    metadata = own.get("metadata", {})
    groups = [metadata.get("requires-dist", []), *metadata.get("requires-dev", {}).values()]
    known = {one["name"] for group in groups for one in group}
    version = next((one.get("version") for one in locked if one["name"] == LIBRARY), None)
    if known == wanted.keys() and version == (wanted.get(LIBRARY) or version):
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
    found = [match.groups("") for text in texts if (match := REQUIREMENT.match(text))]
    return {normal(name): version for name, version in sorted(found, key=lambda one: one[1])}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imports(project: Project) -> list[Finding]:
    """Imports of modules that are a library now, a finding for each file or each line by hand."""
    message = "it imports what is part of the library now"
    found = migrate(project, dry_run=True)
    return [
        *(
            warning(file, message, "factory migrate")
            for file in {o.file: 0 for o in found if o.after}
        ),
        *(
            warning(
                f"{one.file}, line {one.line}", f"{one.before} does not do any more", one.by_hand
            )
            for one in found
            if not is_done(one)
        ),
    ]


def unread(project: Project) -> list[Finding]:
    """Files of templates until 0.3 that are still here, because somebody has edited them."""
    package, tests = sorted(project.source.rglob("*")), sorted(project.root.glob("tests/test_*.py"))
    used = places(project)
    left = [p for p in package if p.is_file() and is_old(p, project) and p not in used]
    texts = [path.read_text("utf-8") for path in own_files(project) if path not in left]
    message = "nobody reads it: what it was is part of the library now"
    return [
        *(
            warning(project.shown(path), message, INTO_LIBRARY)
            for path in left
            if not any(
                re.search(rf"\bimport\b.*\b{path.stem}\b|\.{path.stem} import", t) for t in texts
            )
        ),
        *(
            warning(project.shown(path), "it tests what is part of the library now", "git rm it")
            for path in tests
            if path.stem.removeprefix("test_") in OLD
            and "from .package import" in path.read_text("utf-8")
        ),
    ]


def is_old(path: Path, project: Project) -> bool:
    parts = path.relative_to(project.source).parts
    return parts[0].removesuffix(".py") in OLD and "__pycache__" not in parts


def stages(project: Project) -> list[Finding]:
    """Was the model made by the stages that dvc.yaml has?"""
    files = (project.root / STAGES, project.root / LOCK)
    if not all(file.is_file() for file in files):
        return []
    now, then = (yaml.safe_load(file.read_text("utf-8")).get("stages", {}) for file in files)
    for name, stage in then.items():
        known = {one["path"] for one in stage.get("deps", [])}
        wanted = {one for one in now.get(name, {}).get("deps", []) if "$" not in str(one)}
        if not wanted <= known:
            return [
                warning(str(LOCK), f"{STAGES} has changed since the model was made", "dvc repro")
            ]
    return []
