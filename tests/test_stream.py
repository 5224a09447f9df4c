from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory.base import git
from mlfactory.template import stream


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A template's tree with names and contents that could mislead a reader."""
    top = tmp_path / "checkout"
    contents = {
        "copier.yml": b"",
        "template/{{ package }}/a b.txt": b"no newline",
        "template/M 100644 inline x": b"data 5\nM 100644 inline y\ndeleteall\n",
        "template/binary": bytes(range(256)),
        "template/run": b"#!/bin/sh\n",
    }
    for name, content in contents.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    (top / "template/run").chmod(0o755)
    return top


def commit(files: stream.Files, version: str = "1.0.0", message: str = "x\n") -> stream.Commit:
    return stream.Commit(version, message, 0, files)


def test_what_is_read_is_what_was_written(tree: Path) -> None:
    release = commit(stream.tree(tree), message="data 3\n\ndeleteall\nM 100644 inline z\n")
    assert stream.read(stream.dump(release)) == release


def test_a_later_commit_holds_what_has_changed(tree: Path) -> None:
    first = commit(stream.tree(tree))
    (tree / "template/binary").unlink()
    (tree / "template/run").chmod(0o644)
    (tree / "template/D x").write_bytes(b"D copier.yml\n")
    second = commit(stream.tree(tree), "1.1.0")
    stored = stream.dump(second, first)
    assert stored.endswith(
        b"from refs/tags/v1.0.0\nD template/binary\n"
        b"M 100644 inline template/D x\ndata 13\nD copier.yml\n\n"
        b"M 100644 inline template/run\ndata 10\n#!/bin/sh\n\n" + stream.tag("1.1.0")
    )
    assert stream.read(stored, first) == second


def test_a_file_may_become_a_folder(tree: Path, tmp_path: Path) -> None:
    first = commit(stream.tree(tree))
    (tree / "template/run").unlink()
    (tree / "template/run").mkdir()
    (tree / "template/run/fast").touch()
    second = commit(stream.tree(tree), "1.1.0")
    git.import_history(tmp_path / "git", stream.dump(first) + stream.dump(second, first))
    listing = git.run("ls-tree", "-r", "--name-only", "v1.1.0", cwd=tmp_path / "git").out
    assert listing.splitlines() == sorted(second.files)


def test_a_commit_without_its_parent_is_refused(tree: Path) -> None:
    first = commit(stream.tree(tree))
    stored = stream.dump(commit({}, "1.2.0"), first)
    with pytest.raises(ValueError, match=r"not the first commit"):
        stream.read(stored)
    with pytest.raises(ValueError, match=r"not after 1\.1\.0"):
        stream.read(stored, commit({}, "1.1.0"))


@pytest.mark.parametrize("kept", [0, 10, 200, -1])
def test_half_a_commit_is_refused(tree: Path, kept: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        stream.read(stream.dump(commit(stream.tree(tree)))[:kept])


def test_what_is_unpacked_is_what_was_packed(tree: Path, tmp_path: Path) -> None:
    stream.unpack(stream.tree(tree), tmp_path / "out")
    assert stream.tree(tmp_path / "out") == stream.tree(tree)


def test_modes_are_kept(tree: Path, tmp_path: Path) -> None:
    stream.unpack(stream.tree(tree), tmp_path / "out")
    assert (tmp_path / "out/template/run").stat().st_mode & 0o111 == 0o111
    assert (tmp_path / "out/template/binary").stat().st_mode & 0o111 == 0
