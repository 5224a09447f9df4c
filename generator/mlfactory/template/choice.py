"""Which template a project is made from: the one that travels with mlfactory, or any other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import organisation
from mlfactory.base.errors import UsageError

from . import history, published, repository
from .repository import Upstream
from .stream import Files


@dataclass(frozen=True)
class Template:
    """Where a template comes from: `source` is what a factory records, `ref` what is rendered.

    `files` and `repository` hold the template that travels with the program; others have none.
    `version` is empty until it is known; `released` is false for a development version.
    """

    source: str
    ref: str | None = None
    version: str = ""
    released: bool = True
    files: Files | None = None
    repository: Path | None = None


def template(url: str = "", ref: str = "", prefix: str = "") -> Template:
    """The template to render: the one that travels with mlfactory, or any that copier can read.

    With a prefix, the tags of its versions begin so, and the newest of these is meant. Raises
    UsageError where there is none.
    """
    address = template_source(url)
    if address == history.SOURCE:
        return own_template(ref)
    if prefix:
        up = published.template(address, prefix)
        ref = repository.version(up, ref or up.newest).name
    return Template(address, ref or None)


def template_source(url: str) -> str:
    """What a factory records: a path is made absolute, as it means nothing elsewhere anyway.

    copier takes an address for git's only when it ends in `.git` or says so in front.
    """
    if url in ("", history.URL, history.SOURCE):
        return history.SOURCE
    if url.startswith(("file://", "http://", "https://", "ssh://")) and not url.endswith(".git"):
        return f"git+{url}"
    path = Path(url).expanduser()
    return str(path.resolve()) if path.exists() else url


def is_trusted(source: str) -> bool:
    """Whether what a template brings may run: it is mlfactory's own, or the organisation of this
    machine names its address. A template cannot say so itself, nor can a project."""
    listing = map(template_source, organisation.value("trusted", ()))
    return source == history.SOURCE or place_of(source) in map(place_of, listing)


def may_run(up: Upstream, commit: str) -> bool:
    """The same for what a version brings, which may be mlfactory's own where a team publishes it,
    too."""
    if up.own or is_trusted(template_source(up.source)):
        return True
    return history.is_own_commit(up.folder, commit)


def place_of(source: str) -> str:
    """An address without what is only said to copier."""
    return source.removeprefix("git+").rstrip("/").removesuffix(".git")


def is_local(source: str) -> bool:
    """Whether a recorded address leads to a folder of this machine."""
    return Path(source).is_absolute() or "file://" in source


def own_template(ref: str) -> Template:
    """A version of the installed template. Raises UsageError when it has no such version."""
    releases = history.load()
    version = ref.removeprefix("v") or releases.newest
    if version not in releases.names:
        names = ", ".join(releases.names)
        raise UsageError(f"the template has no version {ref}", f"It has {names}.")
    released = version in releases.versions
    return Template(
        history.SOURCE,
        f"v{version}",
        version,
        released,
        files=releases.for_copier(version).files,
        repository=history.repository(releases),
    )
