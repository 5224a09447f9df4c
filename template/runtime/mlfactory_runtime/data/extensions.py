"""What `factory check` says of a factory's own extensions: what it finds, and what does not fit."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ..errors import FactoryError
from ..extensions import BUILT_IN, Extension
from ..project import PIPELINE, SECTIONS, TEMPLATES, Project
from ..settings.availability import Finding
from ..settings.yaml import read_yaml

T = TypeVar("T")
LIBRARY = Path(__file__).parents[1] / "templates"
RECORD = "promotion.md"  # what was approved looks the same in every factory


def extensions(project: Project) -> list[Extension]:
    """Everything of the factory's own that the library uses; of broken files nothing."""
    return [*_code(project), *_pages(project)]


def _code(project: Project) -> Iterator[Extension]:
    home = project.relative(project.source)
    for name in working(lambda: project.metrics) or ():
        yield Extension("metric", name, f"{home}/metrics.py")
    if working(lambda: project.check_rows):
        yield Extension("check", "check", f"{home}/checks.py")
    if working(lambda: project.decide_sides):
        yield Extension("split", "sides", f"{home}/split.py")
    path = loader(project)
    if path and working(lambda: project.pull(path)):
        yield Extension("source", "pull", project.relative(path))


def working(ask: Callable[[], T]) -> T | None:
    """What is asked for; null if it is there and cannot be used."""
    try:
        return ask()
    except FactoryError:
        return None


def _pages(project: Project) -> Iterator[Extension]:
    for path in own_templates(project):
        yield Extension("template", path.name, project.relative(path))
    for path in own_sections(project):
        yield Extension("section", path.stem, project.relative(path))


def loader(project: Project) -> Path | None:
    """The file that fetches the data, where data.source names one in Python."""
    source = Path(project.params.data.source or "").expanduser()
    return project.root / source if source.suffix == ".py" else None


def places(project: Project) -> set[Path]:
    """Files below src/<package>/ whose names mean something to the library, now as before 0.4."""
    home, path = project.source, working(lambda: loader(project))
    return {home / "metrics.py", home / "split.py", *([path] if path else [])}


def own_templates(project: Project) -> list[Path]:
    """Files in report/ that stand before the library's own of the same name."""
    names = {path.name for path in _files(LIBRARY)} - {RECORD}
    return [path for path in _files(project.root / TEMPLATES) if path.name in names]


def own_sections(project: Project) -> list[Path]:
    """The sections that are put at the end of the report, in the order of their names."""
    return [path for path in _files(project.root / SECTIONS) if path.suffix == ".html"]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def check_extensions(project: Project) -> Iterator[Finding]:
    """What is wrong with the forms of the factory's own files."""
    path = loader(project)
    for ask in (
        lambda: project.estimator,
        lambda: project.metrics,
        lambda: project.check_rows,
        lambda: project.decide_sides,
        lambda: path and project.pull(path),
    ):
        try:
            ask()
        except FactoryError as error:
            yield Finding("error", "your code", None, error.message, error.hint)
    yield from _gate(project)
    yield from _report(project)


def _gate(project: Project) -> Iterator[Finding]:
    metric, own = project.params.gate.metric, working(lambda: project.metrics)
    if metric and own is not None and metric not in {*BUILT_IN, *own}:
        message = f"params.yaml names {metric!r}, and there is no such metric"
        remedy = f"name one of {', '.join([*own, *BUILT_IN])}"
        yield Finding("error", "gate.metric", None, message, remedy)


def _report(project: Project) -> Iterator[Finding]:
    unknown = [*_files(project.root / TEMPLATES), *_files(project.root / SECTIONS)]
    possible = {*own_templates(project), *own_sections(project)}
    for path in unknown:
        if path not in possible and not path.name.startswith(("_", ".")):
            names = ", ".join(file.name for file in _files(LIBRARY) if file.name != RECORD)
            message = f"{project.relative(path)} is no page of the library, so nobody reads it"
            remedy = f"name it as one of {names}; or with a leading _, if another includes it"
            yield Finding("warning", "report", None, message, remedy)
    if possible and (file := project.root / PIPELINE).is_file():
        pipeline = read_yaml(file)
        stage = pipeline.get("stages", {}).get("report", {})
        if stage and TEMPLATES.as_posix() not in stage.get("deps", []):
            message = f"the stage `report` does not know of the folder {TEMPLATES}"
            remedy = f"add `- {TEMPLATES}` to its deps in {PIPELINE}, so that a change runs it"
            yield Finding("warning", "report", None, message, remedy)
