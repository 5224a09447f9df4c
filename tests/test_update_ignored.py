"""What the project's .gitignore keeps out of git is not committed, not missing, and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlfactory.update.ignored import Rules, split

from .evolving import SMALL, Repo, edited, mlfactory, project, release, template
from .test_update import plan


def states(repo: Repo) -> dict[str, tuple[str, str]]:
    result = mlfactory("status", repo.path, "--json")
    files = json.loads(result.stdout)["projects"][0]["files"]
    return {f["path"]: (f["state"], f["note"]) for f in files if f["state"] != "clean"}


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL)


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo").commit({".gitignore": "*.env\n/build/\n"})


def test_a_new_file_that_the_project_ignores_is_not_committed(demo: Repo, source: Repo) -> None:
    new = {"tree/prod.env": "TOKEN=\n", "tree/build/a.txt": "a\n", "tree/c.txt": "c\n"}
    release(source, "v1.1.0", new)
    changes = {c["path"]: c["state"] for c in plan(demo)["changes"]}
    assert (changes["prod.env"], changes["build/a.txt"], changes["c.txt"]) == (
        "ignored", "ignored", "added",
    )  # fmt: skip
    result = mlfactory("update", demo.path)
    assert "  ignored       prod.env  (your .gitignore keeps it out of git" in result.stdout
    assert (demo.has("prod.env"), demo.has("build"), demo.has("c.txt")) == (False, False, True)
    assert states(demo) == {
        "prod.env": ("ignored", "not here"),
        "build/a.txt": ("ignored", "not here"),
    }


def test_what_the_user_has_there_is_left_alone_and_is_no_obstacle(demo: Repo, source: Repo) -> None:
    release(source, "v1.1.0", {"tree/prod.env": "TOKEN=\n"})
    demo.write({"prod.env": "TOKEN=secret\n"})
    assert plan(demo)["blocked"] == []
    mlfactory("update", demo.path)
    assert demo.text("prod.env") == "TOKEN=secret\n"
    assert states(demo) == {"prod.env": ("ignored", "")}
    assert "secret" not in mlfactory("diff", demo.path).stdout
    assert "secret" not in demo.git("log", "-p")


def test_it_is_told_once_and_again_when_the_template_changes_it(demo: Repo, source: Repo) -> None:
    release(source, "v1.1.0", {"tree/prod.env": "TOKEN=\n"})
    mlfactory("update", demo.path)
    release(source, "v1.2.0", {"tree/a.txt": edited(3)})
    assert "prod.env" not in {c["path"] for c in plan(demo)["changes"]}
    release(source, "v1.3.0", {"tree/prod.env": "TOKEN=\nMORE=\n"})
    assert {"ignored"} == {c["state"] for c in plan(demo)["changes"] if c["path"] == "prod.env"}


def test_a_file_that_git_tracks_all_the_same_is_updated(source: Repo, tmp_path: Path) -> None:
    release(source, "v1.1.0", {"tree/prod.env": "TOKEN=\n"})
    demo = project(source, tmp_path / "demo", "v1.1.0").commit({".gitignore": "*.env\n"})
    release(source, "v1.2.0", {"tree/prod.env": "MORE=\n"})
    mlfactory("update", demo.path)
    assert demo.text("prod.env") == "MORE=\n"


@pytest.mark.parametrize("own", ["", "/own\n"])
def test_rules_that_come_with_the_update_hold_for_it(
    source: Repo, tmp_path: Path, own: str
) -> None:
    rest = "/one\n/two\n/three\n/four\n/five\n/six\n"
    release(source, "v1.1.0", {"tree/.gitignore": f"{rest}*.tmp\n"})
    demo = project(source, tmp_path / "demo", "v1.1.0")
    demo.commit({".gitignore": f"{own}{rest}*.tmp\n", "own.txt": ""})
    new = {"tree/.gitignore": f"{rest}*.env\n", "tree/a.env": "", "tree/a.tmp": ""}
    release(source, "v1.2.0", new)
    mlfactory("update", demo.path)
    assert (demo.has("a.env"), demo.has("a.tmp")) == (False, True)


def test_in_a_fresh_project_it_is_not_missing(source: Repo, tmp_path: Path) -> None:
    release(source, "v1.1.0", {"tree/.gitignore": "*.env\n", "tree/dev.env": "A=1\n"})
    mlfactory("new", tmp_path / "fresh", "--template", source.path, "--defaults")
    fresh = Repo(tmp_path / "fresh")
    assert fresh.has("dev.env")
    assert states(fresh) == {"dev.env": ("ignored", "")}
    output = mlfactory("status", fresh.path).stdout
    assert "1 ignored" in output
    assert "missing" not in output


def test_restore_brings_it_by_its_name_only(demo: Repo, source: Repo) -> None:
    release(source, "v1.1.0", {"tree/prod.env": "TOKEN=\n"})
    mlfactory("update", demo.path)
    demo.write({"a.txt": "edited\n"}).commit()
    mlfactory("restore", ".", cwd=demo.path)
    assert not demo.has("prod.env")
    mlfactory("restore", "prod.env", cwd=demo.path)
    assert (demo.text("prod.env"), demo.git("ls-files", "prod.env")) == ("TOKEN=\n", "")
    demo.write({"prod.env": "TOKEN=secret\n"})
    assert "would be lost" in mlfactory("restore", "prod.env", cwd=demo.path, code=1).stderr


def test_in_a_subdirectory_the_rules_above_hold_too(source: Repo, tmp_path: Path) -> None:
    demo = project(source, tmp_path / "demo")
    for name in ("a.txt", "b.txt", ".copier-answers.yml"):
        (demo.path / "in/ner").mkdir(parents=True, exist_ok=True)
        demo.git("mv", name, f"in/ner/{name}")
    demo.commit({".gitignore": "*.env\n", "in/.gitignore": "!b.env\nc.env\n"})
    release(source, "v1.1.0", {"tree/a.env": "", "tree/b.env": "", "tree/x/c.env": ""})
    mlfactory("update", demo.path / "in/ner")
    assert [demo.has(f"in/ner/{n}") for n in ("a.env", "b.env", "x/c.env")] == [False, True, False]


def test_what_only_this_clone_ignores_does_not_count(demo: Repo, source: Repo) -> None:
    (demo.path / ".git/info").mkdir(exist_ok=True)
    (demo.path / ".git/info/exclude").write_text("c.txt\n")
    release(source, "v1.1.0", {"tree/c.txt": "c\n"})
    mlfactory("update", demo.path)
    assert demo.git("ls-files", "c.txt") == "c.txt\n"


RULES = {
    "": "*.env\n# *.txt\n\\#odd\n!keep.env\n/top.txt\nbuild/\ndeep/*/x\n**/any/y\nz/**\n[ab].c\n"
    "half/*\n!half/in/\nspace \\ \n*.log \nfoo/bar\r\n\\!bang\n",
    "sub/": "!a.env\n*.txt\n/build\n",
    "build/": "!inside.txt\n",
    "half/in/": "*.md\n",
}
NAMES = """
a.env keep.env sub/a.env sub/b.env sub/c/a.env top.txt sub/top.txt x/top.txt build/inside.txt
sub/build sub/x/build/a deep/1/x deep/1/2/x any/y q/any/y z/1/2 z a.c c.c sub/a.c half/out half/in/a
half/in/b.md #odd a.log foo/bar foo/bar/baz x/foo/bar !bang keep.env/x sub/keep.env é.env
"""
PATHS = NAMES.split()


def test_the_rules_mean_what_they_mean_to_git(tmp_path: Path) -> None:
    from .evolving import init

    repo = init(tmp_path / "repo").write({f"{folder}.gitignore": t for folder, t in RULES.items()})
    listing = repo.git(
        "-c", "core.quotePath=false", "check-ignore", "--no-index", *PATHS, code=None
    )
    rules = Rules("", {folder: split(text) for folder, text in RULES.items()})
    assert [path for path in PATHS if rules.ignore(path)] == listing.splitlines()
