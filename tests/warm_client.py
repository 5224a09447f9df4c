"""What stands for a program on the PATH: a process that is warm already runs it.

`warm_server.py` is that process, one for each environment. This one is started without packages,
which takes 15 ms.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from zlib import crc32

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
PATIENCE = 600  # seconds, in which a server has imported everything


def main(server: str) -> None:
    """Run the program of this name that comes next on the PATH, and end as it does."""
    own = os.path.dirname(os.path.abspath(sys.argv[0]))
    program = following(os.path.basename(sys.argv[0]), own)
    request = {"argv": [program, *sys.argv[1:]], "cwd": os.getcwd(), "env": dict(os.environ)}
    content = json.dumps(request).encode()
    with connected(server, program, own) as connection:
        for number in SIGNALS:
            signal.signal(number, lambda number, _: connection.send(bytes([number])))
        socket.send_fds(connection, [len(content).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(content)
        if not (answer := connection.recv(4)):
            sys.exit(f"{program}: who was to run it has ended")
    code = int.from_bytes(answer, "big", signed=True)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def following(name: str, own: str) -> str:
    """The program in the first folder of the PATH that is not our own."""
    for folder in os.environ["PATH"].split(os.pathsep):
        place = os.path.join(folder, name)
        if folder != own and os.access(place, os.X_OK):
            return place
    raise SystemExit(f"{name} is nowhere on the PATH")


def connected(server: str, program: str, own: str) -> socket.socket:
    """A connection to the server of the program's environment, as its packages are now."""
    folder = os.path.dirname(program)
    version = "python{}.{}".format(*sys.version_info)
    packages = os.path.join(folder, "..", "lib", version, "site-packages")
    state = f"{os.path.realpath(packages)} {os.stat(packages).st_mtime_ns}"
    address = os.path.join(own, f"{crc32(state.encode()):08x}")
    end = time.monotonic() + PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(address)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
        start(address, os.path.join(folder, "python"), server)
        time.sleep(0.02)


def start(address: str, python: str, server: str) -> None:
    """Start the server, unless somebody has; it removes the mark when it ends."""
    try:
        os.close(os.open(f"{address}.started", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    subprocess.Popen(
        [python, server, address], start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
