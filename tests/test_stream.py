from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory import stream


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


def test_what_is_unpacked_is_what_was_packed(tree: Path, tmp_path: Path) -> None:
    content = stream.tree(tree)
    message = "data 3\n\ndeleteall\nM 100644 inline z\n"
    stream.unpack(stream.commit("1.0.0", message, 0, content), tmp_path / "out")
    assert stream.tree(tmp_path / "out") == content


def test_modes_are_kept(tree: Path, tmp_path: Path) -> None:
    stream.unpack(stream.commit("1.0.0", "x", 0, stream.tree(tree)), tmp_path / "out")
    assert (tmp_path / "out/template/run").stat().st_mode & 0o111 == 0o111
    assert (tmp_path / "out/template/binary").stat().st_mode & 0o111 == 0


def test_a_release_is_known_by_its_tree(tree: Path) -> None:
    content = stream.tree(tree)
    assert stream.is_release_of(content, "1.0.0", stream.commit("1.0.0", "x", 0, content))


def test_another_tree_is_not_the_release(tree: Path) -> None:
    release = stream.commit("1.0.0", "x", 0, stream.tree(tree))
    (tree / "template/new").touch()
    assert not stream.is_release_of(stream.tree(tree), "1.0.0", release)
