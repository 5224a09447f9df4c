from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory.base import process, uv


def test_pip_settings_that_uv_lacks_are_passed_on_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@index.example.com/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "index.example.com")
    settings = uv.settings()
    assert settings.variables["UV_DEFAULT_INDEX"] == "https://user:secret@index.example.com/simple"
    assert settings.variables["UV_INSECURE_HOST"] == "index.example.com"
    assert "index.example.com" in " ".join(settings.notes)
    assert "secret" not in " ".join(settings.notes)


def test_what_uv_is_told_already_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example.com/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example.com/simple")
    assert "UV_DEFAULT_INDEX" not in uv.settings().variables


def test_further_indexes_are_searched_as_pip_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more.example.com/simple")
    variables = uv.settings().variables
    assert variables["UV_INDEX"] == "https://more.example.com/simple"
    assert variables["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_folders_of_this_machine_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/srv/wheels https://links.example.com")
    settings = uv.settings()
    assert settings.variables["UV_FIND_LINKS"] == "https://links.example.com"
    assert settings.local["UV_FIND_LINKS"] == "/srv/wheels https://links.example.com"


def test_a_proxy_serves_both_protocols(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_PROXY", "http://proxy.example.com:3128")
    variables = uv.settings().variables
    assert variables["HTTP_PROXY"] == variables["HTTPS_PROXY"] == "http://proxy.example.com:3128"


def test_uv_is_the_one_that_came_with_the_program() -> None:
    assert "uv " in process.run([uv.program(), "--version"]).out


def test_the_factory_s_programs_come_first(tmp_path: Path) -> None:
    assert uv.environment(tmp_path)["PATH"].startswith(str(tmp_path / ".venv"))


def test_an_environment_is_made_under_another_active_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "other"))
    monkeypatch.setenv("UV_PYTHON", "2.7")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.11"\n'
    )
    uv.install(tmp_path)
    assert (tmp_path / "uv.lock").is_file()
    assert (tmp_path / ".venv/bin/python").exists()
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("name", "pip", "there"),
    [
        ("UV_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("https_proxy", "PIP_PROXY", "HTTPS_PROXY"),
        ("SSL_CERT_DIR", "PIP_CERT", "SSL_CERT_FILE"),
    ],
)
def test_what_uv_is_told_under_another_name_wins_too(
    monkeypatch: pytest.MonkeyPatch, name: str, pip: str, there: str
) -> None:
    monkeypatch.delenv(there, raising=False)
    monkeypatch.setenv(name, "https://uv.example.org")
    monkeypatch.setenv(pip, "https://pip.example.org")
    assert there not in uv.settings().variables


def test_a_timeout_is_passed_on_under_either_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "77")
    assert uv.settings().variables["UV_HTTP_TIMEOUT"] == "77"


def test_settings_of_uv_cannot_lead_the_environment_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("UV_FROZEN", "1")
    text = '[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    uv.install(tmp_path)
    assert (tmp_path / ".venv" / "bin" / "python").exists()


def test_a_python_that_the_project_does_not_admit_is_left_to_uv(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    for range_, is_ours in ((">=3.11", True), ("<3.11", False), ("nonsense", True)):
        file.write_text(f'[project]\nrequires-python = "{range_}"\n')
        assert bool(uv.python_for(tmp_path)) == is_ours
    file.unlink()
    assert uv.python_for(tmp_path)
