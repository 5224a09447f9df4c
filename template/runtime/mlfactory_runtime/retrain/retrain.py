"""`factory retrain`: new data, a new model from them, and the comparison with the one in use."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..data.source import check_inside
from ..errors import FactoryError
from ..gate.compare import PAGE, compare
from ..git import commit_of, git
from ..learn.split import digest
from ..programs import output
from ..project import COMPARISON, LOCK, MODEL, REPORTS, SNAPSHOT, TAKEN, Project
from ..records.adoption import Adoption
from ..records.comparison import Comparison
from ..records.record import read
from ..registry.anchor import anchor, trailer
from ..registry.artifact import lock_of, uncommitted
from ..registry.resolve import Registered, exported, on_stage, signed
from ..scratch import locked, scratch
from .adopt import FRESH, NOT_BACK, PLAN, adopt, plan, settle, taken_back
from .apart import copied
from .fetch import fetch

PLACE, PREFIX, LOCKED = Path(".factory/retrain"), "work-", "lock"


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


def retrain(
    project: Project, why: str = "", *, commit: bool = False, fewer: bool = False
) -> Retrained:
    """Train on what is new. With `commit`, what it wrote is committed; with `fewer`, there may be
    fewer rows than before, or older ones.

    All is done in a copy of the factory, and put in place when the new model is whole and compared.
    If anything fails, data, model and reports are as they were before, and so is production. What a
    run that was killed left half in place is finished first, and is the result then.
    """
    folder = project.root / PLACE
    folder.mkdir(parents=True, exist_ok=True)
    busy = "another `factory retrain` is at work here"
    with locked(folder / LOCKED, busy, "wait until it is done"):
        if earlier := leftover(project, folder):
            return earlier
        if commit:
            refuse_changes(project)
        try:
            with scratch(folder, PREFIX) as work:
                return anew(project, work, why, commit=commit, fewer=fewer)
        except FactoryError as error:
            raise failed(error) from error


def refuse_changes(project: Project) -> None:
    """FactoryError if what stands here is not committed."""
    if change := uncommitted(project):
        message = f"{change.split()[1]} is not committed: the model would belong to no commit"
        raise FactoryError(message, "commit it or take it back, or leave --commit")


def leftover(project: Project, folder: Path) -> Retrained | None:
    """What a run that was killed had left to do, if its model was compared already."""
    for work in sorted(folder.glob(f"{PREFIX}*")):
        if adoption := settle(project, work):
            with all_or_nothing(project, work, adoption):
                return finished(project, work, adoption)
    return None


def anew(project: Project, work: Path, why: str, *, commit: bool, fewer: bool) -> Retrained:
    """Everything in a copy; then what the copy holds takes its place."""
    check_inside(project)
    champion, pulled = in_use(project), project.params.data.source is not None
    copy = copied(project, work / FRESH)
    data = fetch(project, copy, fewer=fewer)
    if digest(copy.raw) == learned(project):
        return Retrained(data, None, pulled)
    reproduce(copy)
    challenger = Registered(MODEL.as_posix(), None, None, copy, copy.model_folder, fresh=True)
    compare(copy, champion, challenger)
    names = [name for name in small_files(copy) if (copy.root / name).is_file()]
    files = tuple(name.as_posix() for name in names)
    title = f"Retrain: {why or data}" if commit else None
    adoption = Adoption(files=files, data=data, pulled=pulled, title=title)
    plan(project, work, adoption)
    with all_or_nothing(project, work, adoption):
        adopt(project, work, adoption)
        return finished(project, work, adoption)


@contextmanager
def all_or_nothing(project: Project, work: Path, adoption: Adoption) -> Iterator[None]:
    """Take back what stands in place if the block fails; else the plan is carried out."""
    try:
        yield
    except BaseException as error:
        taken_back(project, work, adoption, error)
        raise
    (work / PLAN).unlink()


def finished(project: Project, work: Path, adoption: Adoption) -> Retrained:
    """What is in place, committed if it was to be; a commit that was made before is that one."""
    record = read(Comparison, work / FRESH / COMPARISON)
    files = changed(project, adoption.files)
    commit = None
    if adoption.title and record:
        last = commit_of(project.root, "HEAD")
        commit = committed(project, files, adoption.title, record) if files else last
    return Retrained(adoption.data, record, adoption.pulled, files, commit)


def failed(error: FactoryError) -> FactoryError:
    """Where a retraining that failed is told of, unless it could not be taken back."""
    if NOT_BACK in error.message:
        return error
    message = "nothing was retrained, and all is as it was before"
    return FactoryError(f"{error.message} ({message})", error.hint)


def in_use(project: Project) -> Registered:
    """The model in production; where there is none, that of the last commit."""
    if model := on_stage(project, "prod"):
        return model
    return signed(project, exported(project, "HEAD", None, commit_of(project.root, "HEAD")))


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
    output(project.root, *repro, hint="dvc repro shows more", env={"PATH": path}, family=True)


def small_files(project: Project) -> list[Path]:
    """What it may write below the factory's folder, but for what DVC brings back."""
    data = [Path(project.params.data.path), TAKEN]
    pointers = [path.with_name(f"{path.name}.dvc") for path in data]
    stages = lock_of(project.root).values()
    outs = (Path(one["path"]) for stage in stages for one in stage["outs"])
    reports = [p for p in outs if p.is_relative_to(REPORTS) and not (project.root / p).is_dir()]
    return [LOCK, *data, *pointers, SNAPSHOT, *reports, COMPARISON, PAGE]


def changed(project: Project, files: Sequence[str]) -> tuple[str, ...]:
    """The files for git among what it wrote, as far as they differ from the last commit."""
    options = ("--exclude-standard", "--", *files)
    others = git(project.root, "ls-files", "-z", "--others", *options)
    changes = git(project.root, "diff", "-z", "--name-only", "--relative", "HEAD", "--", *files)
    return tuple(sorted({*filter(None, f"{others}\0{changes}".split("\0"))}))


def committed(project: Project, files: tuple[str, ...], title: str, record: Comparison) -> str:
    """Commit these files; gives the commit."""
    end = trailer(anchor(project))
    text = f"{title}\n\nThe new model is {record.verdict}: {record.reason}.{end}"
    git(project.root, "add", "--", *files)
    try:
        commit = ("commit", "--quiet", "--message", text, "--", *files)
        git(project.root, *commit, hint="mend what the hook found")
    except FactoryError:
        git(project.root, "reset", "--quiet", "--", *files)
        raise
    return commit_of(project.root, "HEAD")
