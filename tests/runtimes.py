"""A checkout whose template has a runtime, small enough to be installed without a network."""

from __future__ import annotations

import shutil
from pathlib import Path

from .conftest import ROOT

CHANGES = "# Changelog\n\n## 0.5.0 - 2026-02-01\n\nMore.\n\n## 0.4.0 - 2026-01-01\n\nA library.\n"
PROJECT = """
[project]
name = "made"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["mlfactory-runtime=={{ runtime_version }}"]
{% if runtime == 'source' %}
[tool.uv.sources]
mlfactory-runtime = { path = "runtime", editable = true }
{% elif runtime == 'wheel' %}
[tool.uv.sources]
mlfactory-runtime = { path = "vendor/mlfactory_runtime-{{ runtime_version }}-py3-none-any.whl" }
{% endif %}
"""
FILES = {
    "copier.yml": (ROOT / "copier.yml").read_text(),
    "template/project/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers|to_nice_yaml }}",
    "template/project/pyproject.toml.jinja": PROJECT,
    "template/runtime/mlfactory_runtime/__init__.py": "",
    "template/runtime/mlfactory_runtime/cli.py": "def main() -> None:\n    print('one')\n",
    "template/runtime/mlfactory_runtime/templates/page.html": "{{ title }} {% raw\n",
    "CHANGELOG.md": CHANGES,
}


def checkout(top: Path) -> Path:
    """The files of one."""
    for name, content in FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(content)
    shutil.copytree(ROOT / "template/questions", top / "template/questions")
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / "template/runtime" / name, top / "template/runtime")
    without_dependencies(top / "template/runtime/pyproject.toml")
    return top


def without_dependencies(file: Path) -> None:
    """So that it can be installed without anything around it."""
    head, _, rest = file.read_text().partition("# What predictions need.\n")
    scripts = rest.partition("[project.scripts]")[2]
    file.write_text(f"{head}dependencies = []\n\n[project.scripts]{scripts}")


def change(checkout: Path) -> None:
    module = checkout / "template/runtime/mlfactory_runtime/cli.py"
    module.write_text(module.read_text().replace("'one'", "'two'"))
