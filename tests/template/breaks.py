"""Changes that CI has to refuse, each with what it says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import yaml

from .conftest import Factory

RAW = "data/raw/customers.csv"


@dataclass(frozen=True)
class Break:
    """What is done to a factory, the job that fails then, and the reason on its page."""

    change: Callable[[Factory], None]
    job: str
    reason: str


def break_test(factory: Factory) -> None:
    factory.write("tests/test_own.py", "def test_own() -> None:\n    assert 1 + 1 == 3\n")


def break_contract(factory: Factory) -> None:
    header, first, *rest = factory.text(RAW).splitlines()
    price = header.split(",").index("price €")
    cells = first.split(",")
    cells[price] = "dear"
    factory.write(RAW, "\n".join([header, ",".join(cells), *rest]) + "\n")
    factory.run("dvc", "add", "--quiet", RAW)
    factory.run("dvc", "push", "--quiet", f"{RAW}.dvc")


def leak(factory: Factory) -> None:
    """A feature that is known after the outcome only."""
    catalog = yaml.safe_load(factory.text("features.yaml"))
    catalog["columns"]["# calls 📞"]["availability"] = "after_outcome"
    factory.write("features.yaml", yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False))


def worsen(factory: Factory) -> None:
    """A model that has learned next to nothing."""
    params = yaml.safe_load(factory.text("params.yaml"))
    params["model"] |= {"max_rounds": 1, "averaged": 1, "learning_rate": 0.001}
    factory.write("params.yaml", yaml.safe_dump(params, sort_keys=False, allow_unicode=True))
    factory.run("dvc", "repro", "--quiet")
    factory.run("dvc", "push", "--quiet")


BREAKS = {
    "test": Break(break_test, "code", "Hooks success, types success, tests failure."),
    "contract": Break(break_contract, "pipeline", "price €"),
    "leak": Break(leak, "pipeline", "after the outcome"),
    "worse": Break(worsen, "pipeline", "**The model is rejected**: "),
}


def propose(factory: Factory, name: str) -> Break:
    """Commit a change that CI has to refuse, on the branch that is checked out."""
    own = BREAKS[name]
    own.change(factory)
    factory.run("git", "add", "--all")
    factory.run("git", "commit", "--quiet", "--no-verify", "--message", f"Break it: {name}")
    return own
