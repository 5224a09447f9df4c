"""`mlfactory template import`: a cookiecutter template as a copier template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from .evolving import Repo, init, mlfactory, render
from .test_cookiecutter import FILES, MODULE, TOP, VARIABLES

RAW = "{% raw %}{{ cookiecutter.name }}{% endraw %}"
POST = """import shutil
from pathlib import Path

if "{{ cookiecutter.tests }}" == "False":
    Path("tests.txt").unlink(missing_ok=True)
shutil.rmtree("docs")
"""
SHELL = "#!/bin/sh\nif false; then exit 1; fi\nexit 1\ngit init\n"


def source(path: Path, files: dict[str, str], variables: dict[str, Any]) -> Repo:
    return init(path).commit({**files, "cookiecutter.json": json.dumps(variables)})


def bring(repo: Repo, *argv: object, code: int = 0) -> Any:
    out = repo.path.parent / "copier"
    done = mlfactory(
        "template", "import", repo.path, out, "--json", *argv, cwd=repo.path, code=code
    )
    return json.loads(done.stdout)


def test_all_that_it_has_is_there_and_both_render_the_same(tmp_path: Path) -> None:
    more = {
        f"{TOP}/raw.txt": f"{RAW} and {{{{ cookiecutter['name'] }}}}\n",
        f"{TOP}/plain.txt": "cookiecutter.name stays in a text\n",
        f"{TOP}/image.png": "\x89PNG\0\0",
    }
    report = bring(source(tmp_path / "template", {**FILES, **more}, VARIABLES))
    assert report["proof"] == {"cases": 4, "differences": [], "error": ""}
    assert report["questions"] == ["name", "slug", "colour", "tests", "size", "limits"]
    assert report["computed"] == ["private_internal", "private_shout"]
    out = Repo(tmp_path / "copier")
    document = yaml.safe_load(out.text("copier.yml"))
    assert document["colour"]["choices"] == ["red", "green", "{{ slug }}-blue"]
    assert document["slug"]["default"] == "{{ name|lower|replace(' ', '-') }}"
    assert out.has(f"template/src/{MODULE.replace('cookiecutter.', '')}.jinja")
    assert out.has("template/as-is.raw")
    assert out.text("template/plain.txt") == "cookiecutter.name stays in a text\n"


def test_what_it_renders_is_a_project_that_can_be_updated(tmp_path: Path) -> None:
    bring(source(tmp_path / "template", FILES, VARIABLES))
    out = init(tmp_path / "copier").commit()
    out.git("tag", "v1.0.0")
    project = render(out, tmp_path / "project")
    assert project.text("README.md").startswith("# Some Thing\n\nIt is red.\n")
    assert "_commit: v1.0.0" in project.text(".copier-answers.yml")


def test_prompts_become_help(tmp_path: Path) -> None:
    prompts = {
        "name": "What is it called?",
        "colour": {"__prompt__": "Which colour?", "red": "Red, like blood", "green": "Green"},
    }
    variables = {"name": "thing", "colour": ["red", "green"], "__prompts__": prompts}
    bring(source(tmp_path / "template", {"{{cookiecutter.name}}/a.txt": "a\n"}, variables))
    document = yaml.safe_load((tmp_path / "copier/copier.yml").read_text())
    assert document["name"]["help"] == "What is it called?"
    assert document["colour"]["choices"] == {"Red, like blood": "red", "Green": "green"}


def test_hooks_are_reported_as_what_they_do_and_never_run(tmp_path: Path) -> None:
    hooks = {"hooks/post_gen_project.py": POST, "hooks/pre_gen_project.sh": SHELL}
    report = bring(source(tmp_path / "template", {**FILES, **hooks}, VARIABLES), code=4)
    rows = [(one["file"], one["line"], one["what"]) for one in report["hooks"]]
    assert rows == [
        ("hooks/post_gen_project.py", 5, "removes files"),
        ("hooks/post_gen_project.py", 6, "removes files"),
        ("hooks/pre_gen_project.sh", 3, "refuses answers"),
        ("hooks/pre_gen_project.sh", 4, "runs a program"),
    ]
    assert report["proof"]["differences"] == []


def test_what_copier_does_not_know_is_named_by_file_and_line(tmp_path: Path) -> None:
    files = {f"{TOP}/a.txt": "one\n{{ cookiecutter.name | slugify }}\n{{ cookiecutter }}\n"}
    report = bring(source(tmp_path / "template", files, VARIABLES), code=4)
    assert report["leftovers"] == [
        {"file": "template/a.txt.jinja", "line": 2, "word": "slugify"},
        {"file": "template/a.txt.jinja", "line": 3, "word": "cookiecutter"},
    ]
    assert report["proof"]["error"]


def test_a_difference_is_told(tmp_path: Path) -> None:
    """Of files with Jinja in them, copier does not keep the line ends of Windows."""
    files = {f"{TOP}/a.txt": "{{ cookiecutter.name }}\r\nnext\r\n"}
    variables = {"name": "x", "slug": "y"}
    report = bring(source(tmp_path / "template", files, variables), code=4)
    different = [["defaults", "a.txt", "its content or its mode differs"]]
    assert report["proof"]["differences"][:1] == different


def test_files_with_the_suffix_of_copier_stay_what_they_are(tmp_path: Path) -> None:
    files = {f"{TOP}/a.jinja": "as it is\n", f"{TOP}/b.txt": "{{ cookiecutter.name }}\n"}
    report = bring(source(tmp_path / "template", files, VARIABLES))
    assert report["proof"]["differences"] == []
    assert (tmp_path / "copier/template/b.txt.copier-jinja").exists()


def test_a_folder_and_what_is_no_template(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "plain").write({"readme.txt": "nothing\n"})
    said = mlfactory("template", "import", repo.path, tmp_path / "out", cwd=tmp_path, code=1).stderr
    assert "is no cookiecutter template" in said
    repo.write({"cookiecutter.json": '{"name": "x"}', "{{cookiecutter.name}}/a.txt": "a\n"})
    mlfactory("template", "import", repo.path, tmp_path / "out", cwd=tmp_path)
    again = mlfactory("template", "import", repo.path, tmp_path / "out", cwd=tmp_path, code=2)
    assert "is there already" in again.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "plain"]
