"""New data: fetched from their source, checked, put in place and under DVC, and recorded."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ..errors import FactoryError
from ..files import recorded
from ..git import dvc, tries
from ..project import SNAPSHOT, Project
from ..records.data import Snapshot
from ..records.record import read, write
from ..scratch import scratch
from ..settings.availability import Finding
from ..settings.params import Data
from ..settings.yaml import read_yaml
from ..tables.conversion import convert, is_foreign, readable
from ..tables.file import check_content, is_parquet, kind, partitions
from ..tables.folders import any_of, files_of
from ..tables.packs import PACKS
from ..tables.query import write_query
from ..tables.read import column_names, read_batches, reading, with_partitions
from .check import check_data, lines
from .own import pulled

SET = "set data.source in params.yaml, or give a file: factory data pull --from FILE"
# Where relative sources lie on this machine: what people call their folders is not for git.
FOLDER = "factory.dataFolder"


@dataclass(frozen=True)
class Pulled:
    """A new snapshot, the one before it, whether they differ, and what to say of the new one."""

    snapshot: Snapshot
    before: Snapshot | None
    changed: bool
    warnings: tuple[str, ...]

    def json(self) -> dict[str, object]:
        """As plain data."""
        before = self.before.model_dump() if self.before else None
        more = {"before": before, "changed": self.changed, "warnings": self.warnings}
        return self.snapshot.model_dump() | more


def pull(
    project: Project,
    source: str | None = None,
    origin: str | None = None,
    start: Path | None = None,
    into: Project | None = None,
    table: str | None = None,
) -> Pulled:
    """Take a new snapshot of the data; returns its record, the one before and warnings.

    A relative source is looked up from `start`; by default that is the factory's folder, or the
    one that this clone knows, see `place_of`. `table` is a sheet or table of it; else data.table.
    With `into` the snapshot becomes that of another factory: a copy of this one.

    Until it is checked it stands in a folder of its own: whatever goes wrong, the old one stays.
    """
    data = project.params.data
    if not (source := source or data.source):
        raise FactoryError("params.yaml names no source of the data", SET)
    home = into or project
    check_inside(home)
    target = home.raw
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch(target.parent, ".pull-") as folder:
        fresh = folder / target.name
        place = start or place_of(project, source)
        if source.endswith(".py"):
            arrived = run_code(project, source, place, fresh)
        else:
            arrived = fetch(source, place, fresh, data, table)
        try:
            return put_in_place(home, fresh, origin or arrived)
        except FactoryError as error:  # nobody has seen the folder that it names
            raise FactoryError(error.message.replace(str(fresh), source), error.hint) from error


def put_in_place(project: Project, fresh: Path, origin: str) -> Pulled:
    """Make a file that keeps the contract the raw data, hand it to DVC, and record it."""
    check_inside(project)
    target = project.raw
    rows, warnings = checked(project, fresh)
    columns = len(column_names(fresh, project.params.data))
    before, now = read(Snapshot, project.root / SNAPSHOT), datetime.now(UTC)
    fresh.replace(target)
    snapshot = Snapshot(
        origin=origin,
        taken=now.isoformat(timespec="seconds"),
        rows=rows,
        columns=columns,
        hash=track(project, target),
    )
    changed = before is None or before.hash != snapshot.hash
    if changed:
        write(project.root / SNAPSHOT, snapshot)
    return Pulled(snapshot, before, changed, tuple(lines(warnings)))


def check_inside(project: Project) -> None:
    """FactoryError for raw data outside of the factory, which DVC reads and cannot keep."""
    if not project.raw.parent.resolve().is_relative_to(project.root.resolve()):
        message = f"data.path leads out of the factory: {project.params.data.path}"
        hint = "new data need a place that DVC keeps: set data.path to data/raw/NAME"
        raise FactoryError(f"{message}; nothing was written there", hint)


def place_of(project: Project, source: str) -> Path:
    """The folder that a relative source is looked up from: the factory's own, or where nothing is
    there, the one that git's settings name on this machine."""
    if any_of(project.root / source):
        return project.root
    return project.root / tries(project.root, "config", "--type=path", "--get", FOLDER)


def fetch(source: str, start: Path, target: Path, data: Data, table: str | None = None) -> str:
    """Write what the source gives to the file `target`; returns where it comes from, in words."""
    path = start / Path(source).expanduser()
    if path.suffix == ".sql":
        write_query(path, data.url_env, target)
        return f"{recorded(source)} through {data.url_env}"
    if path.is_file() and is_foreign(path):
        check_parquet_name(path, data)
        convert(path, data, table or data.table, target)
        return recorded(source)
    if path.is_file():
        check_kind(path, data)
        shutil.copyfile(path, target)
        return recorded(source)
    files = files_of(str(path))
    if not files:
        here = f"if it lies elsewhere on this machine: git config {FOLDER} FOLDER; or {SET}"
        raise FactoryError(f"there is no file {source}", here)
    with ExitStack() as stack:
        tables = [stack.enter_context(readable(file, data, table or data.table)) for file in files]
        join(tables, target, data)
    return f"{recorded(source)} ({len(files)} files)"


def run_code(project: Project, source: str, start: Path, target: Path) -> str:
    """The same, where the source is a file of the factory's own code."""
    data, path = project.params.data, start / Path(source).expanduser()
    origin = pulled(project.pull(path), source, target)
    if kind(target) != kind_of(data):
        text = f"{source}: `pull` wrote a file that does not fit the name {data.path}"
        raise FactoryError(
            text, "write text for .csv, Parquet for .parquet, packed text for .gz and its like"
        )
    return origin


def kind_of(data: Data) -> str:
    """How a file that is called data.path has to be packed."""
    suffix = Path(data.path).suffix
    return suffix if suffix in (".parquet", *PACKS) else "text"


def check_parquet_name(path: Path, data: Data) -> None:
    """Raises FactoryError where what becomes of the file would not fit the name in data.path."""
    if not is_parquet(Path(data.path)):
        name = Path(data.path).with_name(f"{path.stem}.parquet")
        hint = (
            f"set data.path to {name} in params.yaml, or save the table as {Path(data.path).name}"
        )
        raise FactoryError(f"{path} becomes Parquet, and data.path is {data.path}", hint)


def check_kind(path: Path, data: Data) -> None:
    """Raises FactoryError when the file is no table of the kind that the name in data.path says."""
    if (own := kind(path)) != kind_of(data):
        if path.suffix == Path(data.path).suffix:
            what = f"is packed by {PACKS[own].name}" if own in PACKS else f"is {own.strip('.')}"
            hint = f"give it a name that ends in {'.csv' if own == 'text' else own}"
            raise FactoryError(f"{path} {what}, in spite of its name", hint)
        fitting = Path(data.path).with_name(path.name)
        raise FactoryError(
            f"{path} does not fit the name {data.path}",
            f"set data.path to {fitting} in params.yaml",
        )
    with reading(path):
        check_content(path)


def join(files: Sequence[Path], target: Path, data: Data) -> None:
    """Write the rows of all files in their order, with the columns in the order of the first."""
    kinds = {kind(file) == ".parquet" for file in files}
    if kinds != {is_parquet(target)} or target.suffix in PACKS:
        ending = ".parquet" if kinds == {True} else ".csv"
        hint = f"all files must be Parquet or all text, and data.path end in {ending}"
        raise FactoryError(f"the files do not fit the name {data.path}", hint)
    for file in files:
        with reading(file):
            check_content(file)
    within = {file: column_names(file, data) for file in files}
    names = list(dict.fromkeys([*within[files[0]], *partitions(files[0])]))
    for file in files[1:]:
        if odd := sorted(set(names) ^ {*within[file], *partitions(file)}):
            message = (
                f"{files[0]} and {file} do not have the same columns: {odd[0]!r} is in one only"
            )
            raise FactoryError(message, "deliver them with the same columns")
    if is_parquet(target):
        tables = [
            with_partitions(pl.scan_parquet(file), file, within[file]).select(names)
            for file in files
        ]
        pl.concat(tables, how="vertical_relaxed").sink_parquet(target)
        return
    with target.open("wb") as out:
        for file in files:
            for batch in read_batches(file, data):
                header = out.tell() == 0
                rows = with_partitions(batch, file, within[file])
                rows.select(names).write_csv(out, include_header=header, separator=data.separator)


def checked(project: Project, fresh: Path) -> tuple[int, list[Finding]]:
    """Rows and warnings. Raises FactoryError when there is no row or the contract is broken."""
    data, catalog = project.params.data, project.catalog
    rows = sum(batch.height for batch in read_batches(fresh, data))
    if rows == 0:
        raise FactoryError("the new snapshot holds no row", "look at its source")
    if not catalog.columns:
        return rows, []
    findings = check_data(fresh, catalog, data, project.check_rows)
    if broken := [f"{f.feature}: {f.message}" for f in findings if f.level == "error"]:
        raise FactoryError(
            f"the new snapshot breaks the contract, and the old one stays: {'; '.join(broken)}",
            "mend it at the source, or change the contract in features.yaml",
        )
    return rows, findings


def track(project: Project, path: Path) -> str:
    """Hand the file to DVC; returns its hash."""
    name = project.relative(path)
    dvc(project.root, "add", name, hint=f"dvc add {name}")
    entry = read_yaml(path.with_name(path.name + ".dvc"))
    return str(entry["outs"][0]["md5"])
