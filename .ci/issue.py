"""Keeps one issue open while the tests fail with the newest packages: `.ci/issue.py success`."""

import sys

from mlfactory_runtime.forge.issue import close, keep, page

MARK = "<!-- kept by the workflow Rot of mlfactory -->"
TITLE = "Rot: the tests fail with the newest packages"
TEXT = "What constraints.txt pins still works; `python tests/newest.py` shows what does not."


def main(outcome: str) -> str:
    """Open, renew or close the issue; says what was done."""
    if outcome == "success":
        return close(MARK, f"It is over: the tests pass with the newest packages. {page()}")
    return keep(MARK, TITLE, f"{TEXT} {page()}")


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1])}\n")
