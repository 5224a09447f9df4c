"""A drifting world, short, against a real factory: what `mlfactory simulate` shows must be so."""

from __future__ import annotations

import json

import pytest

from .conftest import SCRIPTS, Factory, execute
from .test_online import has_service


def test_a_factory_notices_drift_retrains_and_recovers(factory: Factory) -> None:
    if not has_service(factory) or "task: classification" not in factory.text("params.yaml"):
        pytest.skip("one factory shows it")
    before = state(factory)
    home = factory.path.parent
    argv = (str(SCRIPTS / "mlfactory"), "simulate", str(factory.path), "--json")
    short = ("--days", "7", "--drift", "2", "--seconds", "5")

    told = json.loads(execute((*argv, *short), home, factory.env).stdout)

    kinds = [event["kind"] for event in told["events"]]
    order = [kinds.index(kind) for kind in ("healthy", "drift", "alarm", "retrained", "promoted")]
    assert order == sorted(order)
    assert "alarm" not in kinds[: kinds.index("drift")]
    assert kinds.index("recovered") > kinds.index("promoted")
    compared = next(event for event in told["events"] if event["kind"] == "compared")
    assert compared["text"].startswith("better: ")
    assert told["answered"] > 1000
    measured = {one["day"]: one["observed"] for one in told["windows"] if one["observed"]}
    bad = max(value for day, value in measured.items() if told["drift"] <= day < told["promoted"])
    assert bad > 2 * max(value for day, value in measured.items() if day < told["drift"])
    assert "all was well again" in (home / "simulation.html").read_text()
    assert state(factory) == before


def state(factory: Factory) -> tuple[str, ...]:
    """What a simulation must not have touched."""
    files = sorted(str(p) for p in factory.path.rglob("*") if "__pycache__" not in p.parts)
    refs = factory.run("git", "for-each-ref").stdout
    return refs, factory.run("git", "status", "--porcelain").stdout, *files
