"""Repositories of others, rebuilt in our own words: only how they are built, and no file of theirs.

Each is what somebody has after a few months with a tool, in as few files as decide anything.
"""

from __future__ import annotations

import json

from .evolving import Files

NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}) + "\n"
LINES = "customer,calls,plan,churned\n" + "".join(
    f"{n},{n % 9},{'abc'[n % 3]},{'yes' if n % 9 > 5 else 'no'}\n" for n in range(400)
)
FLIT = '[build-system]\nrequires = ["flit_core >=3.2,<4"]\nbuild-backend = "flit_core.buildapi"\n'

# cookiecutter-data-science of today: a flat package, pyproject, /data/ kept out of git.
DATA_SCIENCE: Files = {
    "pyproject.toml": f"""{FLIT}
[project]
name = "churn"
version = "0.0.1"
description = "Who leaves, and why."
requires-python = "~=3.12.0"
dependencies = [
    "loguru",
    "pandas",
    "scikit-learn",
]

[tool.ruff]
line-length = 99
""",
    ".gitignore": "# Data\n/data/\n\n# Python\n__pycache__/\n*.py[cod]\n.env\n.venv\n",
    "Makefile": "train:\n\tpython -m churn.modeling.train\n",
    "README.md": "# churn\n\nWho leaves, and why.\n",
    "churn/__init__.py": "from churn import config  # noqa: F401\n",
    "churn/config.py": "from pathlib import Path\n\nDATA = Path('data')\n",
    "churn/features.py": "def per_month(calls, months):\n    return calls / months\n",
    "churn/modeling/__init__.py": "",
    "churn/modeling/train.py": "print('trained')\n",
    "models/.gitkeep": "",
    "notebooks/1.0-look.ipynb": NOTEBOOK,
    "references/columns.md": "calls: per month\n",
    "reports/figures/.gitkeep": "",
    "tests/test_data.py": "def test_nothing():\n    assert True\n",
}

# Its first version: setup.py, a package called src, requirements, a model in git.
DATA_SCIENCE_1: Files = {
    "setup.py": "from setuptools import find_packages, setup\n\n"
    "setup(name='src', packages=find_packages(), version='0.1.0')\n",
    "requirements.txt": "-e .\npandas\nscikit-learn\n",
    "tox.ini": "[flake8]\nmax-line-length = 79\n",
    ".gitignore": "*.pyc\n.env\n/data/\n",
    "Makefile": "data:\n\tpython src/data/make_dataset.py\n",
    "README.md": "churn\n=====\n",
    "models/churn.pkl": "not really\n",
    "src/__init__.py": "",
    "src/data/__init__.py": "",
    "src/data/make_dataset.py": "print('made')\n",
    "src/features/__init__.py": "",
    "src/features/build_features.py": "print('built')\n",
    "src/models/__init__.py": "",
    "src/models/train_model.py": "print('trained')\n",
    "notebooks/look.ipynb": NOTEBOOK,
    "docs/index.md": "# churn\n",
}

# A starter of kedro: settings below conf, pipelines in a package below src.
KEDRO: Files = {
    "pyproject.toml": """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "churn-pipelines"
readme = "README.md"
dynamic = ["version"]
requires-python = ">=3.10"
dependencies = [
    "ipython>=8.10",
    "kedro~=1.0",
    "scikit-learn~=1.5",
]

[project.scripts]
churn-pipelines = "churn_pipelines.__main__:main"

[tool.kedro]
package_name = "churn_pipelines"
project_name = "churn pipelines"
kedro_init_version = "1.0.0"

[tool.setuptools.dynamic.version]
attr = "churn_pipelines.__version__"

[tool.pytest.ini_options]
addopts = "--cov src"

[tool.ruff.lint]
select = ["F", "E"]
""",
    ".gitignore": "# the work tree\nconf/**/*credentials*\n\n# data\n/data/**\n!/data/**/\n"
    "!.gitkeep\n\nlogs/\n.venv\n",
    "README.md": "# churn pipelines\n",
    "conf/base/catalog.yml": "customers:\n  type: pandas.CSVDataset\n",
    "conf/base/parameters.yml": "test_size: 0.2\n",
    "conf/local/.gitkeep": "",
    "data/01_raw/.gitkeep": "",
    "src/churn_pipelines/__init__.py": '__version__ = "0.1"\n',
    "src/churn_pipelines/__main__.py": "def main():\n    print('ran')\n",
    "src/churn_pipelines/pipelines/data_science/nodes.py": "def train_model(rows):\n    return 1\n",
    "tests/test_run.py": "def test_nothing():\n    assert True\n",
}

# A stack of Databricks: a bundle, notebooks that are Python files, requirements.
DATABRICKS: Files = {
    "databricks.yml": "bundle:\n  name: churn\ntargets:\n  dev: {default: true}\n",
    "resources/training.yml": "resources:\n  jobs:\n    training: {}\n",
    "requirements.txt": "mlflow\nscikit-learn\n",
    "training/notebooks/Train.py": "# Databricks notebook source\nprint('trained')\n",
    "feature_engineering/features/pickup.py": "def compute(rows):\n    return rows\n",
    "deployment/batch_inference/predict.py": "print('scored')\n",
    "tests/training/test_train.py": "def test_nothing():\n    assert True\n",
    ".github/workflows/bundle-ci.yml": "name: Bundle\non: push\njobs: {}\n",
    ".gitignore": ".databricks/\n__pycache__/\n",
    "README.md": "# churn on Databricks\n",
}

# `uv init --package`, and a module.
UV: Files = {
    "pyproject.toml": """[project]
name = "churn"
version = "0.1.0"
description = "Add your description here"
readme = "README.md"
requires-python = ">=3.11"
dependencies = []

[project.scripts]
churn = "churn:main"

[build-system]
requires = ["uv_build>=0.9,<0.10"]
build-backend = "uv_build"
""",
    ".gitignore": "__pycache__/\n.venv\n",
    ".python-version": "3.12\n",
    "README.md": "",
    "src/churn/__init__.py": "def main() -> None:\n    print('Hello from churn!')\n",
}

NOTEBOOKS: Files = {
    "look.ipynb": NOTEBOOK,
    "train model.ipynb": NOTEBOOK,
    "customers.csv": LINES,
}

OWN_CI: Files = {
    ".gitlab-ci.yml": "test:\n  script: [pytest]\n",
    "pyproject.toml": '[project]\nname = "churn"\nversion = "1"\nrequires-python = ">=3.11"\n'
    'dependencies = ["pandas"]\n\n[dependency-groups]\ndev = ["pytest>=8"]\n',
    "churn.py": "print('hello')\n",
    ".pre-commit-config.yaml": "repos: []\n",
    ".gitattributes": "*.txt -text\n",
}

# DVC for data, without a pipeline.
WITH_DVC: Files = {
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config": "[core]\n    remote = ours\n['remote \"ours\"']\n    url = /srv/dvc\n",
    ".dvcignore": "*.tmp\n",
    "data/.gitignore": "/customers.csv\n",
    "data/customers.csv.dvc": "outs:\n- md5: 0cc175b9c0f1b6a831c399e269772661\n  size: 1\n"
    "  hash: md5\n  path: customers.csv\n",
    "train.py": "print('trained')\n",
    "requirements.txt": "pandas\n",
}

# DVC with a pipeline of its own.
WITH_PIPELINE: Files = {
    **WITH_DVC,
    "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n",
    "params.yaml": "depth: 3\n",
}

IN_A_MONOREPO: Files = {
    "README.md": "# everything\n",
    ".gitignore": "*.log\n",
    ".github/workflows/ci.yml": "name: All\non: push\njobs: {}\n",
    "services/api/app.py": "print('hello')\n",
    "models/churn/pyproject.toml": '[project]\nname = "churn"\nversion = "3"\n'
    'requires-python = ">=3.11,<3.13"\ndependencies = ["pandas"]\n',
    "models/churn/train.py": "print('trained')\n",
}

ALL: dict[str, Files] = {
    "cookiecutter-data-science": DATA_SCIENCE,
    "cookiecutter-data-science 1": DATA_SCIENCE_1,
    "a kedro starter": KEDRO,
    "a Databricks stack": DATABRICKS,
    "`uv init --package`": UV,
    "a folder of notebooks": NOTEBOOKS,
    "its own CI": OWN_CI,
    "data in DVC": WITH_DVC,
    "a folder of a monorepo": IN_A_MONOREPO,
}
FOLDERS = {"a folder of a monorepo": "models/churn"}
