"""A template's migrations: told without trust, and with it run where copier would run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .evolving import (
    ANSWERS,
    SMALL,
    TEXT,
    Files,
    Repo,
    edited,
    mlfactory,
    project,
    release,
    template,
)

RECORD = ".copier-answers.yml"
OLD = "_subdirectory: tree\nold_q: {type: str, default: dflt}\n"
NEW = "_subdirectory: tree\nnew_q: {type: str, default: dflt}\n"
RENAME = """
_migrations:
- version: v1.1.0
  command: "sed -i s/^old_q:/new_q:/ '{{ _copier_conf.answers_file }}'"
  when: "{{ _stage == 'before' }}"
"""
FIRST: Files = {
    "copier.yml": OLD,
    ANSWERS: "{{ _copier_answers | to_nice_yaml }}",
    "tree/a.txt": TEXT,
    "tree/q.txt.jinja": "{{ old_q }}\n",
}
SECOND: Files = {"copier.yml": NEW + RENAME, "tree/q.txt.jinja": "{{ new_q }}\n"}


def made(tmp_path: Path, *versions: Files) -> Repo:
    """A project whose answer is the user's own."""
    source = template(tmp_path / "template", versions[0])
    demo = project(source, tmp_path / "demo")
    mlfactory("update", demo.path, "--to", ":current:", "--set", "old_q=mine")
    for number, files in enumerate(versions[1:], 1):
        release(source, f"v1.{number}.0", files)
    return demo


def plan(demo: Repo, *options: str) -> dict[str, Any]:
    result = mlfactory("update", demo.path, "--dry-run", "--json", *options)
    content: dict[str, Any] = json.loads(result.stdout)["plan"]
    return content


def test_with_trust_a_renamed_question_keeps_its_answer(tmp_path: Path) -> None:
    demo = made(tmp_path, FIRST, SECOND)
    content = plan(demo, "--trust")
    assert (content["dropped"], content["skipped_migrations"]) == ({}, [])
    mlfactory("update", demo.path, "--trust")
    assert demo.text("q.txt") == "mine\n"
    assert "new_q: mine" in demo.text(".copier-answers.yml")
    assert "old_q" not in demo.text(".copier-answers.yml")
    assert demo.dirt == ""
    assert "no drift" in mlfactory("status", demo.path).stdout


def test_without_trust_the_plan_names_what_is_skipped_and_what_is_lost(tmp_path: Path) -> None:
    demo = made(tmp_path, FIRST, SECOND)
    content = plan(demo)
    assert content["dropped"] == {"old_q": "mine"}
    assert content["skipped_migrations"] == ["sed -i s/^old_q:/new_q:/ '.copier-answers.yml'"]
    text = mlfactory("update", demo.path, "--dry-run").stdout
    assert '  old_q: "mine"\n' in text
    assert "  migration: sed -i" in text
    output = mlfactory("status", demo.path).stdout
    assert 'dropped       old_q: "mine"' in output
    assert "not run       migration: sed -i" in output
    status = json.loads(mlfactory("status", demo.path, "--json").stdout)["projects"][0]
    assert status["dropped"] == {"old_q": "mine"}


def test_a_plan_with_trust_is_not_the_one_without(tmp_path: Path) -> None:
    """Renders are kept: one in which nothing ran is none for somebody who trusts."""
    demo = made(tmp_path, FIRST, SECOND)
    for _ in range(2):
        assert plan(demo)["dropped"] == {"old_q": "mine"}
        assert plan(demo, "--trust")["dropped"] == {}


BEFORE = """  when: "{{ _stage == 'before' }}"
"""
LOG = """
_migrations:
- version: v1.1.0
  command: "echo {{ _version_from }} {{ _stage }} 1 >> log.txt; cat q.txt >> log.txt"
  when: "{{ _stage in ['before', 'after'] }}"
- version: v1.2.0
  before: ["echo before 2 >> log.txt"]
  after: ["echo after 2 >> log.txt; rm -f before-only"]
- version: v1.0.0
  command: touch never
- command: echo after 3 >> log.txt
"""


def test_they_run_in_copiers_order_around_both_renders(tmp_path: Path) -> None:
    """What comes before sees what the recorded version made, what comes after what the new one
    made. Those of versions that the project has passed stay out."""
    third = {"copier.yml": OLD + LOG, "tree/q.txt.jinja": "new {{ old_q }}\n", "tree/log.txt": ""}
    demo = made(tmp_path, FIRST, {"tree/a.txt": edited(3, "theirs")}, third)
    mlfactory("update", demo.path, "--trust")
    lines = ["v1.0.0 after 1", "new mine", "after 2", "after 3"]
    assert demo.text("log.txt").splitlines() == lines
    assert not demo.has("never")


def test_what_comes_before_runs_on_what_the_recorded_version_made(tmp_path: Path) -> None:
    command = 'sed -i "s/^old_q:.*/old_q: $(cat q.txt) seen/" .copier-answers.yml'
    text = f"_migrations:\n- command: {json.dumps(command)}\n{BEFORE}"
    demo = made(tmp_path, FIRST, {"copier.yml": OLD + text})
    mlfactory("update", demo.path, "--trust")
    assert demo.text("q.txt") == "mine seen\n"


def test_a_file_that_a_migration_makes_is_merged_with_the_users_edits(tmp_path: Path) -> None:
    text = "_migrations:\n- version: v1.1.0\n  command: \"sed -i 's/line 9 /LINE 9 /' a.txt\"\n"
    demo = made(tmp_path, FIRST, {"copier.yml": OLD + text})
    demo.commit({"a.txt": edited(3, "ours")})
    mlfactory("update", demo.path, "--trust")
    assert demo.text("a.txt") == edited(3, "ours", of=edited(9, "LINE 9 of twenty"))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", "false"),
        ("rm .copier-answers.yml", "leave no .copier-answers.yml"),
        ("ln -sf x .copier-answers.yml", "leave no .copier-answers.yml"),
        ("echo '- a: [' > .copier-answers.yml", "migrations leave a .copier-answers.yml that is"),
        ("head -c9 /dev/zero | tr '\\0' '\\377' > .copier-answers.yml", "migrations leave a"),
    ],
)
def test_one_that_fails_changes_nothing(tmp_path: Path, command: str, said: str) -> None:
    text = f"_migrations:\n- command: {json.dumps(command)}\n{BEFORE}"
    demo = made(tmp_path, FIRST, {"copier.yml": OLD + text})
    before = demo.everything()
    result = mlfactory("update", demo.path, "--trust", code=1)
    assert "Traceback" not in result.stderr
    assert said in result.stderr
    assert demo.everything() == before


def test_what_code_leaves_behind_is_no_part_of_the_project(tmp_path: Path) -> None:
    """Tasks make repositories and environments, with links that lead out of the project."""
    tasks = (
        "_tasks: ['git init -q; mkdir .venv; ln -s /usr/bin/env .venv/python; touch made.txt']\n"
    )
    files = {"copier.yml": f"{SMALL['copier.yml']}{tasks}", "tree/.gitignore": ".venv\n"}
    source = template(tmp_path / "template", SMALL, files)
    demo = project(source, tmp_path / "demo")
    mlfactory("update", demo.path, "--trust")
    assert demo.has("made.txt")
    assert not demo.has(".venv")
    assert demo.dirt == ""
