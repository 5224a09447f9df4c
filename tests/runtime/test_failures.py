"""What the system refuses is told with its place and the next step, whoever was refused."""

import errno
from pathlib import Path

import pytest
from mlfactory_runtime.cli.failures import explain
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.tables.read import reading
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


def test_a_table_is_not_blamed_for_another_file(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.touch()
    for name, kind in (("params.new", OSError), (str(table), FactoryError)):
        with pytest.raises(kind, match="Read-only"), reading(table):
            raise OSError(errno.EROFS, "Read-only file system", name)


def test_a_mistake_of_ours_is_not_explained_away() -> None:
    assert explain(KeyError("x")) is None
