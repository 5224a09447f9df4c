"""The one place where git and DVC are run, each time in a folder that is named."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from .errors import FactoryError, not_installed
from .programs import output

IDENTITY = "git config --global user.name NAME && git config --global user.email ADDRESS"


def git(
    folder: Path,
    *args: str,
    hint: str = "",
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """The text that git prints."""
    return output(folder, "git", *args, hint=hint, stdin=stdin, env=env).decode().strip()


def dvc(folder: Path, *args: str, hint: str = "") -> str:
    """The text that DVC prints; it breaks lines at the width of a terminal."""
    if find_spec("dvc") is None:
        raise not_installed("dvc")
    argv = (sys.executable, "-m", "dvc", *args)
    return output(folder, *argv, hint=hint, env={"COLUMNS": "10000"}).decode().strip()


def tries(folder: Path, *args: str) -> str:
    """The text that git prints; nothing where it fails."""
    try:
        return git(folder, *args)
    except FactoryError:
        return ""


def remote_of(folder: Path) -> str:
    """The remote that others are reached by: origin, else another; nothing where there is none."""
    names = tries(folder, "remote").split()
    return "origin" if "origin" in names else "".join(names[:1])


def commit_of(folder: Path, ref: str) -> str:
    """The full name of a commit."""
    verify = ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return git(folder, *verify, hint="git log --oneline")


def author(folder: Path, fallback: str) -> tuple[str, ...]:
    """Options for git in whose name it commits where it knows nobody: none, if it does."""
    strict = ("-c", "user.useConfigOnly=true")
    if tries(folder, *strict, "var", "GIT_COMMITTER_IDENT"):
        return strict
    if not fallback:
        raise FactoryError("git knows no name and address of yours", IDENTITY)
    return ("-c", f"user.name={fallback}", "-c", f"user.email={fallback}@localhost")


def identity(folder: Path, fallback: str = "", at: int | None = None) -> str:
    """Who commits, as git writes it: `NAME <ADDRESS> SECONDS ZONE`. FactoryError if nobody does."""
    env = {"GIT_COMMITTER_DATE": f"{at} +0000"} if at else {}
    return git(folder, *author(folder, fallback), "var", "GIT_COMMITTER_IDENT", env=env)


def commit_files(
    folder: Path,
    files: Mapping[str, str],
    message: str,
    parent: str | None,
    fallback: str = "",
) -> str:
    """A commit of the files on a parent's, or of them alone; no branch has it, the work tree does
    not change.
    """
    prefix = git(folder, "rev-parse", "--show-prefix") if parent else ""
    top = Path(git(folder, "rev-parse", "--show-toplevel"))
    with TemporaryDirectory(prefix="factory-") as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        if parent:
            git(folder, "read-tree", parent, env=env)
        for name, text in files.items():
            blob = git(folder, "hash-object", "-w", "--stdin", stdin=text)
            entry = f"100644,{blob},{prefix}{name}"
            git(top, "update-index", "--add", "--cacheinfo", entry, env=env)
        tree = git(folder, "write-tree", env=env)
    below = ("-p", parent) if parent else ()
    return git(folder, *author(folder, fallback), "commit-tree", tree, *below, "-m", message)


def tag_object(folder: Path, name: str, commit: str, message: str, ident: str) -> str:
    """An annotated tag that has no name in the repository yet; `set_refs` gives it one."""
    text = f"object {commit}\ntype commit\ntag {name}\ntagger {ident}\n\n{message}\n"
    return git(folder, "mktag", stdin=text)


def set_refs(folder: Path, *changes: str, hint: str = "") -> None:
    """Change refs all together or not at all; each as `git update-ref --stdin` wants it."""
    lines = "".join(f"{line}\n" for line in changes)
    git(folder, "update-ref", "--stdin", stdin=lines, hint=hint)
