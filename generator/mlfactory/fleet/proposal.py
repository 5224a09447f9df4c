"""The branch on which a project is brought forward: whose it is, and what has become of it."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import EMAIL
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.template.repository import Version

from .clone import HEADS, Clone

State = Literal["", "open", "changed by a person", "open elsewhere"]
MOST = 200  # so many branches of others are looked at


def branch_of(branch: str, folder: str) -> str:
    """The branch of proposals; each project of a repository has its own, also where git takes
    their names for one: what is not written as it is called gets a sign of its own."""
    name = re.sub(r"[^A-Za-z0-9_.-]|(?<=\.)\.", "-", folder).strip("-.")
    if name.replace("-", "/") != folder or name.endswith((".lock", "revert")):
        name = f"{name}-{hashlib.sha256(folder.encode()).hexdigest()[:6]}".lstrip("-")
    return f"{branch}-{name}" if folder else branch


def state(clone: Clone, project: Project, branch: str, version: Version) -> tuple[State, str]:
    """How a proposal stands, and the branch that it is on.

    `open elsewhere` is what a person or another bot proposes that brings the same version.
    """
    tip = "" if version.is_recorded(project.version) else clone.tip(branch)
    if tip and not is_merged(clone, tip, project.head):
        return ("open" if is_ours(clone, project.head, tip) else "changed by a person"), branch
    for name in others(clone, project, branch, version):
        return "open elsewhere", name
    return "", ""


def is_merged(clone: Clone, tip: str, head: str) -> bool:
    argv = ("merge-base", "--is-ancestor", tip, head)
    return clone.repository.run(*argv, ok=(0, 1)).code == 0


def is_ours(clone: Clone, head: str, tip: str) -> bool:
    """Whether all that a branch adds was committed by mlfactory: whoever amends or adds something
    is a committer, too."""
    emails = clone.repository.run("log", "--format=%ce", f"{head}..{tip}").out.split("\n")
    return {*filter(None, emails)} <= {EMAIL}


def others(clone: Clone, project: Project, branch: str, version: Version) -> list[str]:
    """Branches besides ours that record a version which the project does not have yet."""
    names = [n for n in clone.refs if n.startswith(HEADS) and n != f"{HEADS}{branch}"]
    if version.is_recorded(project.version) or len(names) > MOST:
        return []
    path = f"{project.prefix}{project.file}"
    lines = "".join(f"{name}:{path}\n" for name in sorted(names)).encode()
    listing = clone.repository.run("cat-file", "--batch-check=%(objectname)", stdin=lines).out
    pairs = zip(sorted(names), listing.splitlines(), strict=True)
    own = clone.repository.run("rev-parse", f"{project.head}:{path}").out.strip()
    differing = [(n, oid) for n, oid in pairs if " " not in oid and oid != own]
    return [
        name.removeprefix(HEADS)
        for name, oid in differing
        if version.is_recorded(version_in(clone, project, oid))
        and not is_merged(clone, clone.refs[name], project.head)
    ]


def version_in(clone: Clone, project: Project, oid: str) -> str:
    text = clone.repository.run("cat-file", "blob", oid, ok=(0, 128)).out
    try:
        return record.with_text(project, text).version
    except MlfactoryError:
        return ""
