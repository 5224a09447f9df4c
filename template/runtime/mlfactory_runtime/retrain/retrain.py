"""`factory retrain`: new data, a new model from them, and the comparison with the one in use."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..data.source import pull
from ..errors import FactoryError
from ..gate.compare import PAGE, compare
from ..git import commit_of, dvc, git
from ..learn.split import digest
from ..programs import output
from ..project import COMPARISON, LOCK, MODEL, REPORTS, SNAPSHOT, TAKEN, Project
from ..records.comparison import Comparison
from ..registry.artifact import lock_of
from ..registry.resolve import Registered, exported, on_stage
from ..settings.params import Params
from .harvest import harvest


@dataclass(frozen=True)
class Retrained:
    """What came in, and if from data.source; the comparison, if that made a new model; and the
    files that it changed.
    """

    data: str
    comparison: Comparison | None
    pulled: bool
    files: tuple[str, ...] = ()
    commit: str | None = None

    def json(self) -> dict[str, object]:
        """As plain data."""
        compared = self.comparison.model_dump() if self.comparison else None
        return {**vars(self), "comparison": compared}


def retrain(project: Project, why: str = "", *, commit: bool = False) -> Retrained:
    """Train on what is new. With `commit`, what it wrote is committed.

    If anything fails, data, model and reports are as they were before, and so is production.
    """
    params = project.params
    listing = ("status", "--porcelain", "--untracked-files=no", "--", ".")
    if commit and (open_changes := git(project.root, *listing)):
        message = f"{open_changes.split()[1]} is not committed: the model would belong to no commit"
        raise FactoryError(message, "commit it or take it back, or leave --commit")
    try:
        with kept(project):
            champion, pulled = in_use(project), params.data.source is not None
            data = fetch(project, params)
            if digest(project.raw) == learned(project):
                return Retrained(data, None, pulled)
            reproduce(project)
            record = compare(project, champion, MODEL.as_posix())
            files = changed(project)
            new_commit = (
                committed(project, files, f"Retrain: {why or data}", record) if commit else None
            )
            return Retrained(data, record, pulled, files, new_commit)
    except FactoryError as error:
        raise failed(error) from error


def failed(error: FactoryError) -> FactoryError:
    """Where a retraining that failed is told of."""
    message = "nothing was retrained, and all is as it was before"
    return FactoryError(f"{error.message} ({message})", error.hint)


def in_use(project: Project) -> Registered:
    """The model in production; where there is none, that of the last commit."""
    return on_stage(project, "prod") or exported(
        project, "HEAD", None, commit_of(project.root, "HEAD")
    )


def fetch(project: Project, params: Params) -> str:
    """Take in what is new; what that was, in words."""
    if params.data.source:
        snapshot = pull(project).snapshot
        return f"{snapshot.rows:,} rows from {snapshot.origin}"
    found = harvest(project, params, project.catalog)
    message = f"{found.rows:,} predictions whose outcome is known"
    return message + (f", {found.left_out:,} left out" if found.left_out else "")


def learned(project: Project) -> str | None:
    """DVC's hash of the data that the current model comes from."""
    entries = lock_of(project.root).get("prepare", {}).get("deps", [])
    return next(
        (one.get("md5") for one in entries if one["path"] == project.params.data.path), None
    )


def reproduce(project: Project) -> None:
    """Run the pipeline, which calls `factory`, also where this environment is not activated."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    repro = (sys.executable, "-m", "dvc", "repro")
    output(project.root, *repro, hint="dvc repro shows more", env={"PATH": path})


def small_files(project: Project) -> list[Path]:
    """What it may write below the factory's folder, but for what DVC brings back."""
    data = [Path(project.params.data.path), TAKEN]
    noted = [path.with_name(f"{path.name}.dvc") for path in data]
    stages = lock_of(project.root).values()
    outs = (Path(one["path"]) for stage in stages for one in stage["outs"])
    reports = [p for p in outs if p.is_relative_to(REPORTS) and not (project.root / p).is_dir()]
    return [LOCK, *data, *noted, SNAPSHOT, *reports, COMPARISON, PAGE]


def changed(project: Project) -> tuple[str, ...]:
    """The files for git among what it wrote."""
    listing = ("ls-files", "-z", "--modified", "--others", "--exclude-standard", "--")
    found = git(project.root, *listing, *map(str, small_files(project)))
    return tuple(sorted({name for name in found.split("\0") if name}))


@contextmanager
def kept(project: Project) -> Iterator[None]:
    """Data, model, reports and their records go back to what they were if what is within fails."""
    files = [project.root / name for name in small_files(project)]
    with TemporaryDirectory(prefix=".factory-", dir=project.root) as folder:
        saved = {path: Path(folder) / str(number) for number, path in enumerate(files)}
        for path, copy in saved.items():
            if path.is_file():
                shutil.copy2(path, copy)
        try:
            yield
        except BaseException:
            for path, copy in saved.items():
                if copy.is_file():
                    copy.replace(path)
                else:
                    path.unlink(missing_ok=True)
            outs = lock_of(project.root)
            dvc(project.root, "checkout", "--quiet", "--force", *outs, hint="dvc checkout --force")
            raise


def committed(project: Project, files: tuple[str, ...], title: str, record: Comparison) -> str:
    """Commit these files; gives the commit."""
    text = f"{title}\n\nThe new model is {record.verdict}: {record.reason}."
    git(project.root, "add", "--", *files)
    try:
        commit = ("commit", "--quiet", "--message", text, "--", *files)
        git(project.root, *commit, hint="mend what the hook found")
    except FactoryError:
        git(project.root, "reset", "--quiet", "--", *files)
        raise
    return commit_of(project.root, "HEAD")
