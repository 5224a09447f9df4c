"""company.yml: what a company adds to each release of a template."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlfactory.base import addresses, git
from mlfactory.base.answers import Answers, suggestion
from mlfactory.base.credentials import has_credentials
from mlfactory.base.errors import MlfactoryError, UsageError

from .rules import Rule

FORMAT = 1
BRANCH = "template"
KEYS = {
    "format", "name", "upstream", "release", "publish", "branch", "files", "changelog", "questions",
    "slots", "rules", "once", "untouched", "combinations",
}  # fmt: skip
VARIABLE = re.compile(r"(?<=[/:=])\$(?:\w+|\{\w+\})(?![\w$:])")
RULE_KEYS = {"name", "files", "find", "put", "header", "every"}


@dataclass(frozen=True)
class Company:
    """What company.yml says; `home` is the folder it stands in, `text` the file itself.

    `release` and `publish` are empty where it names neither, `files` is None without a folder.
    """

    home: Path
    text: str
    name: str
    upstream: str = ""
    release: str = ""
    publish: str = ""
    branch: str = BRANCH
    files: Path | None = None
    changelog: str = ""
    questions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    once: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()
    combinations: tuple[Answers, ...] = ()


def read(path: Path) -> Company:
    """Read and check a company.yml. Raises MlfactoryError naming the entry that is wrong."""
    text = text_of(path)
    content = content_of(path, text)
    refuse_unknown(path, content, KEYS, "entry")
    if content.get("format", FORMAT) != FORMAT:
        hint = "Renew mlfactory, or write format: 1."
        raise MlfactoryError(f"{path} has the format {content['format']}, not {FORMAT}", hint)
    home = path.resolve().parent
    company = Company(
        home,
        text,
        name_in(path, content),
        **{key: word(path, content, key) for key in ("upstream", "release", "publish")},
        branch=branch_in(path, content),
        files=folder_in(path, content, home),
        changelog=changelog_in(path, content, home),
        questions=table(path, content, "questions"),
        slots=texts(path, content, "slots"),
        rules=tuple(rules_in(path, content)),
        once=words(path, content, "once"),
        untouched=words(path, content, "untouched"),
        combinations=tuple(listing(path, content, "combinations")),
    )
    addresses.refuse(f"publish in {path.name}", company.publish)
    addresses.refuse(f"upstream in {path.name}", company.upstream)
    refuse_secrets(path.name, text)
    refuse_secrets(word(path, content, "changelog"), company.changelog)
    return company


def text_of(path: Path) -> str:
    """A text that people write. Raises MlfactoryError where there is none."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        hint = "Begin with: mlfactory template compose --init DIRECTORY"
        raise MlfactoryError(f"{path} cannot be read: {error.strerror}", hint) from error
    except UnicodeDecodeError as error:
        raise MlfactoryError(f"{path} is not in UTF-8: {error}", "Save it as UTF-8.") from error


def content_of(path: Path, text: str) -> dict[str, Any]:
    """The entries of a company.yml. Raises MlfactoryError, also where one is there twice, for YAML
    takes the last of two."""
    import yaml

    try:
        content = yaml.safe_load(text)
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise MlfactoryError(f"{path} is not YAML: {error}", "Mend it.") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} has no entries", "Begin it with: name: acme")
    if twice := next(repeated(node), ""):
        raise UsageError(f"{path}, {twice} is there twice", "Keep one of them.")
    return {str(key): value for key, value in content.items()}


def repeated(node: Any) -> Iterator[str]:
    """The keys that stand twice in one table, with their lines; what an alias names is one node."""
    rest, ids = [node], set[int]()
    while rest:
        one = rest.pop()
        if one.id == "scalar" or id(one) in ids:
            continue
        ids.add(id(one))
        pairs = one.value if one.id == "mapping" else []
        keys = [key.value for key, _ in pairs]
        for place, (key, _) in enumerate(pairs):
            if key.value in keys[:place]:
                yield f"line {key.start_mark.line + 1}: {key.value}"
        rest += [value for _, value in pairs] if pairs else one.value


def refuse_unknown(path: Path, content: Iterable[str], keys: set[str], what: str) -> None:
    """Raises UsageError for a key that means nothing: a typo would do nothing, silently."""
    for key in content:
        if key not in keys:
            raise UsageError(f"{path} has no {what} {key}", suggestion(key, sorted(keys)))


def refuse_secrets(name: str, text: str) -> None:
    """Raises UsageError where something secret would be published with the template; a variable of
    the shell in its place is none."""
    for number, line in enumerate(text.splitlines(), 1):
        if has_credentials(VARIABLE.sub("<>", line)):
            what = f"{name}, line {number} holds a credential, and would be published"
            raise UsageError(what, "Leave it out; a secret belongs into an environment variable.")


def name_in(path: Path, content: Mapping[str, Any]) -> str:
    name = word(path, content, "name")
    if not name:
        raise UsageError(f"{path} names no company", "Begin it with: name: acme")
    if not name.isprintable():
        raise UsageError(f"name in {path} is more than a line: {name!r}", "Write it in one.")
    return name


def word(path: Path, content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str | None):
        raise UsageError(f"{key} in {path} is no text: {value!r}", f"Write {key}: 'TEXT'.")
    return (value or "").strip()


def branch_in(path: Path, content: Mapping[str, Any]) -> str:
    """The branch of versions. Raises UsageError for a name that git does not take."""
    name = word(path, content, "branch") or BRANCH
    if git.run("check-ref-format", "--branch", name, ok=range(256)).code:
        raise UsageError(f"branch in {path} is no name of a branch: {name}", "Write branch: NAME.")
    return name


def texts(path: Path, content: Mapping[str, Any], key: str) -> dict[str, str]:
    """A table of texts."""
    values = table(path, content, key)
    if odd := next((name for name, text in values.items() if not isinstance(text, str)), None):
        raise UsageError(f"{odd} of {key} in {path} is no text", f"Write {odd}: 'TEXT'.")
    return dict(values)


def words(path: Path, content: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts, or one."""
    value = content.get(key, [])
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise UsageError(f"{key} in {path} is no list of texts", f"Write {key}: [TEXT, TEXT].")
    return tuple(values)


def table(path: Path, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise UsageError(f"{key} in {path} is no table", f"Write one `NAME: …` per line in {key}.")
    return value


def listing(path: Path, content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = content.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UsageError(f"{key} in {path} is no list of tables", f"Begin each of {key} with `- `.")
    return value


def folder_in(path: Path, content: Mapping[str, Any], home: Path) -> Path | None:
    name = word(path, content, "files")
    if name and not (home / name).is_dir():
        raise UsageError(f"{path} names the folder {name}, which is not there", f"mkdir {name}")
    return home / name if name else None


def changelog_in(path: Path, content: Mapping[str, Any], home: Path) -> str:
    """The text of the company's changelog, empty where it has none."""
    name = word(path, content, "changelog")
    if name and not (home / name).is_file():
        raise UsageError(f"{path} names {name}, which is not there", f"touch {name}")
    return text_of(home / name) if name else ""


def rules_in(path: Path, content: Mapping[str, Any]) -> Iterable[Rule]:
    for number, entry in enumerate(listing(path, content, "rules"), 1):
        where = Path(f"{path}, rule {entry.get('name') or number}")
        refuse_unknown(where, entry, RULE_KEYS, "key")
        yield rule(where, entry, str(entry.get("name") or number))


def rule(where: Path, entry: Mapping[str, Any], name: str) -> Rule:
    """One rule. Raises UsageError unless it says where, and either what to find or a header."""
    files, header = words(where, entry, "files"), entry.get("header")
    if not files:
        raise UsageError(f"{where} selects no files", "Add files: '*.py', say.")
    if entry.keys() & {"find", "put", "header"} not in ({"find", "put"}, {"header"}):
        raise UsageError(f"{where} is no rule", "It has find and put, or a header.")
    for key in ("find", "put", "header"):
        if not isinstance(entry.get(key, ""), str):
            raise UsageError(f"{where}: {key} is no text", f"Write {key}: 'TEXT'.")
    if header is not None:
        return Rule(name, files, header=f"{header.rstrip()}\n")
    try:
        find = re.compile(entry["find"], re.MULTILINE)
        find.sub(entry["put"], "")
        re.compile(f"{find.pattern}|").sub(entry["put"], "")
    except (re.error, IndexError) as error:
        raise UsageError(f"{where}: {error}", "Mend the regular expression.") from error
    return Rule(name, files, find, entry["put"], every=bool(entry.get("every")))


def with_release(text: str, version: str) -> str:
    """The file with another release in it; all else stays as somebody wrote it. Raises
    MlfactoryError where that cannot be written."""
    old = re.compile(r"^release:[ \t]*(?:'[^'\n]*'|\"[^\"\n]*\"|[^#\s]*)", re.MULTILINE)
    line = f"release: {version}"
    fresh, count = old.subn(line, text, count=1)
    fresh = fresh if count else f"{text.rstrip()}\n{line}\n"
    content_of(Path("company.yml"), fresh)
    return fresh


def write(path: Path, text: str) -> None:
    """Write a file as a whole, or not at all; one that is there keeps its mode, and how its lines
    end."""
    file = path.resolve()
    old = file.read_bytes() if file.exists() else b""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(text, "utf-8", newline="\r\n" if b"\r\n" in old else "\n")
    if old:
        shutil.copymode(file, draft)
    draft.replace(file)
