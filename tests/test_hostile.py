"""Templates and answers that mean harm, or that nobody expects: refused or handled, never half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from . import histories
from .conftest import Command
from .histories import History, content, git

Prepare = Callable[..., Path]
RECORD = ".copier-answers.yml"


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """A clean project, for whose template `change` makes the second version."""

    def prepared(change: Callable[[Path], object] = lambda _: None) -> Path:
        source = histories.template(tmp_path / "template", History())
        change(source)
        git(source, "add", "--all", "--force")
        git(source, "commit", "--quiet", "--allow-empty", "--message", "hostile")
        git(source, "tag", "v3.0.0")
        return histories.project(tmp_path / "project", source, History())

    return prepared


def write(name: str, text: str = "harm\n") -> Callable[[Path], object]:
    """A change: one more file of the template."""

    def change(source: Path) -> None:
        path = source / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return change


def link(name: str, target: str) -> Callable[[Path], object]:
    """A change: a symbolic link."""

    def change(source: Path) -> None:
        (source / "tree" / name).symlink_to(target)

    return change


def asks(text: str) -> Callable[[Path], object]:
    """A change of copier.yml."""

    def change(source: Path) -> None:
        with (source / "copier.yml").open("a") as file:
            file.write(text)

    return change


def both(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda source: [change(source) for change in changes]


def outside(top: Path) -> dict[str, object]:
    """Whatever is beside the project and its template."""
    there = (p for p in top.parent.iterdir() if p.name not in ("project", "template"))
    return {path.name: content(path) if path.is_dir() else path.read_bytes() for path in there}


def check_refused(top: Path, mlfactory: Command, *words: str, args: tuple[str, ...] = ()) -> None:
    """It ends with a clear error, and nothing at all has changed, here or outside."""
    before, around = histories.state(top), outside(top)
    result = mlfactory("update", "--defaults", "--no-check", *args, cwd=top, code=None)
    assert result.returncode in (1, 2), result.stderr
    assert "bug in mlfactory" not in result.stderr
    assert "Traceback" not in result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert histories.differing(histories.state(top), before) == {}
    assert outside(top) == around


LEAVING = {
    "a name that climbs": write("{{ up }}{{ sep }}{{ up }}{{ sep }}climbed.txt"),
    "a folder that climbs": write("{{ up }}/climbed.txt"),
    "an absolute name": write("{{ sep }}tmp{{ sep }}mlfactory-climbed.txt"),
}
NAMES = 'up: {type: str, default: ".."}\nsep: {type: str, default: "/"}\n'


@pytest.mark.parametrize("case", LEAVING)
def test_a_rendered_path_stays_in_the_project(
    prepare: Prepare, mlfactory: Command, case: str
) -> None:
    top = prepare(both(LEAVING[case], asks(NAMES)))
    check_refused(top, mlfactory)
    assert not Path("/tmp/mlfactory-climbed.txt").exists()
    assert not list(top.rglob("climbed.txt"))


LINKS = {
    "absolute": link("out", "/etc/passwd"),
    "relative": link("out", "../../secret"),
    "a folder": link("out", ".."),
    "through a folder": both(link("way", ".."), link("out", "way/secret")),
    "into git's folder": link("out", ".git/config"),
    "into git's folder, written otherwise": link("out", ".GIT/hooks"),
}


@pytest.mark.parametrize("case", LINKS)
def test_a_link_stays_in_the_project(prepare: Prepare, mlfactory: Command, case: str) -> None:
    top = prepare(both(LINKS[case], asks("_preserve_symlinks: true\n")))
    check_refused(top, mlfactory, "link")


@pytest.mark.parametrize("target", ["../../../secret", "{}/secret"])
def test_a_link_of_the_template_carries_nothing_in(
    prepare: Prepare, mlfactory: Command, tmp_path: Path, target: str
) -> None:
    (tmp_path / "secret").write_text("secret\n")
    check_refused(prepare(link("out", target.format(tmp_path))), mlfactory)


def test_nothing_is_written_through_a_link(
    prepare: Prepare, mlfactory: Command, tmp_path: Path
) -> None:
    """The template had a link to a folder of the user's, and puts a file below it now."""
    (tmp_path / "elsewhere").mkdir()
    top = prepare(write("sub/harm.txt"))
    (top / "sub").symlink_to(tmp_path / "elsewhere")
    check_refused(top, mlfactory, "sub")
    git(top, "add", "sub")
    git(top, "commit", "--quiet", "--message", "link")
    result = mlfactory("update", "--defaults", "--no-check", cwd=top, code=None)
    assert result.returncode in (1, 4)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["{{ dot }}git/hooks/pre-commit", "a/{{ dot }}GIT/config"])
def test_git_s_own_folder_is_taboo(prepare: Prepare, mlfactory: Command, name: str) -> None:
    top = prepare(both(write(name), asks('dot: {type: str, default: "."}\n')))
    check_refused(top, mlfactory, "git's own folder")


def test_a_repository_inside_of_the_template_runs_nothing(
    prepare: Prepare, mlfactory: Command, tmp_path: Path
) -> None:
    modules = f'[submodule "x"]\npath = tree/x\nurl = ext::sh -c touch% {tmp_path}/harm\n'

    def change(source: Path) -> None:
        (source / ".gitmodules").write_text(modules)
        git(source, "add", ".gitmodules")
        head = git(source, "rev-parse", "HEAD").strip()
        git(source, "update-index", "--add", "--cacheinfo", f"160000,{head},tree/x")
        git(source, "commit", "--quiet", "--message", "gitlink")
        (source / "tree/x").mkdir()

    check_refused(prepare(change), mlfactory)
    assert not (tmp_path / "harm").exists()


def test_an_answer_is_never_run(prepare: Prepare, mlfactory: Command) -> None:
    harm = "{{ ''.__class__.__mro__ }}{% include '/etc/passwd' %}"
    top = prepare()
    mlfactory("update", "--no-check", "--defaults", "--set", f"name={harm}", cwd=top)
    assert (top / "greeting.txt").read_text() == f"v2.0.0 for {harm}\n"
    assert mlfactory("status", "--json", cwd=top).stdout.count('"clean"') > 0


@pytest.mark.parametrize("key", ["_src_path", "_commit"])
@pytest.mark.parametrize(
    "value",
    [
        "--upload-pack=touch harm",
        "-c",
        "ext::sh -c 'touch harm'",
        "file::/nowhere",
        "/nowhere/at/all",
        "git+ext::sh -c 'touch harm'",
        "v2.0.0; touch harm",
        "../../etc",
        "v9",
        "",
        "a\0b",
        "[1, 2]",
    ],
)
def test_a_record_that_means_harm(
    prepare: Prepare, mlfactory: Command, key: str, value: str
) -> None:
    top = prepare()
    lines = (top / RECORD).read_text().splitlines()
    quoted = value if value.startswith("[") else '"' + value.replace("\0", "\\0") + '"'
    rest = [f"{key}: {quoted}" if line.startswith(f"{key}:") else line for line in lines]
    (top / RECORD).write_text("\n".join(rest) + "\n")
    histories.commit(top, "harm")
    check_refused(top, mlfactory)
    assert not list(top.parent.rglob("harm"))


def test_a_source_that_is_no_repository(
    prepare: Prepare, mlfactory: Command, tmp_path: Path
) -> None:
    top = prepare()
    (tmp_path / "template/.git").rename(tmp_path / "template/not-git")
    check_refused(top, mlfactory, "cannot be reached")


def test_a_huge_file_is_refused(prepare: Prepare, mlfactory: Command) -> None:
    content = "{% for n in range(101) %}{{ 'x' * 1048576 }}{% endfor %}"
    check_refused(prepare(write("huge.txt.jinja", content)), mlfactory, "huge.txt", "100")


CODE = {
    "tasks": '_tasks: ["echo ran > ran.txt"]\n',
    "migrations": '_migrations: [{version: v3.0.0, command: "echo ran > ran.txt"}]\n',
    "extensions": "_jinja_extensions: [jinja2.ext.do]\n",
}


def test_extensions_need_trust(prepare: Prepare, mlfactory: Command) -> None:
    check_refused(prepare(asks(CODE["extensions"])), mlfactory, "--trust")


@pytest.mark.parametrize("case", ["tasks", "migrations"])
def test_without_trust_what_would_run_is_told_and_left_out(
    prepare: Prepare, mlfactory: Command, case: str
) -> None:
    top = prepare(both(asks(CODE[case]), write("more.txt")))
    planned = mlfactory("update", "--dry-run", "--json", cwd=top).stdout
    assert json.loads(planned)["plan"][f"skipped_{case}"] == ["echo ran > ran.txt"]
    status = json.loads(mlfactory("status", "--json", cwd=top).stdout)["projects"][0]
    assert status[f"skipped_{case}"] == ["echo ran > ran.txt"]
    output = mlfactory("update", "--defaults", "--no-check", cwd=top).stdout
    assert f"{case.removesuffix('s')}: echo ran > ran.txt" in output
    assert (top / "more.txt").exists()
    assert not list(top.parent.rglob("ran.txt"))


@pytest.mark.parametrize("case", CODE)
def test_with_trust_it_runs(prepare: Prepare, mlfactory: Command, case: str) -> None:
    top = prepare(both(asks(CODE[case]), write("more.txt")))
    mlfactory("update", "--defaults", "--no-check", "--trust", cwd=top)
    assert (top / "more.txt").exists()
    assert (top / "ran.txt").exists() == (case != "extensions")


HANDLED = [
    'quote".txt',
    "back\\slash.txt",
    "  spaces  .txt",
    "-dash.txt",
    ":(top)magic",
    "*.star",
    "é-ü-漢.txt",
    "e\u0301.txt",
    "#hash",
    "!bang",
    "x" * 240,
    "/".join(["folder" * 8] * 12),
    os.fsdecode(b"latin-\xe9.txt"),
]


def test_odd_names_are_handled_or_refused(prepare: Prepare, mlfactory: Command) -> None:
    top = prepare(both(*map(write, HANDLED[:-1])))
    mlfactory("update", "--defaults", "--no-check", cwd=top)
    for name in HANDLED[:-1]:
        assert (top / name).read_text() == "harm\n"
    assert git(top, "status", "--porcelain") == ""
    assert mlfactory("update", "--defaults", cwd=top).returncode == 0
    assert '"edited"' not in mlfactory("status", "--json", cwd=top).stdout


def test_a_name_that_is_not_utf8(prepare: Prepare) -> None:
    top = prepare(write(HANDLED[-1]))
    argv = [sys.executable, "-m", "mlfactory", "update", "--defaults", "--no-check"]
    result = subprocess.run(argv, cwd=top, capture_output=True)
    assert b"bug in mlfactory" not in result.stderr
    assert result.returncode in (0, 1)
    assert (top / HANDLED[-1]).exists() == (result.returncode == 0)


def test_names_that_differ_only_by_case(prepare: Prepare, mlfactory: Command) -> None:
    top = prepare(both(write("Case.txt", "upper\n"), write("case.txt", "lower\n")))
    mlfactory("update", "--defaults", "--no-check", cwd=top)
    assert [(top / name).read_text() for name in ("Case.txt", "case.txt")] == ["upper\n", "lower\n"]


def test_a_name_that_is_too_long(prepare: Prepare, mlfactory: Command) -> None:
    long = 'long: {type: str, default: "%s"}\n' % ("x" * 300)
    check_refused(prepare(both(write("{{ long }}"), asks(long))), mlfactory)


def test_a_template_that_cannot_be_rendered(prepare: Prepare, mlfactory: Command) -> None:
    check_refused(prepare(write("bad.txt.jinja", "{{ nothing.at.all }}{% end %}")), mlfactory)
