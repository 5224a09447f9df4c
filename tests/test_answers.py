from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory.base import answers
from mlfactory.base.answers import Question
from mlfactory.base.errors import MlfactoryError, UsageError

QUESTIONS = {
    "target": Question("target", "str", is_asked=True),
    "count": Question("count", "int", is_asked=True),
    "package": Question("package", "str", is_asked=False),
}


def test_an_option_holds_before_the_file() -> None:
    assert answers.merge({"a": "1"}, {}, {"a": "2", "b": "3"}) == {"a": "1", "b": "3"}


def test_set_holds_before_the_file() -> None:
    assert answers.merge({}, {"a": "1"}, {"a": "2"}) == {"a": "1"}


def test_an_option_and_set_may_agree() -> None:
    assert answers.merge({"a": "1"}, {"a": "1"}, {}) == {"a": "1"}


def test_an_option_and_set_may_not_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="--id says 'a' and --set id_column says 'b'"):
        answers.merge({"id_column": "a"}, {"id_column": "b"}, {})


def test_a_value_may_hold_equal_signs() -> None:
    assert answers.parse_settings(["remote=s3://x?a=b"]) == {"remote": "s3://x?a=b"}


@pytest.mark.parametrize("pair", ["target", "=x", ""])
def test_a_setting_needs_a_name_and_a_value(pair: str) -> None:
    with pytest.raises(UsageError, match="has no value"):
        answers.parse_settings([pair])


def test_a_setting_is_given_once() -> None:
    with pytest.raises(UsageError, match="gives a twice"):
        answers.parse_settings(["a=1", "a=2"])


def test_an_unknown_question_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        answers.check({"tarqet": "x"}, QUESTIONS)
    assert caught.value.hint == "Did you mean target?"


def test_a_strange_question_lists_those_that_can_be_answered() -> None:
    with pytest.raises(UsageError) as caught:
        answers.check({"zzz": "x"}, QUESTIONS)
    assert caught.value.hint == "It asks: target, count."


def test_what_is_computed_cannot_be_set() -> None:
    with pytest.raises(UsageError, match="package follows from other answers"):
        answers.check({"package": "x"}, QUESTIONS)


def test_a_number_must_be_one() -> None:
    with pytest.raises(UsageError, match="count is a number, and 'many' is none"):
        answers.check({"count": "many"}, QUESTIONS)


def test_entries_of_copier_in_an_answers_file_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("_commit: v1\ntarget: x\n")
    assert answers.read_given(str(tmp_path / "a.yml")) == {"target": "x"}


@pytest.mark.parametrize("text", ["- a\n- b\n", "", "text"])
def test_a_file_without_a_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(MlfactoryError, match="holds no answers"):
        answers.read(tmp_path / "a.yml")


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("a: [")
    with pytest.raises(MlfactoryError, match="is not YAML"):
        answers.read(tmp_path / "a.yml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MlfactoryError, match=r"a\.yml cannot be read: No such file"):
        answers.read(tmp_path / "a.yml")


@pytest.mark.parametrize(
    ("directory", "name"), [("churn", "churn"), ("Delivery_Time", "delivery-time"), ("x2", "x2")]
)
def test_the_directory_names_the_project(directory: str, name: str) -> None:
    assert answers.project_name(Path("/somewhere") / directory) == name


@pytest.mark.parametrize(
    ("directory", "better"),
    [
        ("2024 Churn", "churn"),
        ("a--b", "a-b"),
        ("été", "t"),
        ("...", "factory"),
        ("class", "class-model"),
        ("email", "email-model"),
        ("polars", "polars-model"),
        ("src", "src-model"),
        ("test", "test-model"),
    ],
)
def test_an_impossible_name_comes_with_a_better_one(directory: str, better: str) -> None:
    with pytest.raises(UsageError) as caught:
        answers.project_name(Path("/somewhere") / directory)
    assert f"Name the directory {better}, or add --set project_name={better}." in caught.value.hint


def test_a_tool_says_what_its_table_holds_and_else_nothing() -> None:
    assert answers.tool_table("[tool.mlfactory]\ncontract = 1\n", "mlfactory") == {"contract": 1}
    for text in (None, "", "[", "tool = 3", "[tool]\nmlfactory = 3\n", "[tool.other]\na = 1\n"):
        assert answers.tool_table(text, "mlfactory") == {}
