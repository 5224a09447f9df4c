"""What `mlfactory update` refuses: each with its remedy, and before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from .evolving import SMALL, Repo, edited, init, mlfactory, project, release, template


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(
        tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs"), "tree/new/c.txt": "c\n"}
    )


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo")


def refused(repo: Repo, *options: str, code: int = 1, **env: str) -> tuple[str, str]:
    """Message and hint of a refusal that has left everything as it was."""
    before = repo.everything()
    result = mlfactory("update", repo.path, *options, code=code, **env)
    assert repo.everything() == before
    assert result.stderr.startswith("error: ")
    message, _, hint = result.stderr.removeprefix("error: ").partition("\nhint: ")
    return message, hint


@pytest.mark.parametrize("staged", [False, True])
def test_a_dirty_work_tree(demo: Repo, staged: bool) -> None:
    demo.write({"b.txt": "dirty\n"})
    if staged:
        demo.git("add", "b.txt")
    message, hint = refused(demo)
    assert message == f"{demo.path} has changes that are not committed: b.txt"
    assert "git stash" in hint


def test_untracked_files_elsewhere_are_no_dirt(demo: Repo) -> None:
    demo.write({"scratch.txt": "mine\n"})
    mlfactory("update", demo.path)
    assert demo.text("scratch.txt") == "mine\n"


def branches(repo: Repo) -> None:
    """Two branches that are in conflict, main checked out."""
    repo.git("switch", "--quiet", "--create", "other")
    repo.commit({"b.txt": "other\n"})
    repo.git("switch", "--quiet", "main")
    repo.commit({"b.txt": "main\n"})


@pytest.mark.parametrize(
    ("begin", "name", "hint"),
    [
        (("merge", "other"), "merge", "git merge --continue, or git merge --abort"),
        (("cherry-pick", "other"), "cherry-pick", "git cherry-pick --continue, or"),
        (("rebase", "other"), "rebase", "git rebase --continue, or git rebase --abort"),
        (("rebase", "--apply", "other"), "rebase", "git rebase --continue, or"),
        (("revert", "--no-edit", "HEAD~1"), "revert", "git revert --continue, or"),
        (("am", "../change.patch"), "am", "git am --continue, or git am --abort"),
    ],
)
def test_an_operation_in_progress(demo: Repo, begin: tuple[str, ...], name: str, hint: str) -> None:
    demo.commit({"b.txt": "before\n"})
    branches(demo)
    (demo.path.parent / "change.patch").write_text(
        demo.git("format-patch", "--stdout", "-1", "other")
    )
    demo.git(*begin, code=None)
    message, result = refused(demo)
    assert message == f"a git {name} is in progress in {demo.path}"
    assert result.startswith(hint)


def test_a_bisection_in_progress(demo: Repo) -> None:
    demo.git("bisect", "start")
    message, hint = refused(demo)
    assert (message, hint) == (f"a git bisect is in progress in {demo.path}", "git bisect reset\n")


def test_an_update_in_progress(demo: Repo) -> None:
    demo.commit({"a.txt": edited(3, "ours")})
    mlfactory("update", demo.path, code=4)
    message, hint = refused(demo)
    assert message == "an update to v1.1.0 is not finished yet"
    assert hint == "mlfactory update --continue, or mlfactory update --abort\n"


def test_no_answers_file(tmp_path: Path) -> None:
    repo = init(tmp_path / "bare").commit({"a.txt": "a\n"})
    message, hint = refused(repo)
    assert message.startswith(f"{repo.path} has no .copier-answers.yml")
    assert hint.startswith("Go to a project")


def test_an_answers_file_that_git_does_not_track(demo: Repo) -> None:
    demo.git("rm", "--quiet", "--cached", ".copier-answers.yml")
    demo.git("commit", "--quiet", "--message", "forget it")
    message, hint = refused(demo)
    assert message == f"git does not track {demo.path}/.copier-answers.yml"
    assert hint == "git add .copier-answers.yml && git commit\n"


@pytest.mark.parametrize("text", ["a: [", "- a\n", "", "name: demo\n", "_src_path: x\n"])
def test_an_answers_file_that_tells_nothing(demo: Repo, text: str) -> None:
    demo.commit({".copier-answers.yml": text})
    message, _ = refused(demo)
    assert ".copier-answers.yml" in message


def test_several_answers_files(demo: Repo) -> None:
    demo.git("mv", ".copier-answers.yml", ".copier-answers.one.yml")
    demo.commit({".copier-answers.two.yml": "_src_path: elsewhere\na: 1\n"})
    message, hint = refused(demo)
    assert "several answers files: .copier-answers.one.yml, .copier-answers.two.yml" in message
    assert hint == "Say which one: --answers-file .copier-answers.one.yml\n"
    mlfactory("update", demo.path, "--answers-file", ".copier-answers.one.yml")
    assert "_commit: v1.1.0" in demo.text(".copier-answers.one.yml")


def test_no_identity(demo: Repo, home: Path) -> None:
    (home / ".gitconfig").unlink()
    message, hint = refused(demo)
    assert message == "git does not know who commits"
    assert hint == (
        "git config --global user.name NAME && git config --global user.email ADDRESS\n"
    )


def test_an_unknown_version(demo: Repo, source: Repo) -> None:
    message, hint = refused(demo, "--to", "v9", code=2)
    assert message == f"the template {source.path} has no version v9"
    assert hint == "It has v1.0.0, v1.1.0.\n"


@pytest.mark.parametrize("ref", ["--upload-pack=touch ran", "v1.0.0..v1.1.0", ":/Release"])
def test_a_version_that_is_no_name(demo: Repo, ref: str) -> None:
    refused(demo, f"--to={ref}", code=2)


def test_a_recorded_version_that_the_template_has_no_more(demo: Repo, source: Repo) -> None:
    text = demo.text(".copier-answers.yml").replace("v1.0.0", "v0.9.0")
    demo.commit({".copier-answers.yml": text})
    message, hint = refused(demo)
    assert message == f"the template {source.path} has no version v0.9.0, which demo records"
    assert hint.startswith("Write another one into .copier-answers.yml")


def test_a_downgrade_that_nobody_named(demo: Repo, source: Repo) -> None:
    release(source, "v2.0.0rc1", {"tree/a.txt": edited(4)})
    mlfactory("update", demo.path, "--to", "v2.0.0rc1")
    message, hint = refused(demo)
    assert message == "demo is at v2.0.0rc1, and v1.1.0 is older"
    assert hint == "If you mean it: mlfactory update --to v1.1.0\n"
    mlfactory("update", demo.path, "--to", "v1.1.0")
    assert demo.text("a.txt") == edited(3, "theirs")


def test_a_template_that_needs_trust(demo: Repo, source: Repo) -> None:
    more = "_jinja_extensions: [jinja2.ext.do]\n"
    release(source, "v1.2.0", {"copier.yml": f"{SMALL['copier.yml']}{more}"})
    _, hint = refused(demo)
    assert hint == "Rendering would run it. If you trust it, add --trust.\n"
    mlfactory("update", demo.path, "--trust")
    assert "_commit: v1.2.0" in demo.text(".copier-answers.yml")


def test_a_template_that_is_gone(demo: Repo, source: Repo) -> None:
    source.path.rename(source.path.with_name("moved"))
    message, hint = refused(demo)
    assert message.startswith(f"the template {source.path} cannot be reached: ")
    assert hint == f"Try `git ls-remote {source.path}`.\n"


def test_a_template_that_no_host_answers_for(demo: Repo, source: Repo) -> None:
    text = demo.text(".copier-answers.yml")
    demo.commit({".copier-answers.yml": text.replace(str(source.path), "http://127.0.0.1:9/t.git")})
    message, _ = refused(demo)
    assert message.startswith("the template http://127.0.0.1:9/t.git cannot be reached: ")


@pytest.mark.parametrize("address", ["--upload-pack=touch ran", "ext::touch ran", "a\nb"])
def test_an_address_that_would_run_something(demo: Repo, address: str) -> None:
    text = demo.text(".copier-answers.yml").splitlines()
    lines = [f"_src_path: {address!r}" if x.startswith("_src_path") else x for x in text]
    if "\n" in address:
        lines = ['_src_path: "a\\nb"' if x.startswith("_src_path") else x for x in text]
    demo.commit({".copier-answers.yml": "\n".join(lines) + "\n"})
    refused(demo)
    assert not list(demo.path.parent.rglob("ran"))


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("what", ["file", "folder", "link", "dangling", "parent", "linked parent"])
def test_something_that_git_does_not_know_stands_in_the_way(
    demo: Repo, tmp_path: Path, what: str, ignored: bool
) -> None:
    if ignored:  # by this clone alone; what the project ignores is not written
        demo.write({".git/info/exclude": "new\nc.txt\n"})
    new, target = demo.path / "new", tmp_path / "outside"
    target.mkdir()
    if what == "parent":
        new.write_text("precious\n")
    elif what == "linked parent":
        new.symlink_to(target)
    else:
        new.mkdir()
        if what == "file":
            (new / "c.txt").write_text("precious\n")
        elif what == "folder":
            (new / "c.txt").mkdir()
            (new / "c.txt" / "deep").write_text("precious\n")
        else:
            (new / "c.txt").symlink_to(target if what == "link" else tmp_path / "nowhere")
    name = {"folder": "new/c.txt/deep", "parent": "new", "linked parent": "new"}.get(
        what, "new/c.txt"
    )
    output = mlfactory("update", demo.path, "--dry-run").stdout
    assert f"  in the way    {name}" in output
    before = demo.everything()
    result = mlfactory("update", demo.path, code=1)
    assert f"error: git does not track {name}, and the update would write there" in result.stderr
    assert "hint: Move it away" in result.stderr
    assert demo.everything() == before
    assert not list(target.iterdir())


def test_no_repository(tmp_path: Path) -> None:
    folder = tmp_path / "loose"
    folder.mkdir()
    message, hint = refused(Repo(folder))
    assert message == f"{folder} is in no git repository"
    assert "git init" in hint


def test_no_commit_yet(tmp_path: Path) -> None:
    repo = init(tmp_path / "unborn")
    message, hint = refused(repo)
    assert (message, hint) == (f"{repo.path} has no commit yet", "git add --all && git commit\n")


def test_no_directory(tmp_path: Path) -> None:
    result = mlfactory("update", tmp_path / "nowhere", code=1)
    assert result.stderr.startswith(f"error: {tmp_path / 'nowhere'} is not a directory\n")


@pytest.mark.parametrize("pair", ["nothing=1", "name", "_commit=v1.0.0"])
def test_an_answer_without_a_question(demo: Repo, pair: str) -> None:
    refused(demo, "--set", pair, code=2)


def test_a_check_command_that_cannot_be_started(demo: Repo) -> None:
    refused_before = demo.head
    result = mlfactory("update", demo.path, "--check-command", "no-such-program", code=1)
    assert "no-such-program cannot be started" in result.stderr
    assert (demo.head, demo.dirt) == (refused_before, "")
