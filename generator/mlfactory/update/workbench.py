"""Renders as trees of the repository: HEAD's tree with the project's own part replaced."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from mlfactory.base import answers, blobs, objects, workflows
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository
from mlfactory.base.objects import Leaf, Leaves, commit_tree
from mlfactory.project.record import CRUFT_FILE, PATTERN, Project
from mlfactory.render import safety
from mlfactory.render.result import Render
from mlfactory.render.safety import Entry

ATTRIBUTES = ".gitattributes"
# A split index would leave its shared part in the repository.
OWN_INDEX = ("-c", "core.splitIndex=false")


@dataclass(frozen=True)
class Workbench:
    """A project's repository, with a folder of its own for the objects that are made.

    Nothing gets into the repository until `adopt` is called.
    """

    project: Project
    scratch: Path
    repository: Repository  # writes new objects into the scratch folder
    leaves: Leaves  # of HEAD, by their path from the project; nested projects are left out
    others: Leaves  # of nested projects, by the same
    at_top: frozenset[str] = frozenset()  # what stands at the repository's top, by the same
    attributes: dict[str, set[str]] = field(default_factory=dict)  # by place; git said them already

    @property
    def head(self) -> str:
        return self.project.head

    @property
    def specs(self) -> tuple[str, ...]:
        """The project's files, as git takes them."""
        return (self.project.spec(""), *map(self.project.spec, sorted(self.at_top)))

    @property
    def places(self) -> tuple[str, ...]:
        """The same as `git ls-tree` takes them; none is all."""
        names = map(self.project.place_of, sorted(self.at_top))
        return (self.project.prefix, *names) if self.project.prefix else ()

    @property
    def index(self) -> Path:
        """An index that holds HEAD; git reads the tree for it where one is needed."""
        file = self.scratch / "head"
        if not file.exists():
            self.git("read-tree", self.head, env={"GIT_INDEX_FILE": str(file)})
        return file

    @property
    def attributes_index(self) -> Path:
        """An index with the files of attributes that HEAD has: none where it has none."""
        names = (*self.leaves, *self.others)
        has_some = any(name.endswith(ATTRIBUTES) for name in names)
        return self.index if self.project.prefix or has_some else self.scratch / "none"

    def git(self, *args: str, env: dict[str, str] | None = None, stdin: bytes | None = None) -> str:
        return self.repository.run(*OWN_INDEX, *args, env=env, stdin=stdin).out


@contextmanager
def at_head(project: Project, *renders: Render) -> Iterator[Workbench]:
    """Look at the project's commit and make a place for new objects; it is gone at the end.

    What the renders have at the top of a larger repository is the project's, too.
    """
    with tempfile.TemporaryDirectory(prefix="mlfactory-", ignore_cleanup_errors=True) as scratch:
        (Path(scratch) / "objects").mkdir()
        names = (names_in(project, render).values() for render in renders)
        outside = frozenset(name for one in names for name in one if name.startswith("../"))
        aside = writing_aside(project.repository, Path(scratch) / "objects")
        if not aside.has_work_tree:  # attributes and all else are as HEAD has them
            aside = replace(aside, env={**aside.env, "GIT_INDEX_FILE": f"{scratch}/head"})
        bench = Workbench(project, Path(scratch), aside, {}, {}, outside)
        inside = leaves_of(bench, project.head)
        nested = nested_in(inside.keys() - {project.file})
        own = {name: leaf for name, leaf in inside.items() if not below(name, nested)}
        others = {name: leaf for name, leaf in inside.items() if name not in own}
        bench = replace(bench, leaves=own, others=others)
        if not aside.has_work_tree:
            _ = bench.index
        yield bench


def writing_aside(repository: Repository, folder: Path) -> Repository:
    """The same repository, whose new objects go elsewhere."""
    env = {
        **repository.env,
        "GIT_OBJECT_DIRECTORY": str(folder),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": quote(repository.objects),
    }
    return replace(repository, env=env, passive=True)


def quote(folder: Path) -> str:
    """A folder as git reads it in a list that is separated by colons."""
    text = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def nested_in(names: Iterable[str]) -> frozenset[str]:
    """Folders of further projects inside of this one."""
    pairs = (name.rpartition("/")[::2] for name in names)  # a path of each of 50,000 is slow
    return frozenset(
        folder
        for folder, file in pairs
        if folder and file[:1] == "." and (fnmatch(file, PATTERN) or file == CRUFT_FILE)
    )


def specs(bench: Workbench) -> tuple[str, ...]:
    """What git is told to take for the project's: its folder, without projects inside of it."""
    nested = sorted(nested_in(bench.others))
    spec = bench.project.spec
    return (*bench.specs, *(spec(name).replace(":(", ":(exclude,", 1) for name in nested))


def below(name: str, folders: frozenset[str]) -> bool:
    return bool(folders) and any(p.as_posix() in folders for p in PurePosixPath(name).parents)


def as_stored(bench: Workbench, render: Render) -> Leaves:
    """A render's files as the project would commit them: its attributes and filters are applied.

    The attributes are those that HEAD has; git reads them from the index where the work tree has
    none. The rendered files of attributes are therefore added on their own; those hold for
    themselves.
    """
    names = names_in(bench.project, render)
    entries = [replace(entry, name=names[entry.name]) for entry in render.entries]
    rules = [e for e in entries if PurePosixPath(e.name).name == ATTRIBUTES]
    others = [e for e in entries if e not in rules]
    return {**store(bench, others), **(store(bench, rules) if rules else {})}


def store(bench: Workbench, entries: Sequence[Entry]) -> Leaves:
    """The same of some; git is not asked for what it would take as it is."""
    same = unchanged(bench, entries)
    names = {entry.name for entry in same}
    rest = [entry for entry in entries if entry.name not in names]
    return {**{e.name: leaf(bench, e) for e in same}, **(add(bench, rest) if rest else {})}


def unchanged(bench: Workbench, entries: Sequence[Entry]) -> list[Entry]:
    """Those that git stores byte by byte. What attributes that are new say only git knows."""
    plain = [e for e in entries if e.mode != safety.LINK and blobs.may_stay(e.content)]
    if any(PurePosixPath(e.name).name == ATTRIBUTES and not is_in_head(bench, e) for e in entries):
        return []
    place_of = bench.project.place_of
    names = attributes_of(bench, [place_of(e.name) for e in plain])
    same = {e.name for e in plain if blobs.is_kept(e.content, names[place_of(e.name)])}
    return [e for e in entries if e.mode == safety.LINK or e.name in same]


def attributes_of(bench: Workbench, paths: list[str]) -> dict[str, set[str]]:
    """Their attributes; of each path git is asked once."""
    if rest := [path for path in paths if path not in bench.attributes]:
        index = bench.attributes_index
        bench.attributes.update(blobs.attributes(bench.repository, index, rest))
    return bench.attributes


def is_in_head(bench: Workbench, one: Entry) -> bool:
    return bench.leaves.get(one.name) == (one.mode, blobs.oid_of(one.content, len(bench.head)))


def leaf(bench: Workbench, one: Entry) -> Leaf:
    """Mode and object of such a file, which is written unless HEAD has it in its place."""
    oid = blobs.oid_of(one.content, len(bench.head))
    if not is_in_head(bench, one):
        blobs.write(bench.scratch / "objects", oid, one.content)
    return one.mode, oid


def names_in(project: Project, render: Render) -> dict[str, str]:
    """The names that a render's files have in the project: of a factory that knows its folder in a
    larger repository, some stand at the top of that."""
    settings = answers.tool_table(render.text("pyproject.toml"), "mlfactory")
    folder = str(render.facts.answers.get("folder") or "") if "contract" in settings else ""
    paths = {e.name: workflows.name_of(folder, e.name) for e in render.entries}
    return {name: project.name_of(at) if at else name for name, at in paths.items()}


def add(bench: Workbench, entries: Sequence[Entry]) -> Leaves:
    """Files as git stores them when they are added in a work tree of their own, above HEAD."""
    with tempfile.TemporaryDirectory(prefix="tree-", dir=bench.scratch) as folder:
        env = {**index(bench, Path(folder)), "GIT_WORK_TREE": f"{folder}/tree"}
        Path(folder, "tree").mkdir()
        place_of = bench.project.place_of
        for entry in entries:
            safety.write(Path(folder, "tree"), replace(entry, name=place_of(entry.name)))
        env |= {"GIT_DIR": str(bench.repository.folder)}
        adding = ("-c", "core.safecrlf=false", "-c", "core.sparseCheckout=false")
        bench.git(*adding, "add", "--force", "--ignore-removal", "--", ":(top)", env=env)
        places = {place_of(entry.name): entry for entry in entries}
        staged = index_objects(bench, env, places.keys())
    return {places[at].name: (places[at].mode, oid) for at, oid in staged.items()}


def index(bench: Workbench, folder: Path) -> dict[str, str]:
    """An index of its own that holds HEAD; git need not read the tree each time."""
    shutil.copyfile(bench.index, folder / "index")
    return {"GIT_INDEX_FILE": str(folder / "index")}


def work_tree_index(bench: Workbench) -> dict[str, str]:
    """A copy of the repository's index, for git to refresh as it looks at the work tree."""
    copy, own = bench.scratch / "work-tree", bench.repository.path_of("index")
    if own.exists():
        shutil.copyfile(own, copy)
    return {"GIT_INDEX_FILE": str(copy)}


def index_objects(bench: Workbench, env: dict[str, str], places: Set[str]) -> dict[str, str]:
    """The objects that an index holds of these places, among many others."""
    listing = bench.git("ls-files", "--stage", "-z", "--", *bench.specs, env=env)
    rows = (row.partition("\t") for row in listing.split("\0"))
    return {place: facts.split(" ")[1] for facts, _, place in rows if place in places}


def tree(bench: Workbench, leaves: Leaves) -> str:
    """HEAD's tree with these files as the project's own part."""
    if bench.project.prefix or bench.others:
        return tree_around(bench, leaves)
    oid = blobs.put_tree(bench.scratch / "objects", leaves, len(bench.head))
    return oid or tree_around(bench, leaves)


def tree_around(bench: Workbench, leaves: Leaves) -> str:
    """The same by way of an index."""
    place_of, zero = bench.project.place_of, "0" * len(bench.head)
    away = bench.leaves.keys() - leaves.keys()
    removals = "".join(f"0 {zero}\t{place_of(name)}\0" for name in away)
    rows = (f"{mode} {oid}\t{place_of(name)}\0" for name, (mode, oid) in leaves.items())
    env = index(bench, bench.scratch)
    stdin = (removals + "".join(rows)).encode("utf-8", "surrogateescape")
    bench.git("update-index", "-z", "--index-info", env=env, stdin=stdin)
    return bench.git("write-tree", env=env).strip()


def commit(
    bench: Workbench,
    tree: str,
    message: str,
    *parents: str,
    author: Mapping[str, str] | None = None,
) -> str:
    """A commit that no branch has; git knows how to write down who else is its author."""
    if author:
        return commit_tree(bench.repository, tree, *parents, message=message, author=author)
    return blobs.put_commit(bench.scratch / "objects", tree, message, *parents)


def leaves_of(bench: Workbench, tree: str) -> Leaves:
    """The project's files in a tree, by their path from the project."""
    leaves = objects.leaves(bench.repository, tree, *bench.places)
    return {bench.project.name_of(name): leaf for name, leaf in leaves.items()}


def differences(bench: Workbench, old: str, new: str) -> list[tuple[str, str, str]]:
    """Letter, old and new path of what differs in the project, renames found as git finds them."""
    name_of = bench.project.name_of
    rows = objects.renames(bench.repository, old, new, *bench.specs)
    return [(letter, name_of(before), name_of(after)) for letter, before, after in rows]


def adopt(bench: Workbench) -> None:
    """Move the new objects into the repository; packs before what lists them."""
    fresh = bench.scratch / "objects"
    for path in sorted(fresh.rglob("*"), key=lambda p: (p.suffix == ".idx", p.as_posix())):
        target = bench.project.repository.objects / path.relative_to(fresh)
        if path.is_dir() or target.exists():
            continue
        target.parent.mkdir(exist_ok=True)
        try:
            part = target.with_name(f"tmp_obj_{target.name}")  # git clears such away
            shutil.copy2(path, part)
            part.replace(target)
        except OSError as error:
            hint = "Free some space, or mend the permissions; nothing was changed."
            raise MlfactoryError(
                f"{target.parent} cannot be written: {error.strerror}", hint
            ) from error
