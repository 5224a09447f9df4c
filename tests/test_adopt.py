"""`mlfactory adopt`: what becomes of repositories that are there already."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from .adopting import ALL, DATA_SCIENCE, FOLDERS, KEDRO, LINES, UV, WITH_PIPELINE
from .conftest import ROOT
from .evolving import Repo, init, mlfactory

PAGE = (ROOT / "docs/how-to/adopt.md").read_text("utf-8")
BRANCH = "mlfactory-adopt"


def of(path: Path, files: Any) -> Repo:
    return init(path).commit(files, message="theirs")


def adopt(repo: Repo, *argv: object, folder: str = ".", code: int = 0) -> Any:
    done = mlfactory("adopt", folder, "--json", *argv, cwd=repo.path, code=code)
    return json.loads(done.stdout) if not code else done.stdout + done.stderr


def status(repo: Repo, folder: str = ".") -> dict[str, Any]:
    (one,) = json.loads(mlfactory("status", folder, "--json", cwd=repo.path, code=None).stdout)[
        "projects"
    ]
    return dict(one)


def left_by_hand() -> dict[str, list[str]]:
    """What the page says is left to do, for each kind of repository."""
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (.+?) \|$", PAGE, re.MULTILINE)
    table = {name: words.split(", ") for name, _, words in rows}
    assert all(len(table[name]) == int(count) for name, count, _ in rows)
    return table


@pytest.mark.parametrize("kind", ALL)
def test_each_kind_is_adopted_and_the_page_says_what_is_left(kind: str, tmp_path: Path) -> None:
    repo, folder = of(tmp_path / "churn", ALL[kind]), FOLDERS.get(kind, ".")
    before, theirs = repo.head, repo.tree()
    report = adopt(repo, "--no-setup", folder=folder)
    assert [task["about"] for task in report["todo"]] == left_by_hand()[kind]
    checklist = repo.text(f"{folder}/{report['checklist']}")
    assert checklist.count("\n- [ ] ") == len(report["todo"])
    assert repo.dirt == ""

    after = repo.tree()
    changed = {name for name in theirs if after.get(name) != theirs[name]}
    plain = {name.removeprefix(f"{folder}/") for name in changed}
    assert plain <= {"pyproject.toml", ".gitignore", "README.md", ".gitattributes", ".dvcignore"}
    hidden = repo.git("ls-files", "--cached", "--ignored", "--exclude-standard").split("\n")
    assert [name for name in hidden if name and name not in theirs] == []
    assert hidden_of_theirs(repo, theirs) <= hidden_before(repo, before)

    lines = repo.git("log", "--format=%P", "-1").split()
    assert lines[0] == before
    assert len(lines) == 2
    repo.git("switch", "--quiet", "main")
    assert repo.tree() == theirs
    repo.git("merge", "--quiet", "--no-ff", BRANCH, "-m", "Adopt")
    now = status(repo, folder)
    assert (now["behind"], now["conflicts"], now["error"]) == (False, [], "")
    assert {file["state"] for file in now["files"]} <= {"edited", "left alone"}
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert repo.tree() == theirs


def hidden_of_theirs(repo: Repo, theirs: dict[str, str]) -> set[str]:
    names = repo.git("ls-files", "--cached", "--ignored", "--exclude-standard").split("\n")
    return {name for name in names if name in theirs}


def hidden_before(repo: Repo, head: str) -> set[str]:
    repo.git("switch", "--quiet", "--detach", head)
    names = repo.git("ls-files", "--cached", "--ignored", "--exclude-standard").split("\n")
    repo.git("switch", "--quiet", BRANCH)
    return {*names}


def test_the_page_names_every_kind() -> None:
    assert left_by_hand().keys() == ALL.keys()


def test_pyproject_keeps_what_is_theirs(tmp_path: Path) -> None:
    """Also where Windows begins it with a mark, which is no TOML."""
    repo = of(tmp_path / "churn", {**KEDRO, "pyproject.toml": f"\ufeff{KEDRO['pyproject.toml']!s}"})
    adopt(repo, "--no-setup")
    old, new = (
        tomllib.loads(str(KEDRO["pyproject.toml"])),
        tomllib.loads(repo.text("pyproject.toml")),
    )
    for key in ("name", "dynamic", "readme", "scripts"):
        assert new["project"][key] == old["project"][key]
    assert new["build-system"] == old["build-system"]
    assert {*old["project"]["dependencies"]} < {*new["project"]["dependencies"]}
    assert new["project"]["requires-python"] == ">=3.11,<3.14"
    assert {name: new["tool"][name] for name in old["tool"]} == old["tool"]
    assert new["tool"]["mlfactory"]["package"] == "churn_pipelines"


def test_gitignore_is_both_and_hides_neither(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", {**DATA_SCIENCE, "models/old.pkl": "x"})
    report = adopt(repo, "--no-setup")
    text = repo.text(".gitignore")
    assert text.startswith(str(DATA_SCIENCE[".gitignore"]))
    assert "\n/models/\n" not in text
    assert "ignored" in [task["about"] for task in report["todo"]]
    repo.write({"data/raw/secret.csv": "1\n", "data/secret.csv": "1\n", "data/x.dvc": "a\n"})
    assert repo.dirt == ""
    repo.write({"data/raw/data.csv.dvc": "a\n", "dvc.lock": "a\n"})
    assert repo.dirt == "?? data/raw/data.csv.dvc\n?? dvc.lock\n"


def test_what_has_its_own_pipeline_is_refused_with_a_way(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", WITH_PIPELINE)
    before = repo.everything()
    said = adopt(repo, code=1)
    assert "has a dvc.yaml of its own" in said
    assert "mlfactory new NAME --inside" in said
    assert repo.everything() == before


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"notes.txt": "mine"}, "notes.txt: not committed"),
        ({"README.md": "mine"}, "README.md: not committed"),
    ],
)
def test_what_is_not_committed_stops_it(tmp_path: Path, files: Any, text: str) -> None:
    repo = of(tmp_path / "churn", UV).write(files)
    before = repo.everything()
    assert text in adopt(repo, "--no-setup", code=1)
    assert repo.everything() == before


def test_a_bare_repository_is_adopted_by_a_clone(tmp_path: Path) -> None:
    init(tmp_path / "Süd (alt).git", "--bare")
    done = mlfactory("adopt", "Süd (alt).git", cwd=tmp_path, code=1)
    assert "is a bare repository: no files stand in it\nhint: Adopt a clone of it" in done.stderr
    assert f"git clone '{tmp_path}/Süd (alt).git'" in done.stderr


def test_a_file_in_the_way_stops_it(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", {**UV, "vendor": "a file\n"})
    assert "vendor is in the way" in adopt(repo, "--no-setup", code=1)


def test_an_ignored_file_is_not_overwritten(tmp_path: Path) -> None:
    files = {**UV, ".gitignore": "/CODEOWNERS\n"}
    repo = of(tmp_path / "churn", files).write({"CODEOWNERS": "mine\n"})
    said = adopt(repo, "--no-setup", code=1)
    assert "CODEOWNERS" in said
    assert repo.text("CODEOWNERS") == "mine\n"
    assert repo.git("branch", "--list", BRANCH) == ""


def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", DATA_SCIENCE)
    before = repo.everything()
    plan = adopt(repo, "--dry-run")
    assert repo.everything() == before
    report = adopt(repo, "--no-setup")
    assert [(f["path"], f["state"]) for f in plan["files"]] == [
        (f["path"], f["state"]) for f in report["files"]
    ]
    repo.git("switch", "--quiet", "main")
    assert "is there already" in adopt(repo, "--dry-run", code=1)


def test_a_dry_run_says_what_would_stop_it(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", DATA_SCIENCE).write({"Größe 1.txt": "mine\n"})
    clean = "as it is now it would be refused: Größe 1.txt: not committed"
    assert clean in adopt(repo, "--dry-run")["warnings"]
    assert "Größe 1.txt: not committed" in adopt(repo, "--no-setup", code=1)


def test_what_both_have_stays_and_is_shown_with_its_difference(tmp_path: Path) -> None:
    repo = of(
        tmp_path / "churn", {**UV, "docs/runbook.md": "# Ours\n", "docs/adoption.md": "mine\n"}
    )
    report = adopt(repo, "--no-setup")
    assert (repo.text("docs/adoption.md"), report["checklist"]) == (
        "mine\n",
        "docs/mlfactory-adoption.md",
    )
    (row,) = [file for file in report["files"] if file["path"] == "docs/runbook.md"]
    assert (row["state"], "-# Ours\n" in row["diff"]) == ("yours stays", True)
    (task,) = [task for task in report["todo"] if "runbook" in task["text"]]
    shown = repo.git(*task["commands"][0].split()[1:])
    assert "+# Ours" in shown
    assert status(repo)["drift"]["left alone"] == 2  # and src/churn/__init__.py


@pytest.mark.parametrize("data", [False, True])
def test_jobs_run_on_the_main_branch_that_is_there(tmp_path: Path, data: bool) -> None:
    """Also where somebody adopts from a branch beside it."""
    (tmp_path / "customers.csv").write_text(LINES)
    argv = ("--data", tmp_path / "customers.csv", "--target", "churned", "--id", "customer")
    repo = of(tmp_path / "churn", UV)
    repo.git("branch", "--move", "trunk")
    repo.git("switch", "--quiet", "--create", "topic")
    report = adopt(repo, "--no-setup", *(argv if data else ()))
    assert "branch" not in [task["about"] for task in report["todo"]]
    assert "\nbranch: trunk\n" in repo.text(".copier-answers.yml")
    texts = {p.name: p.read_text("utf-8") for p in (repo.path / ".github/workflows").iterdir()}
    assert "    branches: [trunk]\n" in texts["ci.yml"]
    assert "github.ref == 'refs/heads/trunk'" in texts["promote.yml"]
    assert not [n for n, t in texts.items() if re.search(r"refs/heads/main|\[main\]", t)]
    assert "git switch topic && " in report["next"][1]


def test_a_branch_that_somebody_names_otherwise_is_told(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", UV)
    repo.git("branch", "--move", "trunk")
    report = adopt(repo, "--no-setup", "--set", "branch=release")
    (task,) = [t for t in report["todo"] if t["about"] == "branch"]
    assert "name the branch release, and yours is trunk" in task["text"]


def test_the_last_line_leaves_nothing_of_it(tmp_path: Path) -> None:
    """Not the copy of the data either, nor anything that the set-up makes; what was there stays."""
    repo = of(tmp_path / "churn", {**UV, ".gitignore": ".venv\n/data/\n"})
    repo.git("checkout", "--quiet", "--detach")
    for name in (".venv/lib", "data/own.csv"):
        repo.write({name: "ours\n"})
    before = repo.everything()
    (tmp_path / "customers.csv").write_text(LINES)
    argv = ("--data", tmp_path / "customers.csv", "--target", "churned", "--id", "customer")
    report = adopt(repo, *argv, "--no-setup")
    (line,) = re.findall(r"rm -rf -- (.*)", repo.text(report["checklist"]))
    assert {"data/raw", "models", "data/prepared", ".dvc"} <= {*line.split()}
    assert {".venv", "data", "reports"} & {*line.split()} == {"reports"}
    made = ("models/model/model.txt", "data/prepared/rows", ".dvc/cache/x", ".git/hooks/pre-commit")
    for name in made:
        repo.write({name: "made by the set-up\n"})
    subprocess.run(("bash", "-euc", report["next"][-1]), cwd=repo.path, check=True)
    after = repo.everything()
    files = [{n: t for n, t in one.items() if not n.startswith(".git/")} for one in (before, after)]
    assert files[0] == files[1]
    rest = [n for n in after if "mlfactory" in n or n.endswith("pre-commit")]
    # Only a template that is not released, which is nowhere else, stays in the repository.
    assert [n for n in rest if not n.startswith(".git/refs/mlfactory/template/")] == []


def test_a_member_of_a_workspace_is_refused_with_a_way(tmp_path: Path) -> None:
    root = '[project]\nname = "all"\n\n[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    inner = '[project]\nname = "one"\nversion = "0.1"\n'
    repo = of(tmp_path / "all", {"pyproject.toml": root, "packages/one/pyproject.toml": inner})
    said = adopt(repo, folder="packages/one", code=1)
    assert "packages/one is a member of the uv workspace of pyproject.toml" in said
    assert repo.git("branch", "--list", BRANCH) == ""
    repo.commit({"pyproject.toml": f'{root}exclude = ["packages/one"]\n'})
    assert adopt(repo, "--no-setup", folder="packages/one")["state"] == "adopted"


def test_adopted_without_data_says_how_to_take_it(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", UV)
    adopt(repo, "--no-setup")
    said = adopt(repo, "--no-setup", code=1)
    assert "is adopted, on this branch" in said
    assert f"git switch main && git merge --no-ff {BRANCH}" in said


def test_line_ends_of_theirs_are_not_called_changes(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", {**UV, "notes.txt": "one\r\ntwo\r\n"})
    adopt(repo, "--no-setup")
    (repo.path / "notes.txt").touch()
    assert repo.dirt == ""


def test_data_are_copied_only_when_they_are_named(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", UV)
    (tmp_path / "customers.csv").write_text(LINES)
    argv = ("--data", tmp_path / "customers.csv", "--target", "churned", "--id", "customer")
    report = adopt(repo, *argv, "--no-setup")
    assert repo.text("data/raw/customers.csv") == LINES
    assert "data" not in [task["about"] for task in report["todo"]]
    assert repo.dirt == ""
    again = adopt(repo, "--no-setup")
    assert again["state"] == "resumed"


def test_links_and_bytes_that_are_no_text_stay(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", {**UV, ".gitignore": b"caf\xe9/\n", "docs/read.md": "# Ours\n"})
    (repo.path / "README.md").unlink()
    (repo.path / "README.md").symlink_to("docs/read.md")
    repo.commit()
    report = adopt(repo, "--no-setup")
    assert (repo.path / "README.md").readlink() == Path("docs/read.md")
    assert repo.text("docs/read.md") == "# Ours\n"
    assert (repo.path / ".gitignore").read_bytes().startswith(b"caf\xe9/\n")
    assert {"path": "README.md", "state": "yours stays", "diff": ""} in report["files"]


def test_a_folder_that_the_repository_hides_is_refused(tmp_path: Path) -> None:
    repo = of(tmp_path / "all", {**ALL["a folder of a monorepo"], ".gitignore": "data/\n"})
    said = adopt(repo, folder="models/churn", code=1)
    assert "keeps 1 files of the factory out of git: models/churn/data/raw/.gitignore" in said


def test_data_that_git_ignores_are_not_written_over(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", {**UV, ".gitignore": "data/\n"})
    own = repo.path / "data/raw/customers.csv"
    own.parent.mkdir(parents=True)
    own.write_text("ours\n")
    (tmp_path / "customers.csv").write_text(LINES)
    argv = ("--data", tmp_path / "customers.csv", "--target", "churned", "--id", "customer")
    with pytest.raises(AssertionError, match="is there, and the data would take its place"):
        adopt(repo, *argv, "--no-setup")
    assert own.read_text() == "ours\n"
