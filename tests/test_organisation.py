"""What an organisation sets: a package, a file, the environment, and the command line above all."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.base import organisation, uv

from .conftest import Command
from .evolving import SMALL, Repo, release, template


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


def findings_of(mlfactory: Command, **options: Any) -> dict[str, dict[str, Any]]:
    code = options.pop("code", 0)
    listing = json.loads(mlfactory("doctor", "--json", code=code, **options).stdout)["findings"]
    return {one["id"]: one for one in listing}


def finding(mlfactory: Command, name: str, **options: Any) -> dict[str, Any]:
    return findings_of(mlfactory, **options)[name]


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


@pytest.mark.parametrize("record", ["acme_ml-1.0.dist-info", "acme_ml.egg-info", "EGG-INFO"])
def test_a_package_counts_from_when_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    """Whatever its installer wrote, and also by a process that has looked before."""
    folder = tmp_path / "site" / ("acme.egg" if record == "EGG-INFO" else "")
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(folder))
    before = organisation.settings()
    package(folder, "owner = 'package'")
    (folder / "acme_ml-1.0.dist-info/METADATA").rename(folder / "acme_ml-1.0.dist-info/PKG-INFO")
    (folder / "acme_ml-1.0.dist-info").rename(folder / record)
    os.utime(folder, ns=(1, 1))  # as if the clock had not moved
    importlib.invalidate_caches()
    assert "owner" not in before
    assert organisation.settings()["owner"].value == "package"


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


def test_names_are_held_by_an_update_where_it_changes_them(
    tmp_path: Path, home: Path, company: Repo, mlfactory: Command
) -> None:
    mlfactory("new", "churn", "--defaults", "--template", company.path, cwd=tmp_path)
    churn = Repo(tmp_path / "churn")
    path = file(home, "[names]\nproject_name = '^risk-'\n")
    before = churn.head
    argv = ("update", "--defaults", "--set", "project_name=sales-churn")
    for more in ((), ("--dry-run",), ("--json",)):
        refusal = mlfactory(*argv, *more, cwd=churn.path, code=2)
        asks = f"project_name is 'sales-churn', and {path} asks for ^risk-"
        assert asks in (refusal.stderr or json.loads(refusal.stdout)["error"])
    assert (churn.head, churn.dirt) == (before, "")
    release(company, "v1.1.0", {"tree/c.txt": "c\n"})
    result = mlfactory("update", "--defaults", "--json", cwd=churn.path)
    (text,) = json.loads(result.stdout)["plan"]["warnings"]
    assert "project_name is 'churn', and" in text  # of before, and so no error
    assert churn.has("c.txt")
    mlfactory("update", "--defaults", "--set", "project_name=risk-churn", cwd=churn.path)
    assert "project_name: risk-churn" in churn.text(".copier-answers.yml")


TASK = "_tasks: ['touch ran']\n_subdirectory: tree\nname: {type: str, default: demo}\n"


def test_the_machine_s_own_list_trusts_a_template_and_nothing_else_does(
    tmp_path: Path, home: Path, mlfactory: Command
) -> None:
    source = template(tmp_path / "template", {**SMALL, "copier.yml": TASK})
    other = template(tmp_path / "other", {**SMALL, "copier.yml": TASK})
    for text in ("", f"trusted = ['{other.path}']\n", f"trusted = ['{source.path.parent}']\n"):
        path = file(home, text)
        env = {"MLFACTORY_TRUSTED": str(source.path)}
        argv = ("new", "plain", "--template", source.path, "--defaults")
        assert "--trust" in mlfactory(*argv, cwd=tmp_path, **env).stderr
        assert not (tmp_path / "plain/ran").exists()
        shutil.rmtree(tmp_path / "plain")
    path.write_text(f"trusted = ['{source.path}/']\n")
    listing = finding(mlfactory, "ORG001", cwd=tmp_path, code=None)["detail"]
    assert f"trusted = {source.path}/ ({path})" in listing
    mlfactory("new", "churn", "--template", source.path, "--defaults", cwd=tmp_path)
    assert (tmp_path / "churn/ran").exists()
    release(source, "v1.1.0", {"copier.yml": TASK.replace("ran", "again")})
    churn = Repo(tmp_path / "churn")
    mlfactory("update", "--defaults", cwd=churn.path)
    assert churn.has("again")
    release(source, "v1.2.0", {"copier.yml": TASK.replace("ran", "thrice")})
    path.write_text("")
    mlfactory("update", "--defaults", cwd=churn.path)
    assert not churn.has("thrice")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("trusted = 'https://git.example.com/t.git'", "sets trusted, and not to a list"),
        ("trusted = ['templates/ours']", "which is no whole address"),
        ("trusted = ['https://git.example.com/*']", "which is no whole address"),
        ("trusted = ['https://me:secret@git.example.com/t.git']", "an address with a secret"),
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


EVERYTHING = """template = "{template}"
index = "https://packages.example.com/simple"
remote = "s3://acme/{kind}"
owner = "@acme/{kind}"
data_source = "exports/{kind}.csv"
url_env = "ACME_{kind}"
alerts = "json://alerts.example.com/{kind}"
approvals = {number}
[names]
project_name = "^{kind}-"
"""


def test_doctor_says_of_every_setting_where_it_comes_from(
    tmp_path: Path, home: Path, company: Repo, mlfactory: Command
) -> None:
    values: dict[str, Any] = {"kind": "file", "number": 2, "template": tmp_path / "t.git"}
    path = file(home, EVERYTHING.format(**values))
    values |= {"kind": "package", "template": company.path}
    installed = package(tmp_path / "site", EVERYTHING.format(**values))
    env = {"PYTHONPATH": str(installed), "MLFACTORY_APPROVALS": "3"}
    findings = findings_of(mlfactory, cwd=tmp_path, code=None, **env)
    assert (findings["TPL001"]["state"], findings["ORG001"]["state"]) == ("warning", "ok")
    assert f"{tmp_path / 't.git'} cannot be reached" in findings["TPL001"]["detail"]
    parts = findings["ORG001"]["detail"].split("; ")
    assert len(parts) == 9
    assert "approvals = 3 (the environment)" in parts
    assert sum(f"({path})" in part for part in parts) == 8
    assert f"alerts = json://alerts.example.com/file ({path})" in parts
    assert any(part.startswith("names = ") and "^file-" in part for part in parts)
    path.unlink()
    findings = findings_of(mlfactory, cwd=tmp_path, code=None, **env)
    assert findings["ORG001"]["detail"].count("(the package acme_ml)") == 8
    assert findings["TPL001"]["detail"].endswith(f"; {company.path} v1.0.0")


def test_a_query_asks_the_database_that_the_organisation_names(
    tmp_path: Path, home: Path, mlfactory: Command
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("create table t (id, visits, churned)")
        rows = [(number, number % 7, number % 2) for number in range(99)]
        database.executemany("insert into t values (?, ?, ?)", rows)
    (tmp_path / "churn.sql").write_text("select * from t")
    file(home, "url_env = 'ACME_DATABASE'\n")
    argv = ("new", "churn", "--query", "churn.sql", "--target", "churned", "--no-setup")
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    mlfactory(*argv, "--defaults", cwd=tmp_path, ACME_DATABASE=url)
    record = yaml.safe_load((tmp_path / "churn/.copier-answers.yml").read_text())
    assert (record["url_env"], record["data_source"]) == ("ACME_DATABASE", "data/churn.sql")
    params = (tmp_path / "churn/params.yaml").read_text()
    assert 'url_env: "ACME_DATABASE"' in params
