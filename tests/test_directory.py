from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.new import directory as place


def tree(staged: Path) -> Path:
    staged.mkdir()
    (staged / "a.txt").touch()
    return staged


def test_a_new_directory_appears_in_one_move(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "churn"
    with place.staging(target) as staged:
        assert staged.name == "churn"
        place.publish(tree(staged), target)
    assert [path.name for path in target.iterdir()] == ["a.txt"]


def test_an_empty_directory_stays_the_same_one(tmp_path: Path) -> None:
    inode = tmp_path.stat().st_ino
    with place.staging(tmp_path) as staged:
        place.publish(tree(staged), tmp_path)
    assert tmp_path.stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), place.staging(tmp_path / "deep" / "churn") as staged:
        tree(staged)
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_came_in_between_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "churn"
    with place.staging(target) as staged:
        target.mkdir()
        (target / "a.txt").write_text("theirs")
        with pytest.raises(MlfactoryError, match="not empty"):
            place.publish(tree(staged), target)
    assert (target / "a.txt").read_text() == "theirs"


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "churn").touch()
    with pytest.raises(UsageError, match="is not a directory"):
        place.check_free(tmp_path / "churn")


def test_a_directory_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(MlfactoryError, match="is not empty"):
        place.check_free(tmp_path)


def test_a_factory_is_recognised(tmp_path: Path) -> None:
    (tmp_path / ".copier-answers.yml").touch()
    with pytest.raises(MlfactoryError, match="is a factory already"):
        place.check_free(tmp_path)


def test_the_dot_has_the_directorys_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place.absolute(".").name == tmp_path.name


def test_gits_own_files_are_not_counted(tmp_path: Path) -> None:
    for name in (".git/objects/x", ".gitignore", "a/b"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert place.count_files(tmp_path) == 2
