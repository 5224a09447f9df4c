"""This factory's own model, or the linear one, on the same rows and in a process of its own, too:

python -m mlfactory_runtime.search.own NAME FOLDER ROOT
"""

import sys
from pathlib import Path

import numpy as np

from .. import runtime_version
from ..learn import linear
from ..learn.matrix import Matrix
from ..learn.signature import load_signature
from ..project import Project
from .opponents import Task, compete


def main(name: str, folder: str, root: str) -> None:
    """`own` is what model.py fits, with the settings of the factory."""
    project, signature = Project(Path(root)), load_signature(Path(folder))
    estimator = project.estimator
    fit, predict = estimator.fit, estimator.predict
    if name == "linear":
        fit, predict = linear.fit, linear.predict

    def run(
        _: Task,
        x: np.ndarray,
        y: np.ndarray,
        more_x: np.ndarray,
        more_y: np.ndarray,
        new: np.ndarray,
    ) -> np.ndarray:
        parts = Matrix(x, y), Matrix(more_x, more_y)
        return np.asarray(predict(fit(*parts, signature, project.params.model.fitting), new))

    compete(Path(folder), run, runtime_version())


if __name__ == "__main__":
    main(*sys.argv[1:])
