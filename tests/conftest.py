"""What all tests share: a home, a cache and a git configuration of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .postgres import Server

if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each core: threads would wait, busily, for those of the others.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
Build = Callable[[Path, Mapping[str, str]], Path]
Command = Callable[..., subprocess.CompletedProcess[str]]
Release = Callable[[str], None]


@pytest.fixture(scope="session")
def _own_history(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where the repository of the template's history stays once a test has had it built.

    It is called by its content, and the program looks at each of its files before it takes it.
    """
    from mlfactory.template import history

    place = tmp_path_factory.getbasetemp()
    shared = place if worker_id == "master" else place.parent
    return shared / f"{history.load().key}.git"


@pytest.fixture(autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, _own_history: Path
) -> Iterator[Path]:
    """A HOME with a git identity, and with the template's history where that was built before;
    nothing of the person who runs the tests gets in."""
    place = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("GIT_", "XDG_", "COPIER_", "PIP_", "MLFACTORY_")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # programs start at their speed
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (place / ".gitconfig").write_text("[user]\nname = Tester\nemail = tester@example.org\n")
    built = place / ".cache/mlfactory" / _own_history.name
    if _own_history.exists():
        built.parent.mkdir(parents=True, mode=0o700)
        built.symlink_to(_own_history)
    yield place
    if built.is_dir() and not built.is_symlink() and not _own_history.exists():
        keep(built, _own_history)


def keep(built: Path, place: Path) -> None:
    """Lay a copy in its place in one move; another process may have been quicker."""
    copy = place.with_name(f"{place.name}-{os.getpid()}")
    shutil.copytree(built, copy)
    with suppress(OSError):
        copy.rename(place)


@pytest.fixture
def build_file_tree() -> Build:
    """Write a tree of files: {"a/b.txt": "content"}; content is dedented."""

    def build(top: Path, files: Mapping[str, str]) -> Path:
        for name, content in files.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(content).lstrip("\n"))
        return top

    return build


@pytest.fixture
def command() -> Command:
    """Run a program and return what it left; `code` is what it must end with."""

    def run(*argv: object, cwd: Path | None = None, code: int | None = 0, **env: str) -> object:
        result = subprocess.run(
            [str(part) for part in argv],
            cwd=cwd,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert code is None or result.returncode == code, result.stdout + result.stderr
        return result

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def mlfactory(command: Command) -> Command:
    """Run the program itself."""

    def run(*argv: object, **options: object) -> object:
        return command(sys.executable, "-m", "mlfactory", *argv, **options)

    return run


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Release a template with another line in the runbook and in the user's model.py.

    Only this process has it, and no checkout: it is like a program that was installed.
    """
    from mlfactory.template import history, store, stream

    folder = tmp_path / "history"
    shutil.copytree(history.HISTORY, folder)
    monkeypatch.setattr(history, "HISTORY", folder)
    monkeypatch.setattr(history.load, "__defaults__", (folder, None))
    monkeypatch.setattr(history, "surrounding_checkout", lambda: None)

    def add(version: str) -> None:
        scratch = tmp_path / version
        releases = history.releases_in(folder)
        stream.unpack(releases.commit(releases.versions[-1]).files, scratch)
        for page in ("docs/runbook.md*", "src/*/model.py"):
            (file,) = (scratch / "template/project").glob(page)
            file.write_text(f"{file.read_text()}\n# Read what {version} says.\n")
        text = f"mlfactory template {version}\n\nMore advice in {version}."
        commit = stream.Commit(version, text, 1_800_000_000, stream.tree(scratch))
        store.add(folder, commit, releases.archives)

    return add


@pytest.fixture
def origin(
    tmp_path: Path, commit_all: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A checkout of a template with a small runtime and one release; this process runs from it."""
    from mlfactory.template import history, release

    from .runtimes import checkout

    top = checkout(tmp_path / "origin")
    commit_all(top)
    release.release("0.4.0", top, top / "history")
    monkeypatch.setattr(history, "surrounding_checkout", lambda: top)
    monkeypatch.setattr(history, "HISTORY", top / "history")
    monkeypatch.setattr(history.load, "__defaults__", (top / "history", None))
    return top


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of the tests' own, on this machine only."""
    from .postgres import running

    with running() as server:
        yield server


@pytest.fixture
def plain_template(
    tmp_path: Path, build_file_tree: Build, command: Command, commit_all: Callable[[Path], None]
) -> Path:
    """A copier template that knows nothing of mlfactory, in git, with one tag."""
    top = build_file_tree(
        tmp_path / "plain-template",
        {
            "copier.yml": """
                _subdirectory: tree
                colour:
                  type: str
                  default: red
                  validator: "{% if colour == 'none' %}Choose one.{% endif %}"
                count: {type: int, default: 3}
                kind: {type: str, choices: [a, b], default: a}
                shade: {type: str, default: "{{ colour }}ish", when: false}
                """,
            "tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
            "tree/colour.txt.jinja": "{{ colour }} {{ count }} {{ shade }}\n",
        },
    )
    commit_all(top)
    command("git", "tag", "v1.0.0", cwd=top)
    return top


@pytest.fixture
def contract_template(tmp_path: Path, build_file_tree: Build) -> Path:
    """The smallest template that keeps the contract; a factory of it needs no package."""
    return build_file_tree(
        tmp_path / "contract-template",
        {
            "copier.yml": """
                _subdirectory: tree
                project_name: {type: str, default: "{{ _copier_conf.dst_path.name }}"}
                owner: {type: str, default: ""}
                data_file: {type: str, default: data.csv}
                target: {type: str, default: target}
                id_column: {type: str, default: ""}
                time_column: {type: str, default: ""}
                task: {type: str, choices: [classification, regression], default: classification}
                serving: {type: str, choices: [batch, online], default: batch}
                ci: {type: str, choices: [github, none], default: github}
                remote: {type: str, default: ""}
                """,
            "tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
            "tree/.gitignore": "/data/raw/*\n!/data/raw/*.dvc\n.venv\n",
            "tree/.dvc/config": "",
            "tree/pyproject.toml.jinja": """
                [project]
                name = "{{ project_name }}"
                version = "0"
                requires-python = ">=3.11"
                dependencies = []

                [tool.mlfactory]
                contract = 1
                """,
        },
    )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A data file with a column of each kind."""
    rows = (f"{n},{n % 7}.5,2025-01-{1 + n % 28:02},{'yes' if n % 3 else 'no'}" for n in range(90))
    path = tmp_path / "customers.csv"
    path.write_text("\n".join(["id,amount,day,churned", *rows]) + "\n")
    return path


@pytest.fixture
def commit_all(command: Command) -> Callable[[Path], None]:
    """Make a repository of a folder, with one commit of all that is in it."""

    def commit(top: Path) -> None:
        command("git", "init", "--quiet", "--initial-branch=main", cwd=top)
        command("git", "add", "--all", cwd=top)
        command("git", "commit", "--quiet", "--message", "state", cwd=top)

    return commit
