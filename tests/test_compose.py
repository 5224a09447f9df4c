"""A company's template: composed on top of a release, published, and followed by its factories."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from .companies import HEADER, IMAGE, RUNNER, conventions
from .evolving import Repo, init, mlfactory, release, template

WORKFLOW = "tree/{% if ci == 'github' %}.github{% endif %}/workflows/ci.yml"
SMALL: dict[str, str | bytes | None] = {
    "copier.yml": (
        "_subdirectory: tree\n"
        "project_name: {type: str, default: demo}\n"
        "ci: {type: str, choices: [github, none], default: github}\n"
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
        *argv: str, changes: Mapping[str, Any] | None = None, code: int = 0, url: object = shop.path
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
    news = mlfactory("template", "changelog", "--template", shop.path).stdout
    assert "Acme's own" in news
