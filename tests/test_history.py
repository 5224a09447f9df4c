"""Released versions stay what they were, byte for byte, for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory import git, source

# Never change a line here; add one per release.
RELEASES: dict[str, str] = {
    "0.1.0": "8cd0e6255e531e16a4c8b894e1a096580c890054",
}


def test_every_release_is_listed() -> None:
    assert list(source.released(source.HISTORY).versions) == list(RELEASES)


@pytest.mark.parametrize(("version", "commit"), RELEASES.items())
def test_a_release_has_the_commit_that_it_always_had(version: str, commit: str) -> None:
    repository = source.repository()
    assert git.run("rev-parse", f"v{version}", cwd=repository).out.strip() == commit


def test_the_history_survives_a_checkout_without_git(tmp_path: Path) -> None:
    """As in a wheel: only the files of the history, no repository around them."""
    for stream in source.HISTORY.glob("*.stream"):
        (tmp_path / stream.name).write_bytes(stream.read_bytes())
    found = source.released(tmp_path)
    assert found.key == source.released(source.HISTORY).key
