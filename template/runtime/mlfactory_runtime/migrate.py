"""`factory migrate`: imports of releases 0.1 to 0.3 in a factory's own files, written anew."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from . import HOMES
from .compat import HOME, MODULES, READERS, home_of
from .errors import FactoryError
from .files import read_text
from .files import replace as replace_file
from .project import Project

PLACES = ("src", "tests", "notebooks")
TESTED = "package"  # tests/package.py had the modules under test by their names
GONE = f"look for it in {HOME}"
NO_FILE = "give each call the file, such as Path('params.yaml'); then: factory migrate"
NO_PACKAGE = "tests/ is no package any more: touch tests/__init__.py"


@dataclass(frozen=True)
class Change:
    """A line of a file, from 1, before and after; where `after` is empty, what to do by hand."""

    file: str
    line: int
    before: str
    after: str
    by_hand: str = ""


@dataclass(frozen=True)
class Code:
    """The code of a file or of a cell, and what its imports ask of the factory."""

    project: Project
    file: Path
    tree: ast.Module

    @property
    def is_packaged(self) -> bool:
        return self.file.is_relative_to(self.project.source)

    def module(self, node: ast.ImportFrom) -> str | None:
        """The module of the factory's package that a statement imports from, empty for the package
        itself; in tests also `package`, their own; None for any other.
        """
        module, package = node.module or "", self.project.package
        if node.level == 0:
            inside = f"{module}.".startswith(f"{package}.")
            return module.removeprefix(package).removeprefix(".") if inside else None
        if self.is_packaged:
            depth = len(self.file.relative_to(self.project.source).parts)
            return module if node.level == depth else None
        return TESTED if node.level == 1 and module == TESTED else None

    def has_moved(self, alias: ast.alias) -> bool:
        """Whether `import package.module` names a module of old that is the library's now."""
        package, _, module = alias.name.partition(".")
        own = package == self.project.package
        return own and module in MODULES and not self.project.has(module)

    def attributes(self, name: str) -> set[str]:
        """What is asked of a name: `a` and `b` of `name.a` and `name.b`."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.Attribute))
        return {one.attr for one in nodes if getattr(one.value, "id", "") == name}

    def calls_bare(self, name: str) -> bool:
        """Whether a function of that name is called without anything."""
        calls = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return any(
            getattr(one.func, "id", getattr(one.func, "attr", "")) == name
            and not (one.args or one.keywords)
            for one in calls
        )


Lines = list[Change]


def is_done(change: Change) -> bool:
    """Whether it is written anew, and needs nobody's hand."""
    return bool(change.after)


def migrate(project: Project, *, dry_run: bool = False) -> Lines:
    """Rewrite what a factory's own files import from modules that are a library now."""
    changes: Lines = []
    for file, text in readable(own_files(project)):
        rewrite = in_notebook if file.suffix == ".ipynb" else in_code
        fresh, lines = rewrite(text, project, file)
        changes += lines
        if any(map(is_done, lines)) and not dry_run:
            replace_file(file, fresh)
    return changes


def own_files(project: Project) -> Iterator[Path]:
    """Python files and notebooks of the factory, its environment and its library left out."""
    for place in PLACES:
        for pattern in ("*.py", "*.ipynb"):
            yield from sorted((project.root / place).rglob(pattern))
    yield from sorted(project.root.glob("*.ipynb"))


def readable(files: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The files with their text; what is no UTF-8 is nothing that a template has written."""
    for file in files:
        if file.is_file():
            with suppress(FactoryError):
                yield file, read_text(file)


def in_notebook(text: str, project: Project, file: Path) -> tuple[str, Lines]:
    """The same for the cells of a notebook; lines are counted within their cell."""
    lines: Lines = []
    try:
        content = json.loads(text)
    except ValueError:  # an empty file, or one with a conflict in it
        return text, lines
    for cell in content.get("cells", []) if isinstance(content, dict) else ():
        if cell.get("cell_type") == "code":
            fresh, changes = in_code("".join(cell.get("source", "")), project, file)
            lines += changes
            if changes:
                cell["source"] = fresh.splitlines(keepends=True)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n", lines


def in_code(text: str, project: Project, file: Path) -> tuple[str, Lines]:
    """The text with new imports, and each that is new, or for a person to write."""
    try:
        code = Code(project, file, ast.parse(text))
    except (SyntaxError, ValueError):  # a magic of a notebook, or what nobody can run
        return text, []
    rows, lines = text.encode().splitlines(keepends=True), Lines()
    imports = (one for one in ast.walk(code.tree) if isinstance(one, ast.Import | ast.ImportFrom))
    for node in sorted(imports, key=lambda one: (-one.lineno, -one.col_offset)):
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        head, rest = rows[first][: node.col_offset], rows[last - 1][node.end_col_offset :]
        written = b"".join(rows[first:last]).removeprefix(head).removesuffix(rest)
        if change := anew(node, code, written.decode()):
            lines.append(change)
            if is_done(change):
                rows[first:last] = [head + instead(change, written, head, rest) + rest]
    return b"".join(rows).decode(), lines[::-1]


def instead(change: Change, written: bytes, head: bytes, rest: bytes) -> bytes:
    """The new statements between what stands before and after them; comments within them stay."""
    notes = b"".join(b"  " + note.rstrip() for note in re.findall(rb"#[^\r\n]*", written))
    alone = not head.strip() and (not rest.strip() or rest.lstrip().startswith(b"#"))
    end = b"\r\n" if b"\r\n" in written + rest else b"\n"
    between = end + head if alone else b"; "
    statements = between.join(change.after.encode().split(b"; "))
    return statements + notes if alone else statements


def anew(node: ast.Import | ast.ImportFrom, code: Code, before: str) -> Change | None:
    """What becomes of an import; None for one that is as good as ever."""
    change = Change(code.project.relative(code.file), node.lineno, before, "", GONE)
    if isinstance(node, ast.Import):
        return change if any(map(code.has_moved, node.names)) else None
    if find := finder(node, code):
        if not node.level and all(find(one) == f"{node.module}.{one.name}" for one in node.names):
            return None
        if any(code.calls_bare(name) for name in READERS.keys() & names_in(node, code)):
            return replace(change, by_hand=NO_FILE)
        after = "; ".join(statements(node, find))
        return replace(change, after=after, by_hand="" if after else GONE)
    tests = code.project.root / "tests"
    alone = node.level == 1 and code.file.parent == tests and not (tests / "__init__.py").exists()
    return replace(change, by_hand=NO_PACKAGE) if alone else None


def names_in(node: ast.ImportFrom, code: Code) -> set[str]:
    """The names that an import brings, and what is asked of them."""
    names = {one.name for one in node.names}
    return names.union(*(code.attributes(one.asname or one.name) for one in node.names))


def finder(node: ast.ImportFrom, code: Code) -> Callable[[ast.alias], str] | None:
    """What says where a name of the import is now; None where nothing has moved.

    It answers with the full name, and with nothing where it does not know.
    """
    project, module = code.project, code.module(node)
    if module == TESTED and not code.is_packaged:
        is_own = (project.root / "tests" / f"{TESTED}.py").is_file()
        return None if is_own else lambda one: of_module(one, code)
    if module == "":
        moved = (one.name in MODULES and not project.has(one.name) for one in node.names)
        return (lambda one: of_module(one, code)) if any(moved) else None
    if module not in MODULES or project.has(module):
        return None
    return lambda one: of_name(module, one.name)


def of_name(module: str, name: str) -> str:
    """Where a name of a module of old is now, by its public name if it has one."""
    home = home_of(module, name)
    public = {(f"{HOME}.{place}", own): short for short, (place, own) in HOMES.items() if own}
    if short := public.get((home, name)):
        return f"{HOME}.{short}"
    return f"{home}.{name}" if home else ""


def of_module(alias: ast.alias, code: Code) -> str:
    """Where a module of old is now; as before where it has been divided among several."""
    name, package = alias.name, code.project.package
    if code.project.has(name):
        return f"{package}.{name}"
    if name not in MODULES:
        return ""
    uses = code.attributes(alias.asname or name)
    homes = {home_of(name, one) for one in uses} or {f"{HOME}.{MODULES[name].split()[0]}"}
    if "" in homes:
        return ""
    return f"{package}.{name}" if len(homes) > 1 else homes.pop()


def statements(node: ast.ImportFrom, find: Callable[[ast.alias], str]) -> list[str]:
    """The statements that import the same names from where they are now; none if one is gone."""
    places: dict[str, list[str]] = {}
    for alias in node.names:
        place, _, name = find(alias).rpartition(".")
        if not place:
            return []
        target = alias.asname or alias.name
        places.setdefault(place, []).append(name if name == target else f"{name} as {target}")
    return [f"from {place} import {', '.join(sorted(names))}" for place, names in places.items()]
