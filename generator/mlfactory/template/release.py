"""For maintainers: `python -m mlfactory.template.release VERSION` adds a release to the history."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import OK, MlfactoryError, UsageError

from . import history, store, stream

NEXT = """next: pin it in tests/test_history.py, where its tests print what to add:
  RELEASES  its commit: git ls-remote mlfactory::template v{0}
  RENDERS   the digests of its files: pytest tests/test_history.py"""


def release(version: str, checkout: Path, folder: Path = history.HISTORY) -> tuple[Path, ...]:
    """Write the stream and the wheel of `version` from the checkout's template."""
    releases = history.releases_in(folder)
    check_version(version, releases)
    check_tracked(checkout)
    files = stream.tree(checkout, untracked=False)
    if releases.versions and files == releases.commit(releases.versions[-1]).files:
        raise MlfactoryError(f"the template has not changed since {releases.versions[-1]}")
    changes = checkout / "CHANGELOG.md"
    text = changes.read_text(encoding="utf-8") if changes.exists() else ""
    commit = stream.Commit(version, *changelog_section(version, text), files)
    return store.add(folder, commit, releases.archives)


def check_version(version: str, releases: history.History) -> None:
    """Raises UsageError unless `version` is X.Y.Z and later than all releases."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise UsageError(f"{version} is not a version", "Use three numbers: 0.1.0")
    if releases.versions and history.numbers(version) <= history.numbers(releases.versions[-1]):
        raise UsageError(f"{version} is not later than {releases.versions[-1]}, the last release")


def check_tracked(checkout: Path) -> None:
    """Raises MlfactoryError when the template has files that git does not know."""
    files = git.files(checkout, *stream.TREE, untracked=True)
    stray = [name for mode, name in files if mode == "?"]
    if stray:
        raise MlfactoryError(f"git does not track {', '.join(stray)}", "Add or remove them.")


def changelog_section(version: str, text: str) -> tuple[str, int]:
    """The release's section as a commit message, and its date as seconds since 1970 in UTC."""
    pattern = rf"^## \[?v?{re.escape(version)}\b[^\n]*?(\d{{4}}-\d\d-\d\d)[^\n]*\n(.*?)(?=^## |\Z)"
    section = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if section is None:
        raise MlfactoryError(
            f"CHANGELOG.md has no section for {version}",
            f"Begin it with `## {version} - YYYY-MM-DD`.",
        )
    day = datetime.strptime(section.group(1), "%Y-%m-%d").replace(tzinfo=UTC)
    return f"mlfactory template {version}\n\n{section.group(2).strip()}", int(day.timestamp())


def main() -> int:
    """Release the template of the checkout that this program runs from."""
    try:
        checkout = history.surrounding_checkout()
        if checkout is None or len(sys.argv) != 2:
            raise UsageError("this needs a checkout and one version: 0.1.0")
        paths = release(sys.argv[1], checkout)
    except MlfactoryError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"hint: {error.hint}\n" * bool(error.hint)))
        return error.exit_code
    sys.stderr.write("".join(f"wrote {path}\n" for path in paths) + f"{NEXT.format(sys.argv[1])}\n")
    return OK


if __name__ == "__main__":
    raise SystemExit(main())
