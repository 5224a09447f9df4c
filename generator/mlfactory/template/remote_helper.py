"""`git-remote-mlfactory`: lets git read `mlfactory::template` from what is installed.

Git starts it for every connection, so it imports the standard library and little more.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlfactory.base import git, process
from mlfactory.base.errors import ERROR, OK, USAGE, MlfactoryError

from . import history


def main() -> int:
    """Serve one connection; git gives the remote's name and the address behind `mlfactory::`."""
    address = sys.argv[2] if len(sys.argv) > 2 else ""
    try:
        if address.removeprefix("mlfactory::") != "template":
            return refuse(f"unknown address {address!r}: use {history.URL}", USAGE)
        return serve(history.repository_for(Path.cwd()))
    except MlfactoryError as error:
        return refuse(f"{error.message}. {error.hint}", ERROR)
    except (BrokenPipeError, KeyboardInterrupt):
        return ERROR


def refuse(text: str, code: int) -> int:
    sys.stderr.write(f"mlfactory: {text}\n")
    return code


def serve(repository: Path) -> int:
    """Answer git's commands until it connects or leaves.

    Lines are read without a buffer: what follows belongs to the program that takes over.
    """
    while command := read_line():
        if command == "capabilities":
            say("connect\n\n")
        elif command == "connect git-upload-pack":
            say("\n")
            argv = git.upload_pack(repository)
            os.execvpe(argv[0], argv, process.environment())  # noqa: S606
        elif command.startswith("connect "):
            return refuse("the template can only be read", ERROR)
        else:
            return refuse(f"git asked for {command!r}, which is not understood", ERROR)
    return OK


def read_line() -> str:
    line = bytearray()
    while (byte := os.read(0, 1)) and byte != b"\n":
        line += byte
    return line.decode()


def say(text: str) -> None:
    os.write(1, text.encode())


if __name__ == "__main__":
    raise SystemExit(main())
