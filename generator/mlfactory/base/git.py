"""Every call of git."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import process
from .errors import MlfactoryError

NAME, EMAIL = "mlfactory", "mlfactory@localhost"
MISSING = "Install git 2.34 or newer and try again."
SIGNING = "If git cannot sign here, mend the key or run `git config --global commit.gpgsign false`."
QUIET = {"GIT_OPTIONAL_LOCKS": "0"}  # reading must not refresh the index
PASSIVE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")  # nor run anything
OURS = {
    "GIT_AUTHOR_NAME": NAME,
    "GIT_AUTHOR_EMAIL": EMAIL,
    "GIT_COMMITTER_NAME": NAME,
    "GIT_COMMITTER_EMAIL": EMAIL,
}
# A preview and the merge itself must agree, whatever the user has configured. Files of the user
# stay where they are when the template moves a folder.
MERGING = (
    "-c", "merge.renames=true", "-c", "merge.directoryRenames=false", "-c", "merge.renameLimit=0",
    "-c", "diff.renames=true", "-c", "merge.renormalize=false",
)  # fmt: skip
Leaf = tuple[str, str]
Leaves = dict[str, Leaf]
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
    ok: Sequence[int] = (0,),
    hint: str = MISSING,
) -> process.Result:
    """Run git in `cwd`. Raises MlfactoryError when it ends with a code that is not in `ok`."""
    reading = PASSIVE if env and env.keys() >= QUIET.keys() else ()
    return process.run(["git", *reading, *args], cwd, env=env, stdin=stdin, ok=ok, hint=hint)


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
    form = ("--template=", "--object-format=sha1", "--initial-branch=main")
    run("init", "--quiet", "--bare", *form, str(path))
    damaged = "The installed history of the template is damaged: reinstall mlfactory."
    argv = ("-c", "fastimport.unpackLimit=1", "--git-dir", str(path), "fast-import", "--quiet")
    run(*argv, stdin=stream, hint=damaged)


def upload_pack(repository: Path) -> list[str]:
    """The command that serves `repository` to a git client over stdin and stdout."""
    return ["git", "upload-pack", str(repository)]


def text_at(path: Path, revision: str, name: str) -> str | None:
    """A text file as a commit has it, or None; `name` is relative to the top of the work tree."""
    found = run("cat-file", "blob", f"{revision}:{name}", cwd=path, ok=(0, 128))
    return found.out if found.code == 0 else None


def config(path: Path, name: str) -> str:
    """A configured value, or an empty string."""
    return run("config", "--get", name, cwd=path, ok=(0, 1)).out.strip()


def place(path: Path, *names: str) -> tuple[Path, ...]:
    """Where files of the repository's own folder are, such as MERGE_HEAD or objects."""
    args = [part for name in names for part in ("--git-path", name)]
    found = run("rev-parse", *args, cwd=path).out.splitlines()
    return tuple(path / line for line in found)


def dirt(path: Path) -> list[str]:
    """Tracked files with changes that are not committed; nothing is written, not even the index."""
    argv = ("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
    listed = run(*argv, cwd=path, env=QUIET)
    return [entry[3:] for entry in listed.out.split("\0") if entry]


def unmerged(path: Path) -> list[str]:
    """Files in conflict."""
    argv = ("diff", "--name-only", "--diff-filter=U", "-z")
    listed = run(*argv, cwd=path, env=QUIET).out
    return sorted(set(filter(None, listed.split("\0"))))


def unstaged(path: Path) -> list[str]:
    """Files that differ from the index, without those in conflict."""
    listed = run("diff", "--name-only", "-z", cwd=path, env=QUIET).out
    return sorted({*filter(None, listed.split("\0"))} - {*unmerged(path)})


def marked(path: Path) -> list[str]:
    """Changed files in which conflict markers are left.

    Lines of `=======` alone are none: they also underline headings.
    """
    argv = ("-c", "core.quotePath=false", "diff", "--check", "--no-color", "HEAD")
    told = run(*argv, cwd=path, env=QUIET, ok=(0, 2)).out
    rows = re.findall(r"^(.+):(\d+): leftover conflict marker", told, re.MULTILINE)
    return sorted({name for name, row in rows if begins_conflict(path / name, int(row))})


def begins_conflict(file: Path, row: int) -> bool:
    """Whether a line that git takes for a conflict marker is not only a line under a heading."""
    lines = file.read_bytes().split(b"\n") if file.is_file() else []
    return len(lines) >= row and lines[row - 1].startswith((b"<", b">", b"|"))


def leaves(path: Path, tree: str, *specs: str, env: Mapping[str, str] | None = None) -> Leaves:
    """Mode and object of every file in a tree, by its path from the top."""
    listed = run("ls-tree", "-r", "-z", "--full-tree", tree, "--", *specs, cwd=path, env=env).out
    found = {}
    for entry in filter(None, listed.split("\0")):
        facts, _, name = entry.partition("\t")
        mode, _, oid = facts.split(" ")
        found[name] = (mode, oid)
    return found


def blobs(path: Path, oids: list[str], env: Mapping[str, str] | None = None) -> list[bytes]:
    """The contents of objects, as they are stored."""
    lines = "".join(f"{oid}\n" for oid in oids).encode()
    out = run("cat-file", "--batch", cwd=path, env=env, stdin=lines).out
    raw, place, found = out.encode("utf-8", "surrogateescape"), 0, []
    for _ in oids:
        end = raw.index(b"\n", place)
        size = int(raw[place:end].split(b" ")[2])
        found.append(raw[end + 1 : end + 1 + size])
        place = end + size + 2
    return found


def renames(
    path: Path, old: str, new: str, *specs: str, env: Mapping[str, str] | None = None
) -> list[tuple[str, str, str]]:
    """What differs between two trees: a letter (A, M, D, R, T), the old path and the new one."""
    args = ("diff-tree", "-r", "-z", "-M", "-l0", "--no-commit-id", old, new, "--", *specs)
    parts = iter(run(*args, cwd=path, env=env).out.split("\0"))
    found = []
    for facts in parts:
        if not facts:
            break
        letter, name = facts.rsplit(" ", 1)[1][0], next(parts)
        found.append((letter, name, next(parts) if letter in "RC" else name))
    return found


def commit_tree(
    path: Path, tree: str, *parents: str, message: str, env: Mapping[str, str] | None = None
) -> str:
    """A commit that no branch has; it carries our identity unless `env` says another."""
    args = [part for parent in parents for part in ("-p", parent)]
    return run(
        "commit-tree", tree, *args, "-F", "-", cwd=path, env={**OURS, **(env or {})},
        stdin=message.encode(),
    ).out.strip()  # fmt: skip


def merge_tree(
    path: Path, ours: str, theirs: str, env: Mapping[str, str]
) -> tuple[str, list[tuple[str, str]], list[tuple[str, str]]]:
    """Merge two commits in memory: the tree, unmerged entries (stage, path), messages (kind, text).

    Raises MlfactoryError with a git that cannot do it.
    """
    argv = ("merge-tree", "--write-tree", "-z", "--messages", ours, theirs)
    done = run(*MERGING, *argv, cwd=path, env=env, ok=(0, 1, 128, 129))
    if done.code > 1:
        if done.code == 129 or "usage:" in done.err or "unknown option" in done.err:
            raise MlfactoryError("this needs git 2.38 or newer", "Install a newer git.")
        raise process.ProcessError(["git", *argv], done)
    fields = done.out.split("\0")
    end = fields.index("", 1)
    unmerged = []
    for entry in fields[1:end]:
        facts, _, name = entry.partition("\t")
        unmerged.append((facts.split(" ")[2], name))
    messages, rest = [], fields[end + 1 :]
    while len(rest) > 2:
        count = int(rest[0])
        messages.append((rest[count + 1], rest[count + 2].strip()))
        rest = rest[count + 3 :]
    return fields[0], unmerged, messages


def require() -> None:
    """Raises MlfactoryError when git does not start."""
    run("version")
