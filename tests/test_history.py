"""Released versions stay what they were, byte for byte, for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base import git
from mlfactory.render import copier
from mlfactory.template import choice, history

# Never change a line here; add one per release.
RELEASES: dict[str, str] = {
    "0.1.0": "8cd0e6255e531e16a4c8b894e1a096580c890054",
    "0.2.0": "780962876319a7710185a209a587bea1cd901151",
    "0.3.0": "d4aa3f6eb0f45def2f18455d4ebf0cfc053e597a",
    "0.4.0": "f0974bb673cf901a8e1372cac1d69e8ec0bcf72b",
}

# The rendered files of each release, for each of the answers below. Never change a line either.
RENDERS: dict[str, dict[str, str]] = {
    "0.1.0": {
        "batch": "4caaec40f7de6014859cda5552b8a85853f1c3d68b02169d17b4a0d2321c8ea4",
        "online": "70da7a246e78f83701ae1e313c235322ec0e8048c4dfad00ab730316140faeb4",
    },
    "0.2.0": {
        "batch": "d939d1642978119e04d7b8a82ab242884f9bf33ec710f8445b4e52521206ed9b",
        "online": "b28ab12684d8dda6ba2e44081159c9d0e92625b2539dc21f07fe7301ff045ced",
    },
    "0.3.0": {
        "batch": "e52501172c34cdb2c548215968c112687d979ba018ad4071fc231f2696b00d0e",
        "online": "2499f5971aa6aa825195e62ae0f0f1cae3bbdabe9f34446de9e60c25e742dbc8",
    },
    "0.4.0": {
        "batch": "e22f3e2516a1d98245850fa36547dbab102935d2f88b76f187082da7285830b7",
        "online": "3a32baa215cc8884481c43d8c6cadef11b75f555f859541994e62209c9f2e8ec",
    },
}
ANSWERS: dict[str, dict[str, Any]] = {
    "batch": {"target": "churned", "data_file": "customers.csv", "id_column": "customer id"},
    "online": {
        "owner": "@org/data",
        "target": "precio €",
        "data_file": "sales.parquet",
        "time_column": "day",
        "task": "regression",
        "serving": "online",
        "ci": "none",
        "remote": "s3://bucket/store",
    },
}


def test_every_release_is_listed() -> None:
    versions = list(history.releases_in(history.HISTORY).versions)
    assert versions == list(RELEASES) == list(RENDERS)


def digest(folder: Path) -> str:
    """A hash of every file's name, content, and whether it can be executed."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        mode = "x" if path.stat().st_mode & 0o100 else "-"
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\0{mode}{content}\n".encode())
    return total.hexdigest()


@pytest.mark.parametrize("answers", ANSWERS)
@pytest.mark.parametrize("version", history.releases_in(history.HISTORY).versions)
def test_a_release_renders_byte_for_byte_as_it_did(
    version: str, answers: str, tmp_path: Path
) -> None:
    with copier.open_sheet(choice.template("", version)) as sheet:
        copier.render(sheet, tmp_path / "churn", ANSWERS[answers])
    files = digest(tmp_path / "churn")
    assert RENDERS.get(version, {}).get(answers) == files, f'RENDERS: "{answers}": "{files}"'


@pytest.mark.parametrize(("version", "commit"), RELEASES.items())
def test_a_release_has_the_commit_that_it_always_had(version: str, commit: str) -> None:
    repository = history.repository()
    assert git.run("rev-parse", f"v{version}", cwd=repository).out.strip() == commit


def test_the_history_survives_a_checkout_without_git(tmp_path: Path) -> None:
    """As in a wheel: only the files of the history, no repository around them."""
    for file in history.HISTORY.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    releases = history.releases_in(tmp_path)
    assert releases.key == history.releases_in(history.HISTORY).key
