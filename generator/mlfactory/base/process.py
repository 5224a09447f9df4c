"""The one place where other programs are started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from mlfactory_runtime.programs import LOCAL

from .errors import MlfactoryError

TAIL_LINES = 15


@dataclass(frozen=True)
class Result:
    """What a finished program left: exit code and both streams as text."""

    code: int
    out: str
    err: str


class ProcessError(MlfactoryError):
    """A program ended with a code that was not expected."""

    def __init__(self, argv: Sequence[str], result: Result, hint: str = "") -> None:
        super().__init__(f"`{' '.join(argv)}` ended with code {result.code}\n{tail(result)}", hint)
        self.result = result


def tail(result: Result) -> str:
    """The last lines of what a program wrote, as they stand in a message."""
    lines = (result.err.strip() or result.out.strip()).splitlines()[-TAIL_LINES:]
    return "\n".join(f"  {line}" for line in lines)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for started programs: mlfactory's own scripts are on the PATH."""
    env = {k: v for k, v in os.environ.items() if k not in LOCAL}
    scripts = str(Path(sys.executable).parent)
    path = env.get("PATH", os.defpath)
    if scripts not in path.split(os.pathsep):
        env["PATH"] = f"{scripts}{os.pathsep}{path}"
    return env | dict(extra or {})


def run(
    argv: Sequence[str],
    cwd: Path | None = None,
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = 600,
    ok: Sequence[int] = (0,),
    hint: str = "",
) -> Result:
    """Run a program to its end and return what it wrote.

    Raises MlfactoryError when it is missing, takes longer than `timeout` seconds, or ends with a
    code that is not in `ok`.
    """
    try:
        process = subprocess.run(
            list(argv),
            cwd=cwd,
            env=environment(env),
            input=stdin if stdin is not None else b"",
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise MlfactoryError(f"{argv[0]} cannot be started: {error.strerror}", hint) from error
    except subprocess.TimeoutExpired as error:
        text = f"`{' '.join(argv)}` did not end within {timeout:.0f} s"
        raise MlfactoryError(text, hint) from error
    return check(
        argv, Result(process.returncode, _text(process.stdout), _text(process.stderr)), ok, hint
    )


def check(argv: Sequence[str], result: Result, ok: Sequence[int], hint: str = "") -> Result:
    """The result, if its code is one of those. Raises ProcessError if not."""
    if result.code not in ok:
        raise ProcessError(argv, result, hint)
    return result


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="surrogateescape")


@contextmanager
def background(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs meanwhile; with all that it started, it is stopped at the end."""
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=environment(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise MlfactoryError(f"{argv[0]} cannot be started: {error.strerror}") from error
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], patience: float = 15) -> None:
    """Ask a program and all that it started to end, and after so many seconds make them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def run_whole(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    *,
    stdin: bytes = b"",
    timeout: float = 900,
    ok: Sequence[int] = (0,),
) -> Result:
    """Like `run`, with all that the program started: it ends when the program does, when that is
    interrupted, or takes too long. The last lines are in the error then: they say what it waits
    for."""
    with TemporaryFile() as source, TemporaryFile() as out, TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        with background(argv, cwd, env, stdin=source, stdout=out, stderr=err) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout)
            code = process.returncode
        texts = [content(stream) for stream in (out, err)]
    if code is None:
        text = f"`{' '.join(argv)}` did not end within {timeout:.0f} s"
        raise MlfactoryError(f"{text}\n{tail(Result(0, *texts))}".rstrip())
    return check(argv, Result(code, *texts), ok)


def content(stream: IO[bytes]) -> str:
    stream.seek(0)
    return _text(stream.read())
