"""What was rendered passes one check before git sees it, whichever command rendered it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.render import safety
from mlfactory.render.safety import Entry

from .conftest import Command
from .histories import git


def entry(name: str, content: str = "harm\n", mode: str = safety.PLAIN) -> Entry:
    return Entry(mode, name, content.encode())


def link(name: str, target: str) -> Entry:
    return entry(name, target, safety.LINK)


GITS = [
    ".git",
    ".git/config",
    "a/.GIT/hooks/post-commit",
    ".Git",
    "git~1/config",
    "GIT~1",
    ".git./config",
    ".git /config",
    ".git . ./config",
    ".git::$INDEX_ALLOCATION/config",
    ".git:stream",
    "a\\.git\\config",
    ".g\u200cit/config",
    "\ufeff.git/config",
    ".gi\u206at",
]
CLIMBING = [
    "../a",
    "a/../../b",
    "/etc/passwd",
    "..",
    "a\\..\\..\\b",
    "C:\\a",
    "c:/a",
    "\\\\host\\a",
    "a\0b",
]
UNSEEN = ["a\nb", "a/Icon\r", "a\x1b[2J", "a\x7f", "a\x9b2J", "a\u2028b"]


@pytest.mark.parametrize("name", [*GITS, *CLIMBING, *UNSEEN])
def test_names_of_git_and_names_that_climb_are_refused(name: str) -> None:
    with pytest.raises(MlfactoryError, match=r"git's own folder|leaves the project|nobody sees"):
        safety.check([entry(name)])


ORDINARY = [
    ".github/a",
    ".gitignore",
    "git",
    "git~",
    "a.git",
    ".git-blame-ignore-revs",
    "..a",
    "a\\b",
]


@pytest.mark.parametrize("name", ORDINARY)
def test_names_that_only_look_like_it_pass(name: str) -> None:
    assert safety.check([entry(name)])


LINKS = {
    "out": [link("out", "/etc/passwd")],
    "up": [link("a/out", "../../secret")],
    "a drive": [link("out", "C:\\secret")],
    "up with the other slash": [link("out", "..\\secret")],
    "by way of another": [link("way", "a/b"), link("a/b", "../.."), link("out", "way/secret")],
    "behind another": [link("d/top", ".."), link("out", "d/top/../secret")],
    "to git": [link("out", ".git/hooks")],
    "to git by way of another": [link("a/top", ".."), link("out", "a/top/.GIT/config")],
    "in circles": [link("a", "b"), link("b", "a")],
    "to itself": [link("a", "a/b")],
}


@pytest.mark.parametrize("case", LINKS)
def test_links_that_leave_are_refused(case: str) -> None:
    with pytest.raises(MlfactoryError, match="leaves the project"):
        safety.check(LINKS[case])


def test_links_inside_pass() -> None:
    inside = [link("a/top", ".."), link("b", "a/c"), link("c", "a/top/b"), link("gone", "x/y")]
    assert len(safety.check(inside)) == 4


def test_a_file_behind_a_link_is_refused() -> None:
    with pytest.raises(MlfactoryError, match="through the link a"):
        safety.check([link("a", "b"), entry("a/c")])


@pytest.mark.parametrize("name", [".gitattributes", "a/.gitmodules", ".GITIGNORE", ".mailmap "])
def test_a_file_that_git_reads_is_no_link(name: str) -> None:
    with pytest.raises(MlfactoryError, match="as a link"):
        safety.check([link(name, "other")])


MODULES = [
    '[submodule "x"]\npath = x\nurl = ext::sh -c harm\n',
    '[submodule "x"]\npath = x\nurl = -u./harm\n',
    '[submodule "x"]\npath = ../x\nurl = https://example.org/x\n',
    '[submodule "../x"]\npath = x\nurl = https://example.org/x\n',
    '[submodule "x"]\npath = x\nupdate = !harm\n',
]


@pytest.mark.parametrize("text", MODULES)
def test_a_submodule_that_git_would_run_is_refused(text: str) -> None:
    with pytest.raises(MlfactoryError, match="submodule"):
        safety.check([entry(".gitmodules", text)])


@pytest.mark.parametrize("folder", ["", "a/", "a/b/"])
def test_a_folder_that_is_a_repository_to_git_is_refused(folder: str) -> None:
    names = (f"{folder}{name}" for name in ("HEAD", "config", "objects/x", "refs/heads/main"))
    with pytest.raises(MlfactoryError, match="as a git repository"):
        safety.check([entry(name) for name in names])


REPOSITORIES = {
    "with links": [entry("a/HEAD"), link("a/objects", "b"), link("a/refs", "b")],
    "with programs": [
        entry("a/HEAD"),
        *(entry(f"a/{n}", mode="100755") for n in ("objects", "refs")),
    ],
    "elsewhere": [entry("a/HEAD"), entry("a/commondir", "../b"), entry("b/config")],
    "that links its head": [link("a/HEAD", "b"), entry("a/objects/x"), entry("a/refs/x")],
    "in another case": [entry("a/head"), entry("a/Objects/x"), entry("A/refs/x")],
}


@pytest.mark.parametrize("case", REPOSITORIES)
def test_a_repository_in_another_form_is_refused(case: str) -> None:
    with pytest.raises(MlfactoryError, match="as a git repository"):
        safety.check(REPOSITORIES[case])


def test_git_takes_these_forms_for_a_repository(tmp_path: Path) -> None:
    """What is refused above is one: git reads its configuration."""
    for case in ("with links", "with programs", "elsewhere"):
        for one in REPOSITORIES[case]:
            safety.write(tmp_path / case, one)
        (tmp_path / case / "a/b").mkdir(exist_ok=True)
        for name in ("objects", "refs"):
            (tmp_path / case / "b" / name).mkdir(parents=True)
            if case == "with programs":
                (tmp_path / case / "a" / name).chmod(0o755)
        (tmp_path / case / "a/HEAD").write_text("ref: refs/heads/main\n")
        assert git(tmp_path / case / "a", "rev-parse", "--git-dir").strip() == "."


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "MAX_FILES", 3)
    monkeypatch.setattr(safety, "MAX_TOTAL", 100)
    monkeypatch.setattr(safety, "MAX_BYTES", 60)
    with pytest.raises(MlfactoryError, match="more than 3 files"):
        safety.check([entry(f"{n}") for n in range(4)])
    with pytest.raises(MlfactoryError, match="in all"):
        safety.check([entry("a", "x" * 51), entry("b", "x" * 50)])
    with pytest.raises(MlfactoryError, match="a with"):
        safety.check([entry("a", "x" * 61)])


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MlfactoryError, match="pipe, which is no file"):
        safety.entries_below(tmp_path)


def test_an_empty_folder_of_gits_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git/hooks").mkdir(parents=True)
    with pytest.raises(MlfactoryError, match="git's own folder"):
        safety.entries_below(tmp_path)


# Through the program.

QUESTIONS = """_subdirectory: tree
_exclude: []
_preserve_symlinks: true
dot: {type: str, default: "."}
up: {type: str, default: ".."}
sep: {type: str, default: "/"}
short: {type: str, default: git}
"""
Prepare = Callable[[Path, Path], object]


def hooks_and_config(tree: Path, harm: Path) -> None:
    folder = tree / "{{ dot }}git"
    (folder / "hooks").mkdir(parents=True)
    (folder / "config").write_text(f'[core]\nfsmonitor = "touch {harm}; false"\n')
    for name in ("post-commit", "post-index-change", "reference-transaction", "pre-commit"):
        path = folder / "hooks" / name
        path.write_text(f"#!/bin/sh\ntouch {harm}\n")
        path.chmod(0o755)


def git_file(tree: Path, harm: Path) -> None:
    (tree / "{{ dot }}git").write_text(f"gitdir: {harm.parent}/elsewhere\n")


def bare_repository(tree: Path, harm: Path) -> None:
    for name in ("HEAD", "config", "objects/x", "refs/x"):
        (tree / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "a" / name).write_text(f'[core]\nfsmonitor = "touch {harm}"\n')


RENDERS: dict[str, Prepare] = {
    "hooks": hooks_and_config,
    "a file instead": git_file,
    "a bare repository": bare_repository,
    "another case": lambda tree, _: write(tree / "{{ dot }}GIT/config"),
    "a short name": lambda tree, _: write(tree / "{{ short }}~1/config"),
    "a link out": lambda tree, _: (tree / "out").symlink_to("../../secret"),
    "a link to git": lambda tree, _: (tree / "out").symlink_to(".git/config"),
    "a name that climbs": lambda tree, _: write(tree / "{{ up }}{{ sep }}climbed"),
    "an absolute name": lambda tree, _: write(tree / "{{ sep }}tmp{{ sep }}mlfactory-climbed"),
    "a huge file": lambda tree, _: write(
        tree / "huge.jinja", "{% for n in range(101) %}{{ 'x' * 1048576 }}{% endfor %}"
    ),
    "many files": lambda tree, _: write(
        tree / "{% yield n from range(20001) %}{{ n }}{% endyield %}"
    ),
}


def write(path: Path, text: str = "harm\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    top = tmp_path / "template"
    write(top / "copier.yml", QUESTIONS)
    write(
        top / "tree/{{ _copier_conf.answers_file }}.jinja", "{{ _copier_answers | to_nice_yaml }}"
    )
    write(top / "tree/a.txt", "a\n")
    git(top, "init", "--quiet", "--initial-branch=main")
    return release(top, "v1.0.0")


def release(top: Path, tag: str) -> Path:
    git(top, "add", "--all", "--force")
    git(top, "commit", "--quiet", "--message", tag)
    git(top, "tag", tag)
    return top


@pytest.mark.parametrize("case", RENDERS)
def test_new_lets_nothing_through(
    source: Path, here: Path, mlfactory: Command, tmp_path: Path, case: str
) -> None:
    RENDERS[case](source / "tree", tmp_path / "harm")
    release(source, "v2.0.0")
    result = mlfactory("new", "out", "--template", source, "--defaults", code=1)
    assert "Traceback" not in result.stderr
    assert "bug in mlfactory" not in result.stderr
    assert list(here.iterdir()) == []
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("case", ["hooks", "a bare repository", "a link to git", "many files"])
def test_update_and_status_let_nothing_through(
    source: Path, here: Path, mlfactory: Command, tmp_path: Path, case: str
) -> None:
    mlfactory("new", "out", "--template", source, "--defaults")
    RENDERS[case](source / "tree", tmp_path / "harm")
    release(source, "v2.0.0")
    head = git(here / "out", "rev-parse", "HEAD")
    for argv in (["update", "--defaults"], ["status"], ["diff", "--update"]):
        assert "error" in mlfactory(*argv, cwd=here / "out", code=1).stderr
    assert git(here / "out", "rev-parse", "HEAD") == head
    assert git(here / "out", "status", "--porcelain") == ""
    assert not (tmp_path / "harm").exists()


def test_restore_lets_nothing_through(
    source: Path, here: Path, mlfactory: Command, tmp_path: Path, home: Path
) -> None:
    """A project that somebody else made of a version that is hostile."""
    mlfactory("new", "out", "--template", source, "--defaults")
    hooks_and_config(source / "tree", tmp_path / "harm")
    release(source, "v2.0.0")
    record = here / "out/.copier-answers.yml"
    record.write_text(record.read_text().replace("v1.0.0", "v2.0.0"))
    git(here / "out", "commit", "--quiet", "--all", "--message", "hostile")
    shutil.rmtree(home / ".cache", ignore_errors=True)
    result = mlfactory("restore", "a.txt", cwd=here / "out", code=1)
    assert "git's own folder" in result.stderr
    assert not (tmp_path / "harm").exists()


@pytest.mark.usefixtures("here")
def test_a_pipe_in_a_plain_folder_is_refused_and_nobody_waits(
    mlfactory: Command, tmp_path: Path
) -> None:
    write(tmp_path / "plain/copier.yml", "{}\n")
    os.mkfifo(tmp_path / "plain/pipe")
    result = mlfactory("new", "out", "--template", tmp_path / "plain", "--defaults", code=1)
    assert "pipe, which is no file" in result.stderr


# Git starts nothing by itself, neither in a stranger's template nor in what it renders.


def test_hooks_by_a_relative_path_are_not_the_templates(
    source: Path, here: Path, mlfactory: Command, tmp_path: Path
) -> None:
    """Many people have such a path for the repositories that they know."""
    git(source, "config", "--global", "core.hooksPath", ".githooks")
    for folder in (source / ".githooks", source / "tree/.githooks"):
        for name in ("post-checkout", "post-index-change", "post-commit", "reference-transaction"):
            write(folder / name, f"#!/bin/sh\ntouch {tmp_path}/harm\n")
            (folder / name).chmod(0o755)
    git(source, "-c", "core.hooksPath=/dev/null", "add", "--all")
    git(source, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "hooks")
    git(source, "-c", "core.hooksPath=/dev/null", "tag", "v2.0.0")
    mlfactory("new", "out", "--template", f"file://{source}", "--defaults")
    mlfactory("status", cwd=here / "out")
    write(source / "tree/b.txt")
    git(source, "-c", "core.hooksPath=/dev/null", "add", "--all")
    git(source, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "more")
    git(source, "-c", "core.hooksPath=/dev/null", "tag", "v3.0.0")
    mlfactory("update", "--defaults", cwd=here / "out")
    assert (here / "out/b.txt").is_file()
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("key", ["core.fsmonitor", "filter.x.clean", "filter.x.process"])
@pytest.mark.usefixtures("here")
def test_a_templates_own_configuration_starts_nothing(
    source: Path, mlfactory: Command, tmp_path: Path, key: str
) -> None:
    """A folder that somebody sent, with its .git in it and a change that is not committed."""
    write(source / ".gitattributes", "*.txt filter=x\n")
    release(source, "v2.0.0")
    git(source, "config", key, f"touch {tmp_path}/harm; cat")
    write(source / "tree/a.txt", "b\n")
    mlfactory("new", "out", "--template", source, "--ref", "HEAD", "--defaults", code=None)
    assert not (tmp_path / "harm").exists()
