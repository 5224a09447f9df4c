"""`mlfactory adopt` killed at any of its steps: nothing is lost, and the same command goes on."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from mlfactory.adopt import crossing, place
from mlfactory.base.errors import MlfactoryError
from mlfactory.new import run as setting_up

from .adopting import LINES, UV
from .evolving import Done, Repo, forked, init, mlfactory
from .test_interrupted import STOPPING, alone, script

BRANCH = "mlfactory-adopt"
# A filter of the project's, which git runs for each file that it writes: it ends half way.
SMUDGE = """#!/bin/sh
echo >> "$FILES"
if [ $(wc -l < "$FILES") -eq "$STOP_FILE" ]; then kill -KILL 0; fi
cat
"""
WRITES = ("hash-object", "fetch", "update-index", "commit-tree", "read-tree", "switch")


@dataclass(frozen=True)
class Stage:
    """A repository that waits, copied for each run, and what adopting it comes to."""

    folder: Path
    argv: tuple[str, ...]
    goal: dict[str, object]
    calls: tuple[str, ...]

    def fresh(self) -> Repo:
        here = self.folder / "here/churn"
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(self.folder / "sign/churn", here, symlinks=True)
        return Repo(here)


def run(repo: Repo, argv: tuple[str, ...], at: int = 0, how: str = "before", file: int = 0) -> Done:
    """The program, killed with its git at a call of git, or at a file that git writes."""
    folder = repo.path.parents[1]
    env = {"CALLS": str(folder / "calls"), "STOP_AT": str(at), "STOP": how, "STOP_WITH": "KILL"}
    env |= {"STOP_WHO": "all", "FILES": str(folder / "files"), "STOP_FILE": str(file)}
    for name in ("calls", "files"):
        (folder / name).write_text("")
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    act = partial(alone, "adopt", *argv)
    return forked(act, repo.path, None, PATH=path, **env)


def state(repo: Repo) -> dict[str, object]:
    """Branches, commits and files; the time of a commit aside."""
    logs = {name: repo.git("log", "--format=%s %T", name, "--") for name in ("main", BRANCH)}
    refs = repo.git("for-each-ref", "--format=%(refname)")
    names = sorted(p.name for p in (repo.path / ".git").iterdir() if "mlfactory" in p.name)
    files = {n: t for n, t in repo.everything().items() if not n.startswith(".git/")}
    return {"logs": logs, "refs": refs, "dirt": repo.dirt, "beside": names, "files": files}


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adopt")
    script(folder / "bin/git", STOPPING)
    script(folder / "smudge", SMUDGE)
    (folder / "customers.csv").write_text(LINES)
    files = {**UV, ".gitignore": ".venv\n*.log\n", "README.md": "# churn\n"}
    repo = init(folder / "sign/churn").commit(files, message="theirs")
    repo.write({"mine.log": "ignored, and mine\n"})
    return folder


@pytest.fixture
def stage(waiting: Path) -> Stage:
    """What adopting comes to where nothing stops it."""
    data = str(waiting / "customers.csv")
    argv = ("--data", data, "--target", "churned", "--id", "customer", "--no-setup")
    for _ in range(2):  # the first one fills the cache of templates
        repo = Stage(waiting, argv, {}, ()).fresh()
        done = run(repo, argv)
        assert done.returncode == 0, done.stderr
    calls = tuple((waiting / "calls").read_text().splitlines())
    return Stage(waiting, argv, state(repo), calls)


def writing(calls: tuple[str, ...]) -> Iterator[int]:
    """The calls of git that change something; of those that store a file each, the first one."""
    kinds = [next((w for w in call.split() if w in WRITES), "") for call in calls]
    for number, kind in enumerate(kinds, 1):
        if kind and not (kind == "hash-object" and kind in kinds[: number - 1]):
            yield number


def check_goes_on(stage: Stage, repo: Repo, where: str) -> None:
    assert repo.text("mine.log") == "ignored, and mine\n"
    again = run(repo, stage.argv)
    assert again.returncode == 0, (where, again.stderr)
    assert state(repo) == stage.goal, where


@pytest.mark.slow
def test_killed_at_any_call_of_git_that_writes(stage: Stage) -> None:
    """Before each, and after the last, which goes to the branch."""
    steps = [(at, "before") for at in writing(stage.calls)]
    assert len(steps) == 8
    for at, how in (*steps, (steps[-1][0], "after")):
        repo = stage.fresh()
        killed = run(repo, stage.argv, at, how)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        check_goes_on(stage, repo, f"{how} {stage.calls[at - 1]}")


@pytest.mark.slow
@pytest.mark.parametrize("file", [1, 20, 38])
def test_killed_while_git_writes_the_files(stage: Stage, file: int) -> None:
    """Half of them are there then, and git's lock on its index."""
    repo = stage.fresh()
    for key, program in (("smudge", stage.folder / "smudge"), ("clean", "cat")):
        repo.git("config", f"filter.stop.{key}", program)
    repo.write({".git/info/attributes": "* filter=stop\n"})
    assert run(repo, stage.argv, file=file).returncode == -signal.SIGKILL
    repo.write({".git/info/attributes": None}).git("config", "--remove-section", "filter.stop")
    assert (repo.git("branch", "--show-current"), bool(repo.dirt)) == ("main\n", file > 1)
    check_goes_on(stage, repo, f"file {file}")


@pytest.mark.slow
@pytest.mark.parametrize("step", ["rendered.take_over", "journal.save", "steps.copy_data"])
def test_killed_after_a_step_of_the_set_up(stage: Stage, step: str) -> None:
    repo = stage.fresh()
    act = partial(dying, step, "adopt", *stage.argv)
    forked(act, repo.path, -signal.SIGKILL)
    check_goes_on(stage, repo, step)


def dying(step: str, *argv: str) -> int:
    """The program, which ends as by a power cut once a function of the set-up has returned."""
    module, name = step.split(".")
    home = importlib.import_module(f"mlfactory.new.{module}")
    usual = getattr(home, name)

    def then_end(*args: object, **options: object) -> None:
        usual(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(home, name, then_end)
    if setting_up.COPY.act is usual:  # a step holds the function itself
        setting_up.COPY = replace(setting_up.COPY, act=then_end)  # type: ignore[misc]
    return alone(*argv)


def test_other_answers_than_it_was_begun_with_are_refused(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(LINES)
    argv = ("adopt", "--no-setup", "--data", tmp_path / "customers.csv", "--target")
    repo = init(tmp_path / "churn").commit(UV)
    mlfactory(*argv, "churned", cwd=repo.path)
    said = mlfactory(*argv, "plan", cwd=repo.path, code=2).stderr
    assert "--target says 'plan', but churn was begun with 'churned'" in said


# The way to the branch alone, killed at each file.
OLD = {"README.md": "old\n", "keep.txt": "as it is\n", "gone.txt": "gone\n"}
NEW = {"README.md": "new\n", "a/b/deep.txt": "new\n", "z.txt": "new\n", "gone.txt": None}


@pytest.fixture
def road(tmp_path: Path) -> Repo:
    """A repository with a commit that no branch has."""
    script(tmp_path / "smudge", SMUDGE)
    repo = init(tmp_path / "road").commit(OLD).commit(NEW)
    repo.git("tag", "other")
    repo.git("reset", "--quiet", "--hard", "HEAD^")
    for key, program in (("smudge", tmp_path / "smudge"), ("clean", "cat")):
        repo.git("config", f"filter.stop.{key}", program)
    return repo.write({".git/info/attributes": "* filter=stop\n", "mine.txt": "mine\n"})


def cross(top: str) -> int:
    os.setsid()
    here = place.place(top)
    with crossing.alone(here):
        crossing.switch(here, BRANCH, here.repository.run("rev-parse", "other").out.strip())
    return 0


def half(repo: Repo, file: int) -> None:
    """Go half of the way."""
    files = repo.path.parent / "files"
    files.write_text("")
    env = {"FILES": str(files), "STOP_FILE": str(file)}
    forked(partial(cross, str(repo.path)), repo.path, -signal.SIGKILL, **env)
    files.write_text("")


@pytest.mark.parametrize("file", [1, 2, 3])
def test_the_next_run_goes_the_whole_way(
    road: Repo, file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILES", str(road.path.parent / "files"))
    monkeypatch.setenv("STOP_FILE", "0")
    goal = road.tree("other")
    half(road, file)
    assert (road.path / ".git/index.lock").exists()
    forked(partial(cross, str(road.path)), road.path)
    assert (road.git("branch", "--show-current"), road.tree()) == (f"{BRANCH}\n", goal)
    assert (road.dirt, road.text("mine.txt")) == ("?? mine.txt\n", "mine\n")
    assert [p.name for p in (road.path / ".git").glob("*mlfactory*")] == []


def test_what_somebody_writes_after_a_kill_is_kept(
    road: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILES", str(road.path.parent / "files"))
    monkeypatch.setenv("STOP_FILE", "0")
    half(road, 3)
    road.write({"README.md": "written since\n"})
    with pytest.raises(MlfactoryError, match=r"README\.md was changed since adopting was stopped"):
        cross_here(road)
    assert road.text("README.md") == "written since\n"
    road.git("restore", "README.md")
    road.write({"z.txt": "mine, too\n"})
    with pytest.raises(MlfactoryError, match=r"z\.txt is there, git does not track it"):
        cross_here(road)
    assert (road.dirt, road.text("z.txt")) == ("?? mine.txt\n?? z.txt\n", "mine, too\n")
    assert BRANCH not in road.git("branch")


def cross_here(repo: Repo) -> None:
    here = place.place(str(repo.path))
    with crossing.alone(here):
        crossing.switch(here, BRANCH, repo.git("rev-parse", "other").strip())
