"""Situations in which a folder may not be written, for one program that is started in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

Prefix = tuple[str, ...]
NOBODY = 65534
RIGHTS = "-dac_override,-dac_read_search,-fowner,-chown"


def read_only(*folders: Path) -> Prefix:
    """What starts a program for which these folders, alone, lie on a disk that is read-only.

    It goes into its folder anew, which else were the one below the mount.
    """
    mounts = (
        f'mount --bind "{one}" "{one}" && mount -o remount,ro,bind "{one}"' for one in folders
    )
    return (
        "unshare",
        "--mount",
        "sh",
        "-c",
        f'{" && ".join(mounts)} && cd "$PWD" && exec "$@"',
        "sh",
    )


def of_another(*folders: Path) -> Prefix:
    """What starts a program that has no more rights than their owner gave to all others; they
    become those of another user."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return ("setpriv", "--bounding-set", RIGHTS)


def own_again(*folders: Path) -> None:
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, os.getuid(), os.getgid(), follow_symlinks=False)


SITUATIONS: dict[str, Callable[..., Prefix]] = {"read-only": read_only, "another's": of_another}


@cache
def missing(name: str) -> str:
    """Why this cannot be tried here; nothing where it can."""
    if os.getuid():
        return "only root can put a program into this situation"
    probe = {
        "read-only": ("unshare", "--mount"),
        "another's": ("setpriv", "--bounding-set", RIGHTS),
    }
    argv = (*probe[name], "true")
    if not shutil.which(argv[0]) or subprocess.run(argv, capture_output=True).returncode:
        return f"{argv[0]} is not here, or may not do it"
    return ""


def begin(name: str, *folders: Path) -> Prefix:
    """What a program is started with to be in a situation; the test is skipped where none can."""
    if why := missing(name):
        pytest.skip(why)
    return SITUATIONS[name](*folders)
