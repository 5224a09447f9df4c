"""The runtime in the template: as a wheel, as files, and in neither of the two ways."""

from __future__ import annotations

import lzma
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mlfactory import engine, git, mount, packages, release, source, stream, wheel
from mlfactory.errors import MlfactoryError

from .conftest import ROOT, Build, Command

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


@pytest.fixture
def checkout(
    tmp_path: Path, build_file_tree: Build, commit_all: Any, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A checkout whose template has a runtime, with one release; this process runs from it."""
    top = build_file_tree(tmp_path / "checkout", FILES)
    shutil.copytree(ROOT / "template/questions", top / "template/questions")
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / "template/runtime" / name, top / "template/runtime")
    without_dependencies(top / "template/runtime/pyproject.toml")
    commit_all(top)
    release.release("0.4.0", top, top / "history")
    monkeypatch.setattr(source, "surrounding_checkout", lambda: top)
    monkeypatch.setattr(source.history, "__defaults__", (top / "history", None))
    return top


def without_dependencies(file: Path) -> None:
    """So that it can be installed without anything around it."""
    head, _, rest = file.read_text().partition("# What predictions need.\n")
    scripts = rest.partition("[project.scripts]")[2]
    file.write_text(f"{head}dependencies = []\n\n[project.scripts]{scripts}")


def change(checkout: Path) -> None:
    module = checkout / "template/runtime/mlfactory_runtime/cli.py"
    module.write_text(module.read_text().replace("'one'", "'two'"))


def rendered(tmp_path: Path, **answers: str) -> Path:
    with engine.opened(engine.template()) as sheet:
        engine.render(sheet, tmp_path / "made", answers)
    return tmp_path / "made"


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_release_is_a_stream_without_the_package_and_a_wheel(checkout: Path) -> None:
    assert sorted(path.name for path in (checkout / "history").iterdir()) == [
        "0.4.0.stream.xz",
        "mlfactory_runtime-0.4.0-py3-none-any.whl",
    ]
    content = lzma.decompress((checkout / "history/0.4.0.stream.xz").read_bytes())
    assert "template/runtime/pyproject.toml" in stream.read(content).files
    assert b"mlfactory_runtime/cli.py" not in content


def test_a_release_is_known_again(checkout: Path) -> None:
    assert source.history().names == ("0.4.0",)
    with pytest.raises(MlfactoryError, match="has not changed"):
        release.release("0.5.0", checkout, checkout / "history")


@pytest.mark.usefixtures("checkout")
def test_the_repository_has_the_runtime_where_it_is_rendered() -> None:
    repository = source.repository()
    listed = git.run("ls-tree", "-r", "--name-only", "v0.4.0", cwd=repository).out.splitlines()
    assert not [name for name in listed if name.startswith("template/runtime/")]
    assert f"{mount.VENDOR}mlfactory_runtime-0.4.0-py3-none-any.whl" in listed
    assert f"{mount.SOURCE}mlfactory_runtime/templates/page.html" in listed
    assert f"{mount.SOURCE}LICENSE" in listed


@pytest.mark.usefixtures("checkout")
def test_the_wheel_is_rendered_by_default(tmp_path: Path) -> None:
    made = rendered(tmp_path)
    file = "vendor/mlfactory_runtime-0.4.0-py3-none-any.whl"
    assert names(made) == {".copier-answers.yml", "pyproject.toml", file}
    assert (made / file).read_bytes() == source.history().wheel("0.4.0")
    assert "runtime" not in (made / ".copier-answers.yml").read_text()


def test_files_are_rendered_as_they_are(checkout: Path, tmp_path: Path) -> None:
    made = rendered(tmp_path, runtime="source")
    package = checkout / "template/runtime/mlfactory_runtime"
    assert names(made / "runtime/mlfactory_runtime") == names(package)
    page = "mlfactory_runtime/templates/page.html"
    assert (made / "runtime" / page).read_bytes() == (package.parent / page).read_bytes()
    assert "runtime: source" in (made / ".copier-answers.yml").read_text()
    project = tomllib.loads((made / "runtime/pyproject.toml").read_text())["project"]
    assert project["version"] == "0.4.0"
    assert not (made / "vendor").exists()


@pytest.mark.usefixtures("checkout")
def test_an_index_needs_neither(tmp_path: Path) -> None:
    made = rendered(tmp_path, runtime="index")
    assert names(made) == {".copier-answers.yml", "pyproject.toml"}
    assert "mlfactory-runtime==0.4.0" in (made / "pyproject.toml").read_text()


@pytest.mark.parametrize("runtime", ["wheel", "source"])
def test_a_factory_installs_what_it_holds(
    runtime: str, checkout: Path, tmp_path: Path, command: Command
) -> None:
    """Also of a version that was never released."""
    change(checkout)
    made = rendered(tmp_path, runtime=runtime)
    command(packages.uv(), "sync", "--quiet", "--python", packages.base_python(), cwd=made)
    assert command(made / ".venv/bin/factory").stdout == "two\n"
    assert source.history().development in (made / "uv.lock").read_text()


def test_another_runtime_is_another_version(checkout: Path) -> None:
    change(checkout)
    found = source.history()
    assert found.newest.startswith("0.4.1.dev")
    content = dict(wheel.members(found.wheel(found.newest)))
    assert (
        f"Version: {found.newest}\n".encode()
        in content[f"mlfactory_runtime-{found.newest}.dist-info/METADATA"]
    )


def test_the_next_release_holds_the_change_only(checkout: Path) -> None:
    before = git.run("rev-parse", "v0.4.0", cwd=source.repository()).out
    change(checkout)
    release.release("0.5.0", checkout, checkout / "history")
    content = lzma.decompress((checkout / "history/0.5.0.stream.xz").read_bytes())
    assert b"\nM " not in content
    repository = source.repository()
    assert git.run("rev-parse", "v0.4.0", cwd=repository).out == before
    changed = git.run("diff", "--name-status", "--no-renames", "v0.4.0", "v0.5.0", cwd=repository)
    assert len(changed.out.splitlines()) == 5  # a module, two wheels, two places of the version


def test_a_release_without_its_wheel_is_damaged(checkout: Path) -> None:
    (checkout / "history/mlfactory_runtime-0.4.0-py3-none-any.whl").unlink()
    with pytest.raises(MlfactoryError, match=r"0\.4\.0-py3-none-any\.whl is missing"):
        source.repository(source.released(checkout / "history"))


def test_a_name_that_copier_would_render_is_refused(checkout: Path) -> None:
    (checkout / "template/runtime/mlfactory_runtime/page.jinja").touch()
    with pytest.raises(MlfactoryError, match=r"would render template/runtime/.*/page\.jinja"):
        source.repository()


def test_without_a_runtime_nothing_is_mounted(checkout: Path) -> None:
    shutil.rmtree(checkout / "template/runtime/mlfactory_runtime")
    found = source.history()
    assert found.rendered(found.newest) == found.commit(found.newest)
    assert found.wheel(found.newest) == b""
