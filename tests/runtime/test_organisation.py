"""What an organisation sets for all of its factories holds without a change in any of them."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime.data.check import check
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.organisation import approving, settings

from ..stand_in import served
from .factories import Factory

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "organisation.toml"
    monkeypatch.setenv("MLFACTORY_ORGANISATION", str(path))
    monkeypatch.delenv("FACTORY_ALERT_URLS", raising=False)
    return path


def test_alerts_go_to_the_organisation_s_channel_until_a_factory_has_its_own(
    churn: Factory, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[Any] = []

    def answer(request: BaseHTTPRequestHandler, message: Any) -> None:
        messages.append((request.path, message["title"]))
        request.send_response(200)
        request.end_headers()

    with served(answer) as address:
        file.write_text(f"alerts = 'json://{address}/everybody'\n")
        churn.run("alert", "test")
        monkeypatch.setenv("FACTORY_ALERT_URLS", f"json://{address}/us")
        churn.run("alert", "test")
    assert [path for path, _ in messages] == ["/everybody", "/us"]


def test_a_name_that_the_organisation_does_not_ask_for_is_a_warning_of_check(
    churn: Factory, file: Path
) -> None:
    (churn.path / ".copier-answers.yml").write_text("project_name: churn\n")
    for pattern, count in (("^churn$", 0), ("^risk-", 1)):
        file.write_text(f"[names]\nproject_name = '{pattern}'\n")
        findings = check(churn.project, data=False)
        rows = [(one.level, one.message) for one in findings if "asks for" in one.message]
        text = f"project_name is 'churn', and {file} asks for {pattern}"
        assert rows == [("warning", text)] * count


def test_a_promotion_needs_the_approvals_that_the_organisation_asks_for(
    tracked: Factory, file: Path
) -> None:
    file.write_text("approvals = 2\n")
    tracked.run("register")
    promote = ("promote", "v1.0.0", "--to", "staging", "--force", "--why", "a trial")
    error = tracked.run(*promote, code=1).err
    assert f"needs 2 approvals ({file}), and has 1: you" in error
    assert "--approver 'NAME, NAME'" in error
    assert not (tracked.path / "promotions").exists()
    tracked.run(*promote, "--approver", "@ada, @grace")
    assert "@ada, @grace" in tracked.text("promotions/staging-0001-v1.0.0.json")


@pytest.mark.parametrize(("names", "enough"), [("", False), ("@a, @a", False), ("@a, @b", True)])
def test_a_person_approves_once(file: Path, names: str, *, enough: bool) -> None:
    file.write_text("approvals = 2\n")
    if enough:
        assert approving(names) == names
        return
    with pytest.raises(FactoryError, match="needs 2 approvals"):
        approving(names)


def test_without_a_file_nothing_is_set_and_the_environment_is_above_it(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFACTORY_ORGANISATION")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert settings() == {}
    monkeypatch.setenv("MLFACTORY_ORGANISATION", str(file))
    file.write_text("approvals = 2\n")
    monkeypatch.setenv("MLFACTORY_APPROVALS", "3")
    assert settings()["approvals"].value == 3
    assert settings()["approvals"].source == "the environment"
