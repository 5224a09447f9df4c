"""The token of the jobs: `mlfactory doctor` proves what it may do, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base import git
from mlfactory.doctor import token
from mlfactory.doctor.finding import Finding
from mlfactory.doctor.run import TOK001, _findings

from .stand_in import served

TOKEN = "t0ken-of-the-jobs"
MAY = {"/git/refs": 422, "/pulls": 422}


@pytest.fixture
def factory(tmp_path: Path, commit_all: Callable[[Path], None]) -> Path:
    (tmp_path / ".copier-answers.yml").write_text("ci: github\n")
    commit_all(tmp_path)
    return tmp_path


def finding(folder: Path) -> Finding:
    (found,) = _findings(folder, (TOK001,))
    return found


def origin(folder: Path, address: str, forge: str = "github") -> None:
    (folder / ".copier-answers.yml").write_text(f"ci: {forge}\n")
    git.run("remote", "add", "origin", address, cwd=folder)


@pytest.mark.parametrize("address", ["", "/srv/git/churn.git", "file:///srv/git/churn.git"])
def test_without_a_forge_there_is_nothing_to_prove(factory: Path, address: str) -> None:
    if address:
        origin(factory, address)
    assert finding(factory).state == "ok"


def test_a_token_that_is_not_at_hand_is_named(
    factory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACTORY_FORGE_TOKEN", raising=False)
    origin(factory, "git@github.com:org/churn.git")
    found = finding(factory)
    assert (found.state, "FACTORY_FORGE_TOKEN" in found.remedy) == ("warning", True)


@pytest.mark.parametrize(
    ("may", "state", "detail"),
    [
        (MAY, "ok", "it may push, and open requests"),
        ({**MAY, "/pulls": 403}, "error", "it may not open pull requests"),
        ({**MAY, "/git/refs": 404}, "error", "it may not push branches and tags"),
        ({"/git/refs": 401}, "error", "github does not take FACTORY_FORGE_TOKEN"),
    ],
)
def test_what_it_may_do_on_github_is_tried(
    factory: Path,
    monkeypatch: pytest.MonkeyPatch,
    may: dict[str, int],
    state: str,
    detail: str,
) -> None:
    def answer(request: BaseHTTPRequestHandler, _: Any) -> None:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        code = may[request.path.removeprefix("/repos/org/churn")]
        request.send_response(code)
        request.end_headers()
        request.wfile.write(b"{}")

    monkeypatch.setenv("FACTORY_FORGE_TOKEN", TOKEN)
    origin(factory, "https://github.com/org/churn.git")
    with served(answer) as address:
        monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
        monkeypatch.setenv("GITHUB_API_URL", f"http://{address}")
        found = finding(factory)
    assert (found.state, detail in found.detail) == (state, True), found
    assert TOKEN not in f"{found}"


@pytest.mark.parametrize(
    ("level", "scopes", "detail"),
    [
        (40, ["api", "write_repository"], "it may push, and open requests"),
        (20, ["api", "write_repository"], "it may not push branches and tags"),
        (40, ["read_api"], "it may not open merge requests, nor push by git"),
    ],
)
def test_what_it_may_do_on_gitlab_is_asked(
    factory: Path,
    monkeypatch: pytest.MonkeyPatch,
    level: int,
    scopes: list[str],
    detail: str,
) -> None:
    content = {
        "/projects/data%2Fchurn": {"permissions": {"project_access": {"access_level": level}}},
        "/personal_access_tokens/self": {"scopes": scopes},
    }

    def answer(request: BaseHTTPRequestHandler, _: Any) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(json.dumps(content[request.path]).encode())

    monkeypatch.setenv("FACTORY_FORGE_TOKEN", TOKEN)
    origin(factory, "ssh://git@gitlab.example.org:2222/data/churn.git", "gitlab")
    with served(answer) as address:
        monkeypatch.setenv("CI_SERVER_URL", "https://gitlab.example.org:8443")
        monkeypatch.setenv("CI_API_V4_URL", f"http://{address}")
        assert finding(factory).detail == detail


def test_a_token_of_several_lines_is_refused_and_not_repeated(
    factory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin(factory, "https://git.example.com/org/churn.git")
    monkeypatch.setenv("FACTORY_FORGE_TOKEN", f"{TOKEN}\nmore")
    result = finding(factory)
    assert "is not one line of ASCII" in str(result)
    assert TOKEN not in str(result)


def test_a_token_goes_to_no_other_host(factory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def elsewhere(request: BaseHTTPRequestHandler, _: Any) -> None:
        seen.append(request.headers["Authorization"])
        request.send_response(422)
        request.end_headers()

    with served(elsewhere) as other:

        def forge(request: BaseHTTPRequestHandler, _: Any) -> None:
            request.send_response(302)
            request.send_header("Location", f"http://{other}/")
            request.end_headers()

        with served(forge) as address:
            origin(factory, "https://git.example.com/org/churn.git")
            monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.example.com")
            monkeypatch.setenv("GITHUB_API_URL", f"http://{address}")
            monkeypatch.setenv("FACTORY_FORGE_TOKEN", TOKEN)
            assert "it may not push" in str(finding(factory))
    assert seen == []


@pytest.mark.parametrize("server", ["", "https://another.example.com", "git.example.com"])
@pytest.mark.parametrize(
    ("forge", "names", "url"),
    [
        ("github", ("GITHUB_SERVER_URL", "GITHUB_API_URL"), "/api/v3/repos/org/churn"),
        ("gitlab", ("CI_SERVER_URL", "CI_API_V4_URL"), "/api/v4/projects/org%2Fchurn"),
    ],
)
def test_the_environment_of_another_server_gets_no_token(
    factory: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    forge: str,
    names: tuple[str, str],
    url: str,
) -> None:
    origin(factory, "git@git.example.com:org/churn.git", forge)
    for name, value in zip(names, (server, "https://another.example.com/api"), strict=True):
        monkeypatch.setenv(name, value)
    place = token.place_of(factory, TOKEN)
    assert place
    assert place.url == f"https://git.example.com{url}"
