"""The one place where the registry runs git and DVC."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import FactoryError

# Inside a git hook these would point git at another repository, or at another index.
LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
IDENTITY = "git config --global user.name NAME && git config --global user.email ADDRESS"


def environment() -> dict[str, str]:
    """The environment for programs: git finds the repository by the folder alone."""
    return {name: value for name, value in os.environ.items() if name not in LOCAL}


def output(
    *argv: str,
    hint: str = "",
    cwd: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> bytes:
    """What a program prints. A FactoryError tells the command and its error, or its last line."""
    given, full = stdin.encode(), environment() | dict(env or {})
    try:
        done = subprocess.run(argv, cwd=cwd, env=full, input=given, capture_output=True)  # noqa: S603
    except OSError as error:
        raise FactoryError(f"{argv[0]} cannot be started: {error.strerror}", hint) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace").splitlines()
        ours = [line for line in said if line.startswith("error: ")]  # of a stage, say
        told = ours or [line for line in said if line.startswith(("ERROR", "fatal"))] or said
        raise FactoryError(f"`{shlex.join(argv)}` failed: {' '.join(told[-1:])}", hint)
    return done.stdout


def git(
    *args: str,
    hint: str = "",
    cwd: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """The text that git prints."""
    return output("git", *args, hint=hint, cwd=cwd, stdin=stdin, env=env).decode().strip()


def dvc(*args: str, hint: str = "", cwd: Path | None = None) -> str:
    """The text that DVC prints; it breaks lines at the width of a terminal."""
    argv = (sys.executable, "-m", "dvc", *args)
    return output(*argv, hint=hint, cwd=cwd, env={"COLUMNS": "10000"}).decode().strip()


def tries(*args: str) -> str:
    """The text that git prints; nothing where it fails."""
    try:
        return git(*args)
    except FactoryError:
        return ""


def commit_of(ref: str) -> str:
    """The full name of a commit."""
    return git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", hint="git log --oneline")


def author(fallback: str) -> tuple[str, ...]:
    """Options for git in whose name it commits where it knows nobody: none, if it does."""
    strict = ("-c", "user.useConfigOnly=true")
    if tries(*strict, "var", "GIT_COMMITTER_IDENT"):
        return strict
    if not fallback:
        raise FactoryError("git knows no name and address of yours", IDENTITY)
    return ("-c", f"user.name={fallback}", "-c", f"user.email={fallback}@localhost")


def identity(fallback: str = "", at: int | None = None) -> str:
    """Who commits, as git writes it: `NAME <ADDRESS> SECONDS ZONE`. FactoryError if nobody does."""
    env = {"GIT_COMMITTER_DATE": f"{at} +0000"} if at else {}
    return git(*author(fallback), "var", "GIT_COMMITTER_IDENT", env=env)


def commit_files(
    files: Mapping[str, str], message: str, parent: str | None, fallback: str = ""
) -> str:
    """A commit of the files on a parent's, or of them alone; no branch has it, the work tree does
    not change.
    """
    folder, top = git("rev-parse", "--show-prefix"), Path(git("rev-parse", "--show-toplevel"))
    with TemporaryDirectory(prefix="factory-") as place:
        env = {"GIT_INDEX_FILE": str(Path(place) / "index")}
        if parent:
            git("read-tree", parent, env=env)
        for name, text in files.items():
            blob = git("hash-object", "-w", "--stdin", stdin=text)
            entry = f"100644,{blob},{folder if parent else ''}{name}"
            git("update-index", "--add", "--cacheinfo", entry, cwd=top, env=env)
        tree = git("write-tree", env=env)
    below = ("-p", parent) if parent else ()
    return git(*author(fallback), "commit-tree", tree, *below, "-m", message)


def tag_object(name: str, commit: str, message: str, ident: str) -> str:
    """An annotated tag that has no name in the repository yet; `set_refs` gives it one."""
    text = f"object {commit}\ntype commit\ntag {name}\ntagger {ident}\n\n{message}\n"
    return git("mktag", stdin=text)


def set_refs(*changes: str, hint: str = "") -> None:
    """Change refs all together or not at all; each as `git update-ref --stdin` wants it."""
    git("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in changes), hint=hint)
