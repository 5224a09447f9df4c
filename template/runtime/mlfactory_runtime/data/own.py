"""What the factory's own files say of rows, each held against the form that the library needs."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from ..errors import FactoryError
from ..extensions import CHECKS, PULLS, SIDES, CheckRows, DecideSides, Pull, call
from ..project import Project
from ..settings.availability import Finding
from ..tables.read import read_batches

CHECK, SPLIT, ALONE, SIDE = "checks.py", "split.py", 50, "side"


def row_findings(check: CheckRows | None, rows: pl.DataFrame) -> list[Finding]:
    """What checks.py has to say of typed rows; nothing without it."""
    if check is None:
        return []
    findings = call(check, CHECK, rows)
    valid = isinstance(findings, Iterable) and all(isinstance(one, Finding) for one in findings)
    if not valid:
        raise FactoryError(f"{CHECK}: `check` gives something else than findings", CHECKS)
    return list(findings)


def sides_of(decide: DecideSides, raw: pl.DataFrame) -> pl.Series:
    """The side of each raw row (0 train, 1 validation, 2 holdout), as split.py decides.

    Refused unless it looks at one row at a time: then rows keep their sides while data grow.
    """
    sides = _sides(decide, raw)
    if not _sides(decide, raw.reverse()).reverse().equals(sides):
        raise _depends("the order of the rows")
    some = range(0, raw.height, max(1, raw.height // ALONE))
    alone = [_sides(decide, raw.slice(place, 1)).item() for place in some]
    if alone != sides[list(some)].to_list():
        raise _depends("other rows")
    return sides


def _sides(decide: DecideSides, raw: pl.DataFrame) -> pl.Series:
    sides = call(decide, SPLIT, raw)
    if not isinstance(sides, pl.Series):
        raise FactoryError(f"{SPLIT}: `sides` gives a {type(sides).__name__}", f"write: {SIDES}")
    if sides.len() != raw.height:
        message = f"{SPLIT}: `sides` gives {sides.len():,} values for {raw.height:,} rows"
        raise FactoryError(message, f"give one for each row: {SIDES}")
    if not (sides.dtype.is_integer() and sides.is_in([0, 1, 2]).all()) or sides.null_count():
        message = (
            f"{SPLIT}: `sides` gives other values than 0 (train), 1 (validation) and 2 (holdout)"
        )
        raise FactoryError(message, f"give whole numbers, and no null: {SIDES}")
    return sides.cast(pl.Int8)


def _depends(what: str) -> FactoryError:
    return FactoryError(
        f"{SPLIT}: the side of a row depends on {what}, so rows would change sides",
        "decide by the row's own values, such as a hash of its key: no count, no rank, no draw",
    )


def write_sides(project: Project, source: Path, target: Path) -> None:
    """The side of each row of a table by this factory's split.py, into a Parquet file."""
    if (decide := project.decide_sides) is None:
        raise FactoryError(f"src/{project.package}/{SPLIT} is not here", f"write: {SIDES}")
    parts = [sides_of(decide, raw) for raw in read_batches(source, project.params.data)]
    pl.concat(parts or [pl.Series([], dtype=pl.Int8)]).alias(SIDE).to_frame().write_parquet(target)


def pulled(pull: Pull, source: str, target: Path) -> str:
    """Let a file of the factory's own write the table; says where that came from."""
    origin = call(pull, source, target)
    if not target.is_file():
        message = f"{source}: `pull` wrote no file"
        raise FactoryError(message, f"write the table to the path that it is given: {PULLS}")
    if not isinstance(origin, str) or not origin.strip():
        message = f"{source}: `pull` does not say where the table came from"
        raise FactoryError(message, f"return it as text: {PULLS}")
    return " ".join(origin.split())
