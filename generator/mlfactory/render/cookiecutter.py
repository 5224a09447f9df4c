"""Rendering of cookiecutter's templates, for projects that cruft has linked.

cookiecutter itself runs whatever a template says in Jinja, writes to any path that a name makes,
and renders answers as if they were templates. Here answers are text, names stay inside of the
project, and without trust Jinja runs in a sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from mlfactory.base.errors import MlfactoryError
from mlfactory.project.record import Project
from mlfactory.template.repository import Version

from .cookiecutter_variables import environment, user_answers, variables
from .result import Facts, Render, RenderOptions, Replaced, collect
from .worker import own_output

TRUST = "If you trust it, add --trust."
HOOKS = ("pre_gen_project", "post_gen_project")


def render(
    project: Project, template: Path, version: Version, out: Path, options: RenderOptions
) -> Render:
    """What the template at `template` makes of the recorded answers.

    Variables that are not recorded take their default, or are asked for. Raises MlfactoryError
    when the template runs code and is not trusted.
    """
    home = template / project.directory
    check_inside(template, home)
    defaults = read_variables(project, home)
    check_trust(home, defaults, options)
    replacements: list[Replaced] = []
    with template_errors(), importable(home, options):
        values = variables(project, defaults, options, replacements)
        values |= {"_template": project.source, "_commit": version.commit}
        tree, origins = write_tree(home, values, out, options)
    (tree / project.file).unlink(missing_ok=True)  # a link would lead the record elsewhere
    (tree / project.file).write_text(record(project, version, values), encoding="utf-8")
    names = [key for key in values if not key.startswith("_")]
    old_names = {*project.answers, *options.settings}
    prefix = home.relative_to(template)
    facts = Facts(
        version.name,
        values,
        questions={key: values[key] for key in names if key not in old_names},
        origins={name: (prefix / path).as_posix() for name, path in origins.items()},
        dropped={k: v for k, v in user_answers(project).items() if k not in defaults},
        replaced=tuple(replacements),
    )
    return collect(tree, facts)


def check_inside(template: Path, home: Path) -> None:
    """Raises MlfactoryError when the template would read files that are not its own."""
    top = template.resolve()
    links = (path for path in template.rglob("*") if path.is_symlink())
    for path in (home, *links):
        if not path.resolve().is_relative_to(top):
            raise MlfactoryError(f"{path.relative_to(template)} leaves the template")


def read_variables(project: Project, home: Path) -> dict[str, Any]:
    """What cookiecutter.json holds."""
    file = home / "cookiecutter.json"
    if not file.is_file():
        raise MlfactoryError(f"{project.source} is no cookiecutter template: no cookiecutter.json")
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise MlfactoryError(f"the template's cookiecutter.json cannot be used: {error}") from error


def check_trust(home: Path, defaults: Mapping[str, Any], options: RenderOptions) -> None:
    hooks = home.glob("hooks/*")
    runs = {"hooks": any(path.stem in HOOKS and path.name[-1] != "~" for path in hooks)}
    runs["extensions"] = bool(defaults.get("_extensions"))
    for what, is_there in runs.items():
        if is_there and not options.trust:
            raise MlfactoryError(f"the template has {what}, and they run code", TRUST)


@contextmanager
def template_errors() -> Iterator[None]:
    """Turn what a template raises into our errors: in Jinja that can be anything."""
    from jinja2.exceptions import SecurityError

    try:
        yield
    except MlfactoryError:
        raise
    except SecurityError as error:
        raise MlfactoryError(f"the template wants to run code: {error}", TRUST) from error
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise MlfactoryError(f"the template cannot be rendered: {text}") from error


@contextmanager
def importable(home: Path, options: RenderOptions) -> Iterator[None]:
    """Let a trusted template import extensions of its own, and forget them again: another version
    has others."""
    if not options.trust:
        yield
        return
    before = set(sys.modules)
    sys.path.insert(0, str(home))
    try:
        with own_output():
            yield
    finally:
        sys.path.remove(str(home))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(home)):
                del sys.modules[name]


def write_tree(
    home: Path, values: dict[str, Any], out: Path, options: RenderOptions
) -> tuple[Path, dict[str, str]]:
    """Let cookiecutter write the tree: its folder, and for each file the template's own one.

    cookiecutter takes no environment from outside, so that ours is put in its place meanwhile; it
    is pinned to one minor version, and tests hold what is relied on.
    """
    from cookiecutter import generate
    from cookiecutter.find import find_template

    context, names = {"cookiecutter": values}, dict[str, str]()
    usual = generate.create_env_with_context
    generate.create_env_with_context = partial(naming, out=out, names=names, trust=options.trust)
    try:
        tree = Path(
            generate.generate_files(str(home), context, str(out), accept_hooks=options.trust)
        )
        root = find_template(str(home), environment(context, trust=options.trust))
    finally:
        generate.create_env_with_context = usual
    if tree.resolve() == out.resolve():
        raise MlfactoryError("the template's folder has no name: it renders to nothing")
    if options.trust:  # a hook that runs `git init` is common
        shutil.rmtree(tree / ".git", ignore_errors=True)
    return tree, origins(tree, Path(root).name, names)


def naming(context: dict[str, Any], out: Path, names: dict[str, str], *, trust: bool) -> Any:
    """The environment in which cookiecutter renders files. What it renders from a text is a name:
    it is noted, and refused when it leaves the folder."""
    jinja = environment(context, trust=trust)
    usual = jinja.from_string

    class Name:
        def __init__(self, text: str) -> None:
            self.text = text

        def render(self, **values: Any) -> str:
            name: str = usual(self.text).render(**values)
            full = Path(os.path.normpath(out / name))
            if not full.is_relative_to(out):
                raise MlfactoryError(f"the template writes outside of its folder: {name}")
            names[name] = self.text
            return name

    jinja.from_string = Name
    return jinja


def origins(tree: Path, root: str, names: Mapping[str, str]) -> dict[str, str]:
    """The template's path of each file that was made."""
    patterns = {}
    for name, pattern in names.items():
        path = Path(os.path.normpath(tree / name))
        if path != tree and path.is_relative_to(tree):
            patterns[path] = PurePosixPath(root, pattern.removeprefix(f"{tree}/"))
    files = [path for path in tree.rglob("*") if not path.is_dir()]
    origins = {path.relative_to(tree).as_posix(): origin(path, patterns) for path in files}
    return {name: path for name, path in origins.items() if path}


def origin(path: Path, patterns: Mapping[Path, PurePosixPath]) -> str:
    """The nearest name that is known: files of a folder that is only copied keep theirs in it."""
    for folder in (path, *path.parents):
        if folder in patterns:
            return (patterns[folder] / path.relative_to(folder)).as_posix()
    return ""


def record(project: Project, version: Version, values: Mapping[str, Any]) -> str:
    """The text of cruft's file for this version; what else it holds stays."""
    document = json.loads(project.text)
    document |= {"commit": version.commit, "context": {"cookiecutter": dict(values)}}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
