"""`mlfactory adopt` with the record of another template, and without any."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlfactory.adopt import run as adoption
from mlfactory.adopt.request import Request
from mlfactory.cli import console
from mlfactory.new.request import Goal
from mlfactory.template import release as publish
from mlfactory.update import run as update

from .adopting import UV
from .conftest import ROOT, Build, Command
from .evolving import SMALL, TEXT, Repo, edited, init, mlfactory, project, release, template
from .runtimes import change
from .test_adopt import BRANCH, adopt, of
from .test_cookiecutter import Template

PRE_COMMIT = "repos: []\n"


def states(report: Any) -> dict[str, str]:
    return {file["path"]: file["state"] for file in report["files"]}


def test_files_that_nobody_touched_move_and_others_stay(tmp_path: Path) -> None:
    """Of four files that both templates have: untouched, edited apart, edited where ours is."""
    ours = {line.path: line.text for line in own_files(tmp_path)}
    attributes = ours["docs/runbook.md"]
    before = attributes.replace("# ", "## ", 1)
    source = template(
        tmp_path / "template",
        {
            **SMALL,
            "tree/CODEOWNERS": "# theirs\n",
            "tree/docs/runbook.md": before,
            "tree/docs/about.md": "# theirs\n",
            "tree/old.txt": "only theirs\n",
        },
    )
    repo = project(source, tmp_path / "churn").commit(
        {"docs/runbook.md": f"{before}\n\nOurs.\n", "docs/about.md": "# mine\n"}
    )
    report = adopt(repo, "--no-setup")
    files = states(report)
    assert files["CODEOWNERS"] == "moves to the template's"
    assert repo.text("CODEOWNERS") == ours["CODEOWNERS"]
    assert files["docs/runbook.md"] == "merged"
    assert repo.text("docs/runbook.md") == f"{attributes}\n\nOurs.\n"
    assert files["docs/about.md"] == "yours stays"
    assert repo.text("docs/about.md") == "# mine\n"
    assert files[".copier-answers.yml"] == "moves to the template's"
    assert "mlfactory::template" in repo.text(".copier-answers.yml")
    assert repo.text("old.txt") == "only theirs\n"
    (task,) = [one for one in report["todo"] if one["about"] == "old template"]
    assert "a.txt, b.txt, old.txt" in task["text"]


class Line:
    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text


def own_files(folder: Path) -> list[Line]:
    """What adopting puts into a repository that has nothing of it."""
    repo = of(folder / "first" / "churn", {"a.txt": "a\n"})
    adopt(repo, "--no-setup")
    return [Line(name, repo.text(name)) for name in repo.tree() if not name.endswith(".whl")]


def test_a_record_of_cruft_goes(tmp_path: Path, build_file_tree: Build, command: Command) -> None:
    source = Template(tmp_path / "template", "", build_file_tree, command)
    repo = Repo(source.project(tmp_path / "churn"))
    report = adopt(repo, "--no-setup")
    assert states(report)[".cruft.json"] == "removed"
    assert not repo.has(".cruft.json")
    assert states(report)["README.md"] == "both"
    done = mlfactory("status", "--json", cwd=repo.path, code=None).stdout
    assert "mlfactory::template" in done


def test_a_record_of_cookiecutter_without_a_version_takes_the_nearest(
    tmp_path: Path, build_file_tree: Build, command: Command
) -> None:
    """Many templates write their variables into .cookiecutter.json."""
    source = Template(tmp_path / "template", "", build_file_tree, command)
    source.change({"{{cookiecutter.slug}}/CODEOWNERS": "# old\n"})
    command("git", "tag", "v1.0.0", cwd=source.top)
    repo = Repo(source.project(tmp_path / "churn"))
    source.change({"{{cookiecutter.slug}}/CODEOWNERS": "# new\n"})
    command("git", "tag", "v2.0.0", cwd=source.top)
    answers = json.loads(repo.text(".cruft.json"))["context"]["cookiecutter"]
    context = {**{k: v for k, v in answers.items() if k[0] != "_"}, "_template": str(source.top)}
    repo.commit({".cruft.json": None, ".cookiecutter.json": json.dumps(context)})
    report = adopt(repo, "--no-setup")
    assert states(report)["CODEOWNERS"] == "moves to the template's"
    assert states(report)[".cookiecutter.json"] == "removed"


def test_a_template_that_is_gone_is_told(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL)
    repo = project(source, tmp_path / "churn")
    source.path.rename(tmp_path / "gone")
    report = adopt(repo, "--no-setup")
    assert any("cannot be rendered" in text for text in report["warnings"])


def test_a_factory_is_not_adopted_again(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", UV)
    adopt(repo, "--no-setup")
    repo.git("switch", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", BRANCH, "-m", "Adopt")
    assert "is a factory already" in adopt(repo, code=1)


def test_a_project_is_linked_to_the_version_that_is_nearest(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL)
    release(source, "v1.1.0", {"tree/a.txt": edited(3, "theirs"), "tree/c.txt": "more\n"})
    release(source, "v1.2.0", {"tree/a.txt": edited(9, "new", of=edited(3, "theirs"))})
    made = {
        "a.txt": edited(3, "theirs", of=edited(15, "ours")),
        "b.txt": "demo\n",
        "c.txt": "more\n",
    }
    repo = init(tmp_path / "service").commit(made)
    argv = ("--template", source.path)
    repo.write({"new.txt": "mine\n"})
    plan = adopt(repo, *argv, "--dry-run")
    assert plan["warnings"] == ["as it is now it would be refused: new.txt: not committed"]
    (repo.path / "new.txt").unlink()
    assert [fit["version"] for fit in plan["fits"]] == ["v1.2.0", "v1.1.0", "v1.0.0"]
    assert plan["version"] == "v1.1.0"
    assert plan["fits"][1] == {"version": "v1.1.0", "share": pytest.approx(0.98, abs=0.02),
                               "same": 2, "files": 3}  # fmt: skip
    report = adopt(repo, *argv)
    assert (report["state"], report["branch"]) == ("linked", "mlfactory-link")
    assert repo.git("diff", "--name-only", "main").split() == [".copier-answers.yml"]
    mlfactory("update", cwd=repo.path)
    assert repo.text("a.txt") == edited(9, "new", of=made["a.txt"])


def test_answers_and_a_version_can_be_named(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL)
    release(source, "v1.1.0", {"tree/a.txt": "another\n"})
    repo = init(tmp_path / "service").commit({"a.txt": TEXT, "b.txt": "mine\n"})
    argv = ("--template", source.path, "--set", "name=mine", "--ref", "v1.0.0", "--dry-run")
    (fit,) = adopt(repo, *argv)["fits"]
    assert (fit["share"], fit["same"]) == (1.0, 2)
    said = adopt(repo, "--template", source.path, "--set", "colour=red", code=2)
    assert "has no question colour" in said


def test_a_project_of_cookiecutter_gets_the_record_of_cruft(
    tmp_path: Path, build_file_tree: Build, command: Command
) -> None:
    source = Template(tmp_path / "template", "", build_file_tree, command)
    place = source.project(tmp_path / "churn")
    repo = Repo(place)
    repo.git("rm", "--quiet", ".cruft.json")
    repo.commit()
    report = adopt(repo, "--template", source.top)
    assert report["fits"][0]["share"] == 1.0
    assert json.loads(repo.text(".cruft.json"))["commit"] == source.head
    assert "behind" in mlfactory("status", "--json", cwd=repo.path, code=None).stdout


def test_what_resembles_nothing_is_not_linked(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL)
    repo = of(tmp_path / "churn", UV)
    said = adopt(repo, "--template", source.path, code=1)
    assert "resembles no version" in said


@pytest.fixture
def releases(origin: Path) -> Path:
    """A checkout with the whole skeleton and a small library, of which 0.5.0 is released."""
    for name in ("template/project", "template/includes"):
        shutil.copytree(ROOT / name, origin / name, dirs_exist_ok=True)
    changes = origin / "CHANGELOG.md"
    changes.write_text(f"# Changelog\n\n## 0.6.0 - 2026-03-01\n\nMore.\n{changes.read_text()[11:]}")
    Repo(origin).git("add", "--all", "--force")
    Repo(origin).git("commit", "--quiet", "--message", "the skeleton")
    publish.release("0.5.0", origin, origin / "history")
    return origin


def test_an_update_comes_as_to_any_factory(releases: Path, tmp_path: Path) -> None:
    """Another version of the library, which pyproject.toml names in three places."""
    repo = of(tmp_path / "churn", UV)
    report = adoption.adopt(Request(str(repo.path)), Goal(), console.Terminal())
    assert report.version == "v0.5.0"
    repo.git("switch", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", BRANCH, "-m", "Adopt")
    change(releases)
    publish.release("0.6.0", releases, releases / "history")
    talk = console.Terminal(quiet_plan=True)
    outcome = update.update(repo.path, update.Options(), talk)
    assert (outcome.state, outcome.plan and outcome.plan.conflicts) == ("updated", ())
    text = repo.text("pyproject.toml")
    assert "vendor/mlfactory_runtime-0.6.0-py3-none-any.whl" in text
    assert "0.5.0" not in text
    assert 'name = "churn"\nversion = "0.1.0"\ndescription = "Add your' in text
    assert repo.text("src/churn/__init__.py") == UV["src/churn/__init__.py"]


@pytest.mark.usefixtures("releases")
def test_a_person_can_be_asked_for_each_file(tmp_path: Path) -> None:
    files = {"CODEOWNERS": "# mine\n", "docs/about.md": "# mine\n"}
    repo = of(tmp_path / "churn", {**UV, **files})
    questions = []

    class Person(console.Terminal):
        def choose(self, question: str, choices: tuple[str, ...]) -> str:
            questions.append(question.split()[0])
            return choices["about" in question]

    request = Request(str(repo.path), keep="ask")
    states_now = {
        f.path: f.state for f in adoption.adopt(request, Goal(), Person(), ask=True).files
    }
    assert {*questions} >= {"CODEOWNERS", "docs/about.md"}
    assert (states_now["CODEOWNERS"], repo.text("CODEOWNERS")) == ("yours stays", "# mine\n")
    assert states_now["docs/about.md"] == "the template's taken"
    assert repo.text("docs/about.md") != "# mine\n"
