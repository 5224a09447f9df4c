"""The library comes with the repository: from an archive, in another folder, offline, by pip."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from .conftest import Factory, execute

pytestmark = pytest.mark.xdist_group("lab")
CLOSED = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}


def answers(path: Path) -> pl.DataFrame:
    return pl.read_csv(path).drop("scored_at", "request_id", "row", strict=False)


def unpacked(lab: Factory, folder: Path) -> Factory:
    """The factory from `git archive`, with the model that DVC keeps, in another folder."""
    folder.mkdir()
    lab.run("git", "archive", "--output", str(folder / "made.tar"), "HEAD")
    execute(("tar", "-xf", "made.tar"), folder, lab.env)
    shutil.copytree(lab.path / "models", folder / "models")
    return Factory(folder, lab.env)


def test_an_archive_installs_offline_and_answers_the_same(lab: Factory, tmp_path: Path) -> None:
    offline = {**lab.env, **CLOSED}
    made = Factory(unpacked(lab, tmp_path / "elsewhere").path, offline)
    made.run("uv", "sync", "--quiet", "--locked", "--offline", "--no-default-groups")
    source = str(lab.path / "data/raw/customers.csv")
    made.run("factory", "predict", source, "there.csv", "--no-log")
    lab.run("factory", "predict", source, str(tmp_path / "here.csv"), "--no-log")
    assert answers(made.path / "there.csv").equals(answers(tmp_path / "here.csv"))
    assert not (made.path / ".venv/bin/dvc").exists()

    moved = Factory(made.path.rename(tmp_path / "moved"), offline)
    shutil.rmtree(moved.path / ".venv")
    moved.run("uv", "sync", "--quiet", "--locked", "--offline", "--no-default-groups")
    assert moved.json("factory", "check", "--no-data", "--json")["ok"]


def test_pip_installs_it_from_the_folder_of_the_wheel(lab: Factory, tmp_path: Path) -> None:
    made = unpacked(lab, tmp_path / "elsewhere")
    execute((sys.executable, "-m", "venv", ".venv"), made.path, lab.env)
    made.run("pip", "install", "--quiet", "--no-compile", "--find-links", "vendor", ".")
    assert made.json("factory", "check", "--no-data", "--json")["ok"]


def test_a_wheel_that_was_changed_is_refused_by_check_and_doctor(lab: Factory) -> None:
    (wheel,) = (lab.path / "vendor").glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"more")
    findings = lab.json("factory", "check", "--no-data", "--json", code=1)["findings"]
    assert f"{wheel.relative_to(lab.path)} is not the file that uv.lock has locked" in {
        one["message"] for one in findings
    }
    lab.run("git", "checkout", "--quiet", "--", "vendor")


def test_no_index_is_asked_for_the_library(lab: Factory) -> None:
    named = [p for p in tomllib.loads(lab.text("uv.lock"))["package"] if "mlfactory" in p["name"]]
    assert [one["source"].keys() for one in named] == [{"path"}]


def test_the_page_for_assistants_names_commands_that_exist(lab: Factory) -> None:
    """Each command of the table answers --help, and has --json exactly where the page says so."""
    rows = re.findall(r"^\| `([^`]+)` \|[^|]*\| *(yes)? *\|$", lab.text("AGENTS.md"), re.M)
    assert len(rows) > 10
    for command, has_json in rows:
        program, *verbs = command.split()
        verbs = [word for word in verbs if re.fullmatch(r"[a-z]+", word)]
        told = lab.run(program, *verbs, "--help").stdout
        if program == "factory":
            assert ("--json" in told) == bool(has_json), command


def test_the_page_for_assistants_tells_the_exit_codes(lab: Factory) -> None:
    assert lab.run("factory", "compare", "prod", "models/model", code=1).stderr.startswith(
        ("warning:", "error:")
    )
    lab.run("factory", "nonsense", code=2)
    assert lab.json("factory", "monitor", "--json", code=4)["verdict"] != "healthy"
    assert json.loads(lab.run("factory", "summary", "--json").stdout)["verdict"] == "accepted"
