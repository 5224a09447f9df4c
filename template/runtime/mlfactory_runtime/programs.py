"""The one place where programs are started."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .credentials import mask
from .errors import FactoryError

# What `git rev-parse --local-env-vars` prints, less the variables that carry configuration
# (credentials and proxies of a CI): inside a hook these would point git at another repository.
LOCAL = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def environment() -> dict[str, str]:
    """The environment for programs: git finds the repository by the folder alone."""
    return {name: value for name, value in os.environ.items() if name not in LOCAL}


# What git advises in a repository of another user: a command, and so the same in every language.
STRANGER = re.compile(r"git config --global --add safe\.directory (\S.*)")
PATIENCE = 10  # seconds in which programs may tidy up when they are told to end


def output(
    folder: Path,
    *argv: str,
    hint: str = "",
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    family: bool = False,
) -> bytes:
    """What a program prints that is run in a folder.

    A FactoryError tells the command and its error, or its last line, without what is secret of an
    address in them. With `family`, what it has started ends with it when this process is told to
    stop; it may not ask at a terminal then.
    """
    data, full = stdin.encode(), environment() | dict(env or {})
    try:
        result = run(argv, folder, full, data, family=family)
    except OSError as error:
        raise FactoryError(f"{argv[0]} cannot be started: {error.strerror}", hint) from error
    if result.returncode:
        text = (result.stderr.strip() or result.stdout.strip()).decode(errors="replace")
        if advice := STRANGER.search(text):
            stranger = f"git does not open the repository {advice[1]}: it belongs to another user"
            raise FactoryError(stranger, f"if you trust it: {advice[0]}")
        report = text.splitlines()
        ours = [line for line in report if line.startswith("error: ")]  # of a stage, say
        lines = ours or [line for line in report if line.startswith(("ERROR", "fatal"))] or report
        message = f"`{shlex.join(argv)}` failed: {' '.join(lines[-1:])}"
        raise FactoryError(mask(message), mask(hint))
    return result.stdout


def run(
    argv: tuple[str, ...], folder: Path, env: dict[str, str], stdin: bytes, *, family: bool
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end."""
    group = 0 if family else None
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, cwd=folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe, process_group=group
    ) as process:
        try:
            out, err = process.communicate(stdin)
        except BaseException:
            end(process, family=family)
            raise
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def end(process: subprocess.Popen[bytes], *, family: bool) -> None:
    """End a program, and with `family` all that it has started."""
    if not family:
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        os.killpg(process.pid, signal.SIGKILL)
