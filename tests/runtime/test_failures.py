"""What the system refuses is told with its place and the next step, whoever was refused."""

import pytest
from mlfactory_runtime.cli.failures import explain
from polars.exceptions import ComputeError


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (OSError(30, "Read-only file system", "log/x.db"), "log/x.db: Read-only", "you may write"),
        (
            OSError("Read-only file system (os error 30): a/x.parquet"),
            "a/x.parquet: Read-",
            "write",
        ),
        (ComputeError("No space left on device (os error 28): a.csv"), "a.csv: No space", "room"),
        (ComputeError("Permission denied (os error 13)"), "Permission denied", "whose it is"),
        (OSError("something else"), "something else", "mend that"),
    ],
)
def test_the_system_says_no(error: Exception, message: str, hint: str) -> None:
    failure = explain(error)
    assert failure is not None
    assert message in failure.message
    assert hint in failure.hint


def test_a_mistake_of_ours_is_not_explained_away() -> None:
    assert explain(KeyError("x")) is None
