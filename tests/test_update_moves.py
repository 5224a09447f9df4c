"""A changed answer that is part of a path: what belongs to the user moves along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .evolving import ANSWERS, TEXT, Repo, edited, mlfactory, project, release, template
from .test_update import plan

PACKAGE = "tree/src/{{ package }}"
FIRST = {
    "copier.yml": """
_subdirectory: tree
_skip_if_exists: ["/src/{{ package }}/features.py", "/src/{{ package }}/model.py"]
project_name: {type: str, default: demo}
package: {type: str, default: "{{ project_name | replace('-', '_') }}", when: false}
""",
    ANSWERS: "{{ _copier_answers | to_nice_yaml }}",
    "tree/readme.txt.jinja": "{{ package }}\n",
    f"{PACKAGE}/__init__.py": "",
    f"{PACKAGE}/features.py": "features of the template\n",
    f"{PACKAGE}/model.py": "model of the template\n",
    f"{PACKAGE}/core.py.jinja": f"# {{{{ package }}}}\n{TEXT}",
}
MINE = {
    "src/demo/features.py": "my features\n",
    "src/demo/metrics.py": "my metric\n",
    "src/demo/parts/deep.py": "deep\n",
    "tests/test_mine.py": "from demo import features\n",
}
RENAME = ("--to", ":current:", "--set", "project_name=birds")


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", FIRST)


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo").commit(MINE)


def test_the_users_code_moves_with_the_package(demo: Repo) -> None:
    mlfactory("update", demo.path, *RENAME)
    assert demo.text("src/birds/features.py") == "my features\n"
    assert demo.text("src/birds/model.py") == "model of the template\n"
    assert demo.text("readme.txt") == "birds\n"
    assert not demo.has("src/demo")
    assert demo.dirt == ""


def test_what_was_put_beside_it_moves_too(demo: Repo) -> None:
    mlfactory("update", demo.path, *RENAME)
    assert demo.text("src/birds/metrics.py") == "my metric\n"
    assert demo.text("src/birds/parts/deep.py") == "deep\n"


def test_the_plan_calls_it_renamed(demo: Repo) -> None:
    rows = {c["path"]: (c["state"], c["note"]) for c in plan(demo, *RENAME)["changes"]}
    for name in ("features.py", "metrics.py", "model.py", "core.py", "parts/deep.py"):
        assert rows[f"src/birds/{name}"] == ("renamed", f"was src/demo/{name}")


def test_edits_of_the_templates_own_files_move_along(demo: Repo) -> None:
    demo.commit({"src/demo/__init__.py": "import os\n"})
    demo.commit({"src/demo/core.py": f"# demo\n{edited(9, 'ours')}"})
    mlfactory("update", demo.path, *RENAME)
    assert demo.text("src/birds/__init__.py") == "import os\n"
    assert demo.text("src/birds/core.py") == f"# birds\n{edited(9, 'ours')}"


def test_a_newer_version_and_a_new_name_at_once(demo: Repo, source: Repo) -> None:
    changes = {f"{PACKAGE}/features.py": "newer\n", f"{PACKAGE}/extra.py": "extra\n"}
    release(source, "v1.1.0", changes)
    mlfactory("update", demo.path, "--set", "project_name=birds")
    assert demo.text("src/birds/features.py") == "my features\n"
    assert demo.text("src/birds/extra.py") == "extra\n"
    assert not demo.has("src/demo")


def test_what_the_user_deleted_does_not_come_back_under_the_new_name(demo: Repo) -> None:
    demo.commit({"src/demo/model.py": None})
    content = plan(demo, *RENAME)
    assert {"path": "src/demo/model.py", "state": "kept deleted"}.items() <= next(
        c for c in content["changes"] if c["path"] == "src/demo/model.py"
    ).items()
    mlfactory("update", demo.path, *RENAME)
    assert not demo.has("src/birds/model.py")


def test_what_the_user_renamed_does_not_come_back_either(demo: Repo) -> None:
    demo.git("mv", "src/demo/model.py", "src/demo/estimator.py")
    demo.commit()
    mlfactory("update", demo.path, *RENAME)
    assert demo.text("src/birds/estimator.py") == "model of the template\n"
    assert not demo.has("src/birds/model.py")


def test_there_and_back_is_as_before(demo: Repo) -> None:
    before = demo.tree()
    mlfactory("update", demo.path, *RENAME)
    mlfactory("update", demo.path, "--to", ":current:", "--set", "project_name=demo")
    assert demo.tree() == before


def test_in_a_subdirectory(source: Repo, tmp_path: Path) -> None:
    repo = project(source, tmp_path / "demo").commit(MINE)
    (repo.path / "inner").mkdir()
    for name in ("src", "tests", "readme.txt", ".copier-answers.yml"):
        repo.git("mv", name, f"inner/{name}")
    repo.commit({"src/demo/other.py": "of another project\n"})
    mlfactory("update", repo.path / "inner", *RENAME)
    assert repo.text("inner/src/birds/features.py") == "my features\n"
    assert repo.text("src/demo/other.py") == "of another project\n"


def test_what_only_the_user_can_mend_is_named(demo: Repo) -> None:
    demo.commit({".gitignore": "*.env\n"})
    demo.write({"src/demo/secret.env": "A=1\n", "src/demo/__pycache__/a.pyc": "", "other.txt": ""})
    notes = plan(demo, *RENAME)["warnings"]
    assert any("src/demo/secret.env" in text and "move it to src/birds" in text for text in notes)
    assert any("still name demo: tests/test_mine.py" in text for text in notes)
    assert not any("pycache" in text or "other.txt" in text for text in notes)


def test_where_something_stands_already_nothing_is_overwritten(demo: Repo) -> None:
    demo.commit({"src/birds/features.py": "other\n"})
    mlfactory("update", demo.path, *RENAME)
    assert demo.text("src/birds/features.py") == "other\n"
    assert demo.text("src/demo/features.py") == "my features\n"


SWAPPED = {
    "copier.yml": """
_subdirectory: tree
a: {type: str, default: one}
b: {type: str, default: two}
""",
    ANSWERS: "{{ _copier_answers | to_nice_yaml }}",
    "tree/{{ a }}/x.txt": TEXT,
    "tree/{{ b }}/y.txt": TEXT.replace("line", "row"),
}


@pytest.mark.parametrize(
    ("answers", "places"),
    [
        (("a=two", "b=one"), ("two/mine.txt", "one/yours.txt")),
        (("a=one/inner",), ("one/inner/mine.txt", "two/yours.txt")),
    ],
)
def test_folders_that_change_places_take_along_what_is_in_them(
    tmp_path: Path, answers: tuple[str, ...], places: tuple[str, str]
) -> None:
    demo = project(template(tmp_path / "template", SWAPPED), tmp_path / "demo")
    demo.commit({"one/mine.txt": "mine\n", "two/yours.txt": "yours\n"})
    options = [part for one in answers for part in ("--set", one)]
    mlfactory("update", demo.path, "--to", ":current:", *options)
    assert [demo.text(name) for name in places] == ["mine\n", "yours\n"]
    assert len(demo.git("ls-files").split()) == 5
    assert demo.dirt == ""


def test_a_file_that_is_called_after_the_answer(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "copier.yml": "_subdirectory: tree\n_skip_if_exists: ['*.cfg']\nname: {default: demo}\n",
        ANSWERS: FIRST[ANSWERS],
        "tree/{{ name }}.cfg": "default\n",
    }
    repo = project(template(tmp_path / "template", files), tmp_path / "p")
    repo.commit({"demo.cfg": "mine\n"})
    mlfactory("update", repo.path, "--to", ":current:", "--set", "name=birds")
    assert (repo.text("birds.cfg"), repo.has("demo.cfg")) == ("mine\n", False)


def test_a_cookiecutter_project(tmp_path: Path) -> None:
    """cruft's skip makes a file the user's, by its old name."""
    source = template(
        tmp_path / "template",
        {
            "cookiecutter.json": '{"slug": "p", "package": "demo"}',
            "{{cookiecutter.slug}}/{{cookiecutter.package}}/model.py": "default\n",
        },
    )
    record = {
        "template": str(source.path),
        "commit": source.head,
        "checkout": None,
        "context": {"cookiecutter": {"slug": "p", "package": "demo"}},
        "directory": None,
        "skip": ["demo/model.py"],
    }
    from .evolving import init

    repo = init(tmp_path / "p").commit(
        {".cruft.json": json.dumps(record), "demo/model.py": "mine\n", "demo/more.py": "more\n"}
    )
    mlfactory("update", repo.path, "--to", ":current:", "--set", "package=birds")
    assert (repo.text("birds/model.py"), repo.text("birds/more.py")) == ("mine\n", "more\n")
