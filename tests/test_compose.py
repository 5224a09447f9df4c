"""A company's template: composed on top of a release, published, and followed by its factories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.base.errors import UsageError
from mlfactory.compose.company import refuse_secrets
from mlfactory.compose.rules import Rule

from .companies import HEADER, IMAGE, RUNNER, conventions
from .evolving import Repo, init, mlfactory, release, template

WORKFLOW = "tree/{% if ci == 'github' %}.github{% endif %}/workflows/ci.yml"
SMALL: dict[str, str | bytes | None] = {
    "copier.yml": (
        "_subdirectory: tree\n"
        "project_name: {type: str, default: demo}\n"
        "ci: {type: str, choices: [github, none], default: github}\n"
        "lake: {type: str, default: '', when: \"{{ lake is defined and lake != '' }}\"}\n"
    ),
    "CHANGELOG.md": "# Changelog\n\n- The first.\n",
    "tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "tree/Dockerfile": "FROM python:3.12\nRUN true\n",
    WORKFLOW: "jobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps: []\n",
    "tree/src/code.py.jinja": '"""{{ project_name }}"""\n',
    "tree/steps.yml.jinja": (
        "steps:\n  - first\n  {%- include 'template/slots/setup' ignore missing %}\n  - last\n"
    ),
    "tree/README.md.jinja": (
        "# {{ project_name }}\n{%- include 'template/slots/readme' ignore missing %}\n"
    ),
}
Compose = Callable[..., dict[str, Any]]


@pytest.fixture
def upstream(tmp_path: Path) -> Repo:
    return template(tmp_path / "upstream", SMALL)


@pytest.fixture
def shop(tmp_path: Path) -> Repo:
    """The company's own repository, as a forge makes it."""
    return init(tmp_path / "shop.git", "--bare")


@pytest.fixture
def compose(tmp_path: Path, upstream: Repo, shop: Repo) -> Compose:
    """Compose with these changes of company.yml; a refusal's text with a code."""

    def run(
        *argv: str,
        changes: Mapping[str, Any] | None = None,
        code: int | None = 0,
        url: object = shop.path,
    ) -> dict[str, Any]:
        file = conventions(tmp_path / "acme", {"upstream": str(upstream.path), **(changes or {})})
        where = ("--publish", url) if url else ()
        done = mlfactory("template", "compose", file, *where, "--json", *argv, code=code)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    return run


def tags(repo: Repo) -> list[str]:
    return repo.git("tag").split()


def test_a_version_has_upstream_s_files_with_what_the_company_asks_for(
    compose: Compose, shop: Repo, upstream: Repo
) -> None:
    result = compose()
    assert (result["version"], result["new"], result["done"]) == ("v1.0.0.post1", True, True)
    assert tags(shop) == ["v1.0.0.post1"]
    assert shop.git("rev-parse", "template").strip() == result["commit"]
    assert result["parents"] == [upstream.head]
    ours = {name: shop.git("show", f"template:{name}") for name in shop.tree("template")}
    assert ours["tree/Dockerfile"] == f"FROM {IMAGE}3.12\nRUN true\n"
    assert RUNNER in ours[WORKFLOW]
    assert ours["tree/src/code.py.jinja"] == f'{HEADER}\n"""{{{{ project_name }}}}"""\n'
    assert ours["tree/{% if ci == 'github' %}.github{% endif %}/CODEOWNERS"] == "* @acme/ml\n"
    assert ours["tree/docs/cost.md.jinja"] == "Cost centre {{ cost_centre }} pays.\n"


def test_the_same_input_is_the_same_commit_everywhere(
    compose: Compose, tmp_path: Path, shop: Repo
) -> None:
    elsewhere = init(tmp_path / "elsewhere.git", "--bare")
    first, second = compose(), compose(url=elsewhere.path)
    assert first["commit"] == second["commit"]
    again = compose()
    assert (again["new"], again["version"]) == (False, "v1.0.0.post1")
    assert tags(shop) == ["v1.0.0.post1"]


def test_the_next_release_is_taken_by_factories_that_keep_one_record(
    compose: Compose, shop: Repo, upstream: Repo, tmp_path: Path
) -> None:
    compose()
    argv = ("new", "churn", "--template", shop.path, "--defaults", "--no-setup")
    said = mlfactory(*argv, cwd=tmp_path, code=2).stderr
    assert "asks cost_centre, and no default can be right" in said
    assert "--set cost_centre=VALUE" in said
    mlfactory(*argv, "--set", "cost_centre=CC-0007", cwd=tmp_path)
    churn = Repo(tmp_path / "churn")
    assert churn.text("docs/cost.md") == "Cost centre CC-0007 pays.\n"
    import copier

    options: dict[str, Any] = {"defaults": True, "quiet": True, "overwrite": True}
    centre = {"cost_centre": "CC-0008"}
    copier.run_copy(str(shop.path), tmp_path / "plain", data=centre, **options)
    plain = init(tmp_path / "plain").commit()
    release(
        upstream,
        "v1.1.0",
        {
            "tree/src/more.py": "MORE = 1\n",
            "tree/notes.txt": "new\n",
            "CHANGELOG.md": "# Changelog\n\n- More of it.\n\n- The first.\n",
        },
    )
    first = shop.git("rev-parse", "v1.0.0.post1").strip()
    result = compose()
    assert result["version"] == "v1.1.0.post1"
    assert result["parents"] == [first, upstream.head]
    assert result["uncovered"] == ["notes.txt"]
    assert tags(shop) == ["v1.0.0.post1", "v1.1.0.post1"]
    told = mlfactory("update", "--defaults", cwd=churn.path).stdout
    assert "- More of it." in told
    assert churn.text("src/more.py") == f"{HEADER}\nMORE = 1\n"
    assert churn.has("SECURITY.md")
    record = yaml.safe_load(churn.text(".copier-answers.yml"))
    assert (record["_commit"], record["cost_centre"]) == ("v1.1.0.post1", "CC-0007")
    assert len([*churn.path.glob(".copier-answers*")]) == 1
    copier.run_update(plain.path, **options)
    assert plain.text("src/more.py") == f"{HEADER}\nMORE = 1\n"
    assert yaml.safe_load(plain.text(".copier-answers.yml"))["cost_centre"] == "CC-0008"
    news = mlfactory("template", "changelog", "--template", shop.path).stdout
    assert "Acme's own" in news


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"files": "Dokerfile", "find": "x", "put": "y"}, "selects no file: Dokerfile"),
        ({"files": "Dockerfile", "find": "^FROM ruby", "put": "y"}, "matches nothing in any of"),
        ({"files": "Dockerfile", "find": r"3\.(\d+)", "put": r"3.\g<1>1"}, "does not settle"),
        (
            {"files": ["Dockerfile", "code.py"], "find": "FROM", "put": "From", "every": True},
            "matches nothing in src/code.py",
        ),
        ({"files": "Dockerfile", "find": "FROM", "put": "{{ ci }}"}, "which is copied as it is"),
        ({"files": "ci.yml", "find": "steps: ..", "put": "steps: [x"}, "while parsing a flow"),
        ({"files": "code.py", "find": '"""', "put": "x y"}, "ci=github: src/code.py: invalid"),
    ],
)
def test_a_rule_that_cannot_be_right_is_refused_and_nothing_is_pushed(
    compose: Compose, shop: Repo, rule: dict[str, Any], text: str
) -> None:
    result = compose(changes={"rules": [{"name": "odd", **rule}]}, code=1)
    assert text in result["error"]
    assert result["hint"]
    assert rule["files"] != "Dokerfile" or "instance: Dockerfile, " in result["hint"]
    assert tags(shop) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"rule": []}, "has no entry rule"),
        ({"rules": [{"files": "*.py"}]}, "is no rule"),
        ({"rules": [{"files": "*.py", "find": "(", "put": ""}]}, "rule 1: "),
        ({"rules": [{"files": "*.py", "find": "a", "put": r"\2"}]}, "rule 1: invalid group"),
        ({"slots": {"redme": "x"}}, "no slot redme"),
        ({"questions": {"centre": {"type": "str"}}}, "has no default"),
        ({"questions": {"centre": {"type": "str", "required": True}}}, "has no example"),
        ({"publish": "https://me:secret@git.example.com/t.git"}, "holds a credential"),
        ({"slots": {"readme": "https://me:secret@example.com"}}, "holds a credential"),
        ({"files": "nowhere"}, "which is not there"),
        ({"format": 7}, "has the format 7"),
        ({"name": None}, "names no company"),
        ({"name": "Acme\nLabs"}, "is more than a line"),
        ({"questions": {"ci": {"default": "gitlab"}}}, "default of the question ci is none of its"),
        (
            {"questions": {"site": {"type": "int", "choices": {"B": 1}, "example": 2}}},
            "the example of the question site is none of its choices: 2",
        ),
        ({"slots": {"readme": f"ghp_{'a' * 36}"}}, "holds a credential"),
        ({"questions": {"forge": {"default": "none"}}}, "forge has no type, and upstream asks"),
        ({"questions": {"lake": {"default": "s3"}}}, "lake is asked only of those who answer it"),
        ({"questions": {"lake": {"required": True, "example": "x"}}}, "no project would record"),
        ({"once": "docs/price.md"}, "once names docs/price.md, and no project has such a file"),
    ],
)
def test_a_company_yml_that_is_wrong_is_refused_by_the_entry(
    compose: Compose, shop: Repo, changes: dict[str, Any], text: str
) -> None:
    result = compose(changes=changes, code=1 if "format" in changes else 2, url="")
    assert text in result["error"]
    assert "secret" not in result["error"]
    assert tags(shop) == []


def test_slots_are_filled_where_they_are_and_leave_no_trace_without(
    compose: Compose, shop: Repo, upstream: Repo, tmp_path: Path
) -> None:
    import copier

    copier.run_copy(str(upstream.path), tmp_path / "plain", defaults=True, quiet=True)
    assert (tmp_path / "plain/steps.yml").read_text() == "steps:\n  - first\n  - last\n"
    assert (tmp_path / "plain/README.md").read_text() == "# demo\n"
    compose(changes={"slots": {"setup": "- ours\n- {{ ci }}", "readme": "Ask us."}})
    answers = {"cost_centre": "CC-0001"}
    copier.run_copy(str(shop.path), tmp_path / "ours", data=answers, defaults=True, quiet=True)
    steps = (tmp_path / "ours/steps.yml").read_text()
    assert steps == "steps:\n  - first\n  - ours\n  - github\n  - last\n"
    assert (tmp_path / "ours/README.md").read_text() == "# demo\n\nAsk us.\n"


def test_a_file_in_place_of_upstream_s_and_one_that_is_the_user_s(
    compose: Compose, shop: Repo, tmp_path: Path
) -> None:
    (tmp_path / "acme/files/src").mkdir(parents=True)
    (tmp_path / "acme/files/src/code.py").write_text("OURS = 1\n")
    changes = {"once": ["docs/cost.md"], "questions": {"ci": {"default": "none"}}}
    compose(changes={**changes, "rules": None})
    files = shop.tree("template")
    assert "tree/src/code.py" in files
    assert "tree/src/code.py.jinja" not in files
    argv = ("new", "churn", "--template", shop.path, "--defaults", "--no-setup")
    mlfactory(*argv, cwd=tmp_path)
    churn = Repo(tmp_path / "churn")
    assert churn.text("src/code.py") == "OURS = 1\n"
    assert not churn.has(".github")
    churn.commit({"docs/cost.md": "ours\n"})
    (tmp_path / "acme/files/docs/cost.md.jinja").write_text("theirs\n")
    compose(changes={**changes, "rules": None})
    mlfactory("update", "--defaults", cwd=churn.path)
    assert (churn.text("docs/cost.md"), churn.dirt) == ("ours\n", "")


def test_a_change_of_the_company_s_own_is_the_next_post_release(
    compose: Compose, shop: Repo
) -> None:
    compose()
    result = compose(changes={"untouched": ["*.txt"], "name": "Müller & Söhne"})
    assert result["version"] == "v1.0.0.post2"
    assert shop.git("log", "-1", "--format=%s", "template") == "Müller & Söhne v1.0.0.post2\n"
    assert result["changelog"] == "## v1.0.0.post2\n"
    assert tags(shop) == ["v1.0.0.post1", "v1.0.0.post2"]


def test_a_trial_pushes_nothing_and_needs_no_repository(compose: Compose, shop: Repo) -> None:
    assert not compose("--dry-run")["done"]
    assert tags(shop) == []
    result = compose(url="")
    assert (result["version"], result["done"], result["url"]) == ("v1.0.0.post1", False, "")


def test_what_upstream_lacks_and_what_is_older_is_refused(
    compose: Compose, upstream: Repo, shop: Repo
) -> None:
    release(upstream, "v1.1.0", {"tree/b.py": "B = 1\n"})
    compose()
    assert "is older than v1.1.0" in compose("--on", "v1.0.0", code=2)["error"]
    assert "has no version v9" in compose("--on", "v9", code=2)["error"]
    upstream.commit({"tree/c.py": "C = 1\n"})
    assert "is no release" in compose("--on", "main", code=2)["error"]
    assert tags(shop) == ["v1.1.0.post1"]


def test_a_branch_of_others_is_left_alone(compose: Compose, shop: Repo, tmp_path: Path) -> None:
    other = init(tmp_path / "other").commit({"a": "a\n"})
    other.git("push", "--quiet", shop.path, "main:template")
    assert "holds commits and no version of yours" in compose(code=1)["error"]
    assert tags(shop) == []
    assert compose(changes={"branch": "composed"})["done"]


def test_upstream_s_own_tags_in_the_company_s_repository_are_named(
    compose: Compose, upstream: Repo, shop: Repo
) -> None:
    upstream.git("push", "--quiet", shop.path, "v1.0.0")
    (text,) = [text for text in compose()["warnings"] if "upstream's own tags" in text]
    assert "git push --delete" in text


def test_a_factory_of_upstream_s_own_moves_to_the_company_s_template(
    compose: Compose, upstream: Repo, shop: Repo, tmp_path: Path
) -> None:
    argv = ("new", "churn", "--template", upstream.path, "--defaults", "--no-setup")
    mlfactory(*argv, cwd=tmp_path)
    churn, first = Repo(tmp_path / "churn"), upstream.head
    release(upstream, "v1.1.0", {"tree/notes.txt": "new\n"})
    compose()
    move = json.loads(mlfactory("template", "use", shop.path, "--json", cwd=churn.path).stdout)
    assert first.startswith(move["version"])
    (report,) = json.loads(mlfactory("status", "--json", cwd=churn.path).stdout)["projects"]
    assert (report["newest"], report["behind"]) == ("v1.1.0.post1", True)
    assert any("mlfactory update --set cost_centre=VALUE" in text for text in report["warnings"])
    said = mlfactory("update", "--defaults", cwd=churn.path, code=2).stderr
    assert "hint: Add --set cost_centre=VALUE." in said
    mlfactory("update", "--defaults", "--set", "cost_centre=CC-0001", cwd=churn.path)
    assert (churn.has("SECURITY.md"), churn.has("notes.txt"), churn.dirt) == (True, True, "")
    assert churn.text("Dockerfile").startswith(f"FROM {IMAGE}")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"slots": {"readme": "  "}}, "filled with nothing"),
        ({"slots": {"readme": ["x"]}}, "readme of slots in"),
        ({"branch": "a..b"}, "is no name of a branch"),
        ({"branch": "-x"}, "is no name of a branch"),
        ({"combinations": [{"nope": "x"}]}, "combinations answers nope"),
        ({"rules": [{"files": "Dockerfile", "find": "true"}]}, "is no rule"),
        ({"rules": [{"files": "Dockerfile", "find": None, "put": "x"}]}, "find is no text"),
        ({"questions": {"centre": {"type": "str", "defaul": "x"}}}, "has no entry defaul"),
        ({"questions": {"_tasks": {"type": "str", "default": "x"}}}, "the question _tasks is none"),
        (
            {
                "questions": {
                    "key": {"type": "str", "secret": True, "required": True, "example": "x"}
                }
            },
            "is secret, and copier records no answer",
        ),
    ],
)
def test_an_entry_that_would_do_nothing_or_something_else_is_refused(
    compose: Compose, shop: Repo, changes: dict[str, Any], text: str
) -> None:
    assert text in compose(changes={"rules": None, **changes}, code=2)["error"]
    assert tags(shop) == []


@pytest.mark.parametrize(
    ("files", "slots", "text"),
    [
        ({"README.md": "# Ours\n"}, {"readme": "Ask us."}, "no file has the slot readme any more"),
        ({"src": "x\n"}, {}, "is a file of yours, and a folder"),
        ({"Dockerfile/x": "x\n"}, {}, "is a file, and yours a folder"),
        ({"src/a.py": "A = 1\n", "src/a.py.jinja": "A = 2\n"}, {}, "stands there twice"),
        ({"readme.md": "# Ours\n"}, {}, "are one file where case does not count"),
        ({".copier-answers.yml": "a: b\n"}, {}, "records no template"),
    ],
)
def test_files_that_cannot_stand_beside_upstream_s_are_refused(
    compose: Compose, tmp_path: Path, shop: Repo, files: dict[str, str], slots: Any, text: str
) -> None:
    for name, content in files.items():
        (tmp_path / "acme/files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "acme/files" / name).write_text(content)
    assert text in compose(changes={"rules": None, "slots": slots}, code=None)["error"]
    assert tags(shop) == []


def test_rules_hold_in_files_that_were_written_on_windows(
    compose: Compose, upstream: Repo, shop: Repo
) -> None:
    release(
        upstream,
        "v1.1.0",
        {
            WORKFLOW: "jobs:\r\n  test:\r\n    runs-on: ubuntu-24.04\r\n    steps: []\r\n",
            "tree/src/code.py.jinja": '"""{{ project_name }}"""\r\n',
        },
    )
    compose()
    lines = shop.git("show", f"template:{WORKFLOW}")
    assert lines == f"jobs:\r\n  test:\r\n    {RUNNER}\r\n    steps: []\r\n"
    code = shop.git("show", "template:tree/src/code.py.jinja")
    assert code == f'{HEADER}\r\n"""{{{{ project_name }}}}"""\r\n'


def test_rules_reach_a_file_that_no_combination_of_answers_brings(
    compose: Compose, upstream: Repo, shop: Repo
) -> None:
    name = "tree/{% if project_name == 'rare' %}Dockerfile{% endif %}"
    release(upstream, "v1.1.0", {"tree/Dockerfile": None, name: "FROM python:3.12\n"})
    compose()
    assert shop.git("show", f"template:{name}") == f"FROM {IMAGE}3.12\n"


def test_a_question_of_which_several_answers_hold_is_tried_with_lists(
    compose: Compose, shop: Repo, tmp_path: Path
) -> None:
    regions = {"type": "str", "multiselect": True, "choices": ["eu", "us"], "default": ["eu"]}
    compose(changes={"questions": {"regions": regions}})
    argv = ("new", "churn", "--template", shop.path, "--defaults", "--no-setup")
    mlfactory(*argv, cwd=tmp_path)
    record = yaml.safe_load((tmp_path / "churn/.copier-answers.yml").read_text())
    assert record["regions"] == ["eu"]


@pytest.mark.parametrize(
    "first",
    [
        "---\nname: Model\nabout: ours\n---\n",
        "# syntax=docker/dockerfile:1\n# check=error=true\n",
        "#!/usr/bin/env python3\n# -*- coding: latin-1 -*-\n",
        '<?xml version="1.0"?>\n<!DOCTYPE html>\n',
        "\ufeff",
        "{%- set at =\n  1 -%}\n{% import 'a' as b %}\n",
    ],
)
def test_a_header_stands_behind_what_has_to_be_first(first: str) -> None:
    rule = Rule("licence", ("*",), header="Ours.\n")
    text, _ = rule.apply(f"{first}rest\n")
    assert text == f"{first}Ours.\nrest\n"
    assert rule.apply(text) == (text, 1)


@pytest.mark.parametrize("text", ["---\na: 1\n", "{% include 'page.md' %}\n", "# syntax: ours\n"])
def test_a_header_comes_first_where_nothing_has_to(text: str) -> None:
    assert Rule("licence", ("*",), header="Ours.\n").apply(text)[0] == f"Ours.\n{text}"


def test_answers_and_expressions_of_a_forge_are_what_they_are_in_any_file(
    compose: Compose, upstream: Repo, shop: Repo, tmp_path: Path
) -> None:
    jobs = "jobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps: [{run: '${{ github.ref }}'}]\n"
    folder = WORKFLOW.rpartition("/")[0]
    changes = {
        f"{folder}/plain.yml": jobs,
        f"{folder}/raw.yml.jinja": f"{{% raw %}}{jobs}{{% endraw %}}",
        f"{folder}/code.yml.jinja": jobs.replace("github.ref", "'{{ github.ref }}'"),
    }
    release(upstream, "v1.1.0", {**changes, WORKFLOW: None})
    runner = {
        "files": "**/workflows/*",
        "find": "runs-on: ubuntu.*$",
        "put": "runs-on: ${{ vars.RUNNER }}",
    }
    centre = {
        "files": ["raw.yml", "code.yml"],
        "find": "^  test:",
        "put": "  # {{ cost_centre }}\n  test:",
    }
    slots = {"setup": "- ${{ secrets.KEY }} {{ cost_centre }}"}
    compose(changes={"rules": [{**runner, "every": True}, centre], "slots": slots})
    assert (
        compose(changes={"rules": [{**runner, "every": True}, centre], "slots": slots})["new"] == 0
    )
    argv = ("new", "churn", "--template", shop.path, "--defaults", "--no-setup")
    mlfactory(*argv, "--set", "cost_centre=CC-0007", cwd=tmp_path)
    churn = Repo(tmp_path / "churn")
    assert "- ${{ secrets.KEY }} CC-0007\n" in churn.text("steps.yml")
    for name in ("plain", "raw", "code"):
        text = churn.text(f".github/workflows/{name}.yml")
        assert "    runs-on: ${{ vars.RUNNER }}\n" in text
        assert text.startswith(
            "jobs:\n  test:" if name == "plain" else "jobs:\n  # CC-0007\n  test:"
        )


def test_a_rule_may_put_something_beside_what_it_finds_and_upstream_may_take_it_over(
    compose: Compose, upstream: Repo, shop: Repo
) -> None:
    mirror = {"files": "Dockerfile", "find": "^FROM (?=python)", "put": "FROM mirror/"}
    setting = {"files": "Dockerfile", "find": "^RUN", "put": "ENV A=1\nRUN"}
    changes = {"rules": [mirror, {"name": "setting", **setting}]}
    assert not compose(changes=changes)["warnings"]
    ours = "FROM mirror/python:3.12\nENV A=1\nRUN true\n"
    assert shop.git("show", "template:tree/Dockerfile") == ours
    release(upstream, "v1.1.0", {"tree/Dockerfile": "FROM python:3.12\nENV A=1\nRUN true\n"})
    result = compose(changes=changes)
    assert shop.git("show", "template:tree/Dockerfile") == ours
    assert "rule setting changes nothing" in " ".join(result["warnings"])


def test_what_a_release_changes_for_files_and_rules_is_said(
    compose: Compose, upstream: Repo, shop: Repo, tmp_path: Path
) -> None:
    (tmp_path / "acme/files").mkdir(parents=True)
    (tmp_path / "acme/files/README.md").write_text("# Ours\n")
    release(upstream, "v1.1.0", {"tree/web/Dockerfile": "FROM python:3.12\nFROM python:3.11\n"})
    compose()
    changes = {
        "tree/web/Dockerfile": "FROM python:3.13\n",
        "tree/README.md.jinja": "# {{ project_name }}, better\n",
        "tree/Containerfile.jinja": "FROM python:3.13\n",
        "tree/src/tool.py": "TOOL = 1\n",
        "tree/notes.txt": "new\n",
    }
    release(upstream, "v1.2.0", changes)
    company = {"upstream": str(upstream.path), "publish": str(shop.path)}
    file = conventions(tmp_path / "acme", company)
    proposal = mlfactory("template", "compose", file, "--next", "--checks", "none").stdout
    assert "look at this: README.md stands in place of upstream's" in proposal
    result = compose()
    assert result["covered"] == [{"rules": ["header"], "files": ["src/tool.py"]}]
    assert result["uncovered"] == ["Containerfile", "notes.txt"]
    assert sorted(result["warnings"]) == [
        "Containerfile is new in upstream and has what the rule base image finds, and is not among "
        "its files",
        "README.md stands in place of upstream's, which has changed since v1.1.0: compare them",
        "the rule base image held at 2 places of web/Dockerfile on v1.1.0, and at 1 now",
    ]
    release(upstream, "v1.3.0", {"tree/README.md.jinja": None, "tree/ABOUT.md": "# About\n"})
    (text,) = compose()["warnings"]
    assert "README.md stood in place of upstream's, which went after v1.2.0" in text
    assert compose()["warnings"] == []


def test_a_question_of_the_company_s_stays_as_it_is_when_upstream_asks_it_too(
    compose: Compose, upstream: Repo, shop: Repo, tmp_path: Path
) -> None:
    more = "cost_centre: {type: int, default: 3, when: false, choices: [3, 4]}\n"
    release(upstream, "v1.1.0", {"copier.yml": f"{SMALL['copier.yml']}{more}"})
    (text,) = compose()["warnings"]
    assert "upstream asks cost_centre, too" in text
    argv = ("new", "churn", "--template", shop.path, "--defaults", "--no-setup")
    assert "asks cost_centre" in mlfactory(*argv, cwd=tmp_path, code=2).stderr
    mlfactory(*argv, "--set", "cost_centre=CC-0007", cwd=tmp_path)
    assert "cost_centre: CC-0007\n" in (tmp_path / "churn/.copier-answers.yml").read_text()


def test_of_two_tags_on_one_commit_the_release_is_meant(compose: Compose, upstream: Repo) -> None:
    release(upstream, "v1.1.0", {"tree/b.py": "B = 1\n"})
    upstream.git("tag", "--annotate", "--message", "candidate", "v1.1.0rc1", "v1.1.0")
    assert compose("--dry-run")["version"] == "v1.1.0.post1"
    assert compose("--dry-run", "--on", "1.1.0")["version"] == "v1.1.0.post1"
    result = compose("--dry-run", "--on", "v1.1.0rc1")
    assert result["version"] == "v1.1.0rc1.post1"
    assert "is not released" in " ".join(result["warnings"])


def test_a_tag_that_upstream_moved_or_took_away_is_no_obstacle_and_is_said(
    compose: Compose, upstream: Repo
) -> None:
    first = compose()
    upstream.commit({"tree/Dockerfile": "FROM python:3.14\nRUN true\n"})
    upstream.git("tag", "--force", "v1.0.0")
    result = compose()
    assert result["version"] == "v1.0.0.post2"
    assert result["parents"] == [first["commit"], upstream.head]
    assert first["parents"][0][:10] in " ".join(result["warnings"])
    assert compose()["warnings"] == []
    release(upstream, "v1.1.0", {"tree/b.py": "B = 1\n"})
    upstream.git("tag", "--delete", "v1.0.0")
    assert compose()["covered"] == [{"rules": ["header"], "files": ["b.py"]}]


def pushing(shop: Repo, work: str) -> None:
    """Let something happen in the company's repository while a version is on its way."""
    hook = shop.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    # Only the first push: what happens meanwhile is a push of its own.
    alone = "unset $(git rev-parse --local-env-vars) GIT_QUARANTINE_PATH"
    hook.write_text(f"#!/bin/sh\n{alone}\nrm '{hook}'\n{work}\n")
    hook.chmod(0o755)


def test_who_publishes_the_same_at_the_same_moment_is_content(
    compose: Compose, shop: Repo, tmp_path: Path
) -> None:
    elsewhere = init(tmp_path / "elsewhere.git", "--bare")
    compose(url=elsewhere.path)
    specs = "refs/heads/template refs/tags/v1.0.0.post1"
    pushing(shop, f"git --git-dir '{elsewhere.path}' push -q '{shop.path}' {specs}")
    assert compose()["version"] == "v1.0.0.post1"
    assert tags(shop) == ["v1.0.0.post1"]


def test_who_comes_second_is_told_and_the_next_one_follows(
    compose: Compose, shop: Repo, tmp_path: Path
) -> None:
    elsewhere = init(tmp_path / "elsewhere.git", "--bare")
    first = compose(url=elsewhere.path)["commit"]
    specs = "refs/heads/template refs/tags/v1.0.0.post1"
    pushing(shop, f"git --git-dir '{elsewhere.path}' push -q '{shop.path}' {specs}")
    other = {"untouched": ["*.txt"]}
    result = compose(changes=other, code=1)
    assert "has got another v1.0.0.post1 meanwhile" in result["error"]
    assert shop.git("rev-parse", "template").strip() == first
    again = compose(changes=other)
    assert (again["version"], again["parents"][0]) == ("v1.0.0.post2", first)


def test_a_release_that_changes_only_what_the_company_replaces_is_a_version_all_the_same(
    compose: Compose, upstream: Repo, shop: Repo
) -> None:
    compose()
    release(upstream, "v1.1.0", {"tree/SECURITY.md": "Upstream's own.\n"})
    result = compose()
    assert result["version"] == "v1.1.0.post1"
    assert "SECURITY.md is new in upstream, and yours" in " ".join(result["warnings"])
    assert compose()["new"] is False
    assert shop.git("show", "template:tree/SECURITY.md").startswith("Ask the security team")


def test_folders_may_be_called_as_versions_call_theirs(
    compose: Compose, upstream: Repo, shop: Repo, tmp_path: Path
) -> None:
    """Most templates of copier's render a folder `template`; none may render `company`."""
    for number, top in enumerate(("template", "company"), 1):
        upstream.git("mv", "tree" if number == 1 else "template", top)
        text = SMALL["copier.yml"]
        assert isinstance(text, str)
        release(upstream, f"v1.{number}.0", {"copier.yml": text.replace("tree", top)})
    compose("--on", "v1.1.0")
    argv = ("new", "churn", "--template", shop.path, "--defaults", "--no-setup")
    mlfactory(*argv, "--set", "cost_centre=CC-0007", cwd=tmp_path)
    churn = Repo(tmp_path / "churn")
    assert churn.text("docs/cost.md") == "Cost centre CC-0007 pays.\n"
    assert not (churn.has("questions") or churn.has("company"))
    assert "renders company/, where a version keeps" in compose("--on", "v1.2.0", code=1)["error"]


def test_a_question_of_upstream_s_without_default_needs_an_example(
    compose: Compose, upstream: Repo
) -> None:
    release(upstream, "v1.1.0", {"copier.yml": f"{SMALL['copier.yml']}team: {{type: str}}\n"})
    refusal = compose(code=2)
    assert "asks team, and no default can be right" in refusal["error"]
    assert "example: VALUE" in refusal["hint"]
    changes = {"questions": {"team": {"required": True, "example": "we"}}}
    assert compose(changes=changes)["version"] == "v1.1.0.post1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: acme\nname: other\n", "line 2: name is there twice"),
        ("name: acme\nrules:\n  - files: a\n    put: x\n    put: y\n", "put is there twice"),
        ("- name: acme\n", "has no entries"),
        ("", "has no entries"),
        ("name: [\n", "is not YAML"),
        ("name: &a [*a]\nslots: {x: y, x: z}\n", "line 2: x is there twice"),
        ("name: !!python/object:os.system x\n", "is not YAML"),
    ],
)
def test_a_company_yml_that_is_none_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "company.yml"
    file.write_text(text)
    done = mlfactory("template", "compose", file, "--dry-run", "--json", code=None)
    assert done.returncode in (1, 2)
    assert problem in json.loads(done.stdout)["error"]


def test_what_is_no_text_or_no_file_is_named(upstream: Repo, tmp_path: Path) -> None:
    changelog, files = tmp_path / "acme/CHANGELOG.md", tmp_path / "acme/files"
    file = conventions(tmp_path / "acme", {"upstream": str(upstream.path)})

    def refusal() -> str:
        done = mlfactory("template", "compose", file, "--dry-run", "--json", code=None)
        assert done.returncode in (1, 2)
        return str(json.loads(done.stdout)["error"])

    changelog.write_bytes("- für uns\n".encode("latin-1"))
    assert "CHANGELOG.md is not in UTF-8" in refusal()
    changelog.write_text("- The key is ghp_" + "a" * 36)
    assert "CHANGELOG.md, line 1 holds a credential" in refusal()
    changelog.write_text("")
    os.mkfifo(files / "pipe")
    assert "pipe cannot be part of a template" in refusal()
    (files / "pipe").unlink()
    (files / ".git").mkdir()
    (files / ".git/config").write_text("[core]\n")
    assert ".git/config cannot be part of a template" in refusal()


def test_a_variable_in_place_of_a_secret_may_be_published() -> None:
    refuse_secrets("push.sh", "git push https://oauth2:$TOKEN@git.example.com/t.git")
    refuse_secrets("push.sh", "curl https://${NAME}:${KEY}@example.com?token=$TOKEN")
    for line in ("https://me:sec$ret@example.com", "https://$NAME:plain@example.com"):
        with pytest.raises(UsageError, match=r"push\.sh, line 1 holds a credential"):
            refuse_secrets("push.sh", line)


def test_what_git_ignores_is_no_part_of_a_version(
    compose: Compose, shop: Repo, tmp_path: Path
) -> None:
    """No clone has it, and the commit has to be the same from each of them."""
    acme = init(tmp_path / "acme").write({".gitignore": ".DS_Store\n*.swp\n"})
    acme.write({"files/.DS_Store": b"\0", "files/docs/.cost.swp": "x", "files/kept.swp": "x"})
    acme.git("add", "--force", "files/kept.swp")
    compose()
    names = {name.rpartition("/")[2] for name in shop.tree("template")}
    assert "kept.swp" in names
    assert not names & {".DS_Store", ".cost.swp"}


ODD_GIT = """[diff]
\talgorithm = patience
\tnoprefix = true
\tindentHeuristic = false
\tinterHunkContext = 9
\twsErrorHighlight = all
[diff "upper"]
\ttextconv = tr a-z A-Z <
[core]
\tautocrlf = true
\tattributesFile = ATTRIBUTES
\tquotePath = true
\tabbrev = 7
[i18n]
\tlogOutputEncoding = ISO-8859-1
\tcommitEncoding = ISO-8859-1
[color]
\tui = always
[log]
\tshowSignature = true
\tdecorate = full
\tshowRoot = false
[commit]
\tgpgSign = true
[tag]
\tgpgSign = true
[transfer]
\tfsckObjects = true
[user]
\tname = Somebody Else
\temail = else@example.com
"""
NOTES = "# Changelog\n\n{}## 1\n\n- Für alle.\n\n- b\n\n- c\n"


def test_the_commit_is_the_same_on_any_machine(
    compose: Compose, upstream: Repo, shop: Repo, tmp_path: Path
) -> None:
    """Another git, time zone, locale, umask and folder, and the same template."""
    release(upstream, "v1.1.0", {"CHANGELOG.md": NOTES.format("")})
    compose()
    more = {"CHANGELOG.md": NOTES.format("## 2\n\n- b\n\n- Größer.\n\n"), "tree/ü.txt": "ü\n"}
    release(upstream, "v1.2.0", more)
    upstream.git("commit", "--quiet", "--allow-empty", "--message", "Größer")
    elsewhere = init(tmp_path / "elsewhere.git", "--bare")
    elsewhere.git("fetch", "--quiet", shop.path, "refs/*:refs/*")
    here = compose()
    (tmp_path / "attributes").write_text("*.md diff=upper\n")
    (tmp_path / "odd").write_text(ODD_GIT.replace("ATTRIBUTES", str(tmp_path / "attributes")))
    away = init(tmp_path / "away")
    away.git("clone", "--quiet", "--no-local", init(tmp_path / "acme").commit().path, "acme")
    line = f"umask 077; exec {sys.executable} -m mlfactory template compose company.yml --json"
    environment = {
        **os.environ, "GIT_CONFIG_GLOBAL": str(tmp_path / "odd"), "TZ": "Pacific/Auckland",
        "LC_ALL": "C", "PYTHONHASHSEED": "7", "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00", "GIT_COMMITTER_DATE": "2001-01-01T00:00:00",
    }  # fmt: skip
    done = subprocess.run(
        ["sh", "-c", f"{line} --publish {elsewhere.path}"],
        cwd=away.path / "acme", env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    assert "- Größer." in here["changelog"]
    assert there["changelog"] == here["changelog"]
    assert there["commit"] == here["commit"]
