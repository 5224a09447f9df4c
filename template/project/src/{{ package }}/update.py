"""Taking the template's improvements, where a program that can merge them is installed."""

import shutil
import subprocess

from .errors import FactoryError
from .files import ANSWERS, answers

INSTALL = "uv tool install mlfactory"


def update() -> int:
    """Run `mlfactory update` and give its exit code; FactoryError says what must be installed.

    Without mlfactory, copier updates from a git server of the team's own.
    """
    if not ANSWERS.is_file():
        raise FactoryError(f"{ANSWERS} is not here", "run this in the factory's own directory")
    source = str(answers().get("_src_path", ""))
    program = shutil.which("mlfactory") or ("mlfactory::" not in source and shutil.which("copier"))
    if not program:
        raise FactoryError("updates need mlfactory, and it is not on the PATH", INSTALL)
    return subprocess.run([program, "update"], check=False).returncode  # noqa: S603
