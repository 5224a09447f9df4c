"""fleet.yml: which repositories belong to a fleet, and how they are brought forward."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from mlfactory.base.answers import Answers, suggestion
from mlfactory.base.credentials import has_credentials
from mlfactory.base.errors import MlfactoryError, UsageError

from .reader import Reader

FILE, BRANCH = "fleet.yml", "mlfactory/update"
KEYS = ("repositories", "groups", "template", "branch", "answers", "check", "forges", "pace")
FORGES = ("github", "gitlab")
TEXTS = ("url", "path", "folder", "branch", "group", "answers_file", "pin", "skip", "owner")
# What git refuses in the name of a branch, and what a command would take for an option.
BAD_BRANCH = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|[/.]$|\.lock(/|$)")


@dataclass(frozen=True)
class Member:
    """One project of a fleet.

    `address` is what git fetches from, or the path of a clone on this machine, which is then only
    looked at. `folder` is the project's place in its repository, `branch` the one that it is
    developed on (its default branch where empty), `pin` the version that it goes to and stays at,
    and `skip` the reason why nothing is proposed to it. `answers` are for its template's questions.
    """

    name: str
    address: str
    is_path: bool = False
    folder: str = ""
    branch: str = ""
    group: str = ""
    answers_file: str = ""
    pin: str = ""
    skip: str = ""
    owner: str = ""
    answers: Answers = field(default_factory=dict)
    line: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What no two of a fleet have in common."""
        address = self.address if self.is_path else same_address(self.address)
        return address, self.folder, self.answers_file


@dataclass(frozen=True)
class Fleet:
    """A fleet as its file describes it. `groups` are waves in their order; who has no group comes
    in the last. `branch` is what proposals are called, `answers` are for questions that are new to
    a project. `check` is a command that is run before and after an update, where that is trusted.
    `forges` says which kind a host is, and `pace` how many seconds there are between two writes."""

    file: Path
    members: tuple[Member, ...]
    groups: tuple[str, ...] = ()
    template: str = ""
    branch: str = BRANCH
    answers: Answers = field(default_factory=dict)
    check: str = ""
    forges: Mapping[str, str] = field(default_factory=dict)
    pace: float = 1.0

    def wave_of(self, member: Member) -> int:
        """The number of a member's wave, from 0."""
        return self.groups.index(member.group) if member.group else len(self.groups)


def same_address(address: str) -> str:
    """What all addresses of a repository on a host have in common, however git reaches it."""
    form = r"(?:(\w[\w+.-]*)://)?(?:[^@/]*@)?([^/:]+)(:\d+(?=/))?[:/]+(.*)"
    if not (match := re.match(form, address)):
        return address
    port = (match[3] or "") if match[1] in ("http", "https") else ""
    return f"{match[2].lower()}{port}/{match[4].rstrip('/').removesuffix('.git')}"


def read(file: Path) -> Fleet:
    """Read and check a fleet's file. Raises MlfactoryError with every problem and its line."""
    _, root = compose(file)
    reader = Reader(file)
    fleet = parse(reader, root, file)
    if reader.problems:
        more = f"\n... and {len(reader.problems) - 20} more" if len(reader.problems) > 20 else ""
        raise MlfactoryError("\n".join(reader.problems[:20]) + more, f"Mend {file}.")
    return fleet


def compose(file: Path) -> tuple[str, yaml.Node]:
    """The text of a fleet's file and its tree. Raises MlfactoryError where there is none."""
    try:
        text = file.read_text("utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except FileNotFoundError as error:
        hint = "mlfactory fleet init FOLDER     # writes it"
        raise MlfactoryError(f"there is no {file}", hint) from error
    except OSError as error:
        raise MlfactoryError(f"{file} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise MlfactoryError(f"{file} is not YAML: {error}", f"Mend {file}.") from error
    if root is None:
        hint = "mlfactory fleet add URL_OR_PATH"
        raise MlfactoryError(f"{file} is empty: it names no repositories", hint)
    return text, root


def parse(reader: Reader, root: yaml.Node, file: Path) -> Fleet:
    """The fleet; what is wrong is told to the reader."""
    fleet = Fleet(file, ())
    members: list[Member] = []
    for key, node in reader.entries(root, "the file", KEYS):
        match key.value:
            case "repositories":
                rows = reader.items(node, "repositories")
                members = [one for row in rows if (one := member(reader, row))]
            case "groups":
                rows = reader.items(node, "groups")
                fleet = replace(fleet, groups=tuple(reader.text(row, "a group") for row in rows))
                check_once(reader, rows)
            case "answers":
                fleet = replace(fleet, answers=reader.values(node, "answers"))
            case "branch":
                fleet = replace(fleet, branch=branch_name(reader, node))
            case "template":
                fleet = replace(fleet, template=address(reader, node, "template"))
            case "check":
                fleet = replace(fleet, check=reader.text(node, "check"))
            case "forges":
                fleet = replace(fleet, forges=forge_kinds(reader, node))
            case "pace":
                fleet = replace(fleet, pace=reader.seconds(node, "pace"))
    check_members(reader, members, fleet.groups)
    return replace(fleet, members=with_names(members))


def forge_kinds(reader: Reader, node: yaml.Node) -> dict[str, str]:
    """The kind of each host."""
    kinds = {}
    for key, value in reader.entries(node, "forges", ()):
        kind = reader.text(value, "a forge")
        if kind not in FORGES:
            reader.fault(value, f"a forge is one of {', '.join(FORGES)}")
        kinds[str(key.value).lower()] = kind
    return kinds


def check_once(reader: Reader, rows: list[yaml.Node]) -> None:
    counts = Counter(row.value for row in rows if isinstance(row, yaml.ScalarNode))
    for row in rows:
        if isinstance(row, yaml.ScalarNode) and counts[row.value] > 1:
            reader.fault(row, f"the group {row.value} is there twice")
            counts[row.value] = 0


def member(reader: Reader, node: yaml.Node) -> Member | None:
    """One entry of `repositories`, or None where it names no repository."""
    texts: dict[str, str] = {}
    answers: dict[str, Any] = {}
    for key, value in reader.entries(node, "a repository", (*TEXTS, "answers")):
        name = str(key.value)
        if name == "answers":
            answers = reader.values(value, "answers")
        elif name in ("url", "path"):
            texts[name] = address(reader, value, name)
        elif name == "branch":
            texts[name] = branch_name(reader, value)
        elif name == "folder":
            texts[name] = folder_name(reader, value)
        else:
            texts[name] = reader.text(value, name)
    if isinstance(node, yaml.MappingNode) and ("url" in texts) == ("path" in texts):
        reader.fault(node, "a repository has either a `url` or a `path`")
    where = texts.pop("path", "") or texts.pop("url", "")
    if not where:
        return None
    is_path = is_on_disk(reader.file.parent, where)
    full = str((reader.file.parent / Path(where).expanduser()).resolve()) if is_path else where
    texts.pop("url", None)
    return Member("", full, is_path, answers=answers, line=node.start_mark.line + 1, **texts)


def is_on_disk(folder: Path, text: str) -> bool:
    """Whether an address is a path; git reads `host:path` as another machine's."""
    return ":" not in text or (folder / Path(text).expanduser()).exists()


def address(reader: Reader, node: yaml.Node, name: str) -> str:
    text = reader.text(node, name)
    if text.startswith("-"):
        reader.fault(node, f"{name} cannot begin with a dash")
    elif has_credentials(text):
        reader.fault(
            node, f"{name} holds a credential; leave it to git: a credential helper, a key"
        )
    else:
        return text
    return ""


def branch_name(reader: Reader, node: yaml.Node) -> str:
    text = reader.text(node, "branch")
    if text and BAD_BRANCH.search(text):
        reader.fault(node, f"{text!r} cannot be the name of a branch")
        return ""
    return text


def folder_name(reader: Reader, node: yaml.Node) -> str:
    text = reader.text(node, "folder")
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or text.startswith("-"):
        reader.fault(node, "folder is a path inside of the repository")
        return ""
    return "" if path.as_posix() == "." else path.as_posix()


def check_members(reader: Reader, members: list[Member], groups: tuple[str, ...]) -> None:
    """What no single entry can know: groups that are not there, and repositories that are twice."""
    lines: dict[tuple[str, str, str], int] = {}
    for one in members:
        place = f"{reader.file.name}:{one.line}"
        if one.group and one.group not in groups:
            there = f"There are: {', '.join(groups)}" if groups else "There are none: add `groups`"
            reader.problems.append(f"{place}: there is no group {one.group}. {there}.")
        if first := lines.get(one.key):
            reader.problems.append(f"{place}: the same repository and folder as in line {first}")
        lines.setdefault(one.key, one.line)


def with_names(members: list[Member]) -> tuple[Member, ...]:
    """Every member with the shortest name that is its own alone."""
    depth = 1
    names = [name_of(one, depth) for one in members]
    while len({*names}) < len(names) and depth < 8:
        depth += 1
        counts = Counter(names)
        pairs = zip(names, members, strict=True)
        names = [name_of(one, depth) if counts[name] > 1 else name for name, one in pairs]
    return tuple(replace(one, name=name) for one, name in zip(members, names, strict=True))


def name_of(member: Member, depth: int = 1) -> str:
    """A name out of the last parts of an address, and the folder inside."""
    parts = [part for part in re.split(r"[/:]", member.address) if part]
    parts = [*parts[:-1], parts[-1].removesuffix(".git") or parts[-1]] if parts else ["repository"]
    beyond = [member.folder, member.answers_file if depth > 1 else ""]
    return "/".join([*parts[-depth:], *filter(None, beyond)])


def choose(fleet: Fleet, names: list[str], group: str = "", shard: str = "") -> tuple[Member, ...]:
    """The members that are meant: by name, of a group, of a part I/N, or all. Raises UsageError."""
    if group and group not in fleet.groups:
        groups = ", ".join(fleet.groups) or "none"
        raise UsageError(f"{fleet.file.name} has no group {group}", f"It has: {groups}.")
    known_names = [one.name for one in fleet.members]
    for name in names:
        if name not in known_names:
            hint = suggestion(name, known_names).replace("It asks", "It has")
            raise UsageError(f"{fleet.file.name} has no repository {name}", hint)
    members = (one for one in fleet.members if not names or one.name in names)
    first, step = part(shard)
    return tuple(one for one in members if not group or one.group == group)[first::step]


def part(shard: str) -> tuple[int, int]:
    """Where a part I/N begins, and its step. Raises UsageError for what is no part."""
    match = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", shard or "1/1")
    if match is None or int(match[1]) > int(match[2]):
        raise UsageError(f"--shard cannot be {shard}", "Write I/N, such as 1/4.")
    return int(match[1]) - 1, int(match[2])
