"""The wheel of the runtime, through the installers that factories use."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.uv import program
from mlfactory.template import stream, wheel
from mlfactory.template.stream import File
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from .conftest import ROOT, Build, Command

PYTHONS = ("3.11", "3.12", "3.13")
PACKAGE = {
    "mlfactory_runtime/__init__.py": "",
    "mlfactory_runtime/cli.py": "def main() -> None:\n    print('a factory')\n",
    "mlfactory_runtime/templates/page.html": "{{ title }}\n",
}


@pytest.fixture
def runtime(tmp_path: Path, build_file_tree: Build) -> Path:
    """What stands in template/runtime, with a small package."""
    top = build_file_tree(tmp_path / "runtime", PACKAGE)
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / "template/runtime" / name, top)
    return top


def files_of(top: Path) -> dict[str, File]:
    paths = (path for path in sorted(top.rglob("*")) if path.is_file())
    return {
        path.relative_to(top).as_posix(): File(stream.mode_on_disk(path), path.read_bytes())
        for path in paths
    }


@pytest.fixture
def built(runtime: Path, tmp_path: Path) -> Path:
    """The wheel, under its name."""
    path = tmp_path / wheel.file_name("0.4.0")
    path.write_bytes(wheel.build(files_of(runtime), "0.4.0"))
    return path


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(f"mlfactory_runtime-0.4.0.dist-info/{name}")


@pytest.mark.parametrize("version", PYTHONS)
def test_every_python_makes_the_same_bytes(
    version: str, runtime: Path, built: Path, command: Command
) -> None:
    script = (
        "import hashlib, sys; from pathlib import Path; from mlfactory.template import wheel;"
        "from mlfactory.template.stream import File; top = Path(sys.argv[1]);"
        "found = [p for p in top.rglob('*') if p.is_file()];"
        "files = {p.relative_to(top).as_posix(): File('100644', p.read_bytes()) for p in found};"
        "print(hashlib.sha256(wheel.build(files, '0.4.0')).hexdigest())"
    )
    argv = (python(version), "-c", script, runtime)
    output = command(*argv, PYTHONPATH=str(ROOT / "generator")).stdout
    assert output.strip() == hashlib.sha256(built.read_bytes()).hexdigest()


def python(version: str) -> str:
    """An interpreter of this machine; nothing is downloaded."""
    argv = (program(), "python", "find", "--no-python-downloads", version)
    result = subprocess.run(argv, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"there is no Python {version} here")
    return result.stdout.strip()


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_installers_take_it(installer: str, built: Path, tmp_path: Path, command: Command) -> None:
    uv, place = program(), tmp_path / "env"
    seed = ("--seed",) if installer == "pip" else ()
    command(uv, "venv", "--quiet", "--python", sys.executable, *seed, place)
    if installer == "pip":
        command(place / "bin/pip", "install", "--quiet", "--no-deps", "--no-index", built)
    else:
        command(uv, "pip", "install", "--quiet", "--no-deps", "--python", place, built)
    assert command(place / "bin/factory").stdout == "a factory\n"
    result = command(
        place / "bin/python", "-c",
        "from importlib.metadata import version; print(version('mlfactory-runtime'))",
    )  # fmt: skip
    assert result.stdout.strip() == "0.4.0"


def test_metadata_is_what_the_build_backend_makes_of_the_same_files(
    runtime: Path, built: Path, tmp_path: Path, command: Command
) -> None:
    project = runtime / "pyproject.toml"
    project.write_text(project.read_text().replace('"0.0.0"', '"0.4.0"'))
    options = ("--quiet", "--wheel", "--out-dir", tmp_path / "dist")
    command(program(), "build", *options, runtime)
    other = tmp_path / "dist" / built.name
    ours, theirs = (parsed(member(path, "METADATA")) for path in (built, other))
    assert ours == theirs
    ours, theirs = (member(path, "entry_points.txt").strip() for path in (built, other))
    assert ours == theirs
    assert names(built) == names(other)


def parsed(text: bytes) -> dict[str, Any]:
    metadata = Metadata.from_email(text)
    return {
        "name": metadata.name,
        "version": metadata.version,
        "summary": metadata.summary,
        "license": metadata.license_expression,
        "files": metadata.license_files,
        "python": metadata.requires_python,
        "extras": set(metadata.provides_extra or ()),
        "needs": {needed(one) for one in metadata.requires_dist or ()},
    }


def needed(one: Requirement) -> tuple[str, frozenset[str], str, str]:
    return one.name, frozenset(one.extras), str(one.specifier), str(one.marker)


def names(path: Path) -> set[str]:
    """The files of a wheel; some backends list its folders, too."""
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_record_lists_every_file(built: Path) -> None:
    rows = list(csv.reader(io.StringIO(member(built, "RECORD").decode())))
    with zipfile.ZipFile(built) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert [name for name, _, _ in rows] == list(contents)
    for name, digest, size in rows[:-1]:
        plain = base64.urlsafe_b64encode(hashlib.sha256(contents[name]).digest())
        assert digest == f"sha256={plain.decode().rstrip('=')}"
        assert int(size) == len(contents[name])


def test_nothing_is_compressed_and_nothing_of_the_machine_is_in_it(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        entries = archive.infolist()
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_the_order_of_the_files_does_not_matter(runtime: Path, built: Path) -> None:
    backward = dict(reversed(files_of(runtime).items()))
    assert wheel.build(backward, "0.4.0") == built.read_bytes()


def test_the_packages_files_come_out_as_they_went_in(runtime: Path, built: Path) -> None:
    package = {n: f for n, f in files_of(runtime).items() if n.startswith("mlfactory_runtime/")}
    assert wheel.files(built.read_bytes()) == package


def test_a_program_in_the_package_is_refused(runtime: Path) -> None:
    (runtime / "mlfactory_runtime/cli.py").chmod(0o755)
    with pytest.raises(MlfactoryError, match=r"mlfactory_runtime/cli\.py is executable"):
        wheel.build(files_of(runtime), "0.4.0")


def test_what_is_no_wheel_is_refused() -> None:
    with pytest.raises(MlfactoryError, match="wheel of the runtime is damaged"):
        wheel.files(b"no zip")


def test_the_runtime_has_the_licence_of_the_repository() -> None:
    assert (ROOT / "template/runtime/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
