"""Alerts of a real factory through real channels: a webhook, a mail server, and bad ones."""

from __future__ import annotations

import json
import os
import pty
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from .conftest import Factory
from .stand_in import served

pytestmark = pytest.mark.xdist_group("lab")
SECRET = "s3cret-token"
RUN = """
import json, sys
from pathlib import Path
from mlfactory_runtime.alerts import notify
from mlfactory_runtime.project import Project
print("\\n".join(notify(Project(Path.cwd()), json.load(open("result.json")))))
"""
FAILING = """
from pathlib import Path
from mlfactory_runtime.cli.alert import alerting
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.project import Project

for broken in (True, True, False, False):
    try:
        with alerting(Project(Path.cwd()), "retrain", "retraining-fails"):
            if broken:
                raise FactoryError("there is no source", "set data.source")
    except FactoryError:
        pass
"""


@dataclass
class Webhook:
    """A server on the loopback address that takes messages, or answers with another status."""

    status: int = 200
    taken: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.taken]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    found = Webhook()

    def answer(request: BaseHTTPRequestHandler, message: Any) -> None:
        if found.status == 200:
            found.taken.append(message)
        request.send_response(found.status)
        request.end_headers()

    with served(answer) as address:
        found.url = f"json://{address}/{SECRET}"
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
def alerted(lab: Factory, tmp_path: Path) -> Factory:
    """A factory whose log, and so what was sent, is empty."""
    path = str(tmp_path / "log.db")
    lab.write("params.yaml", lab.text("params.yaml").replace("log/predictions.db", path))
    return lab


def channels(factory: Factory, *urls: str) -> Factory:
    """The factory with these channels."""
    return Factory(factory.path, {**factory.env, "FACTORY_ALERT_URLS": " ".join(urls)})


def check(name: str, status: str, **more: str) -> dict[str, Any]:
    told = {"name": f"drift:{name}", "status": status, "message": f"{name} has moved"}
    return {**told, "runbook": "a-feature-has-drifted", "feature": name, **more}


def monitored(factory: Factory, verdict: str, *checks: dict[str, Any]) -> str:
    """What is said after a run of the monitor that found this."""
    window = {"rows": 5333, "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z"}
    result = {"verdict": verdict, "checks": list(checks), "window": window}
    rest = {"model": {"label": "v1.2.0 (prod)"}, "unseen": ["any prediction: there is none"]}
    factory.write("result.json", json.dumps(result | rest))
    done = factory.run("python", "-c", RUN)
    assert SECRET not in done.stdout + done.stderr
    return done.stdout


PRICE = check("price <€> & co", "alarm", source="billing.invoices", owner="@org/billing")


def test_an_alarm_is_sent_once_with_its_owner_and_its_end_is_sent_too(
    alerted: Factory, webhook: Webhook
) -> None:
    factory = channels(alerted, webhook.url)
    assert "taken by 1 of 1 channel" in monitored(factory, "alarm", PRICE, check("plan", "ok"))
    (first,) = webhook.taken
    assert first["title"] == "churn: 1 alarm: drift:price <€> & co"
    assert first["type"] == "failure"
    for part in ("v1.2.0 (prod), 5,333 rows", "price <€> & co has moved", "owner: @org/billing",
                 "source: billing.invoices", "docs/runbook.md#a-feature-has-drifted"):  # fmt: skip
        assert part in first["message"]

    assert monitored(factory, "alarm", PRICE, check("plan", "ok")) == "\n"
    monitored(factory, "alarm", PRICE, check("plan", "alarm"))
    assert webhook.titles[1:] == ["churn: 1 alarm: drift:plan"]
    assert "it goes on: drift:price <€> & co" in webhook.taken[1]["message"]

    assert monitored(factory, "unknown", check("price <€> & co", "unknown")) != "\n"
    assert webhook.titles[2:] == ["churn: 1 alarm: the monitor cannot see"]
    monitored(factory, "healthy", check("plan", "ok"))
    assert webhook.taken[3]["type"] == "success"
    assert webhook.titles[3].startswith("churn: over: ")
    assert "- over: drift:price <€> & co" in webhook.taken[3]["message"]
    assert monitored(factory, "healthy", check("plan", "ok")) == "\n"


def test_what_goes_on_is_sent_again_after_days(alerted: Factory, webhook: Webhook) -> None:
    factory = channels(alerted, webhook.url)
    monitored(factory, "alarm", PRICE)
    path = alerted.text("params.yaml").partition("  path: /")[2].partition("\n")[0]
    with closing(sqlite3.connect(f"/{path}")) as connection, connection:
        connection.execute(f"update alerts set sent = sent - {8 * 86_400_000_000}")

    monitored(factory, "alarm", PRICE)

    assert len(webhook.taken) == 2


def test_a_mail_arrives_as_it_is_meant(alerted: Factory) -> None:
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        url = (
            f"mailto://127.0.0.1:{port}?from=factory@example.org&to=team@example.org&mode=insecure"
        )
        told = monitored(channels(alerted, url), "alarm", PRICE)
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
    alerted: Factory, webhook: Webhook, hanging: str
) -> None:
    away = f"json://user:{SECRET}@127.0.0.1:1/x", f"jsons://nowhere.invalid/{SECRET}"
    factory = channels(alerted, *away, hanging, f"nonsense://{SECRET}", webhook.url)
    before = time.monotonic()
    told = monitored(factory, "alarm", PRICE)

    assert time.monotonic() - before < 60
    assert "taken by 1 of 5 channels" in told
    assert told.count("did not take it") == 4
    assert len(webhook.taken) == 1
    assert monitored(factory, "alarm", PRICE) == "\n"


def test_an_alarm_that_no_channel_took_is_sent_the_next_time(
    alerted: Factory, webhook: Webhook
) -> None:
    webhook.status = 500
    factory = channels(alerted, webhook.url)
    assert "error=500" in monitored(factory, "alarm", PRICE)
    assert "FACTORY_ALERT_URLS is not set" in monitored(channels(alerted), "alarm", PRICE)

    webhook.status = 200
    monitored(factory, "alarm", PRICE)

    assert len(webhook.taken) == 1


def test_a_log_that_is_away_stops_no_alert(alerted: Factory, webhook: Webhook) -> None:
    alerted.write(
        "params.yaml", alerted.text("params.yaml").replace("url_env: null", "url_env: LOG_URL")
    )
    monitored(channels(alerted, webhook.url), "alarm", PRICE)

    assert len(webhook.taken) == 1


def test_a_command_that_fails_is_told_once_and_so_is_that_it_works(
    alerted: Factory, webhook: Webhook
) -> None:
    factory = channels(alerted, webhook.url)
    factory.run("python", "-c", FAILING)

    assert webhook.titles == ["churn: factory retrain failed", "churn: factory retrain works again"]
    assert "there is no source\nset data.source" in webhook.taken[0]["message"]
    monitored(factory, "healthy")
    assert len(webhook.taken) == 2


def test_a_refused_promotion_is_told_with_what_to_do(alerted: Factory, webhook: Webhook) -> None:
    factory = channels(alerted, webhook.url)
    for argv, entry in (
        (("promote", "v9.9.9", "--to", "prod"), "a-promotion-is-refused"),
        (("compare", "v9.9.9"), "the-comparison-is-worse-or-undecided"),
    ):
        factory.run("factory", *argv, code=1)
        told = webhook.taken[-1]
        assert told["title"] == f"churn: factory {argv[0]} failed"
        assert "v9.9.9" in told["message"]
        assert f"docs/runbook.md#{entry}" in told["message"]


def test_who_sits_at_a_terminal_is_told_there_and_nobody_else(
    alerted: Factory, webhook: Webhook
) -> None:
    env = {**alerted.env, "FACTORY_ALERT_URLS": webhook.url}
    argv = [str(alerted.path / ".venv/bin/factory"), "promote", "v9.9.9", "--to", "prod"]
    ours, terminal = pty.openpty()
    try:
        done = subprocess.run(
            argv, cwd=alerted.path, env=env, stderr=terminal, timeout=60, check=False
        )
        told = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(terminal)
    assert done.returncode == 1
    assert "error: there is no version v9.9.9" in told
    assert webhook.taken == []


def test_a_test_message_says_which_channel_took_it(alerted: Factory, webhook: Webhook) -> None:
    away = f"json://{SECRET}@127.0.0.1:1"
    factory = channels(alerted, away, webhook.url)
    done = factory.run("factory", "alert", "test")
    assert SECRET not in done.stderr
    assert "channel 1 (json://***): not taken" in done.stderr
    assert "channel 2 (json://***): taken" in done.stderr
    told = factory.json("factory", "alert", "test", "--json")["channels"]
    assert [one["taken"] for one in told] == [False, True]
    channels(alerted, away).run("factory", "alert", "test", code=1)
    none = channels(alerted).run("factory", "alert", "test", code=1)
    assert "hint: export FACTORY_ALERT_URLS=" in none.stderr
