"""A fleet's status says which repositories have a library without a security fix."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from mlfactory.cli import fleets
from mlfactory.fleet import inventory, page, status
from mlfactory.template import history, security, store, stream

from .evolving import SMALL, Repo, project, template

RECORD = """mlfactory template {}

What it brings.

- More advice.
- Security: a token is handed to its own
  host alone.
- Security of another kind is no fix.
"""
PIN = '[project]\nname = "{}"\ndependencies = ["mlfactory-runtime[online]=={}"]\n'


class Quiet:
    """A console that nobody looks at."""

    @contextmanager
    def count(self, title: str, total: int) -> Iterator[Callable[[], None]]:  # noqa: ARG002
        yield lambda: None

    def note(self, text: str) -> None:
        raise AssertionError(text)


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's history with one more release, which closes a hole."""
    folder = tmp_path / "history"
    shutil.copytree(history.HISTORY, folder)
    past = history.releases_in(folder)
    files = past.commit(past.versions[-1]).files
    store.add(
        folder, stream.Commit("0.9.0", RECORD.format("0.9.0"), 1_800_000_000, files), past.archives
    )
    monkeypatch.setattr(history, "HISTORY", folder)
    return folder


@pytest.mark.usefixtures("releases")
def test_a_line_of_the_record_names_a_fix() -> None:
    fix = "a token is handed to its own host alone."
    assert security.fixes() == {"0.9.0": (fix,)}
    assert security.missing("0.4.0") == (f"0.9.0: {fix}",)
    assert security.missing("0.4.0.post1") == (f"0.9.0: {fix}",)
    assert [security.missing(v) for v in ("0.9.0", "0.9.0.post2", "1.0.0", "", "??")] == [()] * 5


@pytest.mark.usefixtures("releases")
def test_status_and_page_name_what_is_missing(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL)
    for name, version in (("old", "0.4.0"), ("new", "0.9.0"), ("plain", "")):
        one = project(source, tmp_path / name)
        one.commit({"pyproject.toml": PIN.format(name, version) if version else "[project]\n"})
    one = Repo(tmp_path / "wheel")
    shutil.copytree(tmp_path / "plain", one.path)
    one.commit({"vendor/mlfactory_runtime-0.4.0-py3-none-any.whl": "not read\n"})
    names = ("old", "new", "plain", "wheel")
    file = tmp_path / "fleet.yml"
    file.write_text("repositories:\n" + "".join(f"  - path: {name}\n" for name in names))
    fleet = inventory.read(file)
    for _ in range(2):  # looked at, and as it was kept
        rows = status.statuses(fleet, fleet.members, Quiet(), jobs=1)
        assert [(row.runtime, len(row.security)) for row in rows] == [
            ("0.4.0", 1), ("0.9.0", 0), ("", 0), ("0.4.0", 1),
        ]  # fmt: skip
    assert [row.needs_attention for row in rows] == [True, False, False, True]
    assert status.totals(rows)["without a security fix"] == 2
    shown = [fleets.cells(row)[-1] for row in rows]
    assert shown == ["0.4.0, security fix missing", "0.9.0", "", "0.4.0, security fix missing"]
    page.write(rows, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert text.count("handed to its own host alone.") == 2
    assert json.loads(json.dumps(asdict(rows[0]), default=str))["security"] == [
        "0.9.0: a token is handed to its own host alone."
    ]
