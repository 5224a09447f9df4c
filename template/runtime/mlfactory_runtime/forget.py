"""An entity that is to be forgotten: erased from the log, and where else it has left a trace."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from .data.rows import key_text
from .errors import FactoryError
from .git import dvc, tries
from .learn.manifest import MEASURED
from .learn.manifest import files_in as listed_model
from .log.store import delete, engine_of, former_labels, labels, make, predictions
from .log.trail import alone, append
from .log.veil import entities, veil
from .log.waiting import take_in, waiting_files
from .project import LOCK, MODEL, PREPARED, TAKEN, Project
from .registry.artifact import version, version_of
from .settings.params import Params
from .settings.yaml import parse_yaml
from .tables.read import read_batches

LEARNED = ("train.parquet", "validation.parquet")


@dataclass(frozen=True)
class Forgotten:
    """How many rows were erased, the models that learned from the entity, and what remains."""

    predictions: int
    labels: int
    models: list[dict[str, str | None]]
    remains: list[str]


def forget(project: Project, entity: str, *, dry_run: bool = False) -> Forgotten:
    """Erase an entity from predictions and outcomes; with `dry_run` only say what would be.

    Spaces around its id are left out, as they are in the log.
    """
    params = project.params
    if not params.data.id:
        raise FactoryError(
            "data.id in params.yaml is empty: rows tell of no entity", "name the column of the ids"
        )
    if not (entity := entity.strip()):
        raise FactoryError("the ID is empty: nobody has it", "is it a variable that is not set?")
    versions, unknown = trained_on(project, entity, params)
    count = erased(project, entity, params, dry_run)
    notes = [*remains(project, entity, params, bool(versions)), *unknown]
    if left_out := veil(params, project.catalog).left_out:
        notes.append(f"predictions that were logged without {left_out[0]!r} cannot be found")
    return Forgotten(*count, versions, notes)


def erased(project: Project, entity: str, params: Params, dry_run: bool) -> tuple[int, int]:
    """How many predictions and outcomes of the entity are, or would be, erased."""
    secrecy, engine, p = veil(params, project.catalog), engine_of(params.log), predictions.c
    make(engine)
    with engine.connect() as connection:  # what a service could not write is of persons, too
        take_in(connection, Path(params.log.path))
    with engine.begin() as connection:
        if secrecy.hides_entity and not secrecy.key:
            if connection.scalar(sa.select(sa.func.count(p.entity))):
                message = f"the log holds ids as hashes, and {params.log.key_env} is not set"
                raise FactoryError(
                    message, f"set {params.log.key_env} as it was when they were made"
                )
            return 0, 0
        mine = p.entity == secrecy.entity(entity)
        outcomes = outcomes_of(labels, secrecy.entity(entity))
        count = tuple(
            connection.scalar(sa.select(sa.func.count()).select_from(table).where(rows)) or 0
            for table, rows in ((predictions, mine), (labels, outcomes))
        )
        if not dry_run:
            alone(connection)
            former = outcomes_of(former_labels, secrecy.entity(entity))
            connection.execute(sa.delete(former_labels).where(former))
            deleted = {"labels": delete(connection, labels, outcomes)}
            deleted["predictions"] = delete(connection, predictions, mine)
            append(connection, "forget", deleted)
    if engine.dialect.name == "sqlite" and not dry_run:
        with engine.connect() as connection:  # what is erased stands in the file's journal, too
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return count[0], count[1]


def outcomes_of(table: sa.Table, entity: str | None) -> sa.ColumnElement[bool]:
    """The outcomes of an entity, by its name and by its requests."""
    p, own = predictions.c, table.c
    requests = sa.select(p.request_id, p.row).where(p.entity == entity)
    by_request = (own.kind == "request") & sa.tuple_(own.key, own.row).in_(requests)
    return by_request | ((own.kind != "request") & (own.key == entity))


def remains(project: Project, entity: str, params: Params, learned: bool) -> list[str]:
    """What is not erased, and what to do about it."""
    notes, path = [], project.raw
    if path.is_file():
        catalog = project.catalog
        batches = read_batches(path, params.data)
        names = names_of(project, entity, params)
        if count := sum(entities(raw, params, catalog).is_in(names).sum() for raw in batches):
            rows = f"{count:,} {'row' if count == 1 else 'rows'}"
            notes.append(f"{params.data.path} holds it in {rows}: {steps(project, params)}")
    else:
        notes.append(f"{params.data.path} is not here, so nobody looked into it: dvc pull")
    if learned:
        notes.append("a model forgets what it learned only when it is trained anew without it")
    notes += [
        f"{file} could not be read, and may tell of it: look into it, or delete it"
        for file in waiting_files(Path(params.log.path))
    ]
    notes.append("answers in files that `factory predict` wrote, and backups, are not touched")
    return notes


def steps(project: Project, params: Params) -> str:
    """How rows come out of the data, by where they came from: their source, the log, or both."""
    if not params.data.source:
        begin = "leave it out of a copy, then `factory data pull --from COPY` and `dvc repro`"
    elif (project.root / TAKEN).is_file():
        begin = "take it out at the source, then `factory retrain --fewer`"
    else:
        begin = "take it out at the source, then `factory data pull` and `dvc repro`"
    return f"{begin}, and `dvc gc` for the data of before"


def names_of(project: Project, entity: str, params: Params) -> list[str]:
    """The id, and the pseudonym that stands for it in rows that came from the log."""
    from .log.veil import pseudonym

    catalog = project.catalog
    secrecy, column = veil(params, catalog), catalog.columns.get(params.data.id or "")
    hashed = secrecy.entity(entity) if secrecy.hides_entity else None
    return [entity, *([pseudonym(hashed, column)] if hashed and column else [])]


def trained_on(
    project: Project, entity: str, params: Params
) -> tuple[list[dict[str, str | None]], list[str]]:
    """The models whose training rows hold the entity, and those that nobody could look into.

    These are the model at hand and all that git knows, as far as DVC has their data here.
    """
    versions: dict[str, str | None] = {}
    unknown = []
    here = listed_model(project.model_folder) if project.model_folder.is_dir() else {}
    if here and holds(project, [project.prepared / part for part in learned(here)], entity, params):
        versions[version(project.model_folder)] = None
    for commit, files in models(project):
        rows = [path for name, path in files["data"].items() if name in learned(files["model"])]
        if not rows or not all(path.is_file() for path in (*rows, *files["model"].values())):
            unknown.append(commit)
        elif holds(project, rows, entity, params):
            versions[version_of(files["model"])] = commit
    message = f"models of {len(unknown)} commits were not looked into, their data are not here: "
    lines = [message + "dvc fetch --all-commits"] if unknown else []
    return [{"model": name, "commit": commit} for name, commit in versions.items()], lines


def learned(files: Iterable[str]) -> tuple[str, ...]:
    """The parts of the data that a model with these files has learned from."""
    refit = any(name.startswith(f"{MEASURED}/") for name in files)
    return (*LEARNED, "holdout.parquet") if refit else LEARNED


def models(project: Project) -> Iterator[tuple[str, dict[str, dict[str, Path]]]]:
    """Each model in git's history, oldest first: commit, its files and those of its data."""
    commits = tries(
        project.root, "log", "--all", "--reverse", "--format=%h", "--", str(LOCK)
    ).split()
    cache = Path(dvc(project.root, "cache", "dir")) / "files/md5" if commits else Path()
    hashes = set()
    for commit in commits:
        text = tries(project.root, "show", f"{commit}:./{LOCK}")
        lock = parse_yaml(text, LOCK)
        train = lock.get("stages", {}).get("train", {})
        entries = (*train.get("deps", []), *train.get("outs", []))
        names = {entry["path"]: entry.get("md5", "") for entry in entries}
        model, data = names.get(MODEL.as_posix()), names.get(PREPARED.as_posix())
        if model and data and (model, data) not in hashes:
            hashes.add((model, data))
            yield commit, {"model": cached(cache, model), "data": cached(cache, data)}


def cached(cache: Path, md5: str) -> dict[str, Path]:
    """The files of a folder in DVC's cache, by name; none if the folder is not there."""
    folder = cache / md5[:2] / md5[2:]
    if not folder.is_file():
        return {}
    entries: list[dict[str, str]] = json.loads(folder.read_text("utf-8"))
    return {one["relpath"]: cache / one["md5"][:2] / one["md5"][2:] for one in entries}


def holds(project: Project, files: list[Path], entity: str, params: Params) -> bool:
    """Whether a row of the prepared data is about the entity."""
    name = params.data.id or ""
    for path in files:
        if path.is_file() and name in pl.read_parquet_schema(path):
            keys = key_text(pl.read_parquet(path, columns=[name]), [name]).str.strip_chars()
            if keys.is_in(names_of(project, entity, params)).any():
                return True
    return False
