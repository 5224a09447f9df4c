"""How many planted leaks are seen, of ten kinds, and how many honest columns are accused.

Run by hand with the Python of this repository:

    .venv/bin/python tests/benchmarks/bench_leaks.py [TABLES PER KIND]

Each table is written as a file and drafted as `factory catalog draft` does it. A leak is seen when
a column of it is `suspect`; rows that are repeated when no two copies are on different sides.
`bench_strength.py` asks the single checks about columns of graded strength.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from honest import Case, real_tables, tempting
from mlfactory_runtime.data.rows import key_text
from mlfactory_runtime.draft.columns import draft
from mlfactory_runtime.learn.split import by_hash, split_key
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import write_yaml
from planted import KINDS


def drafted(case: Case, folder: Path) -> Project:
    """The settings of a factory of the table."""
    case.rows.write_csv(folder / "rows.csv")
    data = {"path": "rows.csv", "target": case.target}
    if case.identifier:
        data["id"] = case.identifier
    write_yaml(folder / "features.yaml", {"columns": {}, "derived": {}})
    write_yaml(folder / "params.yaml", {"task": case.task, "data": data})
    draft(Project(folder))
    return Project(folder)


def suspects(project: Project) -> dict[str, str]:
    return {name: one.suspect for name, one in project.catalog.columns.items() if one.suspect}


def parted(case: Case, project: Project) -> bool:
    """Whether a row and a copy of it are on different sides."""
    raw = pl.read_csv(project.root / "rows.csv", infer_schema=False)
    keys = raw.select(split_key(project.params))
    sides = by_hash(key_text(keys, keys.columns, project.catalog.columns), project.params.split)
    pairs = pl.DataFrame({"copy": case.copies, "side": sides})
    return bool(pairs.group_by("copy").agg(pl.col("side").n_unique())["side"].max() != 1)


def shape(case: Case) -> str:
    return f"{case.rows.height:,} rows, {case.task}"


def planted(count: int) -> Iterator[str]:
    yield "| kind | number | class | all | accused beside |"
    yield "|---|--:|--:|--:|--:|"
    misses: list[str] = []
    for k, (kind, make) in enumerate(KINDS.items()):
        seen: dict[str, list[bool]] = {"regression": [], "classification": []}
        beside = 0
        for place in range(count):
            case = make(np.random.default_rng([k, place]), place)
            hit, others = trial(case)
            seen[case.task].append(hit)
            beside += len(others)
            if not hit or others:
                told = "; ".join(f"{name}: {why}" for name, why in others.items()) or "not seen"
                what = f"{', '.join(case.planted)} of {case.target}"
                misses.append(f"| {kind} | {place} | {what} | {shape(case)} | {told} |")
        cells = [
            f"{sum(hits)} of {len(hits)}"
            for hits in (*seen.values(), [hit for hits in seen.values() for hit in hits])
        ]
        yield f"| {kind} | {' | '.join(cells)} | {beside} |"
    yield from ("", "| kind | table | column | size and task | what |", "|---|--:|---|---|---|")
    yield from misses


def trial(case: Case) -> tuple[bool, dict[str, str]]:
    """Whether the leak is seen, and which other columns are accused."""
    with tempfile.TemporaryDirectory() as folder:
        project = drafted(case, Path(folder))
        found = suspects(project)
        together = case.copies is not None and not parted(case, project)
    others = {name: why for name, why in found.items() if name not in case.planted}
    return together or len(others) < len(found), others


def clean() -> Iterator[str]:
    yield "| tables | number | columns | accused |"
    yield "|---|--:|--:|---|"
    groups = {"real": [*real_tables()], "drawn to tempt": [*tempting(np.random.default_rng(7))]}
    for name, cases in groups.items():
        accused, columns = [], 0
        for case in cases:
            with tempfile.TemporaryDirectory() as folder:
                found = suspects(drafted(case, Path(folder)))
            columns += case.rows.width - 1
            accused += [f"{case.name}: {column}: {why}" for column, why in found.items()]
        yield f"| {name} | {len(cases)} | {columns} | {len(accused)} {'; '.join(accused)} |"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    for lines in (clean(), planted(count)):
        for line in lines:
            print(line, flush=True)
        print()
    print(f"{time.process_time():.0f} CPU seconds")


if __name__ == "__main__":
    main()
