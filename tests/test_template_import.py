"""`mlfactory template import`: a cookiecutter template as a copier template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.adopt.conversion import Import, convert
from mlfactory.base.errors import UsageError

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
        ("hooks/pre_gen_project.sh", 2, "refuses answers"),
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


NAME = "{{cookiecutter.name}}"
SAME: dict[str, tuple[dict[str, Any], dict[str, str | bytes]]] = {
    "choices that are rendered": (
        {"name": "x", "licence": ["MIT", "BSD of {{ cookiecutter.name }}", "none"]},
        {"a.txt": "{{ cookiecutter.licence }}{% if cookiecutter.licence == 'MIT' %}!{% endif %}\n"},
    ),
    "loops over dictionaries": (
        {"name": "x", "rows": {"b": {"n": "1", "of": ["p", "q"]}, "a": {"n": "2", "of": []}}},
        {
            "a.txt": "{% for k, v in cookiecutter.rows|dictsort %}{{ k }}={{ v.n }}"
            "{% for i in v.of %} {{ loop.index }}{{ i }}{% endfor %}\n{% endfor %}"
            "{{ cookiecutter['rows']['b'].n }}\n"
        },
    ),
    "private ones keep their types": (
        {"name": "X y", "_n": 3, "_b": True, "_l": [1, {"a": 2}], "_t": "{{ cookiecutter.name }}"},
        {"a.txt": "{{ cookiecutter._n + 1 }} {{ cookiecutter._b }} {{ cookiecutter._l[1].a + 1 }}"
         " {{ cookiecutter._t }}\n"},
    ),
    "private ones that follow from another": (
        {"name": "X y", "__s": "{{ cookiecutter.name|lower }}", "__t": "{{ cookiecutter.__s }}!"},
        {"a.txt": "{{ cookiecutter.__t }}\n"},
    ),
    "names that meet": (
        {"name": "x", "s": "1", "_s": "2", "__s": "3", "private_s": "4"},
        {"a.txt": "{{cookiecutter.s}}{{cookiecutter._s}}"
         "{{cookiecutter.__s}}{{cookiecutter.private_s}}\n"},
    ),
    "names that Jinja and copier have": (
        {"name": "x", "now": "z", "loop": "l", "range": "r", "type": "t"},
        {"a.txt": "{% for i in [1] %}{{ loop.index }}{{ cookiecutter.loop }}{% endfor %}"
         "{{ cookiecutter.now }}{{ cookiecutter.range }}{{ cookiecutter.type }}\n"},
    ),
    "names that a file binds itself": (
        {"name": "x", "item": "mine", "n": "outer"},
        {"a.txt": "{% for item in ['a'] %}{{ item }}{{ cookiecutter.item }}{% endfor %}"
         "{% macro m(n) %}{{ n }}{{ cookiecutter.n }}{% endmacro %}{{ m('in') }}"
         "{% set name = 'other' %}{{ name }}{{ cookiecutter.name }}\n"},
    ),
    "names that are no words": (
        {"name": "x", "my-var": "q", "Big Name": "b"},
        {"a.txt": "{{ cookiecutter['my-var'] }}{{ cookiecutter['Big Name'] }}\n"},
    ),
    "only copied, as whole paths": (
        {"name": "x", "_copy_without_render": ["*.html", "static", "a/*.md", "x/*", "*/y.txt"]},
        {
            "deep/er/a.html": "{{ z }}\n",
            "static/s/{{cookiecutter.name}}.txt": "{{ z }}\n",
            "a/b/c.md": "{{ z }}\n",
            "no.txt": "{{ cookiecutter.name }}\n",
            "other/static/a.txt": "{{ cookiecutter.name }}\n",
            "{{cookiecutter.name}}/y.txt": "{{ z }}\n",
        },
    ),
    "names that hold a condition": (
        {"name": "x", "docs": ["y", "n"]},
        {"{% if cookiecutter.docs == 'y' %}docs.md{% endif %}": "d\n", "keep.txt": "k\n"},
    ),
    "bytes, marks and blanks": (
        {"name": "x"},
        {
            "b.bin": bytes(range(256)) * 4,
            "mark.txt": "\ufeff{{ cookiecutter.name }}\n",
            "a b/c d.txt": "{{ cookiecutter.name }}",
            " lead.txt": "{{ cookiecutter.name }}\n\n\n",
            ".env": "{{ cookiecutter.name }}\n",
        },
    ),
}  # fmt: skip


def cookie(place: Path, variables: dict[str, Any], files: dict[str, str | bytes]) -> Import:
    repo = Repo(place / "template").write({f"{NAME}/{name}": text for name, text in files.items()})
    repo.write({"cookiecutter.json": json.dumps(variables)})
    return convert(str(repo.path), str(place / "copier"))


@pytest.mark.parametrize("kind", SAME)
def test_each_kind_renders_to_equal_trees(kind: str, tmp_path: Path) -> None:
    report = cookie(tmp_path, *SAME[kind])
    assert (report.proof.error, report.proof.differences) == ("", ())
    assert report.proof.is_equal
    assert report.leftovers == ()


def test_links_are_what_they_lead_to_and_bits_stay(tmp_path: Path) -> None:
    top = tmp_path / "template" / NAME
    (top / "d").mkdir(parents=True)
    (top / "{{cookiecutter.name}}.sh").write_text("echo {{ cookiecutter.name }}\n")
    (top / "{{cookiecutter.name}}.sh").chmod(0o755)
    (top / "{{cookiecutter.name}}-link").symlink_to("{{cookiecutter.name}}.sh")
    (top / "folder").symlink_to("d")
    report = cookie(tmp_path, {"name": "x"}, {"d/a.txt": "a\n"})
    assert (report.proof.error, report.proof.differences) == ("", ())
    link = tmp_path / "copier/template/{{name}}-link.jinja"
    assert (link.is_symlink(), link.stat().st_mode & 0o111) == (False, 0o111)


@pytest.mark.parametrize(
    "table",
    [
        {"templates": {"one": {"path": "./one", "title": "One"}, "two": {"path": "./two"}}},
        {"template": ["One (./one)", "Two (./two)"]},
    ],
)
def test_of_several_templates_each_is_imported_by_its_folder(
    table: dict[str, Any], tmp_path: Path
) -> None:
    repo = Repo(tmp_path / "many").write({"cookiecutter.json": json.dumps(table)})
    repo.write({"two/cookiecutter.json": '{"name": "x"}', f"two/{NAME}/a.txt": "a\n"})
    with pytest.raises(UsageError, match="holds several templates: one, two") as error:
        convert(str(repo.path), str(tmp_path / "copier"))
    assert error.value.hint == "Import one of them: --directory one"
    assert convert(str(repo.path), str(tmp_path / "copier"), "", "two").proof.is_equal


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"_extensions": ["jinja2.ext.do"]}, "_extensions"),
        ({"_jinja2_env_vars": {"comment_start_string": "<#"}}, "comment_start_string"),
    ],
)
def test_settings_without_a_counterpart_are_named(
    setting: dict[str, Any], word: str, tmp_path: Path
) -> None:
    report = cookie(tmp_path, {"name": "x", **setting}, {"a.txt": "a\n"})
    assert [left.word for left in report.leftovers] == [word]
    assert report.needs_attention


def test_whatever_a_hook_does_is_named(tmp_path: Path) -> None:
    python = "import os\nopen('read.me')\nif '{{ cookiecutter.name }}' == 'n':\n"
    python += "    raise ValueError('no')\nopen('f', 'w')\nos.symlink('a', 'b')\n"
    shell = "#!/bin/bash\nset -e\ncd docs\n# rm\nif [ a = b ]; then rm a && docker build .; fi\n"
    shell += "X=1\necho hi > out.txt\necho 2>&1\nsudo terraform init\n  sed -i s/a/b/ x\n"
    repo = Repo(tmp_path / "template").write({"hooks/pre_gen_project.py": python})
    repo.write({"hooks/post_gen_project.sh": shell})
    rows = [(one.line, one.what) for one in cookie(tmp_path, {"name": "x"}, {"a": "a\n"}).hooks]
    assert rows == [
        (5, "removes files"),
        (5, "runs a program"),
        (7, "writes files"),
        (9, "runs a program"),
        (10, "writes files"),
        (4, "refuses answers"),
        (5, "writes files"),
        (6, "moves or copies files"),
    ]
