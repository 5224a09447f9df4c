"""The time that a version has been in use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .conftest import Factory, execute


def date_back(factory: Factory, tag: str) -> None:
    """Let a model have been in use for weeks: nobody rings for a window before that."""
    then = (datetime.now(UTC) - timedelta(days=21)).isoformat(timespec="seconds")
    old = Factory(factory.path, {**factory.env, "GIT_COMMITTER_DATE": then})
    message = at_origin(factory, "tag", "--list", "--format=%(contents)", tag)
    commit = at_origin(factory, "rev-parse", f"{tag}^{{}}").strip()
    old.run("git", "fetch", "--quiet", "origin", commit)
    old.run("git", "tag", "--force", "--annotate", "--message", message, tag, commit)
    old.run("git", "push", "--quiet", "--force", "origin", f"refs/tags/{tag}")


def at_origin(factory: Factory, *argv: str) -> str:
    """What git says in the origin beside the factory."""
    return execute(("git", "-C", "origin", *argv), factory.path.parent, factory.env).stdout
