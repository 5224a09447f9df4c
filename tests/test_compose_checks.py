"""A factory's own checks, which run before a company's version is published: in which factories,
in one environment for all, and what is said where they cannot run."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mlfactory.compose import questions

from .companies import conventions
from .evolving import Files, Repo, init, mlfactory, template

WHEEL = "acme_checks-1.0-py3-none-any.whl"
INFO = "acme_checks-1.0.dist-info"
# The checks of this template's factories: they note where they ran, and read one file.
PROGRAM = """
import os, pathlib, sys

def main():
    with open(os.environ["CHECKS_LOG"], "a") as log:
        print(*sys.argv[1:], sys.prefix, pathlib.Path("ci.txt").read_text(), file=log)
    sys.exit("the page is not good" if "bad" in pathlib.Path("page.txt").read_text() else 0)
"""
PROJECT = """[project]
name = "demo"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["acme-checks", {{ more }}]

[tool.uv.sources]
acme-checks = { path = "vendor/WHEEL" }

[tool.mlfactory]
contract = 2
""".replace("WHEEL", WHEEL)
Compose = Callable[..., dict[str, Any]]


def wheel() -> bytes:
    """A package with a program `factory`, and nothing that an index would be asked for."""
    files = {
        "acme_checks.py": PROGRAM,
        f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/entry_points.txt": "[console_scripts]\nfactory = acme_checks:main\n",
    }
    files[f"{INFO}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{INFO}/RECORD"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return archive.getvalue()


@pytest.fixture
def upstream(tmp_path: Path) -> Repo:
    files: Files = {
        "copier.yml": (
            "_subdirectory: tree\n"
            "ci: {type: str, choices: [github, gitlab, none], default: github}\n"
            "serving: {type: str, choices: [batch, online], default: batch}\n"
            "more: {type: str, default: ''}\n"
        ),
        "tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
        "tree/.gitignore": ".venv\n",
        "tree/ci.txt.jinja": "{{ ci }} {{ serving }}",
        "tree/page.txt": "good\n",
        "tree/pyproject.toml.jinja": PROJECT,
        f"tree/vendor/{WHEEL}": wheel(),
    }
    return template(tmp_path / "upstream", files)


@pytest.fixture
def compose(tmp_path: Path, upstream: Repo) -> Compose:
    """Compose with these changes of company.yml, where the machine trusts upstream."""
    init(tmp_path / "shop.git", "--bare")
    trusting = tmp_path / "organisation.toml"
    trusting.write_text(f'trusted = ["{upstream.path}"]\n')

    def run(*argv: str, code: int = 0, trust: bool = True, **changes: Any) -> dict[str, Any]:
        base: Mapping[str, Any] = {"upstream": str(upstream.path), "questions": None, "rules": None}
        file = conventions(tmp_path / "acme", {**base, "files": None, **changes})
        env = {"CHECKS_LOG": str(tmp_path / "log"), "UV_OFFLINE": "1"}
        env |= {"MLFACTORY_ORGANISATION": str(trusting)} if trust else {}
        where = ("--publish", tmp_path / "shop.git")
        result = mlfactory("template", "compose", file, *where, "--json", *argv, code=code, **env)
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    return run


def runs(tmp_path: Path) -> list[list[str]]:
    log = tmp_path / "log"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def test_each_answer_is_checked_in_some_factory_and_all_share_an_environment(
    compose: Compose, tmp_path: Path
) -> None:
    result = compose()
    assert result["done"]
    assert [one["checks"] for one in result["proofs"]] == [["data"]] * 3
    lines = runs(tmp_path)
    assert [line[0] for line in lines] == ["check"] * 3
    assert len({line[1] for line in lines}) == 1
    assert {line[2] for line in lines} == {"github", "gitlab", "none"}
    assert {line[3] for line in lines} == {"batch", "online"}
    assert result["proofs"][0]["answers"] == "ci=github, serving=batch"
    assert compose()["new"] is False
    assert len(runs(tmp_path)) == 3  # what is published already is not checked again


def test_all_combinations_or_none_are_checked_as_asked(compose: Compose, tmp_path: Path) -> None:
    assert len(compose("--checks", "all", "--dry-run")["proofs"]) == 6
    assert len(runs(tmp_path)) == 6
    result = compose("--checks", "none")
    assert (result["proofs"], result["unproven"], result["done"]) == ([], "--checks none", True)
    assert len(runs(tmp_path)) == 6


def test_a_rule_that_a_factory_s_own_checks_refuse_is_not_published(
    compose: Compose, tmp_path: Path
) -> None:
    rule = {"name": "page", "files": "page.txt", "find": "good", "put": "bad"}
    result = compose(rules=[rule], code=1)
    assert result["error"].startswith("with ci=github, serving=batch: `factory check` ends with")
    assert "the page is not good" in result["error"]
    assert "--checks none" in result["hint"]
    assert not init(tmp_path / "shop.git", "--bare").git("tag")


def test_without_packages_a_trial_says_so_and_nothing_is_published(
    compose: Compose, tmp_path: Path
) -> None:
    more = {"more": {"default": '"no-such-package-of-acme"'}}
    result = compose("--dry-run", questions=more)
    assert "no-such-package-of-acme" in result["unproven"]
    refusal = compose(questions=more, code=1)
    assert "no-such-package-of-acme" in refusal["error"]
    assert "--checks none" in refusal["hint"]
    assert not init(tmp_path / "shop.git", "--bare").git("tag")
    file = tmp_path / "acme/company.yml"
    env = {"UV_OFFLINE": "1", "MLFACTORY_ORGANISATION": str(tmp_path / "organisation.toml")}
    text = mlfactory("template", "compose", file, "--dry-run", **env).stdout
    assert "no factory's own checks were run: " in text


def test_nothing_of_a_template_that_this_machine_does_not_trust_is_run(
    compose: Compose, tmp_path: Path
) -> None:
    result = compose(trust=False)
    assert "is not mlfactory's own, and the organisation's setting `trusted`" in result["unproven"]
    assert runs(tmp_path) == []


def test_many_questions_are_tried_pair_by_pair_and_not_in_all_combinations() -> None:
    asked = {f"q{k}": {"type": "str", "choices": list("abcd")} for k in range(14)}
    rows = questions.rows_of(asked, {}, (), lambda _: questions.Reply(""))
    assert len(rows.all) < 80
    pairs = {(a, row[a], b, row[b]) for row in rows.all for a in row for b in row if a < b}
    assert len(pairs) == 14 * 13 // 2 * 16
    assert len(questions.real(rows, few=True)) < 10


TEXT = {"type": "str"}
REGION = {
    "type": "str",
    "default": "eu",
    "choices": {
        "Europe": "eu",
        "America": {
            "value": "us",
            "validator": "{% if ci == 'gitlab' %}GitLab is in Europe alone{% endif %}",
        },
    },
}
ZONE = {
    "type": "str",
    "default": "a",
    "choices": ["a", "b"],
    "validator": "{% if zone == 'b' and serving == 'online' %}b has no service{% endif %}",
}


def test_what_a_validator_forbids_is_left_out_and_said(compose: Compose, tmp_path: Path) -> None:
    result = compose("--dry-run", "--checks", "none", questions={"region": REGION, "zone": ZONE})
    assert result["combinations"] == (3 * 2 - 1) * (2 * 2 - 1)
    assert result["warnings"] == []
    first, second = result["forbidden"]
    assert first.startswith("ci=github, serving=online, region=us, zone=b: ")
    assert "b has no service" in first
    assert "ci=gitlab" in second
    assert "GitLab is in Europe alone" in second
    file = tmp_path / "acme/company.yml"
    text = mlfactory("template", "compose", file, "--dry-run", "--checks", "none").stdout
    assert f"left out, for no project can have it: {first}" in text


def test_factories_are_made_with_answers_that_go_together(compose: Compose) -> None:
    proofs = compose("--dry-run", questions={"region": REGION, "zone": ZONE})["proofs"]
    texts = " ".join(one["answers"] for one in proofs)
    assert all(text in texts for text in ("region=us", "zone=b", "ci=gitlab", "serving=online"))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {
                "questions": {
                    "centre": {**TEXT, "required": True, "example": "x", "validator": "No x."}
                }
            },
            "with centre=x: Validation error for question 'centre': No x",
        ),
        (
            {"questions": {"zone": ZONE}, "combinations": [{"zone": "b", "serving": "online"}]},
            "with serving=online, zone=b: Validation error for question 'zone'",
        ),
        (
            {"questions": {"zone": {**ZONE, "validator": "{{ zone.nothing() }}"}}},
            "Validation error for question 'zone': ",
        ),
    ],
)
def test_what_has_to_be_tried_and_is_forbidden_is_refused(
    compose: Compose, changes: dict[str, Any], text: str
) -> None:
    result = compose("--dry-run", "--checks", "none", code=2, **changes)
    assert text in result["error"]
    assert "example or row in company.yml" in result["hint"]


def test_an_answer_that_is_never_tried_is_named(compose: Compose) -> None:
    team = {**TEXT, "default": "", "validator": "{% if ci == 'none' and not team %}Who?{% endif %}"}
    argv = ("--dry-run", "--checks", "none")
    asked = {"team": team, "ci": {"default": "none"}}
    never, defaults = compose(*argv, questions=asked)["warnings"]
    assert "ci='none' is tried with nothing" in never
    assert defaults.endswith(
        "--defaults makes no project: Validation error for question 'team': Who?"
    )
    row = {"ci": "none", "team": "we"}
    assert compose(*argv, questions={"team": team}, combinations=[row])["warnings"] == []


def test_a_conditional_answer_is_tried_where_it_is_asked(compose: Compose, tmp_path: Path) -> None:
    area = {**TEXT, "choices": ["x", "y"], "default": "x", "when": "{{ ci == 'gitlab' }}"}
    page = tmp_path / "acme/files/{% if ci == 'gitlab' %}area.json{% endif %}.jinja"
    page.parent.mkdir(parents=True)
    page.write_text('{"area": {% if area == "y" %}oops{% else %}1{% endif %}}')
    argv = ("--dry-run", "--checks", "none")
    refusal = compose(*argv, questions={"area": area}, files="files", code=1)
    assert refusal["error"].startswith("with ci=gitlab, serving=batch, area=y: area.json: ")


def test_many_questions_leave_out_what_is_forbidden_pair_by_pair() -> None:
    names = [f"q{k}" for k in range(8)]
    asked = {name: {"type": "str", "choices": list("abcd")} for name in names}

    def ask(row: Mapping[str, Any]) -> questions.Reply:
        odd = row.get("q0") == "a" and row.get("q1") == "a"
        return questions.Reply("no" * (odd or row.get("q2") == "d"))

    rows = questions.rows_of(asked, {}, (), ask)
    pairs = {(a, row[a], b, row[b]) for row in rows.all for a in row for b in row if a < b}
    assert len(pairs) == 8 * 7 // 2 * 16 - 1 - 7 * 4
    (text,) = rows.never
    assert text.startswith("q2='d' is tried with nothing")


def test_a_conditional_answer_is_tried_where_it_may_be_given() -> None:
    listing = {"choices": ["x", "y"]}
    asked = {"ci": {"choices": list("abc")}, "area": {**listing, "when": "{{ ci != 'a' }}"}}

    def ask(row: Mapping[str, Any]) -> questions.Reply:
        odd = row.get("area") == "y" and row["ci"] == "b"
        return questions.Reply("no" * odd, frozenset({"area"} if row["ci"] == "a" else ()))

    rows = questions.rows_of(asked, {"ci": {"example": "a"}}, (), ask)
    assert rows.single == ({"ci": "b", "area": "x"}, {"ci": "c", "area": "y"})
    assert rows.never == ()


def test_one_question_with_many_answers_is_tried_with_each() -> None:
    asked = {"zone": {"type": "str", "choices": [f"z{k}" for k in range(60)]}}
    assert len(questions.rows_of(asked, {}, (), lambda _: questions.Reply("")).all) == 60
