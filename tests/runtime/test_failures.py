"""What the system refuses is told with its place and the next step, whoever was refused."""

import ast
import errno
import sys
from pathlib import Path

import pytest
from mlfactory_runtime.cli.failures import TRAINING, explain
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


# Imported where predictions are made, or where an extra is asked for that the message names.
PREDICTING = {
    "charset_normalizer", "lightgbm", "mlfactory_runtime", "numpy", "pandera", "polars", "pydantic",
    "pydantic_core", "rich", "sqlalchemy", "typer", "typing_extensions", "yaml",
}  # fmt: skip
EXTRAS = {
    "autogluon", "catboost", "cryptography", "fastapi", "interpret", "optuna", "pandas",
    "prometheus_client", "pytest", "starlette", "uvicorn", "xgboost",
}  # fmt: skip


def test_what_only_training_has_is_named_with_the_command_that_brings_it() -> None:
    runtime = Path(__file__).parents[2] / "template/runtime/mlfactory_runtime"
    names = {name for path in runtime.rglob("*.py") for name in imports(path)}
    others = names - PREDICTING - EXTRAS - {*sys.stdlib_module_names}
    assert others == {*TRAINING}
    for name in TRAINING:
        failure = explain(ModuleNotFoundError(f"No module named {name!r}", name=f"{name}.part"))
        assert failure is not None
        assert failure.message.startswith(f"{name} is not installed here")
        assert "--group train" in failure.hint
    own = explain(ModuleNotFoundError("No module named 'shapely'", name="shapely"))
    assert own is not None
    assert "uv add LIBRARY" in own.hint


def imports(path: Path) -> set[str]:
    """The tops of what a module imports from elsewhere."""
    nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
    whole = [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]
    parts = [str(n.module) for n in nodes if isinstance(n, ast.ImportFrom) and n.level == 0]
    return {name.partition(".")[0] for name in [*whole, *parts]}
