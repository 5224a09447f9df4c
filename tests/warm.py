"""Programs that need not start: `warm_client.py` stands for them, `warm_server.py` runs them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

PROGRAMS = ("dvc", "factory")
FACTORY = "from mlfactory_runtime.cli import main\n\nmain()\n"


def put_clients(folder: Path) -> Path:
    """What is run for the programs of these names that come next on the PATH."""
    client, server = (Path(__file__).with_name(f"warm_{side}.py") for side in ("client", "server"))
    text = f"#!{sys.executable} -IS\n{client.read_text()}main({str(server)!r})\n"
    for name in PROGRAMS:
        write(folder / name, text)
    return folder


def put_environment(folder: Path) -> Path:
    """The programs of this environment in one of its own, with `factory` as factories have it."""
    version = "python{}.{}".format(*sys.version_info)
    (folder / "lib" / version / "site-packages").mkdir(parents=True)
    (folder / "bin").mkdir()
    write(folder / "bin" / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    write(folder / "bin" / "factory", f"#!{sys.executable}\n{FACTORY}")
    shutil.copy(Path(sys.executable).parent / "dvc", folder / "bin")
    return folder / "bin"


def write(program: Path, text: str) -> None:
    program.write_text(text)
    program.chmod(0o755)


def before(path: str, *folders: Path) -> str:
    """A PATH on which some folders come first."""
    return os.pathsep.join([*map(str, folders), path])
