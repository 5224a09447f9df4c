"""`mlfactory` for scripts of bash: a process that is warm already runs it.

A page of the documentation calls the program a dozen times, and importing copier is most of it.
"""

from __future__ import annotations

import json
import shutil
import socketserver
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .evolving import mlfactory

CLIENT = """#!{python} -IS
import json, os, socket, sys

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    with connection.makefile("rw") as stream:
        request = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
        print(json.dumps(request), file=stream, flush=True)
        answer = json.loads(stream.readline())
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["code"])
"""


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        result = mlfactory(*request["argv"], cwd=Path(request["cwd"]), code=None, **request["env"])
        answer = {"out": result.stdout, "err": result.stderr, "code": result.returncode}
        self.wfile.write(f"{json.dumps(answer)}\n".encode())


@contextmanager
def warm_program() -> Iterator[Path]:
    """A folder for the PATH; below /tmp, as a socket's name may not be long."""
    folder = Path(tempfile.mkdtemp(prefix="mlf-"))
    address = str(folder / "socket")
    program = folder / "mlfactory"
    program.write_text(CLIENT.format(python=sys.executable, address=address))
    program.chmod(0o755)
    try:
        with socketserver.UnixStreamServer(address, Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield folder
            server.shutdown()
    finally:
        shutil.rmtree(folder)
