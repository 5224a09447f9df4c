"""What people write beside their work is not committed by `git add --all`."""

from __future__ import annotations

from pathlib import Path

from mlfactory.render import copier
from mlfactory.template import choice

from .conftest import Command

SCRATCH = ("predictions.csv", "predictions.quarantine.csv", "new.parquet", "out/a.quarantine.csv")
OWN = ("data/raw/a.csv.dvc", "docs/table.csv", "tests/rows.csv")


def test_scratch_tables_stay_out_of_git(tmp_path: Path, command: Command) -> None:
    with copier.open_sheet(choice.template("", "")) as sheet:
        copier.render(sheet, tmp_path / "churn", {"target": "churned"})
    factory = tmp_path / "churn"
    command("git", "init", "--quiet", cwd=factory)
    for name in (*SCRATCH, *OWN):
        (factory / name).parent.mkdir(parents=True, exist_ok=True)
        (factory / name).write_text("a,b\n1,2\n")
    command("git", "add", "--all", cwd=factory)
    tracked = set(command("git", "ls-files", cwd=factory).stdout.splitlines())
    assert tracked & {*SCRATCH, *OWN} == set(OWN)
