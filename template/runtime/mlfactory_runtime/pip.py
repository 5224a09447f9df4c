"""`pip` of a factory's environment, which uv makes without one: it says what to type instead.

Without it the next `pip` on the PATH would install somewhere else, and nobody would notice. Where
pip itself is installed, it is run.
"""

import runpy
import sys
from importlib.util import find_spec

REFUSAL = """error: this environment is made of uv.lock, and has no pip
hint: uv add {what} (for training only: uv add --group train {what}; a tool: uv add --dev {what})
hint: uv sync installs what is locked"""


def main() -> None:
    """Run pip where it is installed, else refuse with exit code 1."""
    if find_spec("pip") is not None:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
        return
    names = [one for one in sys.argv[2:] if not one.startswith("-")]
    sys.exit(REFUSAL.format(what=" ".join(names) or "PACKAGE"))
