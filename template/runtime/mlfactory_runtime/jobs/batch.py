"""`factory batch`: score the files that have no answers yet, each once.

What is done is known by the answers alone: their name holds the hash of what was scored, so nothing
else has to be kept, and a run that was killed is made up for by the next.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from glob import has_magic
from pathlib import Path, PurePosixPath

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from ..errors import FactoryError
from ..programs import environment, run
from ..project import Project
from ..scratch import locked, temporary
from ..settings.batch import Batch
from ..tables.query import write_query

PROGRAM = "from mlfactory_runtime.cli import main; main()"
LOCK = Path(".factory/batch.lock")
SET = "set batch.source in params.yaml, and batch.target to a folder that stays"


@dataclass(frozen=True)
class Answered:
    """A file, what it became, how many rows were scored and how many were not, or why none was.

    `unlogged` says why its rows are not in the prediction log.
    """

    file: str
    answers: str
    rows: int = 0
    invalid: int = 0
    error: str = ""
    unlogged: str = ""


@dataclass(frozen=True)
class Batched:
    """The files that were new, and how many had answers already."""

    files: tuple[Answered, ...]
    earlier: int

    def json(self) -> dict[str, object]:
        """As plain data."""
        return {"files": [asdict(one) for one in self.files], "earlier": self.earlier}


def batch(project: Project) -> Batched:
    """Score what is new at batch.source into batch.target. A file that fails stops no other."""
    settings = project.params.batch
    if not (settings.source and settings.target):
        missing = "source of rows to score" if settings.target else "folder for answers"
        raise FactoryError(f"params.yaml names no {missing}", SET)
    (project.root / LOCK).parent.mkdir(parents=True, exist_ok=True)
    busy = "another `factory batch` is at work here"
    with locked(project.root / LOCK, busy, "wait until it is done"), temporary() as folder:
        target, place = url_to_fs(full(project, settings.target))
        target.makedirs(place, exist_ok=True)
        files, earlier = [], 0
        for file in inputs(project, settings.source, place, folder):
            answers = f"{place}/{answers_of(file, settings)}"
            if target.exists(answers):
                earlier += 1
                continue
            files.append(scored(project, file, target, answers))
        return Batched(tuple(files), earlier)


def full(project: Project, text: str) -> str:
    """An address as it is; a path as seen from the factory's folder."""
    return text if "://" in text else str(project.root / Path(text).expanduser())


def inputs(project: Project, source: str, target: str, folder: Path) -> Iterator[Path]:
    """Copies of what is to be scored, one after the other: what is read is what was hashed."""
    if source.endswith(".sql"):
        query = Path(full(project, source))
        copy = folder / f"{query.stem}.parquet"
        write_query(query, project.params.data.url_env, copy)
        yield copy
        return
    place, pattern = url_to_fs(full(project, source))
    names = sorted(name for name in place.glob(pattern) if place.isfile(name))
    if not names and not has_magic(source):
        raise FactoryError(f"there is no file {source}", SET)
    for name in names:
        if str(PurePosixPath(name).parent) == target:
            message = f"the answers to {source} would be scored themselves"
            raise FactoryError(message, "set batch.target to another folder")
        copy = folder / PurePosixPath(name).name
        place.get_file(name, str(copy))
        yield copy
        copy.unlink()


def answers_of(file: Path, settings: Batch) -> str:
    """The name of the answers: that of the file, and what names its content."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return f"{file.name.split('.')[0]}-{digest[:16]}.{settings.format}"


def scored(project: Project, file: Path, target: AbstractFileSystem, answers: str) -> Answered:
    """Score a file as a person would, in a process of its own; its answers appear last, and count
    in the log when they are there.
    """
    from ..log.runs import delivery, holding

    settings = project.params.batch
    output = file.parent / ".answers" / f"answers.{settings.format}"  # beside no other file
    output.parent.mkdir(exist_ok=True)
    aside = output.with_name(f"answers.quarantine.{settings.format}")
    options = ("--model", settings.model, "--max-invalid", str(settings.max_invalid), "--json")
    argv = (sys.executable, "-c", PROGRAM, "predict", str(file), str(output), *options)
    process = run(argv, project.root, environment() | holding(), b"", family=True)
    name, ending = answers.rsplit(".", 1)
    if aside.is_file():
        put(target, aside, f"{name}.quarantine.{ending}")
    text = process.stderr.decode(errors="replace").replace(f"{file.parent}/", "")
    if process.returncode or not output.is_file():
        return Answered(file.name, "", error=error_in(text) or "no row can be scored")
    counts = json.loads(process.stdout)
    is_logged = counts["request_id"] and counts["logged"] == counts["rows"]
    problems: AbstractContextManager[list[str]] = nullcontext([])
    if is_logged:
        problems = delivery(project.params.log, counts["request_id"])
    with problems as texts:
        put(target, output, answers)
    unlogged = " ".join(texts) or warning_in(text)
    place = PurePosixPath(answers).name
    return Answered(file.name, place, counts["rows"], counts["invalid"], unlogged=unlogged)


def error_in(text: str) -> str:
    """The error in what a command has written; its last line where it names none."""
    lines = text.splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return " ".join(errors or lines[-1:])


def warning_in(text: str) -> str:
    """Why rows are not in the log, as a command has written it."""
    mark = "are not in the log: "
    return next((line.partition(mark)[2] for line in text.splitlines() if mark in line), "")


def put(target: AbstractFileSystem, file: Path, name: str) -> None:
    """Move a file to its place, where it appears in one move."""
    target.put_file(str(file), f"{name}.new")
    target.mv(f"{name}.new", name)
    file.unlink()
