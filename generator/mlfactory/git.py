"""Every call of git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from . import process

NAME, EMAIL = "mlfactory", "mlfactory@localhost"
MISSING = "Install git 2.34 or newer and try again."
SIGNING = "If git cannot sign here, mend the key or run `git config --global commit.gpgsign false`."
NO_IDENTITY = (
    "git knows no name and address of yours, so mlfactory committed in its own name; "
    "set yours with `git config --global user.name NAME` and "
    "`git config --global user.email ADDRESS`"
)


def run(
    *args: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    ok: tuple[int, ...] = (0,),
    hint: str = MISSING,
) -> process.Result:
    """Run git in `cwd`. Raises MlfactoryError when it ends with a code that is not in `ok`."""
    return process.run(["git", *args], cwd, env=env, stdin=stdin, ok=ok, hint=hint)


def init(path: Path) -> None:
    """Make an empty repository with the branch main."""
    hint = "Look at `git config --get init.templateDir`: git copies that folder into it."
    run("init", "--quiet", "--initial-branch=main", cwd=path, hint=hint)


def add_all(path: Path) -> None:
    """Stage everything that the project itself does not ignore.

    The user's global ignore list is left out: it must not punch holes into a fresh render.
    """
    run("-c", "core.excludesFile=/dev/null", "add", "--all", cwd=path)


def has_identity(path: Path) -> bool:
    """Whether git knows an author and a committer without guessing from the host's name."""
    return all(
        run("-c", "user.useConfigOnly=true", "var", ident, cwd=path, ok=(0, 128)).code == 0
        for ident in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    )


def commit(path: Path, message: str) -> str:
    """Commit what is staged, past all hooks; with nothing staged, do nothing.

    Returns a warning when the user has no identity, else an empty string.
    """
    if is_clean_index(path):
        return ""
    known = has_identity(path)
    own = () if known else ("-c", f"user.name={NAME}", "-c", f"user.email={EMAIL}")
    run(*own, "commit", "--quiet", "--no-verify", "--message", message, cwd=path, hint=SIGNING)
    return "" if known else NO_IDENTITY


def is_clean_index(path: Path) -> bool:
    """Whether the index holds nothing that HEAD has not; an unborn branch has nothing."""
    head = run("rev-parse", "--quiet", "--verify", "HEAD", cwd=path, ok=(0, 1))
    if head.code:
        return not run("ls-files", cwd=path).out
    return run("diff", "--cached", "--quiet", cwd=path, ok=(0, 1)).code == 0


def toplevel(path: Path) -> Path | None:
    """The work tree that `path` or its nearest existing parent lies in."""
    place = next(p for p in (path, *path.parents) if p.is_dir())
    found = run("rev-parse", "--show-toplevel", cwd=place, ok=(0, 128))
    return Path(found.out.rstrip("\n")) if found.code == 0 and found.out.strip() else None


def git_dir(path: Path) -> Path | None:
    """The repository's own folder when `path` is the top of a work tree."""
    top = toplevel(path)
    if top is None or not path.exists() or top.resolve() != path.resolve():
        return None
    return Path(run("rev-parse", "--absolute-git-dir", cwd=path).out.rstrip("\n"))


def files(path: Path, *specs: str, untracked: bool = False) -> Iterator[tuple[str, str]]:
    """Mode and path of the files below `path` that git tracks.

    With `untracked` also those it would track, with the mode "?".
    """
    listed = run("ls-files", "--stage", "-z", "--", *specs, cwd=path).out
    for entry in filter(None, listed.split("\0")):
        facts, _, name = entry.partition("\t")
        yield facts.split(" ")[0], name
    if untracked:
        others = run("ls-files", "--others", "--exclude-standard", "-z", "--", *specs, cwd=path).out
        yield from (("?", name) for name in filter(None, others.split("\0")))


def is_ignored(path: Path, name: str) -> bool:
    """Whether the project itself keeps a file out of git."""
    own = ("-c", "core.excludesFile=/dev/null")
    return run(*own, "check-ignore", "--quiet", "--", name, cwd=path, ok=(0, 1)).code == 0


def ref_exists(path: Path, ref: str) -> bool:
    """Whether `ref` names an object that is there."""
    return run("cat-file", "-e", f"{ref}^{{commit}}", cwd=path, ok=(0, 1, 128)).code == 0


def fetch(path: Path, source: Path, ref: str, into: str) -> None:
    """Copy one ref of another repository, and nothing else, into this one."""
    run("fetch", "--quiet", "--no-tags", "--force", str(source), f"{ref}:{into}", cwd=path)


def import_history(path: Path, stream: bytes) -> None:
    """Make a bare repository at `path` out of a fast-import stream.

    Hash and branch are fixed, and no folder of hooks is copied: ids must not depend on the user.
    """
    run(
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--object-format=sha1",
        "--initial-branch=main",
        str(path),
    )
    run(
        "-c",
        "fastimport.unpackLimit=1",
        "--git-dir",
        str(path),
        "fast-import",
        "--quiet",
        stdin=stream,
        hint="The installed history of the template is damaged: reinstall mlfactory.",
    )


def upload_pack(repository: Path) -> list[str]:
    """The command that serves `repository` to a git client over stdin and stdout."""
    return ["git", "upload-pack", str(repository)]


def require() -> None:
    """Raises MlfactoryError when git does not start."""
    run("version")
