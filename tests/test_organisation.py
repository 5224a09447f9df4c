"""What an organisation sets: a package, a file, the environment, and the command line above all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.base import uv

from .conftest import Command
from .evolving import SMALL, Repo, template


@pytest.fixture
def company(tmp_path: Path) -> Repo:
    questions = (
        "_subdirectory: tree\n"
        "project_name: {type: str, default: '{{ _copier_conf.dst_path.name }}'}\n"
        "owner: {type: str, default: ''}\nremote: {type: str, default: ''}\n"
    )
    files = {**SMALL, "copier.yml": questions, "tree/b.txt.jinja": "{{ owner }}\n"}
    return template(tmp_path / "template", files)


def package(folder: Path, text: str) -> Path:
    """An installed package of the organisation's, as pip lays it out; importing it would fail."""
    (folder / "acme_ml").mkdir(parents=True)
    (folder / "acme_ml/__init__.py").write_text("raise RuntimeError('nobody runs this')\n")
    (folder / "acme_ml/organisation.toml").write_text(text)
    info = folder / "acme_ml-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-ml\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlfactory.organisation]\nacme = acme_ml\n")
    return folder


def file(home: Path, text: str) -> Path:
    path = home / ".config/mlfactory/organisation.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def finding(mlfactory: Command, name: str, **options: Any) -> dict[str, Any]:
    code = options.pop("code", 0)
    found = json.loads(mlfactory("doctor", "--json", code=code, **options).stdout)["findings"]
    return {one["id"]: one for one in found}[name]


def test_each_layer_holds_above_the_one_below_and_doctor_names_it(
    tmp_path: Path, home: Path, mlfactory: Command
) -> None:
    installed = package(
        tmp_path / "site", "owner = 'package'\nremote = 's3://p'\nindex = 'https://p'"
    )
    path = file(home, "owner = 'file'\nremote = 's3://f'\n")
    env = {"PYTHONPATH": str(installed), "MLFACTORY_OWNER": "environment"}
    (tmp_path / "empty").mkdir()
    text = finding(mlfactory, "ORG001", cwd=tmp_path / "empty", code=None, **env)["detail"]
    assert "owner = environment (the environment)" in text
    assert f"remote = s3://f ({path})" in text
    assert "index = https://p (the package acme_ml)" in text


def test_new_takes_them_and_the_command_line_wins(
    tmp_path: Path, home: Path, company: Repo, mlfactory: Command
) -> None:
    file(home, f"template = '{company.path}'\nowner = '@acme/ml'\nremote = 's3://acme'\n")
    mlfactory("new", "churn", "--defaults", cwd=tmp_path)
    mlfactory("new", "fraud", "--defaults", "--owner", "@me", cwd=tmp_path)
    records = [
        yaml.safe_load((tmp_path / n / ".copier-answers.yml").read_text())
        for n in ("churn", "fraud")
    ]
    assert [(r["_src_path"], r["owner"], r["remote"]) for r in records] == [
        (str(company.path), "@acme/ml", "s3://acme"),
        (str(company.path), "@me", "s3://acme"),
    ]
    versions = json.loads(mlfactory("template", "versions", "--json").stdout)["versions"]
    assert [one["version"] for one in versions] == ["v1.0.0"]


def test_data_come_from_where_the_organisation_says(
    tmp_path: Path, home: Path, mlfactory: Command
) -> None:
    rows = "".join(f"c{k},{k % 7},{'yes' if k % 3 else 'no'}\n" for k in range(60))
    (tmp_path / "exports.csv").write_text(f"customer,visits,churned\n{rows}")
    (tmp_path / "own.csv").write_text(f"person,visits,left\n{rows}")
    file(home, f"data_source = '{tmp_path / 'exports.csv'}'\n")
    mlfactory("new", "churn", "--target", "churned", "--no-setup", "--defaults", cwd=tmp_path)
    other = ("--data", "own.csv", "--target", "left", "--no-setup", "--defaults")
    mlfactory("new", "leave", *other, cwd=tmp_path)
    records = [
        yaml.safe_load((tmp_path / name / ".copier-answers.yml").read_text())
        for name in ("churn", "leave")
    ]
    assert [one["data_file"] for one in records] == ["exports.csv", "own.csv"]
    mlfactory(
        "new", "loans", "--no-setup", "--defaults", cwd=tmp_path, code=1,
        MLFACTORY_DATA_SOURCE=str(tmp_path / "absent.csv"),
    )  # fmt: skip


def test_names_are_held_by_new_and_looked_at_by_doctor(
    tmp_path: Path, home: Path, company: Repo, mlfactory: Command
) -> None:
    path = file(home, f"template = '{company.path}'\n[names]\nproject_name = '^risk-'\n")
    said = mlfactory("new", "churn", "--defaults", cwd=tmp_path, code=2).stderr
    assert f"project_name is 'churn', and {path} asks for ^risk-" in said
    assert not (tmp_path / "churn").exists()
    mlfactory("new", "risk-churn", "--defaults", cwd=tmp_path)
    inside = {"cwd": tmp_path / "risk-churn", "code": 1}
    assert finding(mlfactory, "ORG002", **inside)["state"] == "ok"
    path.write_text("[names]\nproject_name = '^sales-'\n")
    result = finding(mlfactory, "ORG002", **inside)
    assert (result["state"], "asks for ^sales-" in result["detail"]) == ("warning", True)
    path.write_text("template = 'https://git.example.com/acme/template.git'\n")
    result = finding(mlfactory, "ORG002", **inside)
    assert "mlfactory template use https://git.example.com/acme/template.git" in result["remedy"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("index = 'https://me:secret@example.com/simple'", "an address with a secret"),
        ("remote = 's3://data?token=secret'", "an address with a secret"),
        ("index = 'https://secret@example.com/simple'", "holds a credential"),
        ("alerts = 'slack://secret/secret/secret'", "a channel whose address is its key"),
        ("indx = 'https://example.com'", "sets indx, which is nothing"),
        ("approvals = 'some'", "sets approvals to 'some'"),
        ("names = 'x'", "and not as a table"),
        ("[names]\nowner = '('", "no regular expression"),
        ("owner = ", "cannot be read"),
        ("owner = 3", "and not to a text"),
    ],
)
def test_what_cannot_be_set_is_refused_and_no_secret_is_repeated(
    tmp_path: Path, home: Path, mlfactory: Command, text: str, problem: str
) -> None:
    file(home, text)
    done = mlfactory("new", "churn", "--defaults", "--no-setup", cwd=tmp_path, code=None)
    assert problem in done.stderr
    assert done.returncode in (1, 2)
    assert "secret@" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "churn").exists()


def test_a_variable_that_names_no_file_is_named(tmp_path: Path, mlfactory: Command) -> None:
    env = {"MLFACTORY_ORGANISATION": str(tmp_path / "nowhere.toml")}
    assert "which is no file" in mlfactory("template", "versions", code=1, **env).stderr


def test_the_index_is_handed_to_uv_where_nothing_nearer_says_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    file(home, "index = 'https://packages.example.com/simple'\n")
    config = uv.settings({})
    assert config.variables == {"UV_DEFAULT_INDEX": "https://packages.example.com/simple"}
    assert "organisation.toml" in config.notes[0]
    near = uv.settings({"index-url": "https://near.example.com/simple"})
    assert near.variables["UV_DEFAULT_INDEX"] == "https://near.example.com/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://nearer.example.com/simple")
    assert uv.settings({}).variables == {}
