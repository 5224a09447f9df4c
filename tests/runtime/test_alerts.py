"""Alerts of a real factory through real channels: a webhook, a mail server, and bad ones."""

from __future__ import annotations

import json
import os
import pty
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from mlfactory_runtime import alerts
from mlfactory_runtime.alerts import notify, unsaid
from mlfactory_runtime.cli.alert import alerting
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.monitoring import Checked, Monitored, State, Verdict
from mlfactory_runtime.testing.trained import write_yaml

from ..stand_in import served
from ..waiting import PATIENCE, own_port
from .factories import PROGRAM, Factory, make

Channels = Callable[..., None]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise
SECRET = "s3cret-token"
SLOW = f"cto={PATIENCE}&rto={PATIENCE}"  # seconds for Apprise to wait: the machine may be busy
GOLDEN = Path(__file__).parent / "formats/monitor/1.json"
MODEL = {"label": "v1.2.0 (prod)", "version": "0123456789ab", "commit": None}
RESULT = {"model": MODEL, "unseen": ["any prediction: there is none"]}


@dataclass
class Webhook:
    """A server on the loopback address that takes messages, or answers with another status."""

    status: int = 200
    taken: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.taken]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "PATIENCE", float(PATIENCE))


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    found = Webhook()

    def answer(request: BaseHTTPRequestHandler, message: Any) -> None:
        if found.status == 200:
            found.taken.append(message)
        request.send_response(found.status)
        request.end_headers()

    with served(answer) as address:
        found.url = f"json://{address}/{SECRET}?{SLOW}"
        yield found


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"json://127.0.0.1:{server.getsockname()[1]}/{SECRET}"


class Mailbox:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture
def factory(tmp_path: Path, commit_all: Callable[[Path], None]) -> Factory:
    """A factory of which nothing was said yet."""
    found = make(tmp_path / "churn", "churn")
    data = {"path": "data/raw/customers.csv", "target": "churned"}
    write_yaml(found.path / "params.yaml", {"task": "classification", "data": data})
    commit_all(found.path)
    return found


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> Channels:
    """Say to which channels alerts go."""

    def set_urls(*urls: str) -> None:
        monkeypatch.setenv("FACTORY_ALERT_URLS", " ".join(urls))

    return set_urls


@pytest.fixture(autouse=True)
def _no_secret_is_shown(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert SECRET not in "".join(capfd.readouterr())


def check(name: str, status: State, source: str = "", owner: str = "") -> Checked:
    return Checked(
        name=f"drift:{name}", kind="data", status=status, value=None, threshold=None,
        message=f"{name} has moved", runbook="a-feature-has-drifted",
        feature=name, source=source, owner=owner,
    )  # fmt: skip


def monitored(factory: Factory, verdict: Verdict, *checks: Checked) -> str:
    """What is said after a run of the monitor that found this."""
    window = {"source": "log", "rows": 5333, "other_models": {},
              "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z"}  # fmt: skip
    found = json.loads(GOLDEN.read_text("utf-8")) | {"window": window, **RESULT}
    result = Monitored.model_validate(found)
    result = result.model_copy(update={"verdict": verdict, "checks": checks})
    told = "\n".join(notify(factory.project, result))
    assert SECRET not in told
    return told


PRICE = check("price <€> & co", "alarm", source="billing.invoices", owner="@org/billing")


def test_an_alarm_is_sent_once_with_its_owner_and_its_end_is_sent_too(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    channels(webhook.url)
    assert "taken by 1 of 1 channel" in monitored(factory, "alarm", PRICE, check("plan", "ok"))
    (first,) = webhook.taken
    assert first["title"] == "churn: 1 alarm: drift:price <€> & co"
    assert first["type"] == "failure"
    for part in ("v1.2.0 (prod), 5,333 rows", "price <€> & co has moved", "owner: @org/billing",
                 "source: billing.invoices", "docs/runbook.md#a-feature-has-drifted"):  # fmt: skip
        assert part in first["message"]

    assert monitored(factory, "alarm", PRICE, check("plan", "ok")) == ""
    monitored(factory, "alarm", PRICE, check("plan", "alarm"))
    assert webhook.titles[1:] == ["churn: 1 alarm: drift:plan"]
    assert "it goes on: drift:price <€> & co" in webhook.taken[1]["message"]

    assert monitored(factory, "unknown", check("price <€> & co", "unknown")) != ""
    assert webhook.titles[2:] == ["churn: 1 alarm: the monitor cannot see"]
    monitored(factory, "healthy", check("plan", "ok"))
    assert webhook.taken[3]["type"] == "success"
    assert webhook.titles[3].startswith("churn: over: ")
    assert "- over: drift:price <€> & co" in webhook.taken[3]["message"]
    assert monitored(factory, "healthy", check("plan", "ok")) == ""


def test_what_goes_on_is_sent_again_after_days(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    channels(webhook.url)
    monitored(factory, "alarm", PRICE)
    with closing(sqlite3.connect(factory.project.params.log.path)) as connection, connection:
        connection.execute(f"update alerts set sent = sent - {8 * 86_400_000_000}")

    monitored(factory, "alarm", PRICE)

    assert len(webhook.taken) == 2


def test_a_mail_arrives_as_it_is_meant(factory: Factory, channels: Channels) -> None:
    mailbox = Mailbox()
    with own_port() as port:
        server = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE)
        server.start()
        try:
            options = f"from=factory@example.org&to=team@example.org&mode=insecure&{SLOW}"
            channels(f"mailto://127.0.0.1:{port}?{options}")
            told = monitored(factory, "alarm", PRICE)
        finally:
            server.stop()
    assert "taken by 1 of 1 channel" in told
    (mail,) = mailbox.mails
    assert mail["to"] == "team@example.org"
    assert mail["subject"] == "churn: 1 alarm: drift:price <€> & co"
    body = mail.get_body()
    assert body is not None
    assert body.get_content_type() == "text/plain"
    assert "price <€> & co has moved" in body.get_content()


def test_channels_that_fail_are_told_and_the_others_are_still_tried(
    factory: Factory, channels: Channels, webhook: Webhook, hanging: str
) -> None:
    away = f"json://user:{SECRET}@127.0.0.1:1/x", f"jsons://nowhere.invalid/{SECRET}"
    channels(*away, hanging, f"nonsense://{SECRET}", webhook.url)
    told = monitored(factory, "alarm", PRICE)  # it returns, though one never answers

    assert "taken by 1 of 5 channels" in told
    assert told.count("did not take it") == 4
    assert len(webhook.taken) == 1
    assert monitored(factory, "alarm", PRICE) == ""


def test_an_alarm_that_no_channel_took_is_sent_the_next_time(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    webhook.status = 500
    channels(webhook.url)
    assert "error=500" in monitored(factory, "alarm", PRICE)
    channels()
    assert "FACTORY_ALERT_URLS is not set" in monitored(factory, "alarm", PRICE)

    webhook.status = 200
    channels(webhook.url)
    monitored(factory, "alarm", PRICE)

    assert len(webhook.taken) == 1


def test_a_log_that_is_away_stops_no_alert(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    factory.change(log={"url_env": "LOG_URL"})
    channels(webhook.url)
    monitored(factory, "alarm", PRICE)

    assert len(webhook.taken) == 1


def test_a_command_that_fails_is_told_once_and_so_is_that_it_works(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    channels(webhook.url)
    for broken in (True, True, False, False):
        with suppress(FactoryError), alerting(factory.project, "retrain", "retraining-fails"):
            if broken:
                raise FactoryError("there is no source", "set data.source")

    assert webhook.titles == ["churn: factory retrain failed", "churn: factory retrain works again"]
    assert "there is no source\nset data.source" in webhook.taken[0]["message"]
    monitored(factory, "healthy")
    assert len(webhook.taken) == 2


def test_a_refused_promotion_is_told_with_what_to_do(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    channels(webhook.url)
    for argv, entry in (
        (("promote", "v9.9.9", "--to", "prod"), "a-promotion-is-refused"),
        (("compare", "v9.9.9"), "the-comparison-is-worse-or-undecided"),
    ):
        factory.run(*argv, code=1)
        told = webhook.taken[-1]
        assert told["title"] == f"churn: factory {argv[0]} failed"
        assert "v9.9.9" in told["message"]
        assert f"docs/runbook.md#{entry}" in told["message"]


def test_a_file_is_told_as_it_is_named_in_the_factory(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    channels(webhook.url)
    (factory.path / "features.yaml").unlink()
    factory.run("compare", "v9.9.9", code=1)
    assert webhook.taken[-1]["message"].startswith("features.yaml is not here")


def test_who_sits_at_a_terminal_is_told_there_and_nobody_else(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    channels(webhook.url)
    ours, terminal = pty.openpty()
    try:
        argv = ("-c", PROGRAM, "promote", "v9.9.9", "--to", "prod")
        with factory.start(*argv, stderr=terminal) as process:
            code = process.wait(PATIENCE)
        told = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(terminal)
    assert code == 1
    assert "error: there is no version v9.9.9" in told
    assert webhook.taken == []


def test_a_test_message_says_which_channel_took_it(
    factory: Factory, channels: Channels, webhook: Webhook
) -> None:
    away = f"json://{SECRET}@127.0.0.1:1"
    channels(away, webhook.url)
    done = factory.run("alert", "test")
    assert SECRET not in done.err
    assert "channel 1 (json://***): not taken" in done.err
    assert "channel 2 (json://***): taken" in done.err
    told = factory.json("alert", "test", "--json")["channels"]
    assert [one["taken"] for one in told] == [False, True]
    channels(away)
    factory.run("alert", "test", code=1)
    channels()
    assert "hint: export FACTORY_ALERT_URLS=" in factory.run("alert", "test", code=1).err


def test_what_was_said_tomorrow_is_said_again(trained_copy: Project) -> None:
    now = datetime.now(UTC)
    before = {"ahead": now + timedelta(days=400), "just now": now - timedelta(minutes=1)}
    assert unsaid(trained_copy, ["ahead", "just now", "new"], before) == ["ahead", "new"]
