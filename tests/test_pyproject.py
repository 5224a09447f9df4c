"""The one file that people and the template both write to: what they add merges by itself."""

from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from mlfactory.base.uv import program
from mlfactory.render import copier
from mlfactory.template import choice

from .conftest import Command

ADDED = {
    (): ["alembic", "holidays", "rapidfuzz", "xxhash"],
    ("--dev",): ["black", "pytest-mock", "zizmor"],
    ("--group", "train"): ["dvc-s3"],
}


@pytest.mark.parametrize("runtime", ["wheel", "source", "index"])
@pytest.mark.parametrize("serving", ["batch", "online"])
def test_what_uv_adds_and_what_an_update_renews_never_meet(
    runtime: str, serving: str, tmp_path: Path, command: Command
) -> None:
    """Each bound of the template is another one in the next version."""
    answers = {"target": "churned", "runtime": runtime, "serving": serving}
    with copier.open_sheet(choice.template("", "")) as sheet:
        copier.render(sheet, tmp_path / "churn", answers)
    ours = tmp_path / "churn/pyproject.toml"
    base, theirs = tmp_path / "base.toml", tmp_path / "theirs.toml"
    base.write_bytes(ours.read_bytes())
    theirs.write_text(re.sub(r"(==|>=|mlfactory_runtime-)\d", r"\g<1>9", ours.read_text()))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/pyproject.toml").write_text('[project]\nname = "nearby"\nversion = "1"\n')

    for options, names in ADDED.items():
        command(program(), "add", "--frozen", "--quiet", *options, *names, cwd=ours.parent)
    command(program(), "add", "--frozen", "--quiet", "--editable", "../lib", cwd=ours.parent)
    merged = command("git", "merge-file", "-p", ours, base, theirs).stdout

    project = tomllib.loads(merged)
    assert set(ADDED[()]) < set(project["project"]["dependencies"])
    assert set(ADDED[("--dev",)]) < set(project["dependency-groups"]["dev"])
    assert "nearby" in project["tool"]["uv"]["sources"]
    renewed = re.findall(r"==9|>=9", theirs.read_text())
    assert re.findall(r"==9|>=9", merged) == renewed


def test_building_a_factory_and_its_library_asks_no_index(tmp_path: Path, command: Command) -> None:
    """What builds is not in the lock: with an empty cache and no network it must be at hand."""
    answers = {"target": "churned", "runtime": "source", "project_name": "late-parcels"}
    with copier.open_sheet(choice.template("", "")) as sheet:
        copier.render(sheet, tmp_path / "parcels", answers)
    options = ("--wheel", "--offline", "--cache-dir", "../cache", "--out-dir", "../built")
    for folder in ("parcels", "parcels/runtime"):
        command(program(), "build", "--quiet", *options, cwd=tmp_path / folder)
    built = {
        name for file in tmp_path.rglob("built/*.whl") for name in zipfile.ZipFile(file).namelist()
    }
    assert {"late_parcels/features.py", "mlfactory_runtime/py.typed"} <= built
