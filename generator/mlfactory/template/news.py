"""What a template's versions bring, told by its repository."""

from __future__ import annotations

from collections.abc import Iterator

from mlfactory_runtime.visible import visible

from mlfactory.base import git

from .repository import Upstream, Version

MAX_SUBJECTS = 30
# The same whatever a person has configured: versions of a company's template are named after it.
PLAIN = (
    "--unified=0", "--inter-hunk-context=0", "--diff-algorithm=myers", "--indent-heuristic",
    "--no-color", "--no-ext-diff", "--no-textconv", "--no-prefix",
)  # fmt: skip
LOG = ("log", "--encoding=UTF-8", "--no-show-signature", "--no-color")


def changes(up: Upstream, old: Version | None, new: Version) -> str:
    """What people should know between two versions, newest first; without `old`, all there is.

    The template that travels with the program tells it in its commits. Elsewhere it is what its
    changelog gained, else what its commits say: all of it where one is a version, else the subject.
    It gets into plans and commit messages, and
    so holds nothing that steers a terminal.
    """
    return visible(news(up, old, new))


def news(up: Upstream, old: Version | None, new: Version) -> str:
    """The same as it is written."""
    span = f"{old.commit}..{new.commit}" if old else new.commit
    if up.own:
        messages = git.run(*LOG, "--format=%B%x00", span, cwd=up.folder).out
        return "\n\n".join(filter(None, (body.strip() for body in messages.split("\0"))))
    if old and (additions := changelog_additions(up, old, new)):
        return additions
    return "\n".join(notes(up, span))


def notes(up: Upstream, span: str) -> Iterator[str]:
    """What the commits of a span say, newest first; only so many subjects, and none of merges."""
    log = git.run(*LOG, "-z", "--format=%H%x00%P%x00%s%x00%b", span, cwd=up.folder).out
    facts, rest = iter(log.rstrip("\n").split("\0")), MAX_SUBJECTS
    for commit, parents, subject, body in zip(facts, facts, facts, facts, strict=False):
        if body.strip() and commit in up.names:
            yield f"{body.strip()}\n"
        elif rest and " " not in parents:
            rest -= 1
            yield f"- {subject}"


def changelog_additions(up: Upstream, old: Version, new: Version) -> str:
    """The lines that were added to CHANGELOG, in whichever way it is written."""
    where = ":(top,icase,glob)changelog*"
    diff = git.run("diff", *PLAIN, old.commit, new.commit, "--", where, cwd=up.folder).out
    lines, inside = [], False
    for line in diff.splitlines():
        inside = line.startswith("@@") or (inside and not line.startswith("diff "))
        lines += [line[1:]] if inside and line.startswith("+") else []
    return "\n".join(lines).strip()
