"""Repositories of other users, as they are often mounted into a container."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.git import git


def test_the_repository_of_another_user_is_named(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(FactoryError, match="belongs to another user") as failure:
        git(tmp_path, "status", env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert f"git config --global --add safe.directory {tmp_path}" in failure.value.hint
