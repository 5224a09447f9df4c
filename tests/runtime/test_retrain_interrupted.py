"""`factory retrain` that is killed, told to stop or fails: the model in use was compared."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mlfactory_runtime.learn.split import digest
from mlfactory_runtime.registry.artifact import lock_of, version

from ..customers import customers
from ..waiting import PATIENCE, until
from ..warm import before, write
from .factories import PROGRAM, WARM, Factory, kept, program_path
from .holds import await_stop, go_on, held_after

RAW = "data/raw/customers.csv"
# What a shell starts in the background ignores SIGINT, and so would all that it starts.
AWAKE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
RETRAIN = ("retrain", "--commit")
# `factory` as the pipeline calls it: it stays at its training while a file is there.
PAUSED = """#!/bin/sh
if [ "$1" = train ] && [ -e "$PAUSE" ]; then
  : > "$PAUSE.reached"
  while [ -e "$PAUSE" ] && kill -0 "$TESTS"; do sleep 0.05; done
fi
PATH="$REST" exec factory "$@"
"""


@pytest.fixture
def ready(tracked: Factory, warm: str, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory whose source has more rows than it has learned from, and the program on PATH."""
    monkeypatch.setenv(WARM, warm)
    monkeypatch.setenv("PATH", program_path())
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
    customers(1800).drop("revenue", "segment").write_csv(tracked.path / "delivered.csv")
    with (tracked.path / ".gitignore").open("a") as file:
        file.write("delivered.csv\n")
    tracked.change(data={"source": "delivered.csv"}, model={"max_rounds": 30})
    return kept(tracked, "A source")


def work(factory: Factory) -> list[Path]:
    return list((factory.path / ".factory/retrain").glob("work-*"))


def copying(factory: Factory) -> bool:
    """The copy is being made."""
    return any((one / "factory").is_dir() for one in work(factory))


def training(factory: Factory) -> bool:
    """The pipeline runs."""
    return any((one / "factory/data/prepared").is_dir() for one in work(factory))


def comparing(factory: Factory) -> bool:
    """The new model is whole, and nobody has compared it."""
    done = [one / "factory" for one in work(factory)]
    whole = (one for one in done if (one / "reports/data_card.md").is_file())
    return any(lock_of(one) != lock_of(factory.path) for one in whole)


def adopting(factory: Factory) -> bool:
    """The new model is compared, and takes the place of the old one."""
    return any((one / "plan.json").is_file() for one in work(factory))


def adopted(factory: Factory) -> bool:
    """Some of it is in place."""
    return digest(factory.path / RAW) != before_of(factory)


def before_of(factory: Factory) -> str:
    noted = factory.tool("git", "show", f"HEAD:{RAW}.dvc")
    return noted.partition("md5: ")[2].split()[0]


# The functions after which it stops itself at a moment. While the pipeline trains, that does.
STOPS = {
    copying: held_after("mlfactory_runtime.retrain.apart:copy"),
    training: "",
    comparing: held_after("mlfactory_runtime.retrain.retrain:reproduce"),
    adopting: held_after("mlfactory_runtime.retrain.retrain:plan"),
    adopted: held_after("mlfactory_runtime.retrain.adopt:put_file", 2),
}
Run = subprocess.Popen[str]


def begun(factory: Factory, moment: Callable[[Factory], bool]) -> Run:
    """A retraining that has come to a moment, and stays there."""
    program = STOPS[moment] + AWAKE + PROGRAM
    options = {"stderr": subprocess.PIPE, "start_new_session": True}
    env = {**os.environ, **pause(factory)} if moment is training else None
    run = factory.start("-c", program, *RETRAIN, env=env, **options)
    await_training(factory, run) if moment is training else await_stop(run)
    assert moment(factory)
    return run


def pause(factory: Factory) -> dict[str, str]:
    """What the pipeline needs, so that it waits when it is to train."""
    place = factory.path.parent / "pause"
    (place / "programs").mkdir(parents=True)
    (place / "wait").touch()
    write(place / "programs/factory", PAUSED)
    rest = os.environ["PATH"]
    own = {"PAUSE": str(place / "wait"), "TESTS": str(os.getpid()), "REST": rest}
    return {**own, "PATH": before(rest, place / "programs")}


def await_training(factory: Factory, run: Run) -> None:
    reached = factory.path.parent / "pause/wait.reached"
    until(reached.exists, lambda: run.poll() is None)


def killed(factory: Factory, moment: Callable[[Factory], bool], number: int, *, group: bool) -> str:
    """Run it and send a signal at a moment; what it said."""
    with begun(factory, moment) as run:
        (os.killpg if group else os.kill)(run.pid, number)
        go_on(run)
        (factory.path.parent / "pause/wait").unlink(missing_ok=True)
        _, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == -number if number == signal.SIGKILL else 128 + number
    return said


def consistent(factory: Factory) -> None:
    """What DVC keeps and what git knows agree."""
    assert factory.tool("git", "status", "--porcelain", "--untracked-files=no") == ""
    assert factory.tool("dvc", "status") == "Data and pipelines are up to date.\n"


@pytest.mark.parametrize(
    ("moment", "group"),
    [
        pytest.param(copying, True, id="copying"),
        pytest.param(training, True, id="training-all"),
        # The pipeline has not ended with it.
        pytest.param(training, False, id="training-alone", marks=pytest.mark.slow),
        pytest.param(comparing, True, id="comparing"),
    ],
)
def test_what_was_not_compared_is_never_in_use(
    ready: Factory, moment: Callable[[Factory], bool], group: bool
) -> None:
    old, lock = version(ready.project.model_folder), ready.text("dvc.lock")
    killed(ready, moment, signal.SIGKILL, group=group)

    assert version(ready.project.model_folder) == old
    assert ready.text("dvc.lock") == lock
    consistent(ready)
    ready.run("predict", RAW, "answers.csv", "--no-log")
    done = ready.json("retrain", "--commit", "--json", code=None)
    assert done["comparison"]["b"]["model"] == version(ready.project.model_folder) != old
    consistent(ready)
    assert ready.json("retrain", "--commit", "--json")["comparison"] is None


@pytest.mark.parametrize("moment", [adopting, adopted])
def test_what_was_compared_is_finished_by_the_next_run(
    ready: Factory, moment: Callable[[Factory], bool]
) -> None:
    head = ready.tool("git", "rev-parse", "HEAD")
    killed(ready, moment, signal.SIGKILL, group=True)
    ready.run("predict", RAW, "answers.csv", "--no-log")

    done = ready.json("retrain", "--commit", "--json", code=None)
    assert done["comparison"]["b"]["model"] == version(ready.project.model_folder)
    assert done["commit"] == ready.tool("git", "rev-parse", "HEAD").strip()
    assert ready.tool("git", "rev-parse", "HEAD~1") == head
    consistent(ready)
    assert ready.json("retrain", "--commit", "--json")["comparison"] is None


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (training, signal.SIGTERM),
        (adopting, signal.SIGINT),
        pytest.param(training, signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(adopting, signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_one_that_is_told_to_stop_takes_all_back(
    ready: Factory, moment: Callable[[Factory], bool], number: int
) -> None:
    old = version(ready.project.model_folder)
    said = killed(ready, moment, number, group=False)

    assert "interrupted" in said
    assert "Traceback" not in said
    assert version(ready.project.model_folder) == old
    assert not work(ready)
    consistent(ready)


def test_a_hook_that_refuses_leaves_all_as_it_was(ready: Factory) -> None:
    old = version(ready.project.model_folder)
    hook = ready.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    said = ready.run("retrain", "--commit", code=1).err
    assert "all is as it was before" in said
    assert version(ready.project.model_folder) == old
    consistent(ready)


def test_work_of_somebody_after_a_kill_is_not_written_over(ready: Factory) -> None:
    killed(ready, adopting, signal.SIGKILL, group=True)
    ready.tool("git", "checkout", "--quiet", "--force", "HEAD", "--", ".")
    ready.write("reports/model_card.md", "mine\n")
    ready.run("retrain", code=None)
    assert "mine" not in ready.text("reports/model_card.md"), "it was trained anew"


def test_two_at_once_are_told_so(ready: Factory) -> None:
    with begun(ready, copying) as first:
        said = ready.run("retrain", code=1).err
        assert "another `factory retrain` is at work here" in said
        go_on(first)
        first.communicate(timeout=PATIENCE)
        assert first.returncode in (0, 4)
    consistent(ready)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_old_model_answers_while_the_pipeline_runs_and_after_a_kill(
    ready: Factory, number: int
) -> None:
    old = version(ready.project.model_folder)
    customers(1800).drop("revenue", "segment").write_csv(ready.path / RAW)
    ready.tool("dvc", "add", "--quiet", RAW)
    env = {**os.environ, **pause(ready)}
    with ready.start("-m", "dvc", "repro", start_new_session=True, env=env) as run:
        await_training(ready, run)
        assert not (ready.path / "reports/evaluation.json").exists()
        ready.run("predict", RAW, "during.csv", "--no-log")
        assert version(ready.project.model_folder) == old
        os.killpg(run.pid, number)
    ready.run("predict", RAW, "after.csv", "--no-log")
    ready.tool("dvc", "repro")
    ready.run("predict", RAW, "later.csv", "--no-log")
    assert version(ready.project.model_folder) != old
    assert not list((ready.path / "models").glob(".factory-*"))
