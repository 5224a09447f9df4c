"""What a forge answers, and what is made of it: pauses, pages, and refusals as sentences."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from mlfactory.base.errors import UsageError
from mlfactory.fleet.forges import hosts, rest
from mlfactory.fleet.forges.kinds import ForgeError
from mlfactory.fleet.forges.rest import Api, Pace

from .stand_in import served

Reply = tuple[int, dict[str, str], Any]


@contextmanager
def api(*replies: Callable[[str], Reply]) -> Iterator[tuple[Api, list[str]]]:
    """A forge that gives these answers in turn, the last one for ever; and its calls."""
    calls: list[str] = []

    def answer(request: BaseHTTPRequestHandler, _: Any) -> None:
        calls.append(f"{request.command} {request.path} {request.headers['Authorization']}")
        code, headers, content = replies[min(len(calls), len(replies)) - 1](request.path)
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(json.dumps(content).encode())

    with served(answer) as host:
        yield Api(host, f"http://{host}", "much", ("TOKEN_OF_IT",), "s3cret", Pace(0)), calls


def test_a_limit_that_ends_at_a_time_is_waited_for() -> None:
    now = str(int(time.time()) + 1)
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": now}
    with api(lambda _: (403, limit, {}), lambda _: (200, {}, {"a": 1})) as (place, calls):
        start = time.monotonic()
        assert rest.call(place, "GET", "/x")[0] == {"a": 1}
        assert time.monotonic() - start >= 0.9
        assert calls == ["GET /x Bearer s3cret"] * 2


def test_who_wants_too_much_patience_is_refused() -> None:
    with api(lambda _: (429, {"Retry-After": "86400"}, {})) as (place, calls):
        with pytest.raises(ForgeError, match="asks for patience"):
            rest.call(place, "GET", "/x")
        assert len(calls) == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (401, "does not accept the token in TOKEN_OF_IT"),
        (403, "the token in TOKEN_OF_IT may not do this at"),
        (404, "has no /x, or the token in TOKEN_OF_IT may not see it"),
        (409, "has a conflict: no way; because"),
        (422, "does not take this: no way; because"),
        (500, "answers 500 to POST /x: no way; because"),
    ],
)
def test_a_refusal_is_a_sentence(code: int, words: str) -> None:
    content = {"message": "no way", "errors": [{"message": "because\nof\x1b[2J"}]}
    with api(lambda _: (code, {}, content)) as (place, calls):
        with pytest.raises(ForgeError) as caught:
            rest.call(place, "POST", "/x", {})
        message = caught.value.message
        assert words in message
        assert caught.value.code == code
        assert "\x1b" not in message
        assert "\n" not in message
        assert "s3cret" not in f"{message} {caught.value.hint} {place!r}"
        assert len(calls) == 1  # what writes is not said twice


def test_pages_and_other_addresses_of_the_host_are_followed_and_no_others() -> None:
    with (
        api(lambda _: (200, {}, [{"a": 3}])) as (other, calls),
        api(
            lambda _: (200, {"Link": f'<{place.base}/2>; rel="next"'}, [{"a": 1}]),
            lambda _: (301, {"Location": f"{place.base}/3"}, {}),
            lambda _: (200, {"Link": f'<{other.base}/4>; rel="next"'}, [{"a": 2}]),
        ) as (place, own),
    ):
        rows = rest.entries(place, "/1")
        assert [next(rows), next(rows)] == [{"a": 1}, {"a": 2}]
        with pytest.raises(ForgeError, match="gets no token of it"):
            next(rows)
        assert [call.split()[1] for call in own] == ["/1", "/2", "/3"]
        assert calls == []


def test_a_host_that_is_away_is_told() -> None:
    place = Api("127.0.0.1:9", "http://127.0.0.1:9", "much", ("T",), "s3cret", Pace(0))
    with pytest.raises(ForgeError, match="cannot be reached"):
        rest.call(place, "GET", "/x")


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://github.com/acme/churn.git", ("https", "github.com", "acme/churn")),
        ("git@GitLab.com:acme/sub/churn.git", ("https", "gitlab.com", "acme/sub/churn")),
        ("ssh://git@git.example.com:2222/acme/churn", ("https", "git.example.com", "acme/churn")),
        ("http://git.example.com/a/b", ("https", "git.example.com", "a/b")),  # no token in plain
        ("http://localhost:8080/a/b", ("http", "localhost:8080", "a/b")),
        ("https://user@git.example.com/a/b", ("https", "git.example.com", "a/b")),
    ],
)
def test_an_address_says_which_forge(address: str, site: tuple[str, str, str]) -> None:
    one = hosts.site_of(address)
    assert one
    assert (one.scheme, one.host, one.name) == site


def test_no_two_hosts_share_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hosts.site_of("/srv/git/churn.git") is None
    assert hosts.variables("a-b.com") != hosts.variables("a.b.com")
    assert hosts.variables("git.example.com") == ("MLFACTORY_TOKEN_GIT_EXAMPLE_COM",)
    assert "GITHUB_TOKEN" in hosts.variables("github.com")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.example.com")
    assert "GITHUB_TOKEN" not in hosts.variables("github.com")
    with pytest.raises(UsageError, match="no organisation of a forge"):
        hosts.owner_site("acme")
