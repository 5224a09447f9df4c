"""A process of a factory's environment that has imported its packages, and forks for each program.

Hundreds of commands would import the same packages, for a second each. What is the factory's own,
its library too, each program imports by itself. The server ends when nobody asks for a while.
"""

import atexit
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

IDLE = 60  # seconds
PACKAGES = (
    "dvc.cli.parser", "dvc.commands.repro", "dvc.repo", "dvc.stage.utils", "jinja2", "lightgbm",
    "numpy", "polars", "pydantic", "ruamel.yaml", "scipy.stats", "sklearn.linear_model",
    "sqlalchemy", "typer",
)  # fmt: skip


def main(address: str) -> None:
    """Serve one program after the other, each in a process of its own."""
    for name in PACKAGES:
        with suppress(ImportError):
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who keep a program
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        serve(door, IDLE)
        for name in (address, f"{address}.started"):
            Path(name).unlink(missing_ok=True)
        serve(door, 0)  # who came through the door just before it was taken away


def serve(door: socket.socket, seconds: float) -> None:
    """Until nobody has come for so long."""
    door.settimeout(seconds)
    with suppress(TimeoutError, BlockingIOError):
        while True:
            connection, _ = door.accept()
            if os.fork() == 0:
                door.close()
                keep(connection)
            connection.close()


def keep(connection: socket.socket) -> NoReturn:
    """Fork the program, hand signals on to it, and answer with the code that it ends with."""
    connection.setblocking(True)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, *_ = socket.recv_fds(connection, 4, 3)
    content = b""
    while len(content) < int.from_bytes(size, "big"):
        content += connection.recv(1 << 16)
    program = os.fork()
    if program == 0:
        connection.close()
        run(json.loads(content), files)
    end = os.pidfd_open(program)
    while end not in (ready := select.select([end, connection], [], [])[0]):
        number = connection.recv(1) if connection in ready else b""
        os.kill(program, number[0] if number else signal.SIGKILL)
        if not number:
            os._exit(0)
    _, status = os.waitpid(program, 0)
    connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
    os._exit(0)


def run(request: dict[str, Any], files: Sequence[int]) -> NoReturn:
    """Be the program."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv[:] = request["argv"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    code = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        code = 1
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
