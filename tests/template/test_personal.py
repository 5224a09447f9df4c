"""Values of persons are planted in the data, and then searched for in all that `new` writes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable

import pytest

from ..persons import persons, planted
from .conftest import SCRIPTS, Factory, execute

WRITTEN = ("models", "reports")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Factory:
    """A trained factory on them."""
    folder = tmp_path_factory.mktemp("personal")
    persons().write_csv(folder / "persons.csv")
    argv = (str(SCRIPTS / "mlfactory"), "new", "churn", "--data", "persons.csv")
    told = execute((*argv, "--target", "churned", "--defaults", "--json"), folder, warm).stdout
    return Factory(folder / "churn", warm, json.loads(told))


def readable(factory: Factory, values: Iterable[str]) -> list[str]:
    """Which values stand in any commit, in the work tree of git, in the model or in a report."""
    files = [path for name in WRITTEN for path in (factory.path / name).rglob("*")]
    tracked = factory.run("git", "ls-files", "-z").stdout.split("\0")
    files += [factory.path / name for name in tracked if name]
    texts = [path.read_bytes().decode("utf-8", "replace") for path in files if path.is_file()]
    log = ("git", "log", "--patch", "--text", "--all")  # the wheel among it is no text
    done = subprocess.run(log, cwd=factory.path, env=factory.env, capture_output=True, check=True)
    history = done.stdout.decode("utf-8", "replace")
    written = "\n".join([*texts, history])
    return [value for value in values if value in written]


def test_no_value_of_a_person_can_be_read(made: Factory) -> None:
    assert readable(made, planted()) == []
