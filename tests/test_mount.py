"""The runtime in the template: as a wheel, as files, and in neither of the two ways."""

from __future__ import annotations

import lzma
import shutil
import tomllib
from pathlib import Path

import pytest
from mlfactory.base import git, uv
from mlfactory.base.errors import MlfactoryError
from mlfactory.render import copier
from mlfactory.template import choice, history, mount, release, stream, wheel

from .conftest import Command
from .runtimes import change


def rendered(tmp_path: Path, **answers: str) -> Path:
    with copier.open_sheet(choice.template()) as sheet:
        copier.render(sheet, tmp_path / "made", answers)
    return tmp_path / "made"


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_release_is_a_stream_without_the_package_and_a_wheel(origin: Path) -> None:
    assert sorted(path.name for path in (origin / "history").iterdir()) == [
        "0.4.0.stream.xz",
        "mlfactory_runtime-0.4.0-py3-none-any.whl",
    ]
    content = lzma.decompress((origin / "history/0.4.0.stream.xz").read_bytes())
    assert "template/runtime/pyproject.toml" in stream.read(content).files
    assert b"mlfactory_runtime/cli.py" not in content


def test_a_release_is_known_again(origin: Path) -> None:
    assert history.load().names == ("0.4.0",)
    with pytest.raises(MlfactoryError, match="has not changed"):
        release.release("0.5.0", origin, origin / "history")


@pytest.mark.usefixtures("origin")
def test_the_repository_has_the_runtime_where_it_is_rendered() -> None:
    repository = history.repository()
    listing = git.run("ls-tree", "-r", "--name-only", "v0.4.0", cwd=repository).out.splitlines()
    assert not [name for name in listing if name.startswith("template/runtime/")]
    assert f"{mount.VENDOR}mlfactory_runtime-0.4.0-py3-none-any.whl" in listing
    assert f"{mount.SOURCE}mlfactory_runtime/templates/page.html" in listing
    assert f"{mount.SOURCE}LICENSE" in listing


@pytest.mark.usefixtures("origin")
def test_the_wheel_is_rendered_by_default(tmp_path: Path) -> None:
    factory = rendered(tmp_path)
    file = "vendor/mlfactory_runtime-0.4.0-py3-none-any.whl"
    assert names(factory) == {".copier-answers.yml", "pyproject.toml", file}
    assert (factory / file).read_bytes() == history.load().wheel("0.4.0")
    assert "runtime" not in (factory / ".copier-answers.yml").read_text()


def test_files_are_rendered_as_they_are(origin: Path, tmp_path: Path) -> None:
    factory = rendered(tmp_path, runtime="source")
    package = origin / "template/runtime/mlfactory_runtime"
    assert names(factory / "runtime/mlfactory_runtime") == names(package)
    page = "mlfactory_runtime/templates/page.html"
    assert (factory / "runtime" / page).read_bytes() == (package.parent / page).read_bytes()
    assert "runtime: source" in (factory / ".copier-answers.yml").read_text()
    project = tomllib.loads((factory / "runtime/pyproject.toml").read_text())["project"]
    assert project["version"] == "0.4.0"
    assert not (factory / "vendor").exists()


@pytest.mark.usefixtures("origin")
def test_an_index_needs_neither(tmp_path: Path) -> None:
    factory = rendered(tmp_path, runtime="index")
    assert names(factory) == {".copier-answers.yml", "pyproject.toml"}
    assert "mlfactory-runtime==0.4.0" in (factory / "pyproject.toml").read_text()


@pytest.mark.parametrize("runtime", ["wheel", "source"])
def test_a_factory_installs_what_it_holds(
    runtime: str, origin: Path, tmp_path: Path, command: Command
) -> None:
    """Also of a version that was never released."""
    change(origin)
    factory = rendered(tmp_path, runtime=runtime)
    command(uv.program(), "sync", "--quiet", "--python", uv.base_python(), cwd=factory)
    assert command(factory / ".venv/bin/factory").stdout == "two\n"
    assert history.load().development in (factory / "uv.lock").read_text()


def test_another_runtime_is_another_version(origin: Path) -> None:
    change(origin)
    releases = history.load()
    assert releases.newest.startswith("0.4.1.dev")
    content = dict(wheel.members(releases.wheel(releases.newest)))
    assert (
        f"Version: {releases.newest}\n".encode()
        in content[f"mlfactory_runtime-{releases.newest}.dist-info/METADATA"]
    )


def test_the_next_release_holds_the_change_only(origin: Path) -> None:
    before = git.run("rev-parse", "v0.4.0", cwd=history.repository()).out
    change(origin)
    release.release("0.5.0", origin, origin / "history")
    content = lzma.decompress((origin / "history/0.5.0.stream.xz").read_bytes())
    assert b"\nM " not in content
    repository = history.repository()
    assert git.run("rev-parse", "v0.4.0", cwd=repository).out == before
    changed = git.run("diff", "--name-status", "--no-renames", "v0.4.0", "v0.5.0", cwd=repository)
    assert len(changed.out.splitlines()) == 5  # a module, two wheels, two places of the version


def test_a_release_without_its_wheel_is_damaged(origin: Path) -> None:
    (origin / "history/mlfactory_runtime-0.4.0-py3-none-any.whl").unlink()
    with pytest.raises(MlfactoryError, match=r"0\.4\.0-py3-none-any\.whl is missing"):
        history.repository(history.releases_in(origin / "history"))


def test_a_name_that_copier_would_render_is_refused(origin: Path) -> None:
    (origin / "template/runtime/mlfactory_runtime/page.jinja").touch()
    with pytest.raises(MlfactoryError, match=r"would render template/runtime/.*/page\.jinja"):
        history.repository()


def test_without_a_runtime_nothing_is_mounted(origin: Path) -> None:
    shutil.rmtree(origin / "template/runtime/mlfactory_runtime")
    releases = history.load()
    assert releases.for_copier(releases.newest) == releases.commit(releases.newest)
    assert releases.wheel(releases.newest) == b""
