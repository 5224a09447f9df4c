"""Two pyproject.toml as one, table by table: theirs holds, and what a factory needs is added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from mlfactory.base.errors import MlfactoryError

from . import needs, older
from .older import Facts
from .request import Task

MINORS = tuple(f"3.{minor}.9" for minor in range(6, 20))
LOOSE = ("ruff", "mypy", "pytest")  # programs that other files can configure, too
ELSEWHERE = {
    "ruff": ("ruff.toml", ".ruff.toml"),
    "mypy": ("mypy.ini", ".mypy.ini"),
    "pytest": ("pytest.ini",),
}
HEADING = re.compile(r"\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(#.*)?$")
BUILDS = ("tool.uv.build-backend", "tool.hatch", "tool.setuptools")
PLUGIN = "-p mlfactory_runtime.testing.plugin"


@dataclass(frozen=True)
class Around:
    """What else decides: `code` are the paths of their Python, `package` is the factory's own,
    `others` are files that configure the same programs, `keep` is left alone by updates, and
    `facts` is what setup.py and setup.cfg say, `library` what the library asks for."""

    code: tuple[str, ...] = ()
    package: str = ""
    others: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    has_tests: bool = False
    has_setup: bool = False
    facts: Facts | None = None
    library: tuple[str, ...] = ()


@dataclass
class Merged:
    """The text that both make, and what of it is left to a person."""

    text: str = ""
    tasks: list[Task] = field(default_factory=list)


def merge(theirs: str, ours: str, around: Around) -> Merged:
    """The tables of both in the template's order, then those that only the project has: what an
    update changes stands where it looks for it. Raises MlfactoryError for what is no TOML."""
    own, new, out = blocks(theirs), blocks(ours), Merged()
    doc = parsed(theirs)
    parts = [own.pop("", "")]
    for name, text in new.items():
        mine = own.pop(name, "")
        parts.append(block(name, mine, text, doc, around, out))
    parts += [text for name, text in own.items() if group_of(name) != "tool.cruft"]
    out.text = "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
    both = parsed(out.text)
    if poetry := older.pythons(both):  # it refuses others than [project] admits
        poetry["python"] = both["project"]["requires-python"]
        out.text = tomlkit.dumps(both)
    return out


def parsed(text: str) -> Any:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        message = f"pyproject.toml cannot be merged by its tables: {error}"
        raise MlfactoryError(message, "Mend it, or write its tables under headings.") from error


def blocks(text: str) -> dict[str, str]:
    """The tables of a TOML text by their names, each with the comments right above it; what stands
    before the first one has no name."""
    tables: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        heading = HEADING.match(line)
        if heading and is_whole("\n".join(tables[name])):
            above = comments_below(tables[name])
            name = heading[1].strip("[] ")
            tables.setdefault(name, []).extend(above)
        tables[name].append(line)
    return {name: "\n".join(lines) for name, lines in tables.items()}


def is_whole(text: str) -> bool:
    """Whether a table ends here: a line of a text or a list may look like a heading, too."""
    try:
        tomlkit.parse(text)
    except TOMLKitError:
        return False
    return True


def comments_below(lines: list[str]) -> list[str]:
    """Take the comments off the end of a table that belong to the next one."""
    start = len(lines)
    while start and lines[start - 1].startswith("#"):
        start -= 1
    above = lines[start:]
    del lines[start:]
    return above


def group_of(name: str) -> str:
    return ".".join(name.split(".")[:2])


def block(name: str, mine: str, text: str, doc: Any, around: Around, out: Merged) -> str:
    """One table of the template's, with what the project has in its place."""
    tools = doc.get("tool", {})
    is_new = not (doc or around.has_setup)
    if name == "build-system" or name.startswith(BUILDS):
        return mine or (text if is_new else "")
    if name == "project":
        return merge_project(mine, text, doc, around, out)
    if name == "dependency-groups" and mine:
        return merge_groups(mine, text, out)
    if name == "tool.uv" and mine:
        return merge_defaults(mine, text)
    if name == "tool.mlfactory":
        return settings(text, around)
    program = name.split(".")[1] if name.startswith("tool.") else ""
    if program in LOOSE:
        is_elsewhere = any(file in around.others for file in ELSEWHERE[program])
        if program == "pytest" and (program in tools or is_elsewhere):
            out.tasks.extend([PYTEST] if PLUGIN not in mine else [])
        return mine if program in tools or is_elsewhere else adapted(name, text, around)
    return text


def merge_project(mine: str, text: str, doc: Any, around: Around, out: Merged) -> str:
    """Name, version, description and all else stay; what predictions need is added."""
    new, tools = parsed(text), doc.get("tool", {})
    if "project" not in doc:
        facts = older.of_poetry(tools["poetry"]) if "poetry" in tools else around.facts
        if facts is None:
            return text
        out.tasks.extend(older.unread(facts, tools.get("poetry", {})))
        mine, doc = older.table(facts, dict(new["project"])), {"project": {}}
    own = parsed(mine)
    table = own.get("project")
    if not isinstance(table, dict) or not isinstance(table.get("dependencies", []), list):
        raise MlfactoryError(
            "[project] of pyproject.toml cannot be merged",
            "Write it under its heading, with dependencies as a list.",
        )
    if "dependencies" in own["project"].get("dynamic", ()):
        out.tasks.append(DYNAMIC)
    else:
        add_requirements(own["project"], "dependencies", new["project"]["dependencies"], out)
    out.tasks.extend(needs.clashes(own["project"].get("dependencies", ()), around.library))
    narrow(own["project"], str(new["project"]["requires-python"]), out)
    return str(tomlkit.dumps(own))


def merge_groups(mine: str, text: str, out: Merged) -> str:
    """The groups of both; in one that both have, what theirs lacks is added."""
    own, new = parsed(mine), parsed(text)
    for name, extra in new["dependency-groups"].items():
        add_requirements(own["dependency-groups"], name, extra, out)
    return str(tomlkit.dumps(own))


def merge_defaults(mine: str, text: str) -> str:
    """uv installs the groups of the factory, too, unless it installs all."""
    own, extra = parsed(mine), parsed(text)["tool"]["uv"]["default-groups"]
    uv = own["tool"]["uv"]
    groups = uv.get("default-groups")
    if groups is None:
        uv["default-groups"] = extra
    elif isinstance(groups, Array):
        for name in extra:
            if name not in groups:
                groups.append(name)
    return str(tomlkit.dumps(own))


def settings(text: str, around: Around) -> str:
    """The template's own table, with the files that updates leave alone."""
    keep = listing(around.keep).as_string()
    return text.rstrip("\n") + (f"\nkeep = {keep}" if around.keep else "")


DYNAMIC = Task(
    "dependencies",
    "Your build computes the dependencies, so that none could be added: add mlfactory-runtime and "
    "lightgbm where it takes them from.",
    ("uv lock",),
)


def add_requirements(parent: Any, key: str, extra: Any, out: Merged) -> None:
    """Put what a list of requirements does not name in front of it, in the template's own lines:
    when an update changes these, nothing of theirs stands beside."""
    if key not in parent:
        parent[key] = extra
        return
    there = {name_of(one): str(one) for one in parent[key] if isinstance(one, str)}
    lines = inner(extra).splitlines()
    if len(lines) < 2:
        lines = [f'  "{one}",' for one in map(str, extra)]
    for one in map(str, extra):
        own = there.get(name_of(one))
        if own is not None:
            lines = [line for line in lines if not line.strip().startswith(f'"{one}"')]
        if own is not None and clashes(own, one):
            text = f"pyproject.toml asks for {own}, and a factory for {one}: see that both fit."
            out.tasks.append(Task("dependencies", text, ("uv lock",)))
    body = "\n".join([*lines, inner(parent[key])])
    parent[key] = tomlkit.parse(f"key = [\n{body}\n]\n")["key"]


def inner(items: Any) -> str:
    """What stands between the brackets of a list, comments included."""
    text: str = items.as_string().strip()[1:-1]
    is_line = "\n" not in text.strip()
    return f"  {text.strip()}" if is_line and text.strip() else text.strip("\n").rstrip()


def name_of(requirement: Any) -> str:
    try:
        return str(canonicalize_name(Requirement(str(requirement)).name))
    except InvalidRequirement:
        return str(requirement)


def clashes(theirs: str, ours: str) -> bool:
    """Whether their requirement says anything that may not fit; one without a range takes any."""
    try:
        mine = Requirement(theirs)
    except InvalidRequirement:
        return True
    return bool(mine.specifier) and str(mine.specifier) != str(Requirement(ours).specifier)


def narrow(project: Any, ours: str, out: Merged) -> None:
    """Admit only the Pythons that the library runs on: uv locks for all that are named."""
    theirs = str(project.get("requires-python", ""))
    try:
        clauses = list(SpecifierSet(theirs))
    except InvalidSpecifier:
        clauses = []
    both = [*clauses, *SpecifierSet(ours)]
    if not (minors := admitted_by(both)):
        text = f"requires-python is {theirs!r}, and the library of a factory needs {ours!r}."
        out.tasks.append(Task("python", text, ("$EDITOR pyproject.toml",)))
        return
    if admitted_by(clauses) == minors:
        return
    for one in list(both):
        rest = [other for other in both if other is not one]
        both = rest if admitted_by(rest) == minors else both
    project["requires-python"] = ",".join(sorted(map(str, both), reverse=True))


def admitted_by(clauses: Sequence[Specifier]) -> list[str]:
    return [minor for minor in MINORS if all(one.contains(minor) for one in clauses)]


PYTEST = Task(
    "tests",
    "pytest is configured by you, and the factory's own tests need a plugin of its library: add "
    f"`{PLUGIN}` to addopts.",
    ("pytest tests/test_features.py tests/test_model.py",),
)


def adapted(name: str, text: str, around: Around) -> str:
    """The settings of a program, so that their own code is not held to them."""
    doc = parsed(text)
    if name == "tool.ruff" and around.code:
        ruff = doc["tool"]["ruff"]
        ruff["extend-exclude"] = listing([*map(str, ruff.get("extend-exclude", ())), *around.code])
    if name == "tool.mypy":
        doc["tool"]["mypy"]["files"] = listing([f"src/{around.package}"])
    if name == "tool.pytest.ini_options" and around.has_tests:
        doc["tool"]["pytest"]["ini_options"].pop("filterwarnings", None)
    return str(tomlkit.dumps(doc))


def listing(names: Sequence[str]) -> Any:
    """A list as TOML has it, over several lines where it is long."""
    items = tomlkit.array()
    items.extend(names)
    return items.multiline(len(names) > 3)
