"""Scoring a folder of Parquet files: file by file, in processes, in the same layout.

What is finished is told by the answers alone: in the metadata of each file stands what names its
input, the model and the settings, so that a run that was killed is made up for by the next.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import polars as pl

from ..errors import FactoryError
from ..files import short_hash
from ..project import CATALOG, Project, forget
from ..scratch import locked
from ..settings.params import Params, params_hash
from ..tables.file import partitions
from ..tables.folders import files_of
from .batch import MAX_INVALID, logging, score_file
from .places import aside_of, check_folder, check_target, check_within
from .scorer import Scorer, open_scorer
from .workers import in_processes

ASIDE, WORK = "_quarantine", "mlfactory.work"  # what begins with _ is no data to Hive and Spark
EMPTY = "it holds no row"


@dataclass(frozen=True)
class Task:
    """What is done to each file: `source` and `target` are folders, `model` one of a model.

    `state` names the model with all that answers depend on, as it is when work begins, and `batch`
    all of its files in the log.
    """

    root: Path
    model: Path
    source: Path
    target: Path
    explain: int = 0
    max_invalid: float = MAX_INVALID
    log: bool = True
    spreadsheet: bool = False
    state: str = ""
    batch: str = ""


@dataclass(frozen=True)
class FileScore:
    """How many rows of a file were scored, how many were not, or why none was.

    `earlier` says that an earlier run had done it.
    """

    file: str
    rows: int = 0
    invalid: int = 0
    earlier: bool = False
    error: str = ""
    unlogged: str = ""


@dataclass(frozen=True)
class FolderScore:
    """What became of the files of a folder, in the order of their names."""

    files: tuple[FileScore, ...]

    @property
    def new(self) -> tuple[FileScore, ...]:
        """The files that this run has scored."""
        return tuple(one for one in self.files if not one.earlier and not one.error)

    @property
    def failures(self) -> tuple[FileScore, ...]:
        return tuple(one for one in self.files if one.error and one.error != EMPTY)

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.files)

    @property
    def invalid(self) -> int:
        return sum(one.invalid for one in self.files)

    def json(self) -> dict[str, object]:
        """As plain data."""
        files = [asdict(one) for one in self.files]
        return {"rows": self.rows, "invalid": self.invalid, "files": files}


def predict_folder(
    project: Project, task: Task, jobs: int = 0, progress: Callable[[int], None] = lambda _: None
) -> FolderScore:
    """Score each file of a folder, `jobs` at a time, of one core each; 0: as many as there are.

    Answers stand under the same name below the target, rows without one below its `_quarantine`.
    A file that fails stops no other. FactoryError if there is no file, or the model cannot score.
    """
    from ..log.runs import number

    names = names_in(task.source)
    check_folder(project, task.source, task.target)
    scorer = open_scorer(project, task.model, task.explain)  # what is wrong with it is told once
    task = replace(task, state=state_of(scorer, task), batch=number())
    task.target.mkdir(exist_ok=True)
    scores, rows = dict[str, FileScore](), 0
    lock = project.root / ".factory" / f"predict-{short_hash(str(task.target).encode())}.lock"
    lock.parent.mkdir(exist_ok=True)
    message = f"another run writes into {task.target}"
    with locked(lock, message, "wait until it is done"), pending_batch(project.params, task):
        for one in scored(project.params, task, names, jobs):
            scores[one.file] = one
            rows += one.rows
            progress(rows)
        remove_empty(task.target / ASIDE)
    return FolderScore(tuple(scores[name] for name in names))


def pending_batch(params: Params, task: Task) -> AbstractContextManager[None]:
    """Note in the log, if there is one, that the files are a batch which is not done yet."""
    if not (task.log and params.log.enabled):
        return nullcontext()
    from ..log.runs import batch_of_several

    return batch_of_several(params.log, task.batch)


def names_in(folder: Path) -> list[str]:
    """The files of a folder, as they are called below it."""
    files = files_of(str(folder))
    if not files:
        raise FactoryError(f"{folder} holds no file", "name a folder with Parquet files")
    if files[0].suffix != ".parquet":
        hint = "write them as Parquet, or score each by itself: factory batch does"
        raise FactoryError(f"{folder} holds {files[0].suffix or 'other'} files", hint)
    return [file.relative_to(folder).as_posix() for file in files]


def score_one(task: Task, name: str) -> FileScore:
    """Score a file unless its answers are there already."""
    source, target = task.source / name, task.target / name
    try:
        scorer, own = ready(replace(task, batch=""))
        work = work_of(source, own)
        if score := finished(scorer, task, name, work):
            return score
        if not height_of(source):
            return without_answers(target, name, EMPTY)
        for place in (target, task.target / ASIDE / name):
            check_within(task.target, place)
        target.parent.mkdir(parents=True, exist_ok=True)
        check_target(scorer.project, source, target)
        return answered_by(scorer, task, name, work)
    except FactoryError as error:
        return without_answers(target, name, str(error))
    except (OSError, pl.exceptions.PolarsError) as error:
        return without_answers(target, name, f"{source}: {error}")


def without_answers(target: Path, name: str, error: str) -> FileScore:
    """A file that has no answers; those of an earlier run, to other rows, do not stay."""
    with suppress(FactoryError, OSError, pl.exceptions.PolarsError):
        if WORK in notes_of(target):
            target.unlink()
    return FileScore(name, error=error)


def height_of(file: Path) -> int:
    """How many rows a Parquet file has."""
    return int(pl.scan_parquet(file).select(pl.len()).collect().item())


def answered_by(scorer: Scorer, task: Task, name: str, work: str) -> FileScore:
    """Score a file, and note in its answers what they are of."""
    aside = task.target / ASIDE / name
    aside.parent.mkdir(parents=True, exist_ok=True)
    result = score_file(
        logging(scorer, task.batch) if task.log else scorer,
        task.source / name,
        task.target / name,
        aside_of(aside),
        max_invalid=task.max_invalid,
        spreadsheet=task.spreadsheet,
        notes={WORK: work},
    )
    return FileScore(name, result.rows, result.invalid, unlogged=result.unlogged)


def remove_empty(folder: Path) -> None:
    """Remove the folders that hold nothing, and this one where it holds nothing else."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def scored(params: Params, task: Task, names: list[str], jobs: int) -> Iterator[FileScore]:
    """What becomes of each file, as they are done, in processes here or on a cluster."""
    if params.engine.kind == "none":
        return in_processes(score_one, [(task, name) for name in names], jobs)
    from .on_cluster import on_cluster

    return on_cluster(params.engine, params.log, task, names)


@cache
def ready(task: Task) -> tuple[Scorer, str]:
    """A model at hand, and what names it with all that its answers depend on; once a process."""
    project = Project(task.root)
    if task.state:
        forget(project.package)  # a worker of a cluster lives on when the code has changed
    scorer = open_scorer(project, task.model, task.explain)
    return scorer, state_of(scorer, task)


def state_of(scorer: Scorer, task: Task) -> str:
    """What names a model with the code, the contract and the settings that answers depend on."""
    project = scorer.project
    code = b"".join(path.read_bytes() for path in sorted(project.source.rglob("*.py")))
    facts = (
        scorer.version,
        short_hash(code),
        short_hash((project.root / CATALOG).read_bytes()),
        params_hash(project.params),
        f"{task.explain} {task.spreadsheet}",
    )
    return " ".join(facts)


def work_of(source: Path, own: str) -> str:
    """What names a file with its folders' columns, and all that its answers depend on."""
    with source.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return short_hash(f"{digest} {sorted(partitions(source).items())} {own}".encode())


def finished(scorer: Scorer, task: Task, name: str, work: str) -> FileScore | None:
    """What an earlier run has scored, if its answers are there and the log has them, too."""
    target = task.target / name
    notes = notes_of(target)
    if notes.get(WORK) != work:
        return None
    if task.log and scorer.params.log.enabled:
        from ..log.runs import is_complete

        if not is_complete(scorer.params.log, notes.get("request_id", "")):
            return None
    rows = height_of(target)
    return FileScore(name, rows, height_of(task.source / name) - rows, earlier=True)


def notes_of(file: Path) -> dict[str, str]:
    """The metadata of a Parquet file; none where there is no such file."""
    try:
        return dict(pl.read_parquet_metadata(file))
    except (OSError, pl.exceptions.PolarsError):
        return {}
