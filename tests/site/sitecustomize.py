"""Python reads this at its start where it is on PYTHONPATH: it counts what is done to files.

Before the `KILLS_LAST`-th of these things the process ends as by a power cut; with `KILLS_ALL`, all
of its session do, and those count as well that it has started. What is written natively, in a
database say, is not seen.
"""

import os
import signal
import sys
from contextlib import suppress

EVENTS = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod",
    "os.truncate", "subprocess.Popen", "sqlite3.connect", "shutil.copyfile", "shutil.rmtree",
}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def install(count: str, last: int, everything: bool) -> None:
    first = os.environ.setdefault("KILLS_FIRST", str(os.getpid()))
    file = os.open(count, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def hook(event: str, args: tuple[object, ...]) -> None:
        if not (event in EVENTS or (event == "open" and writes(*args))):
            return
        if everything or first == str(os.getpid()):
            os.write(file, b".")
            if last and os.fstat(file).st_size >= last:
                end_session() if everything else os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def writes(path: object, _: object, flags: int) -> bool:
    """Whether a file of a name is opened for that, and none of Python's own."""
    plain = isinstance(path, str | bytes) and "__pycache__" not in str(path)
    return plain and bool(flags & WRITING)


def end_session() -> None:
    """Nobody is told, so nobody tidies up: all stand still before the first ends."""
    others = [one for one in map(int, processes()) if is_ours(one)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for one in others:
            with suppress(ProcessLookupError):
                os.kill(one, number)
    os.kill(os.getpid(), signal.SIGKILL)


def processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def is_ours(process: int) -> bool:
    try:
        return process != os.getpid() and os.getsid(process) == os.getsid(0)
    except ProcessLookupError:
        return False


if "KILLS_COUNT" in os.environ:
    own = os.environ
    install(own["KILLS_COUNT"], int(own["KILLS_LAST"]), own["KILLS_ALL"] == "1")
