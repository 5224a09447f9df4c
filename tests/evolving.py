"""Templates that evolve, projects that follow, and the program in a process that is warm already.

`mlfactory(...)` runs the whole program with its own arguments, streams, folder and environment.
The process is forked, so that copier is imported once and not for each of a hundred calls; from
one that does nothing else, for a fork of threads that hold a lock waits for it for ever.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .waiting import until

FORKS = multiprocessing.get_context("forkserver")
IMPORTED = (
    "copier", "jinja2.sandbox", "mlfactory.adopt.run", "mlfactory.cli.app", "mlfactory.cli.console",
    "mlfactory.cli.ways", "mlfactory.fleet.run", "mlfactory.fleet.status", "mlfactory.new.run",
    "mlfactory.render.cookiecutter", "mlfactory.render.copier", "mlfactory.update.drift",
    "mlfactory.update.several", "plumbum", "polars", "yaml",
)  # fmt: skip
FORKS.set_forkserver_preload(["__main__", *IMPORTED])
Files = Mapping[str, str | bytes | None]
Done = subprocess.CompletedProcess[str]
Started = subprocess.Popen[bytes]
ANSWERS = "tree/{{ _copier_conf.answers_file }}.jinja"
# Twenty lines that are all different: what is edited far apart can be merged, what is renamed is
# recognised.
LINES = [f"line {number} of twenty\n" for number in range(1, 21)]
TEXT = "".join(LINES)
SMALL: Files = {
    "copier.yml": "_subdirectory: tree\nname: {type: str, default: demo}\n",
    ANSWERS: "{{ _copier_answers | to_nice_yaml }}",
    "tree/a.txt": TEXT,
    "tree/b.txt.jinja": "{{ name }}\n",
}


def edited(number: int, text: str = "edited", of: str = TEXT) -> str:
    """The twenty lines with another one at `number`."""
    lines = of.splitlines(keepends=True)
    return "".join([*lines[: number - 1], f"{text}\n", *lines[number:]])


@dataclass(frozen=True)
class Repo:
    """A git repository, and a folder of it when a project does not stand at its top."""

    path: Path

    def git(self, *args: object, code: int | None = 0, **env: str) -> str:
        result = subprocess.run(
            ["git", *map(str, args)],
            cwd=self.path,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        out, err = (
            raw.decode("utf-8", "surrogateescape") for raw in (result.stdout, result.stderr)
        )
        assert code is None or result.returncode == code, (args, result.returncode, out + err)
        return out

    def write(self, files: Files) -> Repo:
        """Write files; None removes one."""
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def commit(self, files: Files | None = None, message: str = "ours") -> Repo:
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self

    def text(self, name: str) -> str:
        return (self.path / name).read_bytes().decode()

    def has(self, name: str) -> bool:
        return os.path.lexists(self.path / name)

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    @property
    def dirt(self) -> str:
        return self.git("status", "--porcelain")

    def tree(self, revision: str = "HEAD") -> dict[str, str]:
        """Mode and object of every file in a commit of the whole repository."""
        rows = self.git("ls-tree", "-r", "-z", "--full-tree", revision).split("\0")
        return {name: facts for facts, _, name in (row.partition("\t") for row in rows if row)}

    def everything(self) -> dict[str, bytes]:
        """All that is in the folder, git's own files included; its caches of objects aside."""
        files = {}
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if path.is_symlink() or path.is_dir() or name.startswith(".git/objects"):
                continue
            files[name] = path.read_bytes()
        return files


def init(path: Path, *options: str) -> Repo:
    path.mkdir(parents=True, exist_ok=True)
    repo = Repo(path)
    repo.git("init", "--quiet", "--initial-branch=main", *options)
    return repo


def template(path: Path, *versions: Files, options: tuple[str, ...] = ()) -> Repo:
    """A template with a tag per version: v1.0.0, v1.1.0, ...; each states what it changes."""
    repo = init(path, *options)
    for number, files in enumerate(versions):
        release(repo, f"v1.{number}.0", files)
    return repo


def release(repo: Repo, tag: str, files: Files) -> None:
    """A further version; files that the project is to ignore are not ignored here."""
    repo.write(files).git("add", "--all", "--force")
    repo.commit(message=f"Release {tag}")
    repo.git("tag", tag)


def render(source: Repo | str, folder: Path, version: str = "v1.0.0", **options: Any) -> Repo:
    """What copier makes of a template, as people call it."""
    address = source if isinstance(source, str) else str(source.path)

    forked(partial(copied, address, folder, version, options), code=0)
    return Repo(folder)


def copied(address: str, folder: Path, version: str, options: Mapping[str, Any]) -> int:
    import copier

    copier.run_copy(address, folder, vcs_ref=version, defaults=True, quiet=True, **options)
    return 0


def project(
    source: Repo | str,
    path: Path,
    version: str = "v1.0.0",
    options: tuple[str, ...] = (),
    **kw: Any,
) -> Repo:
    """A project of a template in a repository of its own, committed."""
    render(source, path, version, **kw)
    return init(path, *options).commit(message="start")


def mlfactory(*argv: object, cwd: Path | None = None, code: int | None = 0, **env: str) -> Done:
    """Run the program; `code` is what it must end with."""
    return forked(partial(program, *map(str, argv)), cwd=cwd, code=code, **env)


def program(*argv: str) -> int:
    from mlfactory.cli import guarded

    sys.argv = ["mlfactory", *argv]
    return guarded()


@contextmanager
def started(argv: Sequence[str], cwd: Path, begun: Callable[[], bool]) -> Iterator[Started]:
    """The program in a process of its own, once it has begun; it is killed with all it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mlfactory", *argv], cwd=cwd, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(begun, lambda: process.poll() is None)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def forked(
    act: Callable[[], int], cwd: Path | None = None, code: int | None = 0, **env: str
) -> Done:
    """Do something that can be pickled in a process of its own, and return what it left."""
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        around = {**os.environ, **env}
        argv = (act, cwd or Path.cwd(), around, out.name, err.name)
        process = FORKS.Process(target=child, args=argv)
        process.start()
        process.join()
        streams = [stream.read().decode("utf-8", "surrogateescape") for stream in (out, err)]
    result = subprocess.CompletedProcess([], process.exitcode or 0, *streams)
    assert code is None or result.returncode == code, (
        result.returncode,
        result.stdout + result.stderr,
    )
    return result


def child(act: Callable[[], int], cwd: Path, env: Mapping[str, str], *to: str) -> None:
    """The other side of the fork; it never returns."""
    code = 70
    try:
        files = (os.devnull, os.O_RDONLY), *((name, os.O_WRONLY) for name in to)
        for number, (name, mode) in enumerate(files):
            os.dup2(os.open(name, mode), number)
        sys.stdin = io.TextIOWrapper(io.FileIO(0))
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.BufferedWriter(io.FileIO(number, "w")), encoding="utf-8")
            for number in (1, 2)
        )
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        from plumbum import local

        local.cwd.chdir(Path.cwd())
        local.env.clear()
        local.env.update(os.environ)
        code = act()
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
