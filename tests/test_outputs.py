"""What a command writes for people takes the place of its own kind only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mlfactory.adopt.conversion import convert
from mlfactory.base import outputs
from mlfactory.base.errors import UsageError

from .conftest import Command


@pytest.mark.parametrize(
    ("begin", "text"), [(outputs.PAGE, "<!DOCTYPE html>\n"), (outputs.DOCUMENT, "{}"), ("{", "")]
)
def test_one_of_its_kind_may_be_replaced(here: Path, begin: str, text: str) -> None:
    (here / "a").write_text(text)
    outputs.check(here / "a", begin)
    outputs.check(here / "new", begin)


def test_nothing_else_is(here: Path) -> None:
    (here / "data.csv").write_text("a,b\n1,2\n")
    (here / "link.html").symlink_to("data.csv")
    os.mkfifo(here / "pipe")
    outputs.check(here / "pipe")  # a page may be piped, and a plan is put in place in one move
    with pytest.raises(UsageError):
        outputs.check(here / "pipe", outputs.DOCUMENT)
    for name in ("data.csv", "link.html", ".", "gone/a.html"):
        for begin in (outputs.PAGE, outputs.DOCUMENT):
            with pytest.raises(UsageError):
                outputs.check(here / name, begin)


@pytest.mark.parametrize(
    "argv",
    [
        ("fleet", "status", "--html"),
        ("fleet", "catalog", "--html"),
        ("fleet", "plan", "--out"),
        ("simulate", "--html"),
    ],
)
def test_somebodys_file_stays(here: Path, mlfactory: Command, argv: tuple[str, ...]) -> None:
    (here / "fleet.yml").write_text("repositories:\n  - path: a\n    skip: not yet\n")
    (here / "mine").write_text("precious\n")
    result = mlfactory(*argv, "mine", cwd=here, code=2)
    assert "mine is there already" in result.stderr
    assert (here / "mine").read_text() == "precious\n"


def test_a_template_is_not_imported_into_itself(here: Path) -> None:
    (here / "t/{{cookiecutter.name}}").mkdir(parents=True)
    (here / "t/cookiecutter.json").write_text('{"name": "x"}')
    with pytest.raises(UsageError, match="lies in the template itself"):
        convert("t", "t/{{cookiecutter.name}}/out")
    assert not any((here / "t/{{cookiecutter.name}}").iterdir())
