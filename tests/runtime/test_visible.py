"""Characters that would steer a terminal are seen, and never do."""

import json
import logging

import pytest
from mlfactory_runtime.cli.program import print_json, print_text, say
from mlfactory_runtime.report.pages import environment
from mlfactory_runtime.serving.requests import Lines
from mlfactory_runtime.visible import visible

EVIL = "a\x1b]0;owned\x07b\x9b31m\u202ec\x7f\u061cd\U000e0041e\udce9"


def test_what_steers_is_written_out() -> None:
    assert visible("tab\tand\nline, ümlaut 📞") == "tab\tand\nline, ümlaut 📞"
    assert visible(EVIL) == r"a\x1b]0;owned\x07b\x9b31m\u202ec\x7f\u061cd\U000e0041e\udce9"


@pytest.mark.parametrize("speak", [say, print_text])
def test_no_message_steers_a_terminal(speak: object, capsys: pytest.CaptureFixture[str]) -> None:
    speak(EVIL)  # type: ignore[operator]
    said = "".join(capsys.readouterr())
    assert said == visible(EVIL) + "\n"


def test_json_reads_back_and_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"value": EVIL})
    text = capsys.readouterr().out
    assert json.loads(text) == {"value": EVIL}
    assert visible(text) == text


def test_no_line_of_a_service_steers_a_terminal() -> None:
    fields = {"path": EVIL[:-1], "status": 404}
    record = logging.makeLogRecord({"msg": EVIL[:-1], "fields": fields})
    line = Lines().format(record)
    assert json.loads(line).items() >= {"message": EVIL[:-1], **fields}.items()
    assert visible(line) == line


@pytest.mark.parametrize("name", ["data_card.md", "report.html"])
def test_no_page_holds_what_steers(name: str) -> None:
    page = environment(name).from_string("{{ value }}").render(value=EVIL)
    assert visible(page) == page
    assert "x1b" in page
