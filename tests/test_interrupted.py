"""An update stopped at any step is as if it had not begun, or can be finished or aborted."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.update import run as update

from . import histories
from .evolving import forked
from .histories import TALK, File, History, content, differing, git, plain, staged

LINES = [f"line {n}\n".encode() for n in range(40)]
LONG = b"".join(f"{n} is a line of a file that fills a disk\n".encode() for n in range(3000))
GIT = shutil.which("git")
# In front of the real git: stops whoever it shall at one of its calls, and goes on otherwise.
STOPPING = f"""#!/bin/sh
echo "$*" >> "$CALLS"
if [ $(wc -l < "$CALLS") -ne "$STOP_AT" ]; then exec {GIT} "$@"; fi
if [ "$STOP" = after ]; then {GIT} "$@"; fi
if [ "$STOP_WHO" = all ]; then kill -"$STOP_WITH" 0; else kill -"$STOP_WITH" $PPID; fi
sleep 2
"""
# A filter of the project's, which git runs for each file while it writes them.
SMUDGE = """#!/bin/sh
echo >> "$CALLS"
if [ $(wc -l < "$CALLS") -eq "$STOP_AT" ]; then kill -KILL 0; fi
cat
"""


@dataclass(frozen=True)
class Stage:
    """A project with an update before it, what is in it now, and what will be."""

    top: Path
    before: dict[str, object]
    index: str
    after: dict[str, object]


def history(*, torn: bool) -> History:
    """A change of every kind; with `torn`, one that meets the user's."""
    mine = b"".join([b"user above\n", *LINES])
    there = mine if torn else b"".join(LINES)
    return History(
        {
            "both.txt": File(b"".join(LINES), b"".join([b"template\n", *LINES]), there),
            "apart.txt": File(b"".join(LINES), b"".join([*LINES, b"template\n"]), mine),
            "gone.txt": File(b"gone\n", None, b"gone\n"),
            "moved.txt": File(LONG, LONG + b"more\n", LONG, ("folder/new.txt", "")),
            "added/new.txt": File(None, b"new\n" * 20, None),
            "added/script.sh": File(None, b"echo\n", None, modes=(False, True, False)),
            ".gitignore": File(b"*.log\n", b"*.log\n", b"*.log\n"),
        }
    )


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Stage]:
    """Stages; the renders are in the cache already, so that the steps are the update's own."""

    def made(*, torn: bool = False) -> Stage:
        script(tmp_path / "bin/git", STOPPING)
        source = histories.template(tmp_path / "template", history(torn=torn))
        top = histories.project(tmp_path / "start/project", source, history(torn=torn))
        git(top, "config", "gc.auto", "0")
        (top / "untracked.txt").write_text("mine\n")
        (top / "ignored.log").write_text("mine\n")
        twin = copied(top, tmp_path / "finished")
        assert run(twin).returncode == (4 if torn else 0)
        return Stage(top, histories.state(top), staged(top), plain(content(twin)))

    return made


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def copied(top: Path, folder: Path) -> Path:
    """The same project elsewhere; its folder keeps its name."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(top, folder / top.name, symlinks=True)
    return folder / top.name


def run(top: Path, *args: str, limit: int | None = None, **env: str):
    """mlfactory in a group of processes of its own; with a limit nobody may write larger files."""
    argv = ("update", *(args or ("--defaults", "--no-check")))
    if limit is None:
        return forked(partial(alone, *argv), top, None, **env)
    return subprocess.run(
        [sys.executable, "-m", "mlfactory", *argv],
        cwd=top,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)),
    )


def alone(*argv: str) -> int:
    from mlfactory.cli import main

    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    sys.argv = ["mlfactory", *argv]
    return main()


def stopped(stage: Stage, place: Path, at: int, how: str, what: str = "KILL", who: str = "all"):
    """A copy in which the update was stopped at a call of git, and those calls."""
    top, calls = copied(stage.top, place / "stopped"), place / "calls"
    calls.write_text("")
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {"CALLS": str(calls), "STOP_AT": str(at), "STOP": how, "STOP_WITH": what}
    result = run(top, PATH=path, STOP_WHO=who, **env)
    return top, result, calls.read_text().splitlines()


def check_either(stage: Stage, top: Path, *, told: str) -> None:
    """It is as before; or aborting brings it there, and going on to the other side."""
    state = {**histories.state(top), "objects": stage.before["objects"]}
    if not differing(state, stage.before):
        return
    (top / "meanwhile.txt").write_text("also mine\n")
    other = copied(top, top.parents[1] / "other")
    error = outcome(lambda: update.abort(top))
    check(stage, top, finished=not error and head(top) != head(stage.top), told=told)
    error = outcome(lambda: update.resume(other, TALK))
    check(stage, other, finished=error or head(other) != head(stage.top), told=told)
    if not error:
        assert run(other).returncode in (0, 4)
        check(stage, other, finished=True, told=told)


def outcome(act: Callable[[], object]) -> bool:
    """Whether there was an update to abort or to finish."""
    try:
        act()
    except MlfactoryError as error:
        assert re.match("no update is in progress|still in conflict", error.message)
        return error.message.startswith("still in conflict")
    return True


def head(top: Path) -> str:
    return git(top, "rev-parse", "HEAD")


def check(stage: Stage, top: Path, *, finished: bool, told: str) -> None:
    """Exactly what was there before or comes after, and what the user made meanwhile."""
    files = plain(content(top))
    assert files.pop("meanwhile.txt") == (b"also mine\n", False), told
    assert differing(files, stage.after if finished else stage.before["files"]) == {}, told
    assert not (top / ".git/index.lock").exists(), told
    assert finished or staged(top) == stage.index, told
    assert finished or head(top) == head(stage.top), told


@pytest.mark.parametrize(("torn", "how"), [(False, "before"), (True, "after")])
def test_killed_at_any_call_of_git(
    make: Callable[..., Stage], tmp_path: Path, torn: bool, how: str
) -> None:
    stage, at = make(torn=torn), 1
    while True:
        top, result, calls = stopped(stage, tmp_path, at, how)
        if len(calls) < at:
            break
        assert result.returncode == -signal.SIGKILL
        check_either(stage, top, told=f"killed {how} call {at}\n")
        at += 1
    assert at > 20
    assert result.returncode == (4 if torn else 0)


@pytest.mark.parametrize(("what", "who"), [("INT", "all"), ("TERM", "mlfactory")])
def test_told_to_stop_at_any_call_of_git_once_it_writes(
    make: Callable[..., Stage], tmp_path: Path, what: str, who: str
) -> None:
    stage = make()
    _, _, calls = stopped(stage, tmp_path, 0, "before")
    for at in range(len(calls) - 8, len(calls) + 1):
        top, result, _ = stopped(stage, tmp_path, at, "after", what, who)
        assert result.returncode in (130, -signal.SIGINT), result.stderr
        check_either(stage, top, told=f"{what} after call {at}\n{result.stderr}")


@pytest.mark.parametrize("torn", [False, True])
def test_killed_while_git_writes_the_files(
    make: Callable[..., Stage], tmp_path: Path, torn: bool
) -> None:
    stage = make(torn=torn)
    script(tmp_path / "smudge", SMUDGE)
    for key, program in (("smudge", tmp_path / "smudge"), ("clean", "cat")):
        git(stage.top, "config", f"filter.stop.{key}", str(program))
    (stage.top / ".git/info").mkdir(exist_ok=True)
    (stage.top / ".git/info/attributes").write_text("* filter=stop\n")
    calls, at = tmp_path / "calls", 0
    while True:
        calls.write_text("")
        top, at = copied(stage.top, tmp_path / "stopped"), at + 1
        killed = run(top, CALLS=str(calls), STOP_AT=str(at)).returncode == -signal.SIGKILL
        if not killed:
            break
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CALLS", str(calls))
            patch.setenv("STOP_AT", "0")
            check_either(stage, top, told=f"killed at file {at}\n")
    assert at > 4


@pytest.mark.parametrize("limit", [0, 60, 200, 500, 1500, 5000, 20_000, 60_000, 120_000])
def test_no_space_is_left(make: Callable[..., Stage], home: Path, limit: int) -> None:
    stage = make()
    shutil.rmtree(home / ".cache")
    top = copied(stage.top, stage.top.parents[1] / "stopped")
    result = run(top, limit=limit)
    assert result.returncode == 1, result.stderr
    assert "bug in mlfactory" not in result.stderr
    check_either(stage, top, told=result.stderr)


def test_what_the_user_writes_meanwhile_is_never_overwritten(
    make: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = make()
    top, _, _ = stopped(stage, tmp_path, picking(stage, tmp_path), "before")
    (top / "apart.txt").write_text("mine\n")
    for act in (lambda: update.abort(top), lambda: update.resume(top, TALK)):
        with pytest.raises(MlfactoryError, match=r"would be lost: apart\.txt"):
            act()
    assert (top / "apart.txt").read_text() == "mine\n"


@pytest.mark.parametrize("ignored", [True, False])
def test_a_file_made_meanwhile_where_the_update_adds_one_stays(
    make: Callable[..., Stage], tmp_path: Path, ignored: bool
) -> None:
    stage = make()
    top, _, _ = stopped(stage, tmp_path, picking(stage, tmp_path), "before")
    if ignored:
        (top / ".git/info/exclude").parent.mkdir(exist_ok=True)
        (top / ".git/info/exclude").write_text("added/\n")
    (top / "added").mkdir()
    (top / "added/new.txt").write_text("mine\n")
    with pytest.raises(MlfactoryError, match=r"added/new\.txt"):
        update.resume(top, TALK)
    assert (top / "added/new.txt").read_text() == "mine\n"
    update.abort(top)
    assert (top / "added/new.txt").read_text() == "mine\n"


def picking(stage: Stage, place: Path) -> int:
    """The call of git that is the cherry-pick."""
    _, _, calls = stopped(stage, place, 0, "before")
    return next(n for n, call in enumerate(calls, 1) if " cherry-pick " in call)
