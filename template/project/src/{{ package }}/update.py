"""Taking the template's improvements, where the program that carries them is installed."""

import shutil
import subprocess
from pathlib import Path

import yaml

from .errors import FactoryError

ANSWERS = Path(".copier-answers.yml")
INSTALL = "uv tool install mlfactory --with-executables-from copier"


def update() -> int:
    """Run `copier update` and give its exit code; FactoryError says what must be installed."""
    if not ANSWERS.is_file():
        raise FactoryError(f"{ANSWERS} is not here", "run this in the factory's own directory")
    source = str(yaml.safe_load(ANSWERS.read_text("utf-8")).get("_src_path", ""))
    travels = ["git-remote-mlfactory"] if "mlfactory::" in source else []
    for program in (*travels, "copier"):
        if shutil.which(program) is None:
            raise FactoryError(f"updates need mlfactory, and {program} is not on the PATH", INSTALL)
    return subprocess.run([str(shutil.which("copier")), "update"], check=False).returncode  # noqa: S603
