"""Compile what the first training imports, while something else is at work: Python keeps it.

In a new environment nothing is compiled, and that takes longer than the imports themselves.
`mlfactory new` runs this beside the steps that come before the training.
"""

# ruff: noqa: F401 - to import them is all
import os

LATER = 10  # whatever else is at work goes first where there is one core


def main() -> None:
    """Import everything that the stages of the pipeline do, those that come first first."""
    os.nice(LATER)
    from .data import source  # isort: skip
    from .draft import review  # isort: skip
    from .lean import lightgbm  # isort: skip
    import sklearn.linear_model  # isort: skip
    from .learn import split, train  # isort: skip
    from .report import report  # isort: skip


if __name__ == "__main__":
    main()
