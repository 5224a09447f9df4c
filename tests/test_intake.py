from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from mlfactory.base.answers import Question
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.new import arrival, intake
from mlfactory.new.journal import Run
from mlfactory.new.request import Request
from mlfactory.render import copier
from mlfactory.template import choice

from .workbooks import write_workbook


class Silent:
    """A terminal where somebody chooses the last one."""

    def choose(self, question: str, choices: tuple[str, ...]) -> str:
        assert question
        return choices[-1]


@pytest.fixture
def questions(contract_template: Path) -> dict[str, Question]:
    with copier.open_sheet(choice.template(str(contract_template))) as sheet:
        return dict(sheet.questions)


def asked(tmp_path: Path, **request: object) -> Run:
    return Run(tmp_path, Request("churn", **request), "template", "1", True)  # type: ignore[arg-type]


def gathered(run: Run, questions: dict[str, Question]) -> Run:
    return intake.gather(run, Path("/somewhere/churn"), questions)


def test_the_directory_names_the_project(tmp_path: Path, questions: dict[str, Question]) -> None:
    assert gathered(asked(tmp_path), questions).given["project_name"] == "churn"


def test_a_name_that_is_set_is_taken_as_it_is(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    run = asked(tmp_path, settings={"project_name": "test"})
    assert gathered(run, questions).given["project_name"] == "test"


def test_without_data_there_is_a_sample(tmp_path: Path, questions: dict[str, Question]) -> None:
    run = gathered(asked(tmp_path), questions)
    assert (run.given["target"], Path(run.data).name) == ("sex", "penguins.csv")


def test_the_sample_follows_the_task(tmp_path: Path, questions: dict[str, Question]) -> None:
    run = gathered(asked(tmp_path, answers={"task": "regression"}), questions)
    assert (run.given["target"], run.given["data_file"]) == ("miles_per_gallon", "cars.csv")


def test_another_column_of_the_sample_can_be_predicted(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    run = gathered(asked(tmp_path, answers={"target": "island"}), questions)
    assert run.given["target"] == "island"


def test_the_data_file_keeps_its_name(
    tmp_path: Path, table: Path, questions: dict[str, Question]
) -> None:
    run = gathered(asked(tmp_path, data=str(table)), questions)
    assert (run.given["data_file"], run.data) == ("customers.csv", str(table))


def test_answers_that_name_another_file_are_refused(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    (tmp_path / "a.yml").write_text("data_file: other.csv\n")
    run = asked(tmp_path, answers_file=str(tmp_path / "a.yml"))
    with pytest.raises(UsageError, match=r"name the data file 'other\.csv'"):
        gathered(run, questions)


def exports(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / "exports" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "exports" / name).write_text("a,b\n1,2\n")
    return folder / "exports"


@pytest.mark.parametrize(
    ("names", "pattern", "called"),
    [
        (["orders-01.csv", "orders-02.csv"], "orders-*.csv", "orders.csv"),
        (["01.csv.gz", "02.tsv"], "*", "exports.csv"),
        (["a.parquet", "b.parquet"], "[ab].parquet", "exports.parquet"),
        (["2024/a.csv", "2025/a.csv"], "*/*.csv", "data.csv"),
        (["our orders 1.csv"], "our orders ?.csv", "our_orders.csv"),
    ],
)
def test_many_files_get_one_name(
    tmp_path: Path,
    questions: dict[str, Question],
    names: list[str],
    pattern: str,
    called: str,
) -> None:
    folder = exports(tmp_path, *names)
    more = {**questions, "data_source": Question("data_source", "str", True)}
    run = gathered(asked(tmp_path, data=f"{folder}/{pattern}"), more)
    assert (run.given["data_file"], run.given["data_source"]) == (called, pattern)
    assert [str(path.relative_to(folder)) for path in intake.paths(run)] == sorted(names)


def test_a_file_that_is_named_like_a_pattern_is_that_file(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    file = exports(tmp_path, "a[1].csv", "a1.csv") / "a[1].csv"
    assert intake.paths(gathered(asked(tmp_path, data=str(file)), questions)) == (file,)


def converted(run: Run, questions: dict[str, Question], folder: Path, *, ask: bool) -> Run:
    """What is looked at, with the sheet that the person at the terminal chose."""
    more = {**questions, "data_source": text_question("data_source")}
    more["data_table"] = text_question("data_table")
    run = gathered(arrival.drain(run, folder), more)
    talk: Any = Silent()
    return arrival.convert(run, intake.sources(run), folder, talk, more, ask=ask)


def text_question(name: str) -> Question:
    return Question(name, "str", True)


def test_a_sheet_is_chosen_and_recorded(tmp_path: Path, questions: dict[str, Question]) -> None:
    sheets = {"May": [["a", "b"], [1, 2]], "June": [["a", "c"], [1, 2]]}
    path = write_workbook(tmp_path / "sales.xlsx", sheets)
    run = converted(asked(tmp_path, data=str(path)), questions, tmp_path / "t", ask=True)
    names = ("data_file", "data_source", "data_table")
    assert [run.given[name] for name in names] == ["sales.parquet", "sales.xlsx", "June"]
    assert intake.columns_of(run) == ("a", "c")
    assert run.request.table == "June"
    with pytest.raises(MlfactoryError, match="holds 2 tables: 'May', 'June'") as raised:
        converted(asked(tmp_path, data=str(path)), questions, tmp_path / "u", ask=False)
    assert raised.value.hint == "Say which: --table May"
    with pytest.raises(MlfactoryError) as raised:
        converted(asked(tmp_path, data=str(path), table="Mai"), questions, tmp_path / "v", ask=True)
    assert raised.value.hint == "Did you mean 'May'?"
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    odd = asked(tmp_path, data=str(tmp_path / "a.csv"), table="May")
    with pytest.raises(UsageError, match="no tables to choose from"):
        converted(odd, questions, tmp_path / "u", ask=False)


def test_what_is_wrong_is_told_of_the_file_that_was_given(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    path = write_workbook(tmp_path / "sales.xlsx", {"May": [["a", "x\ny"], [1, 2]]})
    with pytest.raises(MlfactoryError, match=f"column 2 of {path} has a line break"):
        intake.columns_of(
            converted(asked(tmp_path, data=str(path)), questions, tmp_path / "t", ask=False)
        )


def test_a_folder_becomes_one_file(tmp_path: Path, questions: dict[str, Question]) -> None:
    folder = exports(tmp_path, "region=a/1.jsonl", "region=b/1.jsonl")
    for path in folder.rglob("*.jsonl"):
        path.write_text('{"x": 1}\n')
    run = converted(asked(tmp_path, data=str(folder)), questions, tmp_path / "t", ask=False)
    assert (run.given["data_file"], run.given["data_source"]) == ("exports.parquet", "exports")
    assert intake.columns_of(run) == ("x", "region")


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"a,b\n1,2\n", "data.csv"), (b'{"a": 1, "b": 2}\n', "data.parquet")],
)
def test_a_pipe_is_read_to_its_end(
    tmp_path: Path, questions: dict[str, Question], content: bytes, name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    Thread(target=(tmp_path / "pipe").write_bytes, args=(content,)).start()
    (tmp_path / "t").mkdir()
    run = asked(tmp_path, data=str(tmp_path / "pipe"))
    run = converted(run, questions, tmp_path / "t", ask=False)
    assert (run.given["data_file"], run.given["data_source"]) == (name, "")
    assert intake.columns_of(run) == ("a", "b")


def test_a_pattern_that_no_file_fits_is_told(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    more = {**questions, "data_source": Question("data_source", "str", True)}
    with pytest.raises(MlfactoryError, match="no file fits the pattern"):
        gathered(asked(tmp_path, data=f"{tmp_path}/*.csv"), more)


def test_a_template_without_the_question_takes_no_pattern(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    folder = exports(tmp_path, "a.csv")
    with pytest.raises(UsageError, match="no question data_source"):
        gathered(asked(tmp_path, data=f"{folder}/*.csv"), questions)


@pytest.mark.parametrize(
    ("place", "recorded"),
    [
        ("work/a.csv", "../a.csv"),
        ("work/in/*.csv", "../in/*.csv"),
        ("work/churn/a.csv", "a.csv"),
        ("link/a.csv", "../a.csv"),
        ("home/maria/a.csv", "a.csv"),
        ("work/../home/maria/a.csv", "a.csv"),
        ("home/maria/20??/*.csv", "20??/*.csv"),
        ("home/ma[r]ia/a.csv", "a.csv"),
    ],
)
def test_a_path_is_recorded_as_far_as_it_lies_beside_the_factory(
    tmp_path: Path, place: str, recorded: str
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "work")
    path = intake.from_factory(tmp_path / place, tmp_path / "work/churn", several="*" in place)
    assert path == recorded


def test_a_template_that_takes_no_data_gets_none(
    tmp_path: Path, questions: dict[str, Question]
) -> None:
    few = {"owner": questions["owner"]}
    assert gathered(asked(tmp_path, answers={"owner": "me"}), few).given == {"owner": "me"}


def test_data_for_a_template_that_takes_none_are_refused(tmp_path: Path, table: Path) -> None:
    with pytest.raises(UsageError, match="no question data_file"):
        gathered(asked(tmp_path, data=str(table)), {})


def test_without_a_target_the_columns_are_named(
    tmp_path: Path, table: Path, questions: dict[str, Question]
) -> None:
    run = gathered(asked(tmp_path, data=str(table)), questions)
    with pytest.raises(UsageError) as caught:
        intake.choose_target(run, Silent(), ask=False)  # type: ignore[arg-type]
    assert caught.value.hint == "The columns are id, amount, day, churned."


def test_at_a_terminal_the_target_is_asked_for(
    tmp_path: Path, table: Path, questions: dict[str, Question]
) -> None:
    run = gathered(asked(tmp_path, data=str(table)), questions)
    run = intake.choose_target(run, Silent(), ask=True)  # type: ignore[arg-type]
    assert run.given["target"] == "churned"


def test_the_data_settle_the_task(
    tmp_path: Path, table: Path, questions: dict[str, Question]
) -> None:
    run = asked(tmp_path, data=str(table), answers={"target": "amount", "task": "regression"})
    run = intake.look(gathered(run, questions))
    assert (run.task, run.given["task"], run.rows) == ("regression", "regression", 90)


def test_what_copier_asked_for_is_looked_up_too(
    tmp_path: Path, table: Path, questions: dict[str, Question]
) -> None:
    run = gathered(asked(tmp_path, data=str(table), answers={"target": "churned"}), questions)
    run = intake.look(run)
    (tmp_path / ".copier-answers.yml").write_text("target: churned\nid_column: idd\n")
    with pytest.raises(MlfactoryError, match="idd"):
        intake.look_again(replace(run, path=tmp_path))
