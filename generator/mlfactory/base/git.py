"""Every call of git."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import process
from .owner import check_owner

NAME, EMAIL = "mlfactory", "mlfactory@localhost"
# What is edited within a submodule is that repository's, and neither staged nor stashed from here.
TRACKED = ("--untracked-files=no", "--no-renames", "--ignore-submodules=dirty")
MISSING = "Install git 2.34 or newer and try again."
SIGNING = "If git cannot sign here, mend the key or run `git config --global commit.gpgsign false`."
# Reading must not refresh the index. `git diff` of a work tree would all the same.
QUIET = {"GIT_OPTIONAL_LOCKS": "0"}
# What git would run unasked. A path of hooks that is relative leads into whatever work tree git
# stands in, be it a stranger's.
SILENT = {"core.fsmonitor": "false", "core.hooksPath": os.devnull}
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
    passive: bool = False,
    hooks: bool = False,
) -> process.Result:
    """Run git in `cwd`. Raises MlfactoryError when it ends with a code that is not in `ok`.

    Git starts nothing by itself: no hook, no monitor of files. Only where a person has done the
    work and git finishes it, `hooks` lets theirs run. A passive call does not refresh the index.
    """
    more = {**({} if hooks else silent()), **(QUIET if passive else {}), **(env or {})}
    try:
        return process.run(["git", *args], cwd, env=more, stdin=stdin, ok=ok, hint=hint)
    except process.ProcessError as error:
        check_owner(error.result.err)
        raise


def silent(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables under which git starts nothing, with further settings; those that the environment
    brings, such as the credentials of a CI, stay."""
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    settings = {**SILENT, **(more or {})}
    variables = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (name, value) in enumerate(settings.items(), first):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def drivers_off(folder: Path) -> dict[str, str]:
    """Settings that turn off the filters which a repository's own configuration defines.

    For a stranger's repository that must be looked at where it stands: its attributes choose a
    filter, and its configuration says which program that is. An empty program is none to git.
    """
    argv = ("config", "--show-scope", "--includes", "--name-only", "-z", "--get-regexp")
    fields = run(*argv, r"^filter\..*\.", cwd=folder, ok=(0, 1, 128)).out.split("\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    own = {name.rpartition(".")[0] for scope, name in pairs if scope in ("local", "worktree")}
    values = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {f"{driver}.{key}": value for driver in own for key, value in values.items()}


@dataclass(frozen=True)
class Repository:
    """A repository on this disk: the top of its work tree, git's own folder, and its objects.

    Of a bare one all that stands in one folder. What is asked of it can have an environment of its
    own, and can be `passive` throughout. Without a work tree, HEAD says all there is.
    """

    top: Path
    folder: Path
    objects: Path
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    passive: bool = False
    has_work_tree: bool = True

    def run(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        ok: Sequence[int] = (0,),
        hint: str = MISSING,
        passive: bool = False,
        hooks: bool = False,
    ) -> process.Result:
        """Run git at its top; see `run`."""
        both, quiet = {**self.env, **(env or {})}, passive or self.passive
        more = {"passive": quiet, "hooks": hooks}
        return run(*args, cwd=self.top, env=both, stdin=stdin, ok=ok, hint=hint, **more)

    def path_of(self, name: str) -> Path:
        """A file in git's own folder, such as MERGE_HEAD."""
        return self.folder / name


def bare(folder: Path) -> Repository:
    """A repository without a work tree."""
    return Repository(folder, folder, folder / "objects")


def plain(top: Path) -> Repository:
    """A repository that is no linked work tree and no submodule, as `init` makes it."""
    return Repository(top, top / ".git", top / ".git" / "objects")


def look_up(start: Path) -> tuple[Repository, str] | None:
    """The repository around a folder or its nearest existing parent, and its last commit, empty
    where none is yet."""
    start = next(p for p in (start, *start.parents) if p.is_dir())
    argv = ("--show-toplevel", "--absolute-git-dir", "--git-path", "objects", "HEAD")
    result = run("rev-parse", *argv, cwd=start, ok=(0, 128))
    if not result.out:
        check_owner(result.err)
        return None
    top, folder, objects, head = result.out.split("\n")[:4]
    here = Repository(Path(top).resolve(), Path(folder), (start / objects).resolve())
    return here, "" if result.code else head


def init(path: Path) -> Repository:
    """Make an empty repository with the branch main."""
    hint = "Look at `git config --get init.templateDir`: git copies that folder into it."
    run("init", "--quiet", "--initial-branch=main", cwd=path, hint=hint)
    return plain(path)


def add_all(repository: Repository, *specs: str) -> None:
    """Stage everything that the project itself does not ignore.

    The user's global ignore list is left out: it must not punch holes into a fresh render.
    """
    repository.run("-c", "core.excludesFile=/dev/null", "add", "--all", "--", *specs)


def identity(folder: Path, who: str) -> str:
    """Who is `AUTHOR` or `COMMITTER` in a folder: name, address and time, without guessing from
    the host's name, or an empty string."""
    argv = ("-c", "user.useConfigOnly=true", "var", f"GIT_{who}_IDENT")
    return run(*argv, cwd=folder, ok=(0, 128)).out.strip()


def has_identity(folder: Path) -> bool:
    """Whether git knows an author and a committer."""
    return all(identity(folder, who) for who in ("AUTHOR", "COMMITTER"))


def commit(repository: Repository, message: str, *specs: str) -> str:
    """Commit what is staged, or of that what is named, past all hooks; with nothing staged, do
    nothing.

    Returns a warning when the user has no identity, else an empty string.
    """
    if is_clean_index(repository, *specs):
        return ""
    has_author = has_identity(repository.top)
    own = () if has_author else ("-c", f"user.name={NAME}", "-c", f"user.email={EMAIL}")
    argv = ("commit", "--quiet", "--no-verify", "--message", message, "--", *specs)
    repository.run(*own, *argv, hint=SIGNING)
    return "" if has_author else NO_IDENTITY


def is_clean_index(repository: Repository, *specs: str) -> bool:
    """Whether the index holds nothing that HEAD has not; an unborn branch has nothing."""
    head = repository.run("rev-parse", "--quiet", "--verify", "HEAD", ok=(0, 1))
    if head.code:
        return not repository.run("ls-files", "--", *specs).out
    return repository.run("diff", "--cached", "--quiet", "--", *specs, ok=(0, 1)).code == 0


def has_commit(repository: Repository, *specs: str) -> bool:
    """Whether some commit has changed what is named, or anything."""
    argv = ("log", "--max-count=1", "--format=%h", "--", *specs)
    return bool(repository.run(*argv, ok=(0, 128)).out)


def toplevel(path: Path) -> Path | None:
    """The work tree that `path` or its nearest existing parent lies in."""
    folder = next(p for p in (path, *path.parents) if p.is_dir())
    result = run("rev-parse", "--show-toplevel", cwd=folder, ok=(0, 128))
    return Path(result.out.rstrip("\n")) if result.code == 0 and result.out.strip() else None


def files(folder: Path, *specs: str, untracked: bool = False) -> Iterator[tuple[str, str]]:
    """Mode and path of the files below a folder that git tracks.

    With `untracked` also those it would track, with the mode "?".
    """
    listing = run("ls-files", "--stage", "-z", "--", *specs, cwd=folder).out
    for entry in filter(None, listing.split("\0")):
        facts, _, name = entry.partition("\t")
        yield facts.split(" ")[0], name
    if untracked:
        others = run(
            "ls-files", "--others", "--exclude-standard", "-z", "--", *specs, cwd=folder
        ).out
        yield from (("?", name) for name in filter(None, others.split("\0")))


def ignored(repository: Repository, names: Iterable[str]) -> list[str]:
    """Those of the files that the project itself keeps out of git."""
    argv = ("-c", "core.excludesFile=/dev/null", "check-ignore", "-z", "--stdin", "--no-index")
    stdin = "".join(f"{name}\0" for name in names).encode("utf-8", "surrogateescape")
    return [n for n in repository.run(*argv, stdin=stdin, ok=(0, 1)).out.split("\0") if n]


def ref_exists(repository: Repository, ref: str) -> bool:
    """Whether `ref` names an object that is there."""
    return repository.run("cat-file", "-e", f"{ref}^{{commit}}", ok=(0, 1, 128)).code == 0


def fetch(repository: Repository, origin: Path, ref: str, into: str) -> None:
    """Copy one ref of another repository, and nothing else, into this one."""
    repository.run("fetch", "--quiet", "--no-tags", "--force", str(origin), f"{ref}:{into}")


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


def config(repository: Repository, name: str) -> str:
    """A configured value, or an empty string."""
    return repository.run("config", "--get", name, ok=(0, 1)).out.strip()


def dirt(repository: Repository, *specs: str) -> list[str]:
    """Tracked files with changes that are not committed; nothing is written, not even the index."""
    return [entry[3:] for entry in changes(repository, *specs)]


def changes(repository: Repository, *specs: str) -> list[str]:
    """The same files after two letters and a blank: the change that is staged, and that is not."""
    argv = ("status", "--porcelain", "-z", *TRACKED)
    status = repository.run(*argv, "--", *specs, passive=True)
    return [entry for entry in status.out.split("\0") if entry]


def head_and_dirt(repository: Repository, *specs: str) -> tuple[str, tuple[str, ...]]:
    """The last commit and the same files, in one question."""
    form = ("--porcelain=v2", "--branch", "--no-ahead-behind", "-z")
    argv = ("status", *form, *TRACKED, "--", *specs)
    entries = repository.run(*argv, passive=True).out.split("\0")
    head = next(line for line in entries if line.startswith("# branch.oid ")).split(" ")[2]
    spaces = {"1": 8, "u": 10}  # before the path, by the kind of entry
    rows = (line for line in entries if line[:1] in spaces)
    return head, tuple(line.split(" ", spaces[line[0]])[-1] for line in rows)


def unmerged(repository: Repository) -> list[str]:
    """Files in conflict."""
    listing = repository.run("ls-files", "--unmerged", "-z", passive=True).out
    return sorted({row.partition("\t")[2] for row in listing.split("\0") if row})


def unstaged(repository: Repository, *specs: str) -> list[str]:
    """Files that differ from the index, without those in conflict."""
    changed = (entry[3:] for entry in changes(repository, *specs) if entry[1] != " ")
    return sorted({*changed} - {*unmerged(repository)})


def head(repository: Repository) -> str:
    """The last commit."""
    return repository.run("rev-parse", "HEAD").out.strip()


def require() -> None:
    """Raises MlfactoryError when git does not start."""
    run("version")
