"""What an organisation sets for all of its factories, and where each value comes from.

From lowest to highest: a package of the organisation, a file, the environment. None of them is in
a repository, so a value changes without touching one. Of the package nothing is run: it brings a
file.
"""

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import FactoryError

GROUP = "mlfactory.organisation"
RECORDS = (".dist-info", "egg-info")  # the folders of what installers note
VARIABLE = "MLFACTORY_ORGANISATION"
PREFIX = "MLFACTORY_"
NAME = "organisation.toml"
TEXTS = ("template", "index", "remote", "owner", "data_source", "url_env", "alerts")
NUMBERS = ("approvals",)
LISTS = ("trusted",)
PATTERNS = "names"
# Of these services of Apprise the address alone lets nobody in.
OPEN_CHANNELS = ("json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos")
USERINFO = re.compile(r"//[^/?#\s]*:[^/?#\s]*@|^[^/?#\s@:]+:[^/?#\s@]+@")
QUERY = re.compile(
    r"[?&;](?:[\w.-]*(?:token|secret|passw|pwd|key|sig)[\w.-]*|pass)=", re.IGNORECASE
)


@dataclass(frozen=True)
class Setting:
    """One value and who says it: a package, a file or a variable."""

    name: str
    value: Any
    source: str


def settings() -> dict[str, Setting]:
    """All that is set, by its name; of patterns for names those of the highest layer that has some.

    Raises FactoryError for a file that cannot be read, a key that means nothing, and for a secret.
    """
    layers = [*packages(), *own_file(), ("the environment", variables())]
    return {s.name: s for source, values in layers for s in checked(source, values)}


def packages() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The files that installed packages bring, in the order of their names."""
    for name in modules(tuple(map(stamp, sys.path))):
        spec = find_spec(name.partition(":")[0].partition(".")[0])
        folders = list(spec.submodule_search_locations or ()) if spec else []
        files = [Path(folder) / NAME for folder in folders]
        if file := next((file for file in files if file.is_file()), None):
            yield f"the package {name}", content(file)
        else:
            hint = f"put {NAME} into its package"
            raise FactoryError(f"{name} is named as {GROUP} and brings no {NAME}", hint)


def stamp(folder: str) -> tuple[str, int]:
    """A place of packages and when it changed last, in nanoseconds; 0 where there is none."""
    try:
        return folder, Path(folder).stat().st_mtime_ns
    except OSError:
        return folder, 0


@lru_cache
def modules(places: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """What installed packages name as an organisation's, in the order of their names.

    Most environments have none: to read all that is installed took a tenth of a short command.
    """
    if not any(is_named(Path(folder)) for folder, changed in places if changed):
        return ()
    from importlib.metadata import entry_points

    entries = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return tuple(entry.value for entry in entries)


def is_named(folder: Path) -> bool:
    """Whether a package in there may name one; an archive, which is not opened, may."""
    try:
        records = [path for path in folder.iterdir() if path.name.lower().endswith(RECORDS)]
    except NotADirectoryError:
        return True
    except OSError:
        return False
    return any(mentions(record / "entry_points.txt") for record in records)


def mentions(file: Path) -> bool:
    try:
        return GROUP.encode() in file.read_bytes()
    except OSError:
        return False


def own_file() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The file that the variable names, else the one in the home."""
    name = os.environ.get(VARIABLE, "").strip()
    home = os.environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    file = Path(name or f"{home}/mlfactory/{NAME}").expanduser()
    if file.is_file():
        yield str(file), content(file)
    elif name:
        raise FactoryError(f"{VARIABLE} names {name}, which is no file", f"unset {VARIABLE}")


def content(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FactoryError(f"{file} cannot be read: {error}", "mend it") from error


def variables() -> dict[str, Any]:
    """MLFACTORY_INDEX and its like."""
    pairs = ((name, os.environ.get(PREFIX + name.upper(), "")) for name in (*TEXTS, *NUMBERS))
    return {name: value for name, value in pairs if value.strip()}


def checked(source: str, values: Mapping[str, Any]) -> Iterator[Setting]:
    """The settings of one layer. Raises FactoryError for one that cannot be."""
    for name, value in values.items():
        if name not in (*TEXTS, *NUMBERS, *LISTS, PATTERNS):
            every_name = ", ".join((*TEXTS, *NUMBERS, *LISTS, PATTERNS))
            raise FactoryError(f"{source} sets {name}, which is nothing", f"it sets {every_name}")
        yield Setting(name, read(source, name, value), source)


def read(source: str, name: str, value: Any) -> Any:
    """One value, of the kind that its name asks for."""
    if name == PATTERNS:
        return patterns(source, name, value)
    if name in LISTS:
        return addresses(source, name, value)
    return number(source, name, value) if name in NUMBERS else text(source, name, value)


def text(source: str, name: str, value: Any) -> str:
    """A text without a secret. Raises FactoryError, which does not repeat it."""
    if not isinstance(value, str) or not value.strip():
        raise FactoryError(f"{source} sets {name}, and not to a text", f'write {name} = "TEXT"')
    if USERINFO.search(value) or QUERY.search(value):
        raise FactoryError(f"{source} sets {name} to an address with a secret", "leave that out")
    if name == "alerts" and value.partition("://")[0] not in OPEN_CHANNELS:
        raise FactoryError(
            f"{source} sets alerts to a channel whose address is its key",
            f"put that into the variable FACTORY_ALERT_URLS; here are: {', '.join(OPEN_CHANNELS)}",
        )
    return value.strip()


def addresses(source: str, name: str, value: Any) -> tuple[str, ...]:
    """Whole addresses: a relative path would be another folder everywhere."""
    hint = f'write {name} = ["https://git.example.com/team/template.git"]'
    if not isinstance(value, list):
        raise FactoryError(f"{source} sets {name}, and not to a list", hint)
    texts = tuple(text(source, name, one) for one in value)
    for one in texts:
        if "*" in one or not (one.startswith(("/", "~")) or ":" in one):
            raise FactoryError(f"{source} sets {name} to {one}, which is no whole address", hint)
    return texts


def number(source: str, name: str, value: Any) -> int:
    """A count of people."""
    digits = str(value).strip()
    if isinstance(value, bool) or not digits.isdecimal():
        raise FactoryError(f"{source} sets {name} to {value!r}", f"write {name} = 2")
    return int(digits)


def patterns(source: str, name: str, value: Any) -> dict[str, str]:
    """A regular expression by the question whose answer it is for."""
    if not isinstance(value, dict):
        hint = f"[{name}]\nproject_name = '^[a-z]+-'"
        raise FactoryError(f"{source} sets {name}, and not as a table", hint)
    for question, pattern in value.items():
        try:
            re.compile(str(pattern))
        except re.error as error:
            text = f"{source}, {name}.{question} is no regular expression: {error}"
            raise FactoryError(text, "mend it") from error
    return {question: str(pattern) for question, pattern in value.items()}


def value(name: str, default: Any = None) -> Any:
    """What is set under a name."""
    setting = settings().get(name)
    return setting.value if setting else default


def misnomers(answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Questions whose answers are not as the organisation asks for, and what it says of them."""
    setting = settings().get(PATTERNS)
    for question, pattern in (setting.value if setting else {}).items():
        answer = answers.get(question)
        if setting and answer is not None and not re.search(pattern, str(answer)):
            yield question, f"{question} is {answer!r}, and {setting.source} asks for {pattern}"


def approving(names: str) -> str:
    """The names of who approved, parted by commas. Raises FactoryError where they are too few."""
    people = {part.strip() for part in names.split(",")} - {""}
    setting = settings().get("approvals")
    if setting and len(people) < setting.value:
        raise FactoryError(
            f"a promotion needs {setting.value} approvals ({setting.source}), and has "
            f"{len(people)}{': ' * bool(people)}{', '.join(sorted(people))}",
            "let others approve the request that brought the record, and run this again; "
            "without a forge: --approver 'NAME, NAME'",
        )
    return names
