"""A copy of the factory to train in: until a new model is compared, the one in use stays in use."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..git import dvc, git
from ..project import MODEL, PIPELINE, SNAPSHOT, TAKEN, TEMPLATES, Project
from ..registry.artifact import lock_of

SETTINGS = """[core]
    no_scm = true
    analytics = false
[cache]
    dir = {cache}
"""


def copied(project: Project, target: Path) -> Project:
    """The factory as it stands, changes that are not committed too, with DVC's cache of its own."""
    for name in sorted(names(project)):
        if (project.root / name).exists():
            copy(project.root / name, target / name)
    config, own = Path(".dvc/config"), Path(".dvc/config.local")
    (target / config).parent.mkdir(parents=True, exist_ok=True)
    if (project.root / config).is_file():
        shutil.copyfile(project.root / config, target / config)
    cache = dvc(project.root, "cache", "dir")
    (target / own).write_text(SETTINGS.format(cache=cache), "utf-8")
    return Project(target)


def names(project: Project) -> Iterator[str]:
    """What git knows, what the pipeline and the new rows need, and one's own code."""
    tracked = git(project.root, "ls-files", "-z", "--cached", "--", ".").split("\0")
    own = ("src", TEMPLATES.as_posix(), PIPELINE.as_posix())
    others = ("ls-files", "-z", "--others", "--exclude-standard", "--", *own)
    yield from filter(None, {*tracked, *git(project.root, *others).split("\0")})
    for stage in lock_of(project.root).values():
        outputs = {one["path"] for one in stage.get("outs", ())}
        needed = (one["path"] for one in stage.get("deps", ()))
        yield from (name for name in needed if name not in outputs and ".." not in Path(name).parts)
    yield from (project.params.data.path, TAKEN.as_posix(), SNAPSHOT.as_posix(), MODEL.as_posix())


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder; of links what they lead to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    elif not target.exists():
        shutil.copyfile(source, target)
        os.chmod(target, source.stat().st_mode | 0o200)  # noqa: PTH101 - DVC takes the writing away
