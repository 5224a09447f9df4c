"""`factory retrain`: new data, a new model from them, and the comparison with the one in use."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..catalog import load_catalog
from ..data import raw_path
from ..errors import FactoryError
from ..files import COMPARISON, MODEL, REPORTS, SNAPSHOT
from ..params import Params, load_params
from ..source import pull
from ..split import digest
from .compare import PAGE, compare
from .git import commit_of, dvc, git, output
from .harvest import TAKEN, harvest
from .resolve import LOCK, Registered, exported, lock_of, on_stage


@dataclass(frozen=True)
class Retrained:
    """What came in, and if from data.source; the comparison, if that made a new model; and the
    files that it changed.
    """

    data: str
    comparison: dict[str, Any] | None
    pulled: bool
    files: tuple[str, ...] = ()
    commit: str | None = None


def retrain(why: str = "", *, commit: bool = False) -> Retrained:
    """Train on what is new. With `commit`, what it wrote is committed.

    If anything fails, data, model and reports are as they were before, and so is production.
    """
    params = load_params()
    if commit and (open_changes := git("status", "--porcelain", "--untracked-files=no", "--", ".")):
        told = f"{open_changes.split()[1]} is not committed: the model would belong to no commit"
        raise FactoryError(told, "commit it or take it back, or leave --commit")
    try:
        with kept(params):
            champion, pulled = in_use(), params.data.source is not None
            data = fetch(params)
            if digest(raw_path(params)) == learned(params):
                return Retrained(data, None, pulled)
            reproduce()
            record = compare(champion, MODEL.as_posix())
            files = changed(params)
            made = committed(files, f"Retrain: {why or data}", record) if commit else None
            return Retrained(data, record, pulled, files, made)
    except FactoryError as error:
        raise failed(error) from error


def failed(error: FactoryError) -> FactoryError:
    """Where a retraining that failed is told of."""
    told = "nothing was retrained, and all is as it was before"
    return FactoryError(f"{error.message} ({told})", error.hint)


def in_use() -> Registered:
    """The model in production; where there is none, that of the last commit."""
    return on_stage("prod") or exported("HEAD", None, commit_of("HEAD"))


def fetch(params: Params) -> str:
    """Take in what is new; what that was, in words."""
    if params.data.source:
        taken = pull()
        return f"{taken['rows']:,} rows from {taken['origin']}"
    found = harvest(params, load_catalog())
    told = f"{found['rows']:,} predictions whose outcome is known"
    return told + (f", {found['left_out']:,} left out" if found["left_out"] else "")


def learned(params: Params) -> str | None:
    """DVC's hash of the data that the current model comes from."""
    entries = lock_of(Path()).get("prepare", {}).get("deps", [])
    return next((one.get("md5") for one in entries if one["path"] == params.data.path), None)


def reproduce() -> None:
    """Run the pipeline, which calls `factory`, also where this environment is not activated."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    output(sys.executable, "-m", "dvc", "repro", hint="dvc repro shows more", env={"PATH": path})


def small_files(params: Params) -> list[Path]:
    """What it may write, but for the folders and files that DVC brings back."""
    data = [raw_path(params), TAKEN]
    noted = [path.with_name(f"{path.name}.dvc") for path in data]
    outs = (Path(one["path"]) for stage in lock_of(Path()).values() for one in stage["outs"])
    reports = [path for path in outs if path.is_relative_to(REPORTS) and not path.is_dir()]
    return [Path(LOCK), *data, *noted, SNAPSHOT, *reports, COMPARISON, PAGE]


def changed(params: Params) -> tuple[str, ...]:
    """The files for git among what it wrote."""
    listing = ("ls-files", "-z", "--modified", "--others", "--exclude-standard", "--")
    found = git(*listing, *map(str, small_files(params)))
    return tuple(sorted({name for name in found.split("\0") if name}))


@contextmanager
def kept(params: Params) -> Iterator[None]:
    """Data, model, reports and their records go back to what they were if what is within fails."""
    files = small_files(params)
    with TemporaryDirectory(prefix=".factory-", dir=".") as folder:
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
            dvc("checkout", "--quiet", "--force", *lock_of(Path()), hint="dvc checkout --force")
            raise


def committed(files: tuple[str, ...], title: str, record: dict[str, Any]) -> str:
    """Commit these files; gives the commit."""
    text = f"{title}\n\nThe new model is {record['verdict']}: {record['reason']}."
    git("add", "--", *files)
    try:
        git("commit", "--quiet", "--message", text, "--", *files, hint="mend what the hook found")
    except FactoryError:
        git("reset", "--quiet", "--", *files)
        raise
    return commit_of("HEAD")
