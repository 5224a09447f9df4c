"""Somebody has edited a file that is part of the library now, and takes the edit along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..customers import customers
from .conftest import SCRIPTS, Factory, execute
from .test_evolution import edit, git

pytestmark = pytest.mark.slow
# A file that has hardly changed since: of one that has, git does not see where it went.
EDITED, NOW = "src/churn/groups.py", "runtime/mlfactory_runtime/learn/groups.py"
LINE, OURS = "def pseudonym(", "OURS = 'ours'\n\n\n"
ALONG = "mlfactory update --set runtime=source"


def update(factory: Factory, *options: str, code: int = 0) -> Any:
    return factory.json(str(SCRIPTS / "mlfactory"), "update", "--json", *options, code=code)


@pytest.fixture
def edited(tmp_path: Path, env: dict[str, str]) -> Factory:
    """A factory of 0.3.0, without an environment, that has groups of its own."""
    customers().drop("revenue", "segment").write_csv(tmp_path / "customers.csv")
    argv = ("new", "churn", "--data", "customers.csv", "--target", "churned", "--ref", "0.3.0")
    execute((str(SCRIPTS / "mlfactory"), *argv, "--defaults", "--no-setup"), tmp_path, env)
    factory = Factory(tmp_path / "churn", env)
    edit(factory, EDITED, LINE, f"{OURS}{LINE}")
    git(factory, "add", "--all")
    git(factory, "commit", "--quiet", "--no-verify", "--message", "ours")
    return factory


def test_the_plan_and_the_conflict_name_the_way_on(edited: Factory) -> None:
    plan = update(edited, "--defaults", "--dry-run", code=4)["plan"]
    done = update(edited, "--defaults", code=4)

    assert [one["path"] for one in plan["conflicts"]] == [EDITED]
    assert [text for text in plan["warnings"] if ALONG in text and text.startswith("1 file")]
    assert [text for text in done["next"] if ALONG in text]


def test_the_edit_goes_along_and_the_library_can_be_given_back(edited: Factory) -> None:
    update(edited, "--defaults", code=4)
    update(edited, "--abort")

    assert update(edited, "--defaults", "--set", "runtime=source")["state"] == "updated"
    assert OURS in edited.text(NOW)
    assert not (edited.path / EDITED).exists()

    edit(edited, NOW, OURS, "")
    git(edited, "commit", "--quiet", "--no-verify", "--all", "--message", "as it was")
    assert update(edited, "--defaults", "--set", "runtime=wheel")["state"] == "updated"
    assert not (edited.path / "runtime").exists()
    assert len(list((edited.path / "vendor").glob("*.whl"))) == 1
