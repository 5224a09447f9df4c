"""`mlfactory fleet`: real repositories of this disk, one template, and nobody's clone touched."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.errors import UsageError
from mlfactory.fleet import inventory

from .evolving import SMALL, TEXT, Repo, edited, init, mlfactory, project, render, template

RECORD = ".copier-answers.yml"
NEW = {"tree/a.txt": edited(3, "theirs"), "tree/c.txt": "new\n"}


@dataclass(frozen=True)
class Ground:
    """A folder with a template, the origins of its projects, and people's clones of them."""

    path: Path
    one: Repo

    def origin(self, name: str, files: dict[str, str | None] | None = None) -> Path:
        """A bare repository with a project in which somebody has written something."""
        work = Repo(self.path / "work" / name)
        shutil.copytree(self.one.path, work.path)
        work.commit({"own.txt": f"{name}\n", **(files or {})})
        bare = self.path / "origins" / f"{name}.git"
        git("clone", "--quiet", "--bare", work.path, bare)
        return bare

    def write(self, text: str) -> Path:
        file = self.path / "fleet.yml"
        file.write_text(text)
        return file

    def status(self, *more: str, code: int = 0) -> dict[str, Any]:
        result = mlfactory("fleet", "status", *more, "--json", cwd=self.path, code=code)
        content: dict[str, Any] = json.loads(result.stdout)
        return content


def git(*argv: object, cwd: Path | None = None) -> str:
    return subprocess.run(
        ["git", *map(str, argv)], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def ground(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A copy of what the first test builds, with a template of its own."""
    place = tmp_path_factory.getbasetemp() / "ground"
    if not (place / "one").exists():
        project(template(place / "template", SMALL, NEW), place / "one")
    for name in ("template", "one"):
        shutil.copytree(place / name, tmp_path / name)
    one = Repo(tmp_path / "one")
    one.write({RECORD: one.text(RECORD).replace(str(place), str(tmp_path))})
    one.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    return Ground(tmp_path, one)


def test_init_names_every_repository_and_each_project_in_it(ground: Ground) -> None:
    ground.origin("churn")
    git("clone", "--quiet", ground.path / "origins/churn.git", ground.path / "clones/churn")
    large = init(ground.path / "clones/large")
    shutil.copytree(ground.one.path, large.path / "models/north", ignore=lambda *_: [".git"])
    large.commit({"app.py": "1\n"})
    init(ground.path / "clones/team/plain").commit({"a.py": "1\n"})
    git("clone", "--quiet", ground.path / "origins/churn.git", ground.path / "clones/older")
    large.git("worktree", "add", "--quiet", ground.path / "clones/side")
    before = Repo(ground.path / "clones/churn").everything()
    said = mlfactory("fleet", "init", "clones", cwd=ground.path).stderr
    assert "left out, clones of one that it names: older, side" in said
    rows = json.loads(mlfactory("fleet", "list", "--json", cwd=ground.path).stdout)["repositories"]
    assert [(row["name"], row["folder"], row["skip"]) for row in rows] == [
        ("churn", "", ""),
        ("large/models/north", "models/north", ""),
        ("plain", "", "no template is known that it was made from"),
    ]
    assert Repo(ground.path / "clones/churn").everything() == before
    assert "fleet add" in mlfactory("fleet", "init", "clones", cwd=ground.path, code=2).stderr


def test_add_leaves_what_is_written(ground: Ground) -> None:
    ground.origin("churn")
    text = "# ours\ngroups: [pilot]\nrepositories:\n- path: origins/churn.git  # the first\n# end\n"
    file = ground.write(text)
    mlfactory(
        "fleet", "add", "git@git.example.com:team/sales.git", "--group", "pilot", cwd=ground.path
    )
    assert file.read_text() == text.replace(
        "# end", "- url: git@git.example.com:team/sales.git\n  group: pilot\n# end"
    )
    again = ("fleet", "add", "git@git.example.com:team/sales.git")
    assert "the same repository" in mlfactory(*again, cwd=ground.path, code=2).stderr
    missing = mlfactory("fleet", "add", "origins/chrun.git", cwd=ground.path, code=2).stderr
    assert "there is no folder origins/chrun.git" in missing
    odd = ("fleet", "add", "https://somebody:secret@git.example.com/x.git")
    assert "secret" not in mlfactory(*odd, cwd=ground.path, code=2).stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "repositories:\n- url: a\n  grup: x\n",
            "fleet.yml:3: a repository has no 'grup'. Did you",
        ),
        ("repositories:\n- url: a\n  path: b\n", "fleet.yml:2: a repository has either"),
        ("repositories:\n- url: a\n- url: a\n", "fleet.yml:3: the same repository and folder as"),
        (
            "repositories:\n- url: https://Git.example.com/a/b.git\n"
            "- url: git@git.example.com:a/b\n",
            "fleet.yml:3: the same repository and folder as in line 2",
        ),
        (
            "repositories:\n- url: ssh://git@git.example.com:2222/a/b\n"
            "- url: https://git.example.com/a/b/\n",
            "fleet.yml:3: the same repository and folder as in line 2",
        ),
        ("repositories:\n- url: a\n  group: x\n", "fleet.yml:2: there is no group x"),
        ("repositories:\n- url: a\n  branch: --x\n", "fleet.yml:3: '--x' cannot be the name of"),
        ("repositories:\n- url: --upload-pack=x\n", "fleet.yml:2: url cannot begin with a dash"),
        ("repositories:\n- url: a\n  folder: ../x\n", "fleet.yml:3: folder is a path inside"),
        ("repositories:\n- url: https://a:b@c/d\n", "fleet.yml:2: url holds a credential"),
        ('repositories:\n- url: "a\\e[2J"\n', "fleet.yml:2: url is one line of text"),
        ("repositories: a\n", "fleet.yml:1: repositories is a list"),
        ("repositories: [a]\n", "fleet.yml:1: a repository is a mapping"),
        ("groups: [a, a]\n", "fleet.yml:1: the group a is there twice"),
        ("- a\n", "fleet.yml:1: the file is a mapping"),
        ("branch: x\nbranch: y\n", "fleet.yml:2: branch is there twice"),
        ("a: [\n", "fleet.yml is not YAML"),
        ("", "fleet.yml is empty"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "fleet.yml").write_text(text)
    assert message in mlfactory("fleet", "list", cwd=tmp_path, code=1).stderr


def test_parts_are_all_of_them_and_nobody_twice(tmp_path: Path) -> None:
    rows = "".join(f"- url: https://git.example.com/team/n{number}.git\n" for number in range(7))
    (tmp_path / "fleet.yml").write_text(f"repositories:\n{rows}")
    fleet = inventory.read(tmp_path / "fleet.yml")
    parts = [inventory.choose(fleet, [], shard=f"{number}/3") for number in (1, 2, 3)]
    assert [len(part) for part in parts] == [3, 2, 2]
    assert {one.name for part in parts for one in part} == {one.name for one in fleet.members}
    for odd in ("0/3", "4/3", "1/0", "1", "a/b", "-1/3", "1/3/5"):
        with pytest.raises(UsageError, match="--shard cannot be"):
            inventory.choose(fleet, [], shard=odd)


def test_status_tells_of_origins_and_one_failure_stops_nobody(ground: Ground) -> None:
    ground.origin("behind")
    ground.origin("torn", {"a.txt": edited(3, "ours")})
    ground.origin("gone", {".copier-answers.yml": None})
    ground.write(
        "repositories:\n- path: origins/behind.git\n- path: origins/torn.git\n"
        "- path: origins/gone.git\n- path: origins/nowhere.git\n"
        "- {path: origins/late.git, skip: retires in March}\n"
    )
    content = ground.status("--jobs", "2", code=1)
    behind, torn, gone, nowhere, late = content["repositories"]
    assert (behind["version"], behind["newest"], behind["behind"]) == ("v1.0.0", "v1.1.0", 1)
    assert [one["path"] for one in torn["conflicts"]] == ["a.txt"]
    assert torn["drift"] == {"diverged": 1}
    assert gone["error"].startswith("it has no .copier-answers.yml")
    assert "is not a directory" in nowhere["error"]
    assert late["skip"] == "retires in March"
    assert content["totals"]["behind"] == 2
    assert content["totals"]["failed"] == 2


def test_a_row_is_made_anew_as_soon_as_something_moves(ground: Ground) -> None:
    origin = ground.origin("churn")
    ground.write("repositories:\n- path: origins/churn.git\n")
    first = mlfactory("fleet", "status", cwd=ground.path)
    assert "Compare with the templates" in first.stderr
    again = mlfactory("fleet", "status", cwd=ground.path)
    assert "Compare with the templates" not in again.stderr
    assert again.stdout == first.stdout
    work = Repo(ground.path / "work/churn")
    work.commit({"b.txt": "ours\n"}).git("push", "--quiet", origin, "main")
    assert ground.status()["repositories"][0]["drift"] == {"edited": 1}


def test_a_persons_clone_is_looked_at_and_not_touched(ground: Ground) -> None:
    origin = ground.origin("churn")
    clone = Repo(ground.path / "clones/churn")
    git("clone", "--quiet", origin, clone.path)
    Repo(ground.path / "work/churn").commit({"b.txt": "newer\n"}).git(
        "push", "--quiet", origin, "main"
    )
    clone.write({"a.txt": "half done\n"}).git("checkout", "--quiet", "--detach")
    trap = ground.path / "trap"
    clone.git("config", "filter.trap.clean", f"touch {trap}; cat")
    clone.write({".git/info/attributes": "* filter=trap\n", "b.txt": "also\n"})
    ground.write("repositories:\n- path: clones/churn\n")
    before = clone.everything()
    (row,) = ground.status()["repositories"]
    assert row["remark"] == "detached, 2 not committed"
    assert row["drift"] == {"edited": 1}  # what the origin has, not what is half done
    assert clone.everything() == before
    assert not trap.exists()


def test_what_others_write_reaches_neither_page_nor_terminal_raw(ground: Ground) -> None:
    evil = "<script>alert(1)</script>\x1b[2J\u202e"
    ground.origin("churn", {"b.txt": None, f"{evil}.txt".replace("/", "_"): "x"})
    origin = ground.path / "origins" / "churn.git"
    text = Repo(ground.path / "work/churn").text(".copier-answers.yml")
    odd = json.dumps({"owner": f"{evil}\nrow"})[1:-1]
    Repo(ground.path / "work/churn").commit(
        {".copier-answers.yml": f"{text}{odd.replace(':', ': ', 1)}\n"}
    ).git("push", "--quiet", origin, "main")
    ground.write("repositories:\n- path: origins/churn.git\n")
    result = mlfactory("fleet", "status", "--html", "page.html", cwd=ground.path)
    page = (ground.path / "page.html").read_text()
    assert "<script>alert" not in page
    assert "\nrow" not in result.stdout
    assert "&lt;script&gt;alert(1)" in page
    for text in (result.stdout, page):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_repository_without_work_tree_is_seen_as_a_clone_is(tmp_path: Path) -> None:
    first = {**SMALL, "tree/c.txt": "c\n", "tree/d.txt": "d\n", "tree/e.txt": TEXT}
    source = template(tmp_path / "template", first, {**NEW, "tree/c.txt": "new c\n"})
    large = init(tmp_path / "large")
    render(source, large.path / "models/north")
    files: dict[str, str | None] = {
        "models/north/pyproject.toml": '[tool.mlfactory]\nkeep = ["c.txt"]\n',
        "models/north/c.txt": "ours\n",
        "models/north/b.txt": None,
        ".gitignore": "b.txt\n",
        ".gitattributes": "*.txt text eol=crlf\n",
        "models/north/d.txt": None,
        "models/north/a.txt": edited(15, "ours"),
    }
    large.commit(message="start").commit(files)
    large.git("mv", "models/north/e.txt", "models/north/z.txt")
    large.commit(message="another name")
    ground = Ground(tmp_path, large)
    ground.write("repositories:\n- {path: large, folder: models/north}\n")
    (row,) = ground.status()["repositories"]
    status = json.loads(mlfactory("status", large.path / "models/north", "--json").stdout)
    (one,) = status["projects"]
    drifted = [file for file in one["files"] if file["state"] != "clean"]
    assert {file["state"] for file in drifted} >= {"ignored", "left alone", "missing", "renamed"}
    assert (row["files"], row["conflicts"]) == (drifted, one["conflicts"])
