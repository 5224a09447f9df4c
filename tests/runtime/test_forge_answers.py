"""What is said where a forge, or what stands before it, answers otherwise than an API does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge import place, rest

from ..github import JOB, NAME, github
from ..gitlab import TOKEN, gitlab
from ..stand_in import served

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def bytes_at(content: bytes) -> Iterator[str]:
    """The address of a program that answers each caller with these bytes, and hangs up."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while server.fileno() >= 0:
                try:
                    caller, _ = server.accept()
                except OSError:  # it is closed
                    return
                with caller:
                    caller.recv(2**16)
                    caller.sendall(content)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be reached: Remote end closed connection"),
        (HEAD + b"Content-Length: 500\r\n\r\n[{", "cannot be reached: IncompleteRead"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "cannot be reached: SSH-2.0"),
        (HEAD + b"\r\n<html>Sign in, please", "is no API of a forge, it says '<html>Sign in"),
        (HEAD + b"Content-Length: 0\r\n\r\n", "is no API of a forge, it says ''"),
        (HEAD + b'\r\n{"message": "hello"}', "answers 'hello' where a list is due"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 900\r\n\r\n{", "answers 403 to GET /issues"),
        (b"HTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n", "would lead to an infinite loop"),
    ],
)
def test_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str) -> None:
    with bytes_at(content) as address:
        for name, value in {
            "GITHUB_API_URL": address,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_TOKEN": JOB,
        }.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(FactoryError) as refusal:
            place.forge().own_issue("mark")
    assert reason in refusal.value.message
    assert refusal.value.hint
    assert "\n" not in str(refusal.value)
    assert JOB not in str(refusal.value)


def test_one_that_is_busy_is_asked_again_and_told_nothing_twice() -> None:
    calls: list[str] = []

    def answer(request: BaseHTTPRequestHandler, _: Any) -> None:
        calls.append(request.command)
        request.send_response(503 if len(calls) != 2 else 200)
        request.end_headers()
        request.wfile.write(b"[]" if len(calls) == 2 else b"<html>Maintenance</html>")

    with served(answer) as host:
        api = rest.Api(f"http://{host}", JOB)
        assert rest.call(api, "GET", "/issues") == ([], "")
        with pytest.raises(FactoryError, match="503 to POST /issues: Service Unavailable") as told:
            rest.call(api, "POST", "/issues", {"title": "x"})
    assert told.value.hint == "run the job again when it answers"
    assert calls == ["GET", "GET", "POST"]


def test_the_end_of_a_line_that_was_stored_with_a_token_is_none_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with github() as forge:
        forge.rights[JOB] = {"issues"}
        monkeypatch.setenv("GITHUB_API_URL", forge.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
        monkeypatch.setenv("GITHUB_TOKEN", f"{JOB}\n")
        assert place.forge().open_issue("title", "text") == "/issues/1"
    with gitlab() as project:
        monkeypatch.setenv("CI_API_V4_URL", project.api)
        monkeypatch.setenv("CI_PROJECT_ID", "1217")
        monkeypatch.setenv("FACTORY_FORGE_TOKEN", f" {TOKEN}\r\n")
        assert place.forge().open_issue("title", "text") == "/issues/1"


@pytest.mark.parametrize("token", ["", " \n", "two words", "ghp_öffnet", "first\nsecond"])
def test_a_secret_that_holds_no_token_is_named(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(FactoryError, match=r"^GITHUB_TOKEN holds no token") as refusal:
        place.forge().own_issue("mark")
    assert not token.strip() or token not in str(refusal.value)
