"""Over generated histories: copier's result where it is right, and never a lost line elsewhere."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from mlfactory.project import record
from mlfactory.render.result import RenderOptions
from mlfactory.update import course, plan
from mlfactory.update import run as update
from mlfactory.update.run import Outcome

from . import histories
from .histories import TALK, File, History, content, differing, git, plain, staged, state

EXAMPLES = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)


@contextmanager
def made(history: History) -> Iterator[Path]:
    """A project whose template has a new version."""
    with tempfile.TemporaryDirectory() as folder:
        source = histories.template(Path(folder) / "template", history)
        yield histories.project(Path(folder) / "project", source, history)


def updated(top: Path, *, dry_run: bool = False) -> Outcome:
    return update.update(top, update.Options(dry_run=dry_run, check=""), TALK)


def by_copier(top: Path) -> None:
    """The same update by copier's own command."""
    argv = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"]
    result = subprocess.run(argv, cwd=top, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@given(histories.limited())
@settings(EXAMPLES, max_examples=12)
def test_where_edits_are_apart_the_tree_is_that_of_copier(history: History) -> None:
    with made(history) as top:
        twin = top.with_name("twin") / "project"
        twin.parent.mkdir()
        git(top, "clone", "--quiet", "--template=", str(top), str(twin))
        by_copier(twin)
        assert updated(top).state == "updated"
        assert differing(content(top), content(twin)) == {}
        assert git(top, "status", "--porcelain") == ""


@given(histories.unlimited())
@settings(EXAMPLES, max_examples=25)
def test_no_line_of_the_user_is_lost_and_the_plan_tells_what_happens(history: History) -> None:
    with made(history) as top:
        before, index = state(top), staged(top)
        planned = updated(top, dry_run=True).plan
        tree = predicted(top)
        assert differing(state(top), before) == {}
        assert planned is not None
        outcome = updated(top)
        conflicts = git(top, "diff", "--name-only", "--diff-filter=U", "-z").split("\0")[:-1]
        event(outcome.state)
        assert {conflict.path for conflict in planned.conflicts} == {
            name.partition("~")[0]
            for name in conflicts  # git puts a file aside as file~HEAD
        }
        assert outcome.state == ("conflicts" if conflicts else "updated")
        assert history.words <= words(top, conflicts)
        assert differing(plain(content(top)), tree) == {}
        if conflicts:
            update.abort(top)
        else:
            assert git(top, "status", "--porcelain") == ""
            git(top, "revert", "--no-edit", "HEAD")
        assert differing(content(top), before["files"]) == {}
        if conflicts:
            assert staged(top) == index
            assert differing(state(top), before).keys() <= {"index", "objects", "refs", "kept"}


def predicted(top: Path) -> dict[str, tuple[bytes, bool]]:
    """The files of the tree that the plan was made from."""
    where = course.find_course(record.find(top))
    with plan.preview(where, RenderOptions()) as ready:
        leaves = ready.merge.leaves
        files = {}
        for name, (mode, oid) in leaves.items():
            blob = subprocess.run(
                ["git", "cat-file", "blob", oid], cwd=top, check=True, capture_output=True,
                env={**histories.os.environ, **ready.pair.bench.repository.env},
            ).stdout  # fmt: skip
            files[name] = (blob, mode == "100755")
    return plain(files)


def words(top: Path, torn: list[str]) -> set[bytes]:
    """All lines in the tree, and in the stages of files that are in conflict."""
    contents = [text for text, _ in content(top).values()]
    for row in git(top, "ls-files", "--unmerged", "-z").split("\0")[:-1]:
        facts, _, name = row.partition("\t")
        assert name in torn
        argv = ["git", "cat-file", "blob", facts.split()[1]]
        contents.append(subprocess.run(argv, cwd=top, check=True, capture_output=True).stdout)
    return {line.strip() for text in contents for line in text.split(b"\n")}


def test_no_setting_of_git_s_makes_a_preview_write(tmp_path: Path) -> None:
    history = History({"a": File(b"1\n", b"2\n", b"user 3\n")})
    source = histories.template(tmp_path / "template", history)
    top = histories.project(tmp_path / "project", source, history)
    for name in ("core.splitIndex", "core.untrackedCache", "index.threads"):
        git(top, "config", name, "true")
    git(top, "config", "merge.conflictStyle", "zdiff3")
    before = state(top)
    updated(top, dry_run=True)
    assert differing(state(top), before) == {}
    assert updated(top).state == "conflicts"
    update.abort(top)
    assert differing(content(top), before["files"]) == {}


def test_a_warm_status_imports_no_renderer(tmp_path: Path) -> None:
    source = histories.template(tmp_path / "template", History())
    top = histories.project(tmp_path / "project", source, History())
    look = "import sys; from mlfactory.cli import main; code = main(); print(*sys.modules); "
    argv = [sys.executable, "-c", f"{look}sys.exit(code)", "status"]
    loaded = [
        {name.split(".")[0] for name in result.stdout.split()}
        for _ in range(2)
        if (result := subprocess.run(argv, cwd=top, capture_output=True, text=True, check=True))
    ]
    assert "copier" in loaded[0]
    assert (
        loaded[1] & {"copier", "cookiecutter", "plumbum", "jinja2", "polars", "pydantic"} == set()
    )


@pytest.fixture(autouse=True)
def quiet_git(home: Path) -> None:
    """Hypothesis runs many examples in one test; none of them may wait for housekeeping."""
    with (home / ".gitconfig").open("a") as file:
        file.write("[gc]\nauto = 0\n[maintenance]\nauto = false\n")
