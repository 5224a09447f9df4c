"""What a template would have to say so that its projects get an edit of theirs from it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import yaml

from mlfactory.base.objects import text_at
from mlfactory.template import repository
from mlfactory.template.repository import Upstream

from .hunks import Hunk, transplant

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
SIGNS = ("{{", "{%", "{#")


@dataclass
class Draft:
    """A template's newest version with what was learned so far; `texts` are its files that differ
    by now, by their names."""

    up: Upstream
    commit: str
    names: tuple[str, ...]
    folder: str = ""
    suffix: str = ".jinja"
    texts: dict[str, str] = field(default_factory=dict)


def begin(up: Upstream, directory: str = "") -> Draft:
    """Raises MlfactoryError where the template has no version. One of cookiecutter's may stand in a
    directory of its repository."""
    commit = repository.version(up, up.newest).commit
    listing = up.repository.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).out
    names = tuple(filter(None, listing.split("\0")))
    home = f"{directory.strip('/')}/" if directory else ""
    if f"{home}cookiecutter.json" in names:
        inner = (name.removeprefix(home) for name in names if name.startswith(home))
        tops = sorted({name.partition("/")[0] for name in inner if "/" in name})
        top = next((name for name in tops if "{{" in name and "cookiecutter." in name), "")
        return Draft(up, commit, names, f"{home}{top}", "")
    config = next((n for n in ("copier.yml", "copier.yaml") if n in names), "")
    settings = parse(text_at(up.repository, commit, config) or "") if config else {}
    suffix = settings.get("_templates_suffix")
    folder = str(settings.get("_subdirectory") or "")
    return Draft(up, commit, names, folder, suffix if isinstance(suffix, str) else ".jinja")


def parse(text: str) -> Mapping[str, object]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return document if isinstance(document, dict) else {}


def add(draft: Draft, path: str, hunk: Hunk) -> str:
    """Take an edit of a rendered file into the template; gives why that cannot be, or an empty
    string."""
    sources = [name for name in draft.names if is_source(draft, name, path)]
    if not sources:
        return "no file of the template has this name"
    results = {}
    for name in sources:
        if (text := transplant(hunk, text_of(draft, name))) is not None:
            results[name] = text
    if len(results) != 1:
        return "its lines are made from answers, or stand there more than once: write it by hand"
    ((name, text),) = results.items()
    if name.endswith(draft.suffix) and any(sign in "".join(hunk.new) for sign in SIGNS):
        return "it has signs of Jinja in it: write it by hand"
    draft.texts[name] = text
    return ""


def is_source(draft: Draft, name: str, path: str) -> bool:
    """Whether a file of the template may be rendered as that path."""
    inner = name.removeprefix(f"{draft.folder}/") if draft.folder else name
    if draft.folder and inner == name:
        return False
    plain = inner.removesuffix(draft.suffix) if draft.suffix else inner
    parts = [".*".join(map(re.escape, JINJA.split(p))) for p in PurePosixPath(plain).parts]
    return re.fullmatch("/".join(parts), path) is not None


def text_of(draft: Draft, name: str) -> str:
    return draft.texts.get(name) or text_at(draft.up.repository, draft.commit, name) or ""


def patch(draft: Draft) -> str:
    """The change, as `git apply` takes it."""
    parts = []
    for name, text in sorted(draft.texts.items()):
        old = text_at(draft.up.repository, draft.commit, name) or ""
        rows = difflib.unified_diff(
            old.splitlines(keepends=True), text.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        parts += [
            row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows
        ]
    return "".join(parts)
