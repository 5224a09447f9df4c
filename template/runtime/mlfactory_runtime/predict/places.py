"""Where files may be written: never over what they are made from, or what DVC and git keep."""

from fnmatch import fnmatch
from pathlib import Path

from ..data.source import place_of
from ..errors import FactoryError
from ..project import (
    ANSWERS,
    CATALOG,
    LOCK,
    MODEL,
    PACKAGES,
    PARAMS,
    PIPELINE,
    PREPARED,
    PYPROJECT,
    SNAPSHOT,
    TAKEN,
    Project,
)
from ..settings.yaml import read_yaml

WRITERS = (".csv", ".parquet")
KEPT = (".dvc", ".git")
OWN = (ANSWERS, CATALOG, LOCK, PACKAGES, PARAMS, PIPELINE, PYPROJECT, SNAPSHOT)
ENDS = ("-journal", "-shm", "-wal")  # SQLite's files beside a database
OTHER = "give the answers another name"


def check_target(project: Project, source: Path, target: Path) -> None:
    """FactoryError if the output would take the place of something that must stay.

    Files are told apart by what they are, not by their names: links lead to the same file.
    """
    if target.suffix not in WRITERS:
        raise FactoryError(f"{target} is neither .csv nor .parquet", "name the output so")
    if not target.parent.is_dir():
        raise FactoryError(f"there is no folder {target.parent}", f"mkdir -p {target.parent}")
    if target.is_dir():
        raise FactoryError(f"{target} is a folder", OTHER)
    if target.exists() and not target.is_file():
        raise FactoryError(f"{target} is no file but a device or a pipe", OTHER)
    if is_same(source, target):
        raise FactoryError(f"{target} is the input: its rows would be lost", OTHER)
    if data := data_of(project, target):
        raise FactoryError(f"{target} holds {data}", OTHER)
    if keeper := keeper_of(project, target):
        raise FactoryError(f"{target} is kept by {keeper}", OTHER)


def check_file(project: Project, target: Path, begin: str = "") -> None:
    """FactoryError if what a command writes for people or machines would take the place of data,
    of what the factory consists of, or of a file that does not `begin` like what is written. Data
    that are not here may be put there."""
    other = "give it another name"
    if target.is_dir():
        raise FactoryError(f"{target} is a folder", other)
    if not target.is_file():
        return
    if data := data_of(project, target):
        raise FactoryError(f"{target} holds {data}", other)
    for own in (project.root / name for name in OWN):
        if is_same(own, target):
            raise FactoryError(f"{target} is the factory's own {own.name}", other)
    deep = target.resolve()
    if deep.suffix == KEPT[0] or deep.is_relative_to(project.source.resolve()):
        raise FactoryError(f"{target} is the factory's own", other)
    if keeper := keeper_of(project, target):
        raise FactoryError(f"{target} is kept by {keeper}", other)
    if start_of(target, len(begin)) not in ("", begin):
        raise FactoryError(f"{target} is there already, and is something else", other)


def start_of(target: Path, length: int) -> str:
    """The first letters of a file, small ones."""
    with target.open("rb") as file:
        return file.read(length).decode("latin-1").lower()


def data_of(project: Project, target: Path) -> str:
    """Which data a file holds; nothing if none."""
    for folder in (project.raw, project.root / TAKEN):
        if is_same(folder, target):
            return f"the raw data, {project.relative(folder)}"
    if not (source := project.params.data.source):
        return ""
    place = place_of(project, source) / Path(source).expanduser()
    deep, own = place.resolve(), target.resolve()
    within = own.is_relative_to(deep) or fnmatch(str(own), str(deep))
    return f"data of data.source, {source}" if within or is_same(place, target) else ""


def check_output(project: Project, source: Path, target: Path) -> None:
    """FactoryError if answers to a file, or to a folder of files, may not be put there."""
    check = check_folder if source.is_dir() else check_target
    check(project, source, target)


def check_folder(project: Project, source: Path, target: Path) -> None:
    """The same for a folder of answers, which need not be there yet."""
    if target.exists() and not target.is_dir():
        raise FactoryError(f"{target} is a file, and {source} a folder", "name another folder")
    if not target.absolute().parent.is_dir():
        raise FactoryError(f"there is no folder {target.parent}", f"mkdir -p {target.parent}")
    own, other = target.resolve(), source.resolve()
    if own.is_relative_to(other) or other.is_relative_to(own):
        message = f"of {target} and {source} one lies in the other: answers would be scored"
        raise FactoryError(message, "name a folder elsewhere")
    if keeper := keeper_of(project, target):
        raise FactoryError(f"{target} is kept by {keeper}", "name another folder")


def check_within(folder: Path, target: Path) -> None:
    """FactoryError if a folder of answers holds a link by which this one would stand elsewhere, and
    so perhaps in the place of an input."""
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        message = f"{target.parent} leads out of {folder}, to {target.parent.resolve()}"
        raise FactoryError(message, "remove that link, or name another folder")


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, through links and under other names too."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def keeper_of(project: Project, target: Path) -> str:
    """Who keeps a file by that name, or the one that it leads to; nothing if nobody does."""
    log = Path(project.root / project.params.log.path).resolve()
    for path in (target.absolute(), target.resolve()):
        if path.parent == log.parent and path.name in (log.name, *(log.name + end for end in ENDS)):
            return f"the prediction log ({project.params.log.path})"
        for one in (path, *path.parents):
            if Path(f"{one}.dvc").is_file():
                return f"DVC ({one.name}.dvc)"
            if one.name in KEPT:
                return one.name
        for folder in outs(project):
            if path.is_relative_to(folder):
                return f"the pipeline ({project.relative(folder)})"
    return in_cache(target)


def in_cache(target: Path) -> str:
    """A file with a second name in DVC's cache is told by its mode: DVC takes the writing away."""
    status = target.stat() if target.is_file() else None
    is_linked = status is not None and status.st_nlink > 1 and not status.st_mode & 0o222
    return "another name of it, which may not be written (a cache of DVC has such)" * is_linked


def outs(project: Project) -> list[Path]:
    """What the pipeline writes."""
    stages = read_yaml(project.root / LOCK).get("stages") or {}
    paths = [one["path"] for stage in stages.values() for one in stage.get("outs", ())]
    return [project.root / name for name in (MODEL, PREPARED, *paths)]


def aside_of(target: Path) -> tuple[Path, tuple[Path, ...]]:
    """A free name for the rows without an answer, and the files of earlier runs: they stay."""
    first = target.with_name(f"{target.stem}.quarantine{target.suffix}")
    earlier: list[Path] = []
    name = first
    while name.is_symlink() or name.exists():
        earlier.append(name)
        name = first.with_stem(f"{first.stem}-{len(earlier) + 1}")
    return name, tuple(earlier)
