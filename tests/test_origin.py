from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlfactory.base import origin


@pytest.mark.parametrize(
    ("record", "source"),
    [
        ({"url": "file:///our%20tools/mlfactory", "dir_info": {}}, "/our tools/mlfactory"),
        ({"url": "https://example.com/a-1.whl", "archive_info": {}}, "https://example.com/a-1.whl"),
        (
            {"url": "https://ada:s3cret@example.com/a", "vcs_info": {"vcs": "git"}},
            "git+https://***@example.com/a",
        ),
    ],
)
def test_an_installer_recorded_where_it_came_from(record: dict[str, Any], source: str) -> None:
    assert origin.source_of(record) == source


def test_this_mlfactory_comes_from_a_folder() -> None:
    assert (Path(origin.source()) / "copier.yml").is_file()
    assert origin.install("--with", "duckdb") == (
        f"uv tool install --force --with duckdb {origin.source()}"
    )
    assert origin.upgrade().startswith(f"git -C {origin.source()} pull && uv tool install --force")
