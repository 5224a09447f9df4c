"""What a project says of itself in an older form than `[project]`: in tables of Poetry's, or in
setup.cfg and setup.py, which are read and never run."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement

from .request import Task

SETUP = {"name", "version", "description", "python_requires", "install_requires", "extras_require"}
# What else a build of setuptools takes from there, if `[project]` says so; its name there.
DYNAMIC = {
    "long_description": "readme", "author": "authors", "author_email": "authors",
    "maintainer": "maintainers", "license": "license", "classifiers": "classifiers",
    "keywords": "keywords", "url": "urls", "project_urls": "urls",
}  # fmt: skip
KEYS = {*SETUP, *DYNAMIC, "entry_points"}
GROUPS = {"console_scripts": "scripts", "gui_scripts": "gui-scripts"}
COMPUTED = re.compile(r"\s*(attr|file)\s*:")


@dataclass
class Facts:
    """A project's own table. `rest` names what could not be read, as it stands there."""

    name: str = ""
    version: str = ""
    description: str = ""
    python: str = ""
    dependencies: list[str] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    dynamic: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


def table(facts: Facts, default: Mapping[str, Any]) -> str:
    """The same as a table `[project]`; what a project must say and they do not is the default's."""
    version = facts.version or ("" if "version" in facts.dynamic else str(default["version"]))
    lines = tomlkit.array()
    lines.extend(facts.dependencies)
    project: dict[str, Any] = {
        "name": facts.name or str(default["name"]),
        "version": version,
        "description": facts.description,
        "dynamic": facts.dynamic,
        "requires-python": facts.python,
        "dependencies": lines.multiline(multiline=True),
        "optional-dependencies": facts.extras,
        "scripts": facts.scripts,
    }
    return tomlkit.dumps({"project": {key: value for key, value in project.items() if value}})


def of_poetry(poetry: Mapping[str, Any]) -> Facts:
    """The table `tool.poetry`; its groups stay where they are."""
    name, version, text = (str(poetry.get(k, "")) for k in ("name", "version", "description"))
    facts = Facts(name, version, text)
    optional: dict[str, list[str]] = {}
    for name, raw in dict(poetry.get("dependencies", {})).items():
        if name == "python":
            facts.python = versions(str(raw)) or ""
            continue
        rows = [str(one) if isinstance(one, str) else one for one in several(raw)]
        lines = [requirement(name, one) for one in rows]
        if None in lines:
            facts.rest.append(name)
        texts = [line for line in lines if line]
        is_optional = any(isinstance(one, dict) and one.get("optional") for one in rows)
        if is_optional:
            optional[name.lower()] = texts
        else:
            facts.dependencies += texts
    for extra, names in dict(poetry.get("extras", {})).items():
        facts.extras[extra] = [text for n in names for text in optional.get(str(n).lower(), ())]
    for name, target in dict(poetry.get("scripts", {})).items():
        if isinstance(target, str):
            facts.scripts[name] = str(target)
    return facts


def pythons(doc: Mapping[str, Any]) -> Any:
    """Poetry's own table of dependencies, where it says for which Pythons; else None."""
    own = doc.get("tool", {}).get("poetry", {}).get("dependencies", {})
    return own if "python" in own and "requires-python" in doc.get("project", {}) else None


def several(raw: Any) -> Sequence[Any]:
    return raw if isinstance(raw, list) else [raw]


def requirement(name: str, raw: Any) -> str | None:
    """A dependency of Poetry's as a line for `[project]`; None for what there is no line for."""
    if isinstance(raw, str):
        raw = {"version": raw}
    if not isinstance(raw, Mapping) or "path" in raw or "source" in raw:
        return None
    extras = f"[{','.join(raw['extras'])}]" if raw.get("extras") else ""
    if "git" in raw or "url" in raw:
        at = next((f"@{raw[key]}" for key in ("rev", "tag", "branch") if key in raw), "")
        bounds = f" @ git+{raw['git']}{at}" if "git" in raw else f" @ {raw['url']}"
    elif (numbers := versions(str(raw.get("version", "*")))) is None:
        return None
    else:
        bounds = numbers
    markers = list(conditions(raw))
    if any(one is None for one in markers):
        return None
    text = f"{name}{extras}{bounds}" + (f" ; {' and '.join(map(str, markers))}" if markers else "")
    try:
        return str(Requirement(text))
    except InvalidRequirement:
        return None


def conditions(raw: Mapping[str, Any]) -> Iterator[str | None]:
    """When a dependency is needed, as markers have it."""
    if markers := raw.get("markers"):
        yield f"({markers})"
    if platform := raw.get("platform"):
        yield f"sys_platform == '{platform}'"
    if python := raw.get("python"):
        for clause in (versions(str(python)) or "?").split(","):
            match = re.match(r"([<>=!~]+)(.+)$", clause)
            yield f"python_version {match[1]} '{match[2]}'" if match else None


def versions(text: str) -> str | None:
    """A range as Poetry writes it, in the form of all others: `^1.2` is `>=1.2,<2`. None for one
    that has no such form."""
    if "|" in text:
        return None
    clauses = re.sub(r"([<>=!~^])\s+", r"\1", text.strip()).replace(" ", ",").split(",")
    ranges = [clause_of(one) for one in clauses if one]
    return None if None in ranges else ",".join(filter(None, ranges))


def clause_of(text: str) -> str | None:
    if text == "*":
        return ""
    match = re.fullmatch(r"(\^|~(?!=))?([0-9]+(?:\.[0-9]+)*)(\.\*|[a-zA-Z0-9.+-]*)", text)
    if not match:
        return text if re.match(r"(===?|!=|~=|[<>]=?)\s*[0-9]", text) else None
    sign, digits, tail = match[1], [int(one) for one in match[2].split(".")], match[3]
    if not sign:
        return f"=={match[2]}{tail}"
    if sign == "~":
        keep = min(2, len(digits))
    else:
        keep = next((n for n, one in enumerate(digits, 1) if one), len(digits))
    end = [*digits[: keep - 1], digits[keep - 1] + 1]
    return f">={match[2]}{tail},<{'.'.join(map(str, end))}"


def of_setup(script: str, config: str) -> Facts:
    """What setup.cfg and the call of `setup` in setup.py say; the script overrules the other."""
    values = {**dict(of_config(config)), **dict(of_script(script))}
    facts = Facts()
    for key, name in (
        ("name", "name"), ("version", "version"), ("description", "description"),
        ("python_requires", "python"),
    ):  # fmt: skip
        raw = values.get(key, "")
        if isinstance(raw, str) and not COMPUTED.match(raw):
            setattr(facts, name, raw.strip())
        elif key == "version":
            facts.dynamic.append(key)
        else:
            facts.rest.append(key)
    facts.dependencies = lines_of(values.get("install_requires", []), "install_requires", facts)
    extras = values.get("extras_require", {})
    for extra, raw in extras.items() if isinstance(extras, dict) else ():
        facts.extras[str(extra)] = lines_of(raw, f"extras_require of {extra}", facts)
    if not isinstance(extras, dict):
        facts.rest.append("extras_require")
    points = values.get("entry_points", {})
    if isinstance(points, dict):
        more = [GROUPS.get(str(group), "entry-points") for group, lines in points.items() if lines]
    else:
        more, facts.rest = [], [*facts.rest, "entry_points"]
    more += [DYNAMIC[key] for key in values if key in DYNAMIC]
    facts.dynamic += dict.fromkeys(more)
    return facts


def lines_of(raw: Any, what: str, facts: Facts) -> list[str]:
    """Requirements of a list or of lines; what is none is noted."""
    if raw is None or (isinstance(raw, str) and COMPUTED.match(raw)):
        facts.rest.append(what)
        return []
    lines = raw.splitlines() if isinstance(raw, str) else [str(one) for one in raw]
    good = []
    for line in (one.strip() for one in lines):
        try:
            good += [str(Requirement(line))] if line and not line.startswith("#") else []
        except InvalidRequirement:
            facts.rest.append(line)
    return good


def of_config(text: str) -> Iterator[tuple[str, Any]]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in ("metadata", "options"):
        if parser.has_section(section):
            names = ((key.replace("-", "_"), value) for key, value in parser.items(section))
            yield from ((key, value) for key, value in names if key in KEYS)
    for key in ("extras_require", "entry_points"):
        if parser.has_section(f"options.{key}"):
            yield key, dict(parser.items(f"options.{key}"))


def of_script(text: str) -> Iterator[tuple[str, Any]]:
    """The literals of the call; None for what is computed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if getattr(node.func, "attr", getattr(node.func, "id", "")) != "setup":
            continue
        for keyword in node.keywords:
            if keyword.arg in KEYS:
                try:
                    yield keyword.arg, ast.literal_eval(keyword.value)
                except ValueError:
                    yield keyword.arg, None


def unread(facts: Facts, poetry: Any) -> Iterator[Task]:
    """What of an older form is left to a person."""
    if facts.rest:
        text = (
            f"pyproject.toml holds your dependencies now, but for these: {', '.join(facts.rest)}. "
            "Add what they need."
        )
        yield Task("dependencies", text, ("uv add PACKAGE",))
    groups = [*poetry.get("group", {}), *(["dev-dependencies"] * ("dev-dependencies" in poetry))]
    if groups:
        text = f"uv does not read your groups of Poetry's: {', '.join(groups)}."
        yield Task("groups", text, ("uv add --group GROUP PACKAGE",))
