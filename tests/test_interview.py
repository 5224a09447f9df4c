"""The questions about the data: what was seen, a default with its reason, and the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml
from mlfactory.base.answers import FILE, Question
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.talk import Proposal
from mlfactory.new import intake, interview
from mlfactory.new.journal import MANY, Run
from mlfactory.new.request import Request

TABLE = "customer_id,since,plan,churned,note\n" + "".join(
    f"C{k},2024-01-{k % 28 + 1:02},{'ab'[k % 2]},{'yes' if k % 3 else 'no'},\n" for k in range(60)
)


class Person:
    """Somebody who answers in this order, Enter where it is empty; what was shown is kept."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.proposals = list(answers), dict[str, Proposal]()
        self.notes = list[str]()

    def pick(self, question: str, proposal: Proposal) -> str | None:
        self.proposals[question] = proposal
        answer = self.answers.pop(0)
        return None if answer == "<" else answer or proposal.default

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "customers.csv").write_text(TABLE, "utf-8")
    request = Request("churn", data="customers.csv")
    return Run(tmp_path, request, "template", "1", True, data=str(tmp_path / "customers.csv"))


def ask(run: Run, *answers: str) -> tuple[dict[str, object], Person]:
    person = Person(*answers)
    given = interview.ask(run, [Path(run.data)], person).given  # type: ignore[arg-type]
    assert person.answers == []
    return dict(given), person


def test_enter_takes_the_defaults_and_each_has_its_reason(run: Run) -> None:
    given, person = ask(run, "", "", "")
    assert given == {"target": "churned", "id_column": "customer_id", "time_column": ""}
    target, name, time = person.proposals.values()
    assert target.why == "its name says so"
    assert name.why == "its name says so, and no value repeats in 60 rows"
    assert "name since where later rows are predicted" in time.why
    assert ("plan", "2 different, such as a") in target.choices
    assert ("note", "0 different, 100% missing, such as nothing") in target.choices


def test_what_was_answered_can_be_taken_back(run: Run) -> None:
    given, person = ask(run, "plan", "<", "", "none", "since", "<", "none", "")
    assert given == {"target": "churned", "id_column": "", "time_column": ""}
    first, second, *_ = person.proposals.values()
    assert (first.can_go_back, second.can_go_back) == (False, True)
    assert "churned" not in dict(second.choices)


def test_nothing_is_asked_that_an_option_has_answered(run: Run) -> None:
    answered = run.__class__(**{**run.__dict__, "given": {"id_column": "customer_id"}})
    given, _ = ask(answered, "", "")
    assert given == {"id_column": "customer_id", "target": "churned", "time_column": ""}
    assert ask(run.__class__(**{**run.__dict__, "given": {"target": "plan"}}))[0] == {
        "target": "plan"
    }


def test_an_answer_that_the_data_speak_against_is_asked_for_again(run: Run) -> None:
    given, person = ask(run, "note", "since", "churned", "plan", "none", "", "")
    assert given["target"] == "churned"
    empty, days, few, *_ = person.notes
    assert empty == (
        "the target 'note' is missing in every row. Name another column with --target."
    )
    assert "'since' holds dates" in days
    assert "the identifier 'plan' has 2 different values only" in few


def test_what_another_answer_cannot_mend_ends_the_questions(run: Run) -> None:
    Path(run.data).write_text("\n".join(TABLE.splitlines()[:20]), "utf-8")
    with pytest.raises(MlfactoryError, match="has 19 rows with a target"):
        ask(run, "churned")


def test_leaks_groups_and_columns_about_persons_are_shown(run: Run) -> None:
    rows = []
    for k in range(600):
        who = k * 7 % 120
        gone = "yes" if who * 7919 % 10 < 4 else "no"
        reason = ("moved", "price")[k % 2] if gone == "yes" else ""
        rows.append(f"{k},H{who:03},p{who}@example.org,{reason},{k * 37 % 101},{gone}")
    header = "order,household number,E-Mail,Reason to go,amount,gone"
    Path(run.data).write_text("\n".join([header, *rows]), "utf-8")
    given, person = ask(run, "gone", "household number", "", "yes")
    assert given == {"target": "gone", "id_column": "household number", "time_column": ""}
    target, name, *_ = person.proposals.values()
    assert name.default == "household number"
    assert "120 values in 600 rows" in name.why
    shown = dict(target.choices)["E-Mail"]
    assert shown == "120 different; personal: its name speaks of an e-mail address"
    assert dict(name.choices)["Reason to go"].endswith("; may tell the outcome")
    leak, *_, email = person.notes
    assert "'Reason to go' is left out until you confirm it" in leak
    assert "filled in 100% of rows with gone = yes" in leak
    assert email.startswith("'E-Mail' is not learned from (personal")


def test_columns_in_the_names_of_folders_are_shown(run: Run, tmp_path: Path) -> None:
    for year in (2023, 2024):
        folder = tmp_path / "rows" / f"year={year}"
        folder.mkdir(parents=True)
        frame = pl.read_csv(TABLE.encode())
        frame.write_parquet(folder / "part.parquet")
    several = replace(run, data=str(tmp_path / "rows"), form=MANY)
    person = Person("", "<", "", "none", "", "")
    interview.ask(several, intake.paths(several), person)  # type: ignore[arg-type]
    shown = dict(next(iter(person.proposals.values())).choices)
    assert shown["year"].startswith("2 different, such as 2023")


DEFAULTS = {
    "serving": "batch", "ci": "gitlab", "remote": "", "owner": "", "centre": None, "level": 3,
    "regions": ["eu"], "target": "target",
}  # fmt: skip
QUESTIONS = {
    name: Question(name, "", is_asked=True, default=default) for name, default in DEFAULTS.items()
}


def test_the_command_that_does_the_same_without_questions(run: Run) -> None:
    """Also where a company's template asks more, and has other defaults."""
    answers = {
        "target": "churned", "id_column": "customer id", "time_column": "", "serving": "online",
        "ci": "github", "remote": "", "owner": "@org/data", "centre": "C 7", "level": 3,
        "regions": ["eu", "us"], "_commit": "v1", "package": "churn",
    }  # fmt: skip
    (run.path / FILE).write_text(yaml.safe_dump(answers), "utf-8")
    assert interview.command(run, QUESTIONS) == (
        "mlfactory new churn --data customers.csv --target churned --id 'customer id' "
        "--serving online --ci github --owner @org/data --set 'centre=C 7' "
        """--set 'regions=["eu", "us"]' --defaults"""
    )


def test_that_command_has_every_option_that_was_typed(run: Run) -> None:
    """Parsed again it is the same request."""
    answers = {"target": "churned", "serving": "batch", "ci": "gitlab", "owner": "a b"}
    (run.path / FILE).write_text(yaml.safe_dump(answers), "utf-8")
    request = replace(
        run.request, settings={"owner": "a b", "language": "es"}, ref="v1.2.0", inside=True,
        answers_file="my answers.yml", template="gh:org/t", tag_prefix="ml-",
    )  # fmt: skip
    assert interview.command(replace(run, request=request, trusted=True), QUESTIONS) == (
        "mlfactory new churn --data customers.csv --template gh:org/t --ref v1.2.0 "
        "--tag-prefix ml- --answers 'my answers.yml' --target churned --set 'owner=a b' "
        "--set language=es --inside --trust --defaults"
    )


def test_an_answer_is_a_name_a_number_enter_or_the_way_back() -> None:
    one = Proposal((("a", "2 different"), ("none", "")), "a", "its name says so", can_go_back=True)
    typed = ("", "none", "2", "<", "3", "b")
    assert [one.take(text) for text in typed] == [("a",), ("none",), ("none",), (None,), (), ()]
    assert one.lines == ["  1  a     2 different", "  2  none", "Enter for a: its name says so"]
    assert Proposal((("a", ""),), "a", "").take("<") == ()
