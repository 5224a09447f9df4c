"""Files that are not written while a template is rendered: the result is copier's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory.base import blobs, git
from mlfactory.base.git import Repository
from mlfactory.base.objects import Leaves
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.render import rerender
from mlfactory.render.result import Render
from mlfactory.template import mirror, repository
from mlfactory.update import workbench
from mlfactory.update.workbench import Workbench

from .evolving import SMALL, Files, Repo, project, template

MORE: Files = {
    "copier.yml": "_subdirectory: tree\n_exclude: ['*.bak', '{{ name }}.off', /gone]\n"
    "name: {type: str, default: demo}\nuse: {type: bool, default: false}\n",
    "tree/deep/er/plain.txt": "plain {{ name }}\n",
    "tree/deep/c.txt.jinja": "{% for n in range(3) %}{{ name }}{{ n }}\n{% endfor %}",
    "tree/deep/{{ name }}/d.txt": "d\n",
    "tree/{% if use %}never{% endif %}/e.txt": "e\n",
    "tree/twin.txt": "the plain one\n",
    "tree/twin.txt.jinja": "the rendered one\n",
    "tree/x.bak": "left out\n",
    "tree/demo.off": "left out\n",
    "tree/gone/f.txt": "left out\n",
    "tree/noise.bin": b"\x00\xff\r\n",
    "tree/.gitattributes": "* text=auto eol=lf\n*.big filter=twice\n",
    "tree/win.txt": "one\r\ntwo\r\n",
    "tree/id.txt": "$Id: old $\n",
    "tree/large.big": "large\n",
}
CLASHES: dict[str, Files] = {
    "none": {},
    "the same name": {"tree/{{ name }}.txt": "by its name\n", "tree/demo.txt": "plain\n"},
    "a file in a folder of theirs": {"tree/deep/{{ 'er' }}/more.txt": "more\n"},
    "two copied ones": {"tree/g.jinja.txt": "g\n", "tree/g.jinja.txt.jinja": "{{ name }}\n"},
}


def of(repo: Repo) -> tuple[Project, Render]:
    own = record.find(repo.path)
    up = mirror.of_project(own)
    return own, rerender.base(own, up, repository.version(up, own.version))


@pytest.mark.parametrize("clash", CLASHES)
def test_a_render_is_what_copier_makes(clash: str, tmp_path: Path) -> None:
    source = template(tmp_path / "template", {**SMALL, **MORE, **CLASHES[clash]})
    repo = project(source, tmp_path / "demo", overwrite=True)
    _, render = of(repo)
    copied = {
        path.relative_to(repo.path).as_posix(): path.read_bytes()
        for path in repo.path.rglob("*")
        if path.is_file() and ".git/" not in path.relative_to(repo.path).as_posix()
    }
    assert {e.name: e.content for e in render.entries} == copied
    assert set(render.facts.origins) == set(copied)
    assert render.facts.origins["deep/c.txt"] == "tree/deep/c.txt.jinja"


def by_git(bench: Workbench, render: Render) -> Leaves:
    """What git makes of all files of a render that are added, with those of attributes apart."""
    rules = [e for e in render.entries if e.name.endswith(".gitattributes")]
    others = [e for e in render.entries if e not in rules]
    return {**workbench.add(bench, others), **(workbench.add(bench, rules) if rules else {})}


ATTRIBUTES = (
    "", "* text=auto\n", "*.bin text\n", "*.bin -text\n*.txt ident\n", "*.bin ident\n",
    "*.bin crlf\n", "*.bin eol=lf\n", "*.bin text=auto\na.txt filter=twice\n",
    "a.txt working-tree-encoding=ISO-8859-1\n", "noise.bin filter=twice\n",
    "[attr]odd text\n* odd\n",
)  # fmt: skip


def test_a_project_s_own_attributes_decide_what_git_is_asked_for(tmp_path: Path) -> None:
    """What has a zero byte is binary, and stays so unless attributes say that it is a text."""
    kinds = {"tree/noise.bin": b"\x00 one\r\ntwo $Id: x $\r\n", "tree/win.txt": "one\r\n$Id$\r\n"}
    repo = project(template(tmp_path / "template", {**SMALL, **kinds}), tmp_path / "demo")
    git.run("config", "--global", "filter.twice.clean", "sed p", cwd=repo.path)
    for text in ATTRIBUTES:
        repo.commit({".gitattributes": f"# of this project\n{text}"})
        here, render = of(repo)
        with workbench.at_head(here, render) as bench:
            expected = by_git(bench, render)
            assert workbench.as_stored(bench, render) == expected, text


def test_a_tree_is_the_one_that_git_writes(tmp_path: Path) -> None:
    """Also where a name sorts before a folder's and after it, and where a file is in its place."""
    names = ("tree/a-b", "tree/a.b", "tree/a/b/c", "tree/a0", "tree/ab/ü.txt", "tree/z z")
    more: Files = {name: f"{name}\n" for name in names}
    repo = project(template(tmp_path / "template", {**SMALL, **more}), tmp_path / "demo")
    here, render = of(repo)
    with workbench.at_head(here, render) as bench:
        leaves = workbench.as_stored(bench, render)
        assert workbench.tree(bench, leaves) == repo.git("rev-parse", "HEAD^{tree}").strip()
        clash = {**leaves, "a": leaves["a0"]}
        assert blobs.put_tree(bench.scratch / "objects", clash, 40) is None
        assert bench.git("cat-file", "-t", workbench.tree(bench, clash)) == "tree\n"
        assert workbench.tree(bench, {}) == repo.git("mktree").strip()


def test_what_is_stored_without_git_is_what_git_stores(tmp_path: Path) -> None:
    """A bare clone and a work tree come to the same objects, with all that attributes do."""
    source = template(tmp_path / "template", {**SMALL, **MORE})
    repo = project(source, tmp_path / "demo")
    repo.commit({"a.txt": "edited\n", "win.txt": "edited\r\n"})
    here, render = of(repo)
    bare = Repository(
        repo.path, repo.path / ".git", repo.path / ".git/objects", has_work_tree=False
    )
    git.run("config", "--global", "filter.twice.clean", "sed p", cwd=repo.path)
    with workbench.at_head(here, render) as usual:
        expected = by_git(usual, render)
        assert workbench.as_stored(usual, render) == expected
    other = record.at_commit(bare, here.head)
    with workbench.at_head(other, render) as quick:
        assert workbench.as_stored(quick, render) == expected
        assert {name for name, _ in expected.items()} == {e.name for e in render.entries}
        tree = workbench.tree(quick, expected)
        assert quick.git("cat-file", "blob", f"{tree}:large.big") == "large\nlarge\n"
        assert quick.git("cat-file", "blob", f"{tree}:win.txt") == "one\ntwo\n"
        assert quick.git("cat-file", "blob", f"{tree}:a.txt").startswith("line 1 of twenty")
