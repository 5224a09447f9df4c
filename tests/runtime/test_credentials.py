"""What git repeats of an address is shown without its secrets."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.git import git

ADDRESS = "http://ana:hidden-1@127.0.0.1:9/churn.git?private_token=hidden-2"


def test_a_remote_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(FactoryError) as caught:
        git(tmp_path, "ls-remote", ADDRESS, hint=f"git ls-remote {ADDRESS}")
    error = caught.value

    assert (
        "hidden" not in f"{error} {error.message} {error.hint} {pickle.loads(pickle.dumps(error))}"
    )
    assert "://***@127.0.0.1:9/churn.git?private_token=***" in error.message


@pytest.mark.parametrize(
    "message",
    [
        "export NOPE='postgresql://USER:PASSWORD@HOST/DATABASE'",
        "'a:b@c:1' and 10:30@Berlin/Mitte are no numbers",
        "'password = lost' in 12 rows; the column 'a?key=b' is missing",
    ],
)
def test_what_is_said_of_data_stays_as_it_is(message: str) -> None:
    assert str(FactoryError(message, "factory check")) == f"{message}; factory check"
