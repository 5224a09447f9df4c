"""The fixtures of a factory's tests; pytest loads them by `-p mlfactory_runtime.testing.plugin`."""

import pytest

from ..project import Project
from .trained import Trained, train_copy


@pytest.fixture(scope="session")
def project(pytestconfig: pytest.Config) -> Project:
    """The factory whose tests run."""
    return Project.find(pytestconfig.rootpath)


@pytest.fixture(scope="session")
def trained(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The factory's pipeline, run on made-up rows: prepare and train."""
    return train_copy(project, tmp_path_factory.mktemp("factory"))
