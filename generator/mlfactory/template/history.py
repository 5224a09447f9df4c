"""The template's history: one fast-import stream per release, rebuilt into a git repository."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_dir

from mlfactory.base import git, origin
from mlfactory.base.errors import MlfactoryError

from . import mount, store, stream, wheel
from .stream import Files

URL = "mlfactory::template"
SOURCE = f"git+{URL}"
HISTORY = Path(__file__).parents[1] / "history"
REF = "refs/mlfactory/template/"
REFS = "refs/mlfactory/*"
UNRELEASED = 1767225600  # 2026-01-01: development commits need a date, and it must be the same
SEAL = "mlfactory-seal"


@dataclass(frozen=True)
class History:
    """Released versions, oldest first, then perhaps a development version.

    Of the releases it holds the bytes as they are stored: to read them takes longer than most
    commands need, and a repository that is built already answers for them.
    """

    versions: tuple[str, ...]
    archives: tuple[bytes, ...]
    wheels: tuple[bytes, ...] = ()
    draft: stream.Commit | None = None

    @property
    def development(self) -> str:
        return self.draft.version if self.draft else ""

    @property
    def newest(self) -> str:
        return self.development or self.versions[-1]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.versions, *filter(None, [self.development]))

    def commit(self, version: str) -> stream.Commit:
        """A version as its checkout had it. Raises MlfactoryError when it is damaged."""
        if self.draft and version == self.draft.version:
            return self.draft
        index = self.versions.index(version)
        return store.complete(store.read_all(self.archives)[index], self.wheels[index])

    def wheel(self, version: str) -> bytes:
        """The runtime of a version; nothing where the template had none yet."""
        if self.draft and version == self.draft.version:
            return mount.wheel_of(self.draft)
        return self.wheels[self.versions.index(version)]

    def for_copier(self, version: str) -> stream.Commit:
        """A version as copier reads it."""
        return mount.for_copier(self.commit(version), self.wheel(version))

    @property
    def streams(self) -> Iterator[bytes]:
        """What `git fast-import` makes the repository of."""
        parent = None
        for version in self.names:
            commit = self.for_copier(version)
            yield stream.dump(commit, parent)
            parent = commit

    @property
    def key(self) -> str:
        parts = (*self.archives, *self.wheels, self.development.encode())
        return hashlib.sha256(b"".join(parts)).hexdigest()[:20]


def load(folder: Path = HISTORY, checkout: Path | None = None) -> History:
    """What this program can render: its releases and, in a checkout, what is not released yet.

    Raises MlfactoryError when there is neither.
    """
    releases = releases_in(folder)
    top = checkout or surrounding_checkout()
    full = releases if top is None else with_development(releases, stream.tree(top))
    if not full.names:
        raise MlfactoryError(
            "the template's history is missing from this installation", "Reinstall mlfactory."
        )
    return full


def releases_in(folder: Path) -> History:
    """The releases that stand in `folder`."""
    names = (path.name.removesuffix(store.SUFFIX) for path in folder.glob(f"*{store.SUFFIX}"))
    versions = tuple(sorted(names, key=numbers))
    return History(
        versions,
        tuple((folder / f"{version}{store.SUFFIX}").read_bytes() for version in versions),
        tuple(content(folder / wheel.file_name(version)) for version in versions),
    )


def released_wheels(folder: Path | None = None) -> dict[str, str]:
    """The SHA-256 of each wheel of the runtime that was released, by the wheel's name."""
    paths = sorted((folder or HISTORY).glob("*.whl"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def numbers(version: str) -> tuple[int, ...]:
    """A released version for sorting: 0.10.0 comes after 0.9.0."""
    return tuple(int(part) for part in version.split("."))


def surrounding_checkout() -> Path | None:
    """The checkout that this program runs from, or None when it is installed."""
    root = Path(__file__).parents[3]
    is_checkout = (root / "copier.yml").is_file() and (root / "generator").is_dir()
    return root if is_checkout else None


def with_development(releases: History, files: Files) -> History:
    """Add one unreleased commit when the files are not those of the last release."""
    if releases.versions and files == releases.commit(releases.versions[-1]).files:
        return releases
    *rest, patch = numbers(releases.versions[-1]) if releases.versions else (0, 1, -1)
    digits = int(digest(files), 16) % 10**12
    version = ".".join(map(str, (*rest, patch + 1))) + f".dev{digits}"
    draft = stream.Commit(version, "Not released yet.", UNRELEASED, files)
    return replace(releases, draft=draft)


def digest(files: Files) -> str:
    """A hash of all names, modes and contents."""
    return hashlib.sha256(stream.dump(stream.Commit("", "", 0, files))).hexdigest()


def repository(releases: History | None = None) -> Path:
    """A bare repository with the whole history, in the user's cache; built where it is missing.

    The name is the content's hash, so that it never goes stale; a damaged one is replaced.
    """
    full = releases or load()
    folder = cache() / f"{full.key}.git"
    if not is_sound(folder):
        with tempfile.TemporaryDirectory(prefix="build-", dir=folder.parent) as scratch:
            fresh = Path(scratch) / "template.git"
            git.import_history(fresh, b"".join(full.streams))
            put(fresh, folder)
    return folder


def put(fresh: Path, folder: Path) -> None:
    """Seal a repository and move it into place; another process may have been quicker."""
    (fresh / SEAL).write_text(fingerprint(fresh))
    if is_sound(folder):
        return
    if folder.exists():
        folder.rename(fresh.parent / "damaged")
    try:
        fresh.rename(folder)
    except OSError:
        if not is_sound(folder):
            raise


def is_sound(folder: Path) -> bool:
    """Whether every file is as it was when the repository was built. Small: under 1 ms."""
    try:
        return (folder / SEAL).read_text() == fingerprint(folder)
    except (OSError, UnicodeDecodeError):
        return False


def fingerprint(folder: Path) -> str:
    """A hash of all names and contents below `folder`, the seal left out."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.name != SEAL:
            digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"/")
    return digest.hexdigest()


def cache() -> Path:
    """A folder of ours that can be written: the user's cache, else one among temporary files.

    Git refuses repositories of other users, and so do we.
    """
    for folder in (Path(user_cache_dir("mlfactory")), Path(tempfile.gettempdir()) / own_name()):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise MlfactoryError(
        "no folder for the template can be written", "Set XDG_CACHE_HOME to one of yours."
    )


def own_name() -> str:
    return f"mlfactory-{os.geteuid()}"


def recorded_version(factory: Path) -> str:
    """The version that a factory made from this template records, or an empty string."""
    try:
        text = (factory / ".copier-answers.yml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    if answer_of(text, "_src_path") != SOURCE:
        return ""
    return answer_of(text, "_commit").removeprefix("v")


def answer_of(text: str, key: str) -> str:
    """A plain value from copier's answers file; the remote helper has no time to import yaml."""
    match = re.search(rf"^{key}: *['\"]?([^'\"\n]*?)['\"]? *$", text, re.MULTILINE)
    return match.group(1) if match else ""


def factory_around(start: Path) -> Path | None:
    """The nearest folder at or above `start` with an answers file."""
    return next((p for p in (start, *start.parents) if (p / ".copier-answers.yml").exists()), None)


def is_own_commit(folder: Path, commit: str) -> bool:
    """Whether a commit of a repository is one of those that travel with the program, wherever it
    was published. Others' are not even by us, and ours need not be built to see that."""
    text = git.run("cat-file", "commit", commit, cwd=folder).out
    is_by_us = f"\ncommitter {stream.IDENTITY} " in text.partition("\n\n")[0]
    return is_by_us and git.ref_exists(git.bare(repository()), commit)


def repository_for(start: Path) -> Path:
    """The repository as seen from `start`, which may lie in a factory.

    Raises MlfactoryError when that factory was made by a newer program.
    """
    full = load()
    factory = factory_around(start)
    version = recorded_version(factory) if factory else ""
    if factory is None or not version or version in full.names:
        return repository(full)
    around = git.look_up(factory)
    if around is None or not git.ref_exists(around[0], f"{REF}{version}"):
        raise unknown_version(version, full)
    return repository_with(full, factory, version)


def repository_with(full: History, factory: Path, version: str) -> Path:
    """The history plus the development version that the factory keeps under refs/mlfactory/."""
    ref = f"{REF}{version}"
    commit = git.run("rev-parse", ref, cwd=factory).out.strip()
    folder = cache() / f"{full.key}-{commit[:12]}.git"
    if not is_sound(folder):
        with tempfile.TemporaryDirectory(prefix="build-", dir=folder.parent) as scratch:
            fresh = Path(scratch) / "template.git"
            shutil.copytree(repository(full), fresh, ignore=shutil.ignore_patterns(SEAL))
            git.fetch(git.bare(fresh), factory, ref, f"refs/tags/v{version}")
            (fresh / "FETCH_HEAD").unlink(missing_ok=True)
            put(fresh, folder)
    return folder


def unknown_version(version: str, full: History) -> MlfactoryError:
    """The factory is newer than this program, or was made from an unknown checkout."""
    if ".dev" in version:
        return MlfactoryError(
            f"this factory records template version {version}, which was never released",
            f"Where it was made: git push origin '{REFS}'. Here: git fetch origin '{REFS}:{REFS}'",
        )
    return MlfactoryError(
        f"this factory records template version {version}, "
        f"and the newest that this mlfactory has is {full.newest}",
        f"Renew it: {origin.upgrade()}",
    )
