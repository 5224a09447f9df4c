"""A composed version as an ordinary commit, and its way into the company's repository."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import SequenceMatcher
from pathlib import Path

from mlfactory.base import git, objects
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.process import ProcessError
from mlfactory.template import mirror, news, repository, stream
from mlfactory.template.repository import Upstream, Version
from mlfactory.template.stream import Files

from . import lineage as line
from .company import Company
from .lineage import Lineage
from .overlay import CHANGELOG, HOME

HEADS, TAGS = "refs/heads/", "refs/tags/"
WORK = f"{HEADS}composed"


def section(company: Company, name: str, up: Upstream, on: Version, before: Lineage | None) -> str:
    """What a version brings: the company's own notes, then upstream's."""
    own = additions(text_in(before, f"{HOME}{CHANGELOG}"), company.changelog)
    parts = [f"## {name}", own, upstream_notes(up, on, before.base if before else line.NOTHING)]
    return "\n\n".join(filter(None, parts)).strip() + "\n"


def text_in(before: Lineage | None, name: str) -> str:
    """A text of the last version, empty where it has none."""
    if before is None or before.last is None:
        return ""
    return objects.text_at(before.up.repository, before.last.commit, name) or ""


def history(notes: str, before: Lineage | None) -> str:
    """The changelog of all of the company's versions, the newest first."""
    return f"{notes}\n{text_in(before, CHANGELOG)}".rstrip() + "\n"


def additions(old: str, new: str) -> str:
    """The lines that a text gained."""
    before, after = old.splitlines(), new.splitlines()
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    spans = [after[start:end] for kind, _, _, start, end in codes if kind in ("insert", "replace")]
    return "\n".join(line for span in spans for line in span).strip()


def upstream_notes(up: Upstream, on: Version, base: Version) -> str:
    """What upstream says of what it brings: since the release that the last version was made on,
    or the one before."""
    if base == on:
        return ""
    tags = repository.stable(up.tags, up.prefix)
    earlier = [tag for tag in tags if tag != on.name and up.commits[tag]]
    old = next((tag for tag in reversed(earlier) if is_before(tag, on.name)), "")
    since = Version(old, up.commits[old]) if old else None
    if base.commit and (base.commit in up.names or is_part(up, base.commit, on.commit)):
        since = base
    return f"From upstream, {on.name}:\n\n{news.changes(up, since, on).strip()}"


def is_part(up: Upstream, old: str, new: str) -> bool:
    """Whether a commit was made from another, which may be gone: a tag may have moved."""
    argv = ("merge-base", "--is-ancestor", old, new)
    return git.run(*argv, cwd=up.folder, ok=(0, 1, 128)).code == 0


def is_before(tag: str, other: str) -> bool:
    first, second = repository.number_of(tag), repository.number_of(other)
    return bool(first and second and first < second)


@contextmanager
def workshop(up: Upstream, before: Lineage | None) -> Iterator[Path]:
    """A bare repository that sees the commits of both, and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        folder = Path(scratch) / "composed.git"
        git.import_history(folder, b"")
        sources = [up.folder, *([before.up.folder] if before else [])]
        text = "".join(f"{source.resolve() / 'objects'}\n" for source in sources)
        (folder / "objects/info/alternates").write_text(text, "utf-8")
        yield folder


def commit(folder: Path, files: Files, message: str, seconds: int, parents: list[str]) -> str:
    """Make the commit; the same input gives the same id, on every machine."""
    text = message.encode()
    first, *others = parents
    head = [
        f"commit {WORK}\ncommitter {stream.IDENTITY} {seconds} +0000\ndata {len(text)}\n",
        f"from {first}\n" + "".join(f"merge {other}\n" for other in others) + "deleteall\n",
    ]
    body = b"".join(stream.entry(name, file) for name, file in sorted(files.items()))
    whole = head[0].encode() + text + b"\n" + head[1].encode() + body
    git.run("--git-dir", str(folder), "fast-import", "--quiet", stdin=whole)
    return git.run("rev-parse", WORK, cwd=folder).out.strip()


def parents_of(on: Version, before: Lineage | None) -> list[str]:
    """The company's last version, then what upstream has released."""
    return [*([before.last.commit] if before and before.last else []), on.commit]


def moment(up: Upstream, on: Version, before: Lineage | None, count: int) -> int:
    """When a version counts as made: after both of its parents, and nothing of today."""
    after = line.time_of(before.up, before.last.commit) + 1 if before and before.last else 0
    return max(line.time_of(up, on.commit) + count, after)


def is_same(files: Files, before: Lineage) -> bool:
    """Whether the last version has these files; its changelog says which version it is."""
    if before.last is None:
        return False
    old = line.files_of(before.up, before.last.commit)
    return without_changelog(old) == without_changelog(files)


def without_changelog(files: Files) -> Mapping[str, stream.File]:
    return {name: file for name, file in files.items() if name != CHANGELOG}


def push(folder: Path, url: str, name: str, branch: str, oid: str, before: Lineage) -> None:
    """Give the company's repository a version, all of it or nothing; nothing is ever forced."""
    check_branch(folder, url, branch, oid, before)
    address = repository.git_url(url)
    specs = (f"{oid}:{HEADS}{branch}", f"{oid}:{TAGS}{name}")
    argv = ("push", "--quiet", "--atomic", "--", address, *specs)
    env = {"GIT_TERMINAL_PROMPT": "0"}
    try:
        git.run(*argv, cwd=folder, env=env, hint=repository.trying(address))
    except ProcessError as error:
        version = refs_of(url).get(f"{TAGS}{name}")
        if version == oid:  # somebody else was faster, with the same
            return
        if version:
            text = f"{url} has got another {name} meanwhile, and nothing was pushed"
            hint = "Do it again: the next one is made from that."
            raise MlfactoryError(text, hint) from error
        check_branch(folder, url, branch, oid, before)
        raise


def refs_of(url: str) -> Mapping[str, str]:
    return mirror.refs(mirror.listing_of(repository.git_url(url), url))


def check_branch(folder: Path, url: str, branch: str, oid: str, before: Lineage) -> None:
    """Raises MlfactoryError where the branch holds what the version was not made from."""
    tip = refs_of(url).get(f"{HEADS}{branch}")
    if tip is None or tip == oid:
        return
    argv = ("merge-base", "--is-ancestor", tip, oid)
    if git.run(*argv, cwd=folder, ok=(0, 1, 128)).code:
        last = (
            f"that {before.last.name} does not have" if before.last else "and no version of yours"
        )
        raise MlfactoryError(
            f"the branch {branch} of {url} holds commits {last}",
            "Name a branch for composed versions alone in company.yml: branch: NAME",
        )
