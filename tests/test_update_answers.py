"""What becomes of recorded answers, and whether a new version records them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .evolving import ANSWERS, SMALL, TEXT, Repo, edited, mlfactory, project, release, template
from .test_update import plan

QUESTIONS = """
_subdirectory: tree
kind: {type: str, choices: [x, y], default: x}
number: {type: int, default: 5}
several: {type: str, multiselect: true, choices: [a, b, c], default: [a, b]}
more: {type: bool, default: true}
extra: {type: str, default: mine}
"""
FIRST = {
    "copier.yml": QUESTIONS,
    ANSWERS: "{{ _copier_answers | to_nice_yaml }}",
    "tree/o.txt.jinja": "{{ kind }} {{ number }}\n",
}
BIG = 'validator: "{% if number > 10 %}too big{% endif %}"'


def followed(tmp_path: Path, *changes: tuple[str, str], **answers: Any) -> Repo:
    """A project with answers, and a version whose questions are others."""
    source = template(tmp_path / "template", FIRST)
    demo = project(source, tmp_path / "demo", data=answers)
    text = QUESTIONS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    release(source, "v1.1.0", {"copier.yml": text})
    return demo


REPLACED = [
    (("choices: [x, y], default: x", "choices: [y, z], default: z"), "kind", "x", "z"),
    (("{type: int, default: 5}", f"{{type: int, default: 5, {BIG}}}"), "number", 50, 5),
    (("[a, b, c], default: [a, b]", "[b, c], default: [b]"), "several", ["a", "b"], ["b"]),
    (("{type: str, default: mine}", "{type: int, default: 3}"), "extra", "mine", 3),
    (
        ("{type: str, default: mine}", "{type: str, default: other, when: '{{ not more }}'}"),
        "extra", "mine", "other",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name", "old", "new"), REPLACED)
def test_an_answer_that_is_no_longer_taken_is_named_old_and_new(
    tmp_path: Path, change: tuple[str, str], name: str, old: Any, new: Any
) -> None:
    demo = followed(tmp_path, change, number=50)
    replacements = [{"name": name, "old": old, "new": new}]
    (status,) = json.loads(mlfactory("status", demo.path, "--json").stdout)["projects"]
    assert (plan(demo)["replaced"], status["replaced"]) == (replacements, replacements)
    line = f"{name}: {old!r} is no longer taken, {new!r} is taken instead\n"
    assert f"  note          {line}" in mlfactory("status", demo.path).stdout
    assert f"note: {line}" in mlfactory("update", demo.path).stdout
    assert line in demo.git("log", "-1", "--format=%B")


def test_an_answer_that_is_only_written_in_another_type_is_kept(tmp_path: Path) -> None:
    demo = followed(tmp_path, ("{type: int, default: 5}", "{type: str, default: '5'}"), number=50)
    assert plan(demo)["replaced"] == []
    mlfactory("update", demo.path)
    assert demo.text("o.txt") == "x 50\n"


def test_what_is_set_in_its_place_is_not_told(tmp_path: Path) -> None:
    change = ("choices: [x, y], default: x", "choices: [y, z], default: z")
    assert plan(followed(tmp_path, change), "--set", "kind=y")["replaced"] == []


def test_an_answer_that_another_one_makes_void(tmp_path: Path) -> None:
    when = ("{type: str, default: mine}", "{type: str, default: mine, when: '{{ more }}'}")
    demo = followed(tmp_path, when, extra="own")
    mlfactory("update", demo.path)
    content = plan(demo, "--set", "more=false")["replaced"]
    assert content == [{"name": "extra", "old": "own", "new": "mine"}]


# Versions that do not record themselves


@pytest.fixture
def small(tmp_path: Path) -> Repo:
    return project(template(tmp_path / "template", SMALL), tmp_path / "small")


FAULTS = [
    ({ANSWERS: None}, "does not render .copier-answers.yml"),
    ({ANSWERS: "name: {{ name }}\n"}, "has no _src_path"),
    ({ANSWERS: "_src_path: x\n_commit: v1.0.0\n"}, "does not render .copier-answers.yml"),
    ({ANSWERS: "_src_path: x\nname: {{ name }}\n"}, "has no _commit"),
    ({ANSWERS: "just text\n"}, "holds no answers"),
]


@pytest.mark.parametrize(("files", "text"), FAULTS)
def test_a_version_that_does_not_record_itself_is_refused(
    small: Repo, tmp_path: Path, files: dict[str, str | None], text: str
) -> None:
    release(Repo(tmp_path / "template"), "v1.1.0", {**files, "tree/a.txt": edited(3)})
    head = small.head
    for options in ((), ("--dry-run",)):
        result = mlfactory("update", small.path, *options, code=1)
        assert "v1.1.0 of" in result.stderr
        assert text in result.stderr
        assert "hint: " in result.stderr
    assert (small.head, small.dirt, small.text("a.txt")) == (head, "", TEXT)
    (status,) = json.loads(mlfactory("status", small.path, "--json").stdout)["projects"]
    assert any("does not record itself" in warning for warning in status["warnings"])


def test_a_version_after_it_is_taken(small: Repo, tmp_path: Path) -> None:
    source = Repo(tmp_path / "template")
    release(source, "v1.1.0", {ANSWERS: None})
    release(source, "v1.2.0", {ANSWERS: SMALL[ANSWERS], "tree/a.txt": edited(3)})
    mlfactory("update", small.path)
    assert "_commit: v1.2.0" in small.text(".copier-answers.yml")


def test_a_record_under_another_name_is_named(small: Repo, tmp_path: Path) -> None:
    settings = SMALL["copier.yml"]
    assert isinstance(settings, str)
    other = {
        ANSWERS: None,
        "tree/.copier-answers.new.yml.jinja": "{{ _copier_answers | to_nice_yaml }}",
        "copier.yml": f"_answers_file: .copier-answers.new.yml\n{settings}",
    }
    release(Repo(tmp_path / "template"), "v1.1.0", other)
    result = mlfactory("update", small.path, code=1)
    assert "git mv .copier-answers.yml .copier-answers.new.yml" in result.stderr
    small.git("mv", ".copier-answers.yml", ".copier-answers.new.yml")
    small.commit()
    mlfactory("update", small.path, "--answers-file", ".copier-answers.new.yml")
    assert "_commit: v1.1.0" in small.text(".copier-answers.new.yml")


def test_an_answer_that_would_not_be_recorded_is_refused(small: Repo, tmp_path: Path) -> None:
    source = Repo(tmp_path / "template")
    text = "_commit: {{ _copier_answers._commit }}\n_src_path: {{ _copier_answers._src_path }}\n"
    release(source, "v1.1.0", {ANSWERS: text})
    mlfactory("update", small.path)
    result = mlfactory("update", small.path, "--set", "name=other", code=1)
    assert "does not write name into .copier-answers.yml" in result.stderr


# What is given once


GIVEN_ONCE = {
    **SMALL,
    "copier.yml": """
_subdirectory: tree
_exclude: ["{% if _copier_operation == 'update' %}src/*{% endif %}"]
name: {type: str, default: demo}
""",
    "tree/src/mine.py": TEXT,
}


def test_what_an_update_leaves_out_is_the_users(tmp_path: Path) -> None:
    source = template(tmp_path / "template", GIVEN_ONCE)
    demo = project(source, tmp_path / "demo").commit({"src/mine.py": edited(10, "ours")})
    new = {"tree/src/mine.py": edited(10, "theirs"), "tree/src/second.py": "2\n"}
    release(source, "v1.1.0", {**new, "tree/a.txt": edited(3)})
    (status,) = json.loads(mlfactory("status", demo.path, "--json").stdout)["projects"]
    assert (status["conflicts"], "src/mine.py" in {f["path"] for f in status["files"]}) == (
        [],
        False,
    )
    mlfactory("update", demo.path)
    assert demo.text("src/mine.py") == edited(10, "ours")
    assert not demo.has("src/second.py")
    assert demo.text("a.txt") == edited(3)


@pytest.mark.parametrize("begins", [True, False])
def test_what_was_given_once_stays(tmp_path: Path, begins: bool) -> None:
    """When the template drops it, and when only the new version gives it once."""
    first = GIVEN_ONCE if not begins else {**GIVEN_ONCE, "copier.yml": SMALL["copier.yml"]}
    source = template(tmp_path / "template", first)
    demo = project(source, tmp_path / "demo")
    second = {"copier.yml": GIVEN_ONCE["copier.yml"], "tree/src/mine.py": edited(3)}
    release(source, "v1.1.0", second if begins else {"tree/src/mine.py": None})
    mlfactory("update", demo.path)
    assert demo.text("src/mine.py") == TEXT
