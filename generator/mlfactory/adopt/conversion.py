"""`mlfactory template import`: a cookiecutter template as a copier template."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from shlex import quote
from tempfile import TemporaryDirectory
from typing import Any

from mlfactory.base.errors import MlfactoryError, UsageError

from . import hooks, jinja, proof, rendering
from .hooks import Action
from .proof import Proof

SETTINGS = ("_copy_without_render", "_extensions", "_jinja2_env_vars", "_template")
TREE, ANSWERS = "template", "{{ _copier_conf.answers_file }}"
RECORD = """\
# Written by the template at each update, never by hand.
{{ _copier_answers | to_nice_yaml -}}
"""
SUFFIX, OTHER_SUFFIX = ".jinja", ".copier-jinja"


@dataclass(frozen=True)
class Leftover:
    """Something in a file that copier does not know."""

    file: str
    line: int
    word: str


@dataclass(frozen=True)
class Import:
    """What became of a template: `questions` that are asked, `computed` that follow from them,
    `hooks` with what they do, which nothing does now, and `leftovers` that copier does not know.
    `proof` says whether both templates render the same."""

    source: str
    path: str
    questions: tuple[str, ...]
    computed: tuple[str, ...]
    files: int
    hooks: tuple[Action, ...]
    leftovers: tuple[Leftover, ...]
    proof: Proof

    @property
    def needs_attention(self) -> bool:
        return bool(self.hooks or self.leftovers or not self.proof.is_equal)


def convert(url: str, out: str, ref: str = "", directory: str = "") -> Import:
    """Write the copier template to a folder that is not there, and render both to compare.

    Raises MlfactoryError for what is no cookiecutter template.
    """
    target = Path(out).expanduser().absolute()
    if os.path.lexists(target):
        raise UsageError(f"{target} is there already", "Name another folder.")
    if Path(url).is_dir() and target.resolve().is_relative_to(Path(url).resolve()):
        text = f"{target} lies in the template itself, and would be a part of it"
        raise UsageError(text, "Name a folder elsewhere.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".mlfactory-", dir=target.parent) as scratch:
        home = rendering.files_at(url, ref, Path(scratch) / "source") / directory
        variables = rendering.cookiecutter_variables(home, url)
        check_single(variables, url, directory)
        root = root_of(home)
        fresh = Path(scratch) / "fresh"
        (fresh / TREE).mkdir(parents=True)
        names = names_of(variables, words_of(root))
        suffix = OTHER_SUFFIX if any(root.rglob(f"*{SUFFIX}")) else SUFFIX
        files = write_tree(root, fresh / TREE, names, variables, suffix)
        document = questions(variables, names)
        write_settings(fresh, document, variables, suffix)
        outcome = proof.prove(home, fresh, variables, names, url)
        report = Import(
            url,
            str(target),
            tuple(n for n, q in document.items() if q.get("when", True)),
            tuple(n for n, q in document.items() if not q.get("when", True)),
            files,
            tuple(hooks.actions(home)),
            (*settings_left(variables), *leftovers(fresh)),
            outcome,
        )
        fresh.rename(target)
    return report


def check_single(variables: Mapping[str, Any], url: str, directory: str) -> None:
    """Raises UsageError for a repository of several templates, which are imported one by one."""
    rows = variables.get("templates") or variables.get("template")
    if isinstance(rows, dict):
        paths = [str(one.get("path", "")) for one in rows.values() if isinstance(one, dict)]
    else:
        texts = map(str, rows) if isinstance(rows, list) else ()
        paths = [match[1] for text in texts if (match := re.search(r"\(([^)]*)\)$", text))]
    if paths:
        folders = [PurePosixPath(directory, path).as_posix() for path in paths]
        text = f"{url} holds several templates: {', '.join(folders)}"
        raise UsageError(text, f"Import one of them: --directory {quote(folders[0])}")


def root_of(home: Path) -> Path:
    """The folder that a project is made of: the one whose name is a question. Raises MlfactoryError
    where there is none."""
    folders = [path for path in sorted(home.iterdir()) if path.is_dir()]
    root = next((path for path in folders if "cookiecutter" in path.name), None)
    if root is None:
        raise MlfactoryError(f"{home.name} has no folder named by a variable of cookiecutter")
    return root


def names_of(variables: Mapping[str, Any], bound: Collection[str] = ()) -> dict[str, str]:
    """The name of each variable as a question: copier's own settings begin with an underscore, and
    a name that is `bound` by the template itself would be hidden there."""
    plain = [name for name in variables if not name.startswith("_")]
    private = [n for n in variables if n.startswith("_") and n not in (*SETTINGS, "__prompts__")]
    names: dict[str, str] = {}
    for name in (*plain, *private):
        word = re.sub(r"\W", "_", name.strip("_") or "x")
        word = word if name in plain and not word[0].isdigit() else f"private_{word}"
        others = {*bound, *names.values(), *jinja.RESERVED}
        tries = (word, f"{word}_answer", *(f"{word}_{number}" for number in range(2, 1000)))
        names[name] = next(one for one in tries if one not in others)
    return names


def words_of(root: Path) -> set[str]:
    """What the files of a template and their names bind themselves."""
    paths = [path for path in root.rglob("*") if path.is_file()]
    texts = [root.name, *map(str, paths), *(text_of(path) or "" for path in paths)]
    return set().union(*map(jinja.local_names, texts))


def questions(variables: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The questions in their order; nested ones come last, as they may refer to all others."""
    prompts = variables.get("__prompts__") or {}
    order = sorted(names, key=lambda n: isinstance(variables[n], dict) and not n.startswith("_"))
    return {
        names[name]: {
            **question(name, variables[name], names),
            **help_of(prompts.get(name), variables[name], names),
        }
        for name in order
    }


def question(name: str, raw: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """One variable as a question: its type, default and choices."""
    if name.startswith("__"):
        kind = "json" if isinstance(raw, dict | list) else "str"
        return {"type": kind, "default": jinja.convert(as_text(raw), names), "when": False}
    if name.startswith("_"):
        return private(raw)
    if isinstance(raw, bool):
        return {"type": "bool", "default": raw}
    if isinstance(raw, list):
        if not raw:
            raise MlfactoryError(f"cookiecutter.json: {name} has no choices", "Give it some.")
        choices = [jinja.convert(as_text(one), names) for one in raw]
        return {"type": "str", "choices": choices, "default": choices[0]}
    kind = "json" if isinstance(raw, dict) else "str"
    return {"type": kind, "default": jinja.convert(as_text(raw), names)}


def private(raw: Any) -> dict[str, Any]:
    """A variable that cookiecutter leaves as it stands, its type included."""
    if isinstance(raw, bool | int | float):
        return {"type": type(raw).__name__, "default": raw, "when": False}
    is_nested = isinstance(raw, dict | list)
    text = literal(json.dumps(raw) if is_nested else str(raw))
    return {"type": "json" if is_nested else "str", "default": text, "when": False}


def literal(text: str) -> str:
    """A text that Jinja gives back as it is."""
    return text if jinja.is_plain(text) else f"{{% raw %}}{text}{{% endraw %}}"


def as_text(raw: Any) -> str:
    """A value as cookiecutter renders it; what is nested as JSON."""
    return json.dumps(in_texts(raw)) if isinstance(raw, dict | list) else str(raw)


def in_texts(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {key: in_texts(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [in_texts(one) for one in raw]
    return raw if isinstance(raw, bool) or raw is None else str(raw)


def help_of(prompt: Any, raw: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """What a question says to people, and what it calls its choices."""
    if isinstance(prompt, str):
        return {"help": prompt}
    if not isinstance(prompt, dict):
        return {}
    words = {"help": str(prompt["__prompt__"])} if "__prompt__" in prompt else {}
    if not isinstance(raw, list):
        return words
    labels = {str(prompt.get(one, one)): jinja.convert(as_text(one), names) for one in raw}
    return {**words, **({"choices": labels} if len(labels) == len(raw) else {})}


def write_tree(
    root: Path, tree: Path, names: Mapping[str, str], variables: Mapping[str, Any], suffix: str
) -> int:
    """All files under their names in copier; those with Jinja in them get its suffix. How many.

    Of a link cookiecutter renders what it leads to, and of one to a folder nothing.
    """
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    for path in files:
        inside = path.relative_to(root).as_posix()
        raw = raw_from(inside, variables)
        target = tree / converted(inside, raw, names)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = text_of(path)
        if text is None or jinja.is_plain(text) or raw:
            shutil.copy(path, target)
            continue
        target = target.with_name(f"{target.name}{suffix}")
        target.write_bytes(jinja.convert(text, names).encode())
        shutil.copymode(path, target)
    return len(files)


def converted(inside: str, raw: str, names: Mapping[str, str]) -> str:
    """A path in copier; below a folder that cookiecutter only copies, names are none of Jinja."""
    parts = PurePosixPath(inside).relative_to(raw).parts if raw else ()
    return "/".join([jinja.convert(raw or inside, names), *map(literal, parts)])


def text_of(path: Path) -> str | None:
    """A file as text, or None for what is none."""
    raw = path.read_bytes()
    try:
        return None if b"\0" in raw else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def raw_from(inside: str, variables: Mapping[str, Any]) -> str:
    """The outermost of a file and the folders around it that cookiecutter only copies, or nothing;
    it compares whole paths as they stand in the template, and a star is any number of folders."""
    patterns = [str(one) for one in variables.get("_copy_without_render") or ()]
    path = PurePosixPath(inside)
    every = (*reversed(path.parents[:-1]), path)
    fits = (p.as_posix() for p in every if any(fnmatch(p.as_posix(), one) for one in patterns))
    return next(fits, "")


def write_settings(
    fresh: Path, document: Mapping[str, Any], variables: Mapping[str, Any], suffix: str
) -> None:
    """copier.yml, and the file in which a project records its answers."""
    import yaml

    settings: dict[str, Any] = {"_min_copier_version": "9.10.0", "_subdirectory": TREE}
    if suffix != SUFFIX:
        settings["_templates_suffix"] = suffix
    if options := variables.get("_jinja2_env_vars"):
        settings["_envops"] = options
    text = yaml.safe_dump({**settings, **document}, sort_keys=False, allow_unicode=True, width=100)
    (fresh / "copier.yml").write_text(text, "utf-8")
    (fresh / TREE / f"{ANSWERS}{suffix}").write_text(RECORD, "utf-8")


def settings_left(variables: Mapping[str, Any]) -> Iterator[Leftover]:
    """Settings of cookiecutter's that have no counterpart: code, and other signs than Jinja's."""
    if variables.get("_extensions"):
        yield Leftover("cookiecutter.json", 0, "_extensions")
    names = [str(name) for name in variables.get("_jinja2_env_vars") or ()]
    yield from (Leftover("cookiecutter.json", 0, n) for n in names if n.endswith("_string"))


def leftovers(fresh: Path) -> Iterator[Leftover]:
    """What copier does not know, in files, in their names, and in copier.yml."""
    for path in sorted(fresh.rglob("*")):
        name = path.relative_to(fresh).as_posix()
        if path.is_file() and (path.suffix in (SUFFIX, OTHER_SUFFIX) or name == "copier.yml"):
            text = path.read_text("utf-8")
            yield from (Leftover(name, line, word) for line, word in jinja.leftovers(text))
        yield from (Leftover(name, 0, word) for _, word in jinja.leftovers(path.name))
