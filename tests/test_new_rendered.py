"""`mlfactory new` where a factory was rendered and not set up, in a clone or by plain copier."""

from __future__ import annotations

from pathlib import Path

import pytest

from .evolving import Repo, mlfactory

ROWS = "a,b,y\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in range(120))
CALL = ("new", "churn", "--no-setup")


@pytest.fixture
def clone(tmp_path: Path) -> Repo:
    """A clone of a factory that nobody has set up; beside it the data."""
    (tmp_path / "rows.csv").write_text(ROWS)
    first = tmp_path / "elsewhere"
    first.mkdir()
    argv = ("--data", tmp_path / "rows.csv", "--target", "y")
    mlfactory(*CALL, *argv, cwd=first)
    Repo(first / "churn").git("clone", "--quiet", first / "churn", tmp_path / "churn")
    return Repo(tmp_path / "churn")


def test_the_rest_of_the_work_is_done(clone: Repo, tmp_path: Path) -> None:
    head = clone.head
    said = mlfactory(*CALL, "--data", "rows.csv", cwd=tmp_path).stderr
    assert "Copy the data" in said
    assert clone.text("data/raw/rows.csv") == ROWS
    assert (clone.head, clone.dirt) == (head, "")
    assert "nothing is left to do" in mlfactory(*CALL, cwd=tmp_path).stderr


def test_data_that_lie_in_place_need_not_be_named(clone: Repo, tmp_path: Path) -> None:
    clone.write({"data/raw/rows.csv": ROWS})
    mlfactory(*CALL, cwd=tmp_path)
    assert clone.text("data/raw/rows.csv") == ROWS


def test_data_of_another_kind_become_what_the_render_names(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(
        "".join(f'{{"a": {n}, "b": {n % 7}, "y": {n % 2}}}\n' for n in range(120))
    )
    (tmp_path / "elsewhere").mkdir()
    argv = ("--data", tmp_path / "rows.jsonl", "--target", "y")
    mlfactory(*CALL, *argv, cwd=tmp_path / "elsewhere")
    first = Repo(tmp_path / "elsewhere/churn")
    first.git("clone", "--quiet", first.path, tmp_path / "churn")
    mlfactory(*CALL, "--data", "rows.jsonl", cwd=tmp_path)
    parquet = "data/raw/rows.parquet"
    assert (tmp_path / "churn" / parquet).read_bytes() == (first.path / parquet).read_bytes()


@pytest.mark.parametrize(
    ("argv", "text", "code"),
    [
        ((), "has no data/raw/rows.csv", 2),
        (("--data", "rows.csv", "--target", "b"), "--target says 'b'", 2),
        (("--data", "rows.csv", "--template", "/nowhere"), "--template says", 2),
        (("--data", "other.csv"), "the answers name the data file 'rows.csv'", 2),
    ],
)
def test_what_contradicts_the_render_is_refused(
    clone: Repo, tmp_path: Path, argv: tuple[str, ...], text: str, code: int
) -> None:
    (tmp_path / "other.csv").write_text(ROWS)
    before = clone.everything()
    assert text in mlfactory(*CALL, *argv, cwd=tmp_path, code=code).stderr
    assert clone.everything() == before


def test_what_is_not_committed_is_not_taken_along(clone: Repo, tmp_path: Path) -> None:
    clone.write({"notes.txt": "mine\n"})
    said = mlfactory(*CALL, "--data", "rows.csv", cwd=tmp_path, code=1).stderr
    assert "notes.txt is not committed" in said


def test_a_factory_that_was_set_up_is_one(clone: Repo, tmp_path: Path) -> None:
    clone.commit({"data/raw/rows.csv.dvc": "outs: []\n"})
    said = mlfactory(*CALL, "--data", "rows.csv", cwd=tmp_path, code=1).stderr
    assert "is a factory already" in said
