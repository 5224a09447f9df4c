"""What a company lays over a template: files, texts for its slots, questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

from mlfactory.base import git
from mlfactory.base.answers import suggestion
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.render.result import matches
from mlfactory.template import stream
from mlfactory.template.stream import File, Files

from . import questions
from .company import Company, refuse_secrets
from .rules import SUFFIX, fitting

SLOTS = "template/slots/"
INCLUDES = "template/includes/"  # parts of files that are rendered
SLOT = re.compile(
    rf"^([ \t]*)\{{%-? (?:endraw %\}}\{{% )?include '{SLOTS}([\w-]+)' ignore missing %\}}",
    re.MULTILINE,
)
MARK = re.compile(r"\{%.*?%\}")
HOME = "company/"
CHANGELOG = "CHANGELOG.md"
PLAIN = "100644"
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Overlay:
    """The files of a template with the company's on top, and the names in a project of all that
    are rendered; `own` are those of the company's, which stand at `places` of the template."""

    files: Files
    names: Names
    own: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a slot is: the blanks before it, and what parts its text from the line above."""

    blanks: str
    start: str


def lay(company: Company, upstream: Files, names: Names, root: str) -> Overlay:
    """Lay a company's files, slots and questions over a template's.

    `names` are those that each file of the template gets in a project, `root` the folder of it
    that is rendered. Raises MlfactoryError for what has no place in it.
    """
    places = places_of_files(company, names, root, upstream)
    own = {**{place: file for place, (_, file) in places.items()}, **slots(company, upstream)}
    obsolete = {twin for name in own for twin in twins(name)} - own.keys()
    rest = {name: file for name, file in upstream.items() if name not in obsolete}
    theirs = {source: names[source] for source in names if source in rest}
    ours = {place: names.get(place, (name,)) for place, (name, _) in places.items()}
    added = sorted(name for some in ours.values() for name in some)
    refuse_idle_slots(company, {**rest, **own})
    refuse_overlaps(own, {**rest, **own})
    all_of_them = {**theirs, **ours}
    refuse_idle_once(company, {name for some in all_of_them.values() for name in some})
    return Overlay({**rest, **own}, all_of_them, tuple(added), tuple(places))


def with_questions(company: Company, files: Files, theirs: questions.Questions) -> Files:
    """The same with the company's questions, which copier reads from one more file."""
    merged = questions.merge(company.questions, theirs)
    name = next((n for n in files if re.fullmatch(r"copier\.ya?ml", n)), "")
    if not name:
        raise MlfactoryError("upstream is no template of copier's: it has no copier.yml")
    more = [f"!include {questions.FILE}"] if merged else []
    once = dump({"_skip_if_exists": list(company.once)}).rstrip() if company.once else ""
    text = files[name].content.decode().rstrip()
    whole = "\n---\n".join(filter(None, [text, *more, once]))
    result = {**files, name: File(PLAIN, f"{whole}\n".encode())}
    if merged:
        result[questions.FILE] = File(PLAIN, dump(merged).encode())
    return result


def dump(content: Any) -> str:
    import yaml

    return str(yaml.safe_dump(content, width=10_000, sort_keys=False, allow_unicode=True))


def slots(company: Company, upstream: Files) -> dict[str, File]:
    """The texts of slots, indented as their places are. Raises UsageError for an unknown slot."""
    places = places_of(upstream)
    for name in company.slots:
        if name not in places:
            hint = suggestion(name, sorted(places)).replace("It asks:", "It has:")
            hint = hint if places else "Slots came with mlfactory 0.5.0: use a rule until then."
            raise UsageError(f"upstream has no slot {name}", hint)
        if not company.slots[name].strip():
            raise UsageError(
                f"the slot {name} is filled with nothing", "Write a text, or leave it."
            )
    texts = {
        name: indent(fitting(text.strip(), "", 0), places[name].blanks)
        for name, text in company.slots.items()
    }
    return {
        f"{SLOTS}{name}": File(PLAIN, f"{places[name].start}{text}".encode())
        for name, text in texts.items()
    }


def refuse_idle_slots(company: Company, files: Files) -> None:
    """Raises UsageError for a text that no file would show: the one with its slot is replaced."""
    places = places_of(files)
    if idle := next((name for name in company.slots if name not in places), ""):
        text = f"no file has the slot {idle} any more: one of yours stands in place of it"
        raise UsageError(text, "Write the text into your file, or the slot's include.")


def refuse_idle_once(company: Company, names: Iterable[str]) -> None:
    """Raises UsageError for a pattern of files that are the user's which fits none: what it was
    about would be written over. What only answers make a name, nobody knows yet."""
    for pattern in (pattern for pattern in company.once if "{" not in pattern):
        if not any(matches((pattern,), name) for name in names):
            text = f"once names {pattern}, and no project has such a file"
            raise UsageError(text, "The release may have renamed it: write the new name.")


def refuse_overlaps(own: Files, files: Files) -> None:
    """Raises UsageError for a file that is a folder to others, and for two that are one file."""
    for name in own:
        above = {name.rsplit("/", count)[0] for count in range(1, name.count("/") + 1)}
        if inner := next((n for n in files if n.startswith(f"{name}/")), ""):
            raise UsageError(f"{name} is a file of yours, and a folder: {inner}", "Rename it.")
        if outer := sorted(above & files.keys()):
            raise UsageError(f"{outer[0]} is a file, and yours a folder: {name}", "Rename it.")
        if not name.endswith(SUFFIX) and f"{name}{SUFFIX}" in own:
            raise UsageError(f"{name} stands there twice, once with {SUFFIX}", "Remove one.")


def places_of(files: Files) -> dict[str, Place]:
    """The slots of a template."""
    places: dict[str, Place] = {}
    for name, file in sorted(files.items()):
        if name.endswith(SUFFIX) or name.startswith(INCLUDES):
            is_page = name.endswith((".md", f".md{SUFFIX}"))
            for blanks, slot in SLOT.findall(file.content.decode("utf-8", "replace")):
                places.setdefault(slot, Place(blanks, "\n\n" if is_page else "\n"))
    return places


def places_of_files(
    company: Company, names: Names, root: str, upstream: Files
) -> dict[str, tuple[str, File]]:
    """The company's files by their place in the template, with their name in a project."""
    if company.files is None:
        return {}
    result: dict[str, tuple[str, File]] = {}
    for name in names_below(company.files):
        mode = stream.mode_on_disk(company.files / name)
        file = stream.file(company.files, mode, name)
        refuse_secrets(name, file.content.decode("utf-8", "replace"))
        plain = MARK.sub("", name).removesuffix(SUFFIX)
        result |= dict.fromkeys(places_for(name, names, root, upstream), (plain, file))
    return result


def names_below(folder: Path) -> list[str]:
    """The files below a folder, without those that git ignores: no clone of it has them. Raises
    UsageError for what is no file, or git's own."""
    argv = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", ".")
    ignored = {*git.run(*argv, cwd=folder, ok=(0, 128), passive=True).out.split("\0")}
    paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    names = [n for path in paths if (n := path.relative_to(folder).as_posix()) not in ignored]
    for name in names:
        special = not (folder / name).is_symlink() and not (folder / name).is_file()
        if special or ".git" in name.lower().split("/"):
            raise UsageError(f"{name} cannot be part of a template", "Use plain files and names.")
    return names


def places_for(name: str, names: Names, root: str, upstream: Files) -> list[str]:
    """Where a file of the company belongs in the template: in place of those that have its name in
    a project, or in the folder that becomes its own."""
    suffix = SUFFIX if name.endswith(SUFFIX) else ""
    plain = name.removesuffix(SUFFIX)
    same = [source for source, all_of_them in names.items() if plain in all_of_them]
    if same:
        return [f"{source.removesuffix(SUFFIX)}{suffix}" for source in same]
    if f"{root}{name}" in upstream:
        return [f"{root}{name}"]
    top, _, rest = name.partition("/")
    return [f"{root}{folder_for(top, names, root)}/{rest}" if rest else f"{root}{name}"]


def folder_for(top: str, names: Names, root: str) -> str:
    """The template's own name for a folder at the top of projects, as `.github`: it is there only
    with some answers, and so is what the company puts into it."""
    candidates: dict[str, set[str]] = {}
    for source, all_of_them in names.items():
        head, slash, _ = source.removeprefix(root).partition("/")
        if slash:
            candidates.setdefault(head, set()).update(n.partition("/")[0] for n in all_of_them)
    return next((head for head, tops in sorted(candidates.items()) if tops == {top}), top)


def bare(name: str) -> str:
    """A name in a template without its conditions, and without what says that it is rendered."""
    return MARK.sub("", name).removesuffix(SUFFIX)


def twins(name: str) -> tuple[str, ...]:
    """The two ways in which a file can be called: rendered, and as it is."""
    plain = name.removesuffix(SUFFIX)
    return plain, f"{plain}{SUFFIX}"


def provenance(company: Company) -> dict[str, File]:
    """What a version was made with; it stands beside the part that is rendered."""
    texts = {"company.yml": company.text, CHANGELOG: company.changelog}
    return {f"{HOME}{n}": File(PLAIN, text.encode()) for n, text in texts.items() if text}
