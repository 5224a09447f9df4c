"""Projects in every kind of repository: what is merged is HEAD's tree with only their own part new.

Each test updates a real project and looks at what git has afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from .evolving import (
    SMALL,
    TEXT,
    Files,
    Repo,
    edited,
    init,
    mlfactory,
    project,
    release,
    render,
    template,
)

NEXT: Files = {"tree/a.txt": edited(3, "theirs"), "tree/new/c.txt": "c\n"}


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL, NEXT)


def updated(repo: Repo, *options: object) -> Repo:
    """Update cleanly; the plan, status and the work tree agree with what came of it."""
    planned = json.loads(mlfactory("update", repo.path, "--dry-run", "--json", *options).stdout)
    outcome = json.loads(mlfactory("update", repo.path, "--json", *options).stdout)
    assert outcome["plan"] == planned["plan"]
    assert repo.dirt == ""
    return repo


def has_both(repo: Repo) -> None:
    """Ours, which is far away from theirs, and theirs."""
    assert repo.text("a.txt") == edited(3, "theirs", of=edited(15, "ours"))
    assert repo.text("new/c.txt") == "c\n"
    assert "_commit: v1.1.0" in repo.text(".copier-answers.yml")


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo").commit({"a.txt": edited(15, "ours")})


# Where projects stand


def monorepo(top: Path, source: Repo, *places: str) -> Repo:
    """A repository with a project at each place, and files that look like theirs beside them."""
    repo = init(top)
    for place in places:
        render(source, top / place)
    return repo.commit({"look-alike/a.txt": TEXT, "a.txt": TEXT, ".gitattributes": "*.bin -text\n"})


def rest(repo: Repo, prefix: str) -> dict[str, str]:
    return {name: facts for name, facts in repo.tree().items() if not name.startswith(prefix)}


def test_a_project_in_a_subdirectory(source: Repo, tmp_path: Path) -> None:
    repo = monorepo(tmp_path / "mono", source, "deep/er/demo")
    before = rest(repo, "deep/er/demo/")
    one = Repo(repo.path / "deep/er/demo").commit({"a.txt": edited(15, "ours")})
    has_both(updated(one))
    assert rest(repo, "deep/er/demo/") == before


@pytest.mark.parametrize("where", ["deep/er/demo/new", "deep/er/demo/."])
def test_the_project_is_found_from_inside(source: Repo, tmp_path: Path, where: str) -> None:
    repo = monorepo(tmp_path / "mono", source, "deep/er/demo")
    (repo.path / "deep/er/demo/new").mkdir()
    mlfactory("update", cwd=repo.path / where)
    assert (repo.path / "deep/er/demo/new/c.txt").exists()


def test_an_update_never_changes_a_byte_of_a_neighbour(tmp_path: Path) -> None:
    """Not when its files look more like the renamed ones than those of the project itself."""
    moves: Files = {
        "tree/a.txt": None,
        "tree/moved.txt": edited(3, "theirs"),
        "tree/docs/long.md": None,
        "tree/handbook/long.md": TEXT + "more\n",
    }
    first = {**SMALL, "tree/docs/long.md": TEXT + "long\n"}
    source = template(tmp_path / "template", first, moves)
    repo = monorepo(tmp_path / "mono", source, "one", "two", "one-more")
    one = Repo(repo.path / "one")
    one.commit({"a.txt": None, "docs/long.md": edited(15, "ours", of=TEXT + "long\n")})
    before = rest(repo, "one/")
    updated(one)
    assert rest(repo, "one/") == before
    assert one.text("handbook/long.md") == edited(15, "ours") + "more\n"
    assert not one.has("moved.txt")


def test_a_neighbour_in_conflict_is_not_touched_either(source: Repo, tmp_path: Path) -> None:
    repo = monorepo(tmp_path / "mono", source, "one", "two")
    one = Repo(repo.path / "one").commit({"a.txt": edited(3, "ours")})
    before = rest(repo, "one/")
    mlfactory("update", one.path, code=4)
    assert [line for line in repo.dirt.splitlines() if " one/" not in line] == []
    one.write({"a.txt": edited(3, "both")}).git("add", "a.txt")
    mlfactory("update", "--continue", cwd=one.path)
    assert rest(repo, "one/") == before


def test_a_project_with_another_inside(source: Repo, tmp_path: Path) -> None:
    top = tmp_path / "outer"
    project(source, top)
    render(source, top / "inner")
    repo = Repo(top).commit({"a.txt": edited(15, "ours")})
    inside = {n: facts for n, facts in repo.tree().items() if n.startswith("inner/")}
    has_both(updated(repo))
    assert {n: facts for n, facts in repo.tree().items() if n.startswith("inner/")} == inside
    outside = rest(repo, "inner/")
    inner = updated(Repo(top / "inner"))
    assert "_commit: v1.1.0" in inner.text(".copier-answers.yml")
    assert rest(repo, "inner/") == outside


@pytest.mark.parametrize("name", ["new/c.txt", "new/other.txt"])
def test_a_template_does_not_write_into_a_project_inside(
    source: Repo, tmp_path: Path, name: str
) -> None:
    repo = project(source, tmp_path / "outer")
    render(source, repo.path / "new")
    repo.commit({name: "mine\n"})
    result = mlfactory("update", repo.path, code=1)
    assert "belongs to another project inside of this one" in result.stderr


def test_answers_in_a_folder_of_their_own(tmp_path: Path) -> None:
    """The project's own answers file does not make that folder another project."""
    first = {**SMALL, "tree/.config/tool.txt": TEXT}
    source = template(tmp_path / "template", first, {"tree/.config/tool.txt": edited(3), **NEXT})
    repo = project(source, tmp_path / "demo", answers_file=".config/.copier-answers.yml")
    mlfactory("update", repo.path, "--answers-file", ".config/.copier-answers.yml")
    assert "_commit: v1.1.0" in repo.text(".config/.copier-answers.yml")
    assert repo.text(".config/tool.txt") == edited(3)


# Kinds of files


def test_executable_bits(tmp_path: Path) -> None:
    first: Files = {**SMALL, "tree/run.sh": "#!/bin/sh\n", "tree/stop.sh": "#!/bin/sh\nexit\n"}
    source = template(tmp_path / "template", first)
    (source.path / "tree/stop.sh").chmod(0o755)
    source.git("tag", "--delete", "v1.0.0")
    release(source, "v1.0.0", {"copier.yml": f"{SMALL['copier.yml']}\n"})
    (source.path / "tree/run.sh").chmod(0o755)
    (source.path / "tree/stop.sh").chmod(0o644)
    release(source, "v1.1.0", {"tree/go.sh": "#!/bin/sh\n# new\n"})
    (source.path / "tree/go.sh").chmod(0o755)
    source.commit()
    source.git("tag", "--force", "v1.1.0")
    repo = project(source, tmp_path / "demo")
    updated(repo)
    modes = {name: facts.split()[0] for name, facts in repo.tree().items() if name.endswith(".sh")}
    assert modes == {"run.sh": "100755", "stop.sh": "100644", "go.sh": "100755"}
    assert os.access(repo.path / "run.sh", os.X_OK)


def test_links(tmp_path: Path) -> None:
    settings = {"copier.yml": f"{SMALL['copier.yml']}_preserve_symlinks: true\n"}
    source = template(tmp_path / "template", {**SMALL, **settings})
    links = source.path / "tree"
    source.git("tag", "--delete", "v1.0.0")
    (links / "kept").symlink_to("a.txt")
    (links / "turned").symlink_to("a.txt")
    source.commit()
    source.git("tag", "v1.0.0")
    (links / "turned").unlink()
    (links / "turned").symlink_to("b.txt")
    (links / "folder").symlink_to("new")
    release(source, "v1.1.0", NEXT)
    repo = updated(project(source, tmp_path / "demo"))
    targets = {name: str((repo.path / name).readlink()) for name in ("kept", "turned", "folder")}
    assert targets == {"kept": "a.txt", "turned": "b.txt", "folder": "new"}


NAMES = ("with space.txt", 'quo"te.txt', "naïve-文.txt", "back\\slash.txt", "[glob]*.txt",
         ":(top)x.txt", "-dash.txt")  # fmt: skip
UNSEEN = {"new\nline.txt": "ours\n", "tab\there.txt": "ours\n"}  # a template may not have these


@pytest.mark.parametrize("prefix", ["", "a b/文/"])
def test_names_of_every_kind(tmp_path: Path, prefix: str) -> None:
    first: Files = {**SMALL, **{f"tree/{name}": TEXT for name in NAMES}}
    second: Files = {
        **{f"tree/{name}": edited(3, "theirs") for name in NAMES},
        **{f"tree/added/{name}": f"{name}!" for name in NAMES},
    }
    source = template(tmp_path / "template", first, second)
    top = init(tmp_path / "top").commit({"x": "x\n"})
    render(source, top.path / prefix / "demo")
    repo = Repo(top.path / prefix / "demo").commit()
    repo.commit({**{name: edited(15, "ours") for name in NAMES}, **UNSEEN})
    updated(repo)
    assert {name: repo.text(name) for name in UNSEEN} == UNSEEN
    for name in NAMES:
        assert repo.text(name) == edited(3, "theirs", of=edited(15, "ours"))
        assert repo.text(f"added/{name}") == f"{name}!"
    mlfactory("update", repo.path, "--to", "v1.0.0")  # the base has such names, too
    assert not repo.has("added")


def test_conflicts_in_names_of_every_kind(tmp_path: Path) -> None:
    first: Files = {**SMALL, **{f"tree/{name}": TEXT for name in NAMES}}
    second: Files = {f"tree/{name}": edited(3, "theirs") for name in NAMES}
    source = template(tmp_path / "template", first, second)
    repo = project(source, tmp_path / "demo").commit({n: edited(3, "ours") for n in NAMES})
    outcome = json.loads(mlfactory("update", repo.path, "--json", code=4).stdout)
    assert {c["path"] for c in outcome["plan"]["conflicts"]} == set(NAMES)
    mlfactory("update", repo.path, "--abort")
    assert repo.dirt == ""


def test_a_conflict_where_a_file_becomes_a_folder_is_taken_back(tmp_path: Path) -> None:
    source = template(tmp_path / "template", {**SMALL, "tree/notes": TEXT})
    (source.path / "tree/notes").unlink()
    release(source, "v1.1.0", {"tree/notes/one.txt": edited(3, "theirs")})
    repo = project(source, tmp_path / "demo").commit({"notes": edited(3, "ours")})
    mlfactory("update", repo.path, code=4)
    mlfactory("update", repo.path, "--abort")
    assert (repo.dirt, repo.text("notes")) == ("", edited(3, "ours"))


def test_binary_and_empty_files(tmp_path: Path) -> None:
    raw = bytes(range(256)) * 20
    first: Files = {**SMALL, "tree/x.bin": raw, "tree/empty": "", "tree/filled": ""}
    second: Files = {"tree/x.bin": raw[::-1], "tree/filled": "x", "tree/y.bin": raw + b"\r\n",
                     "tree/none": ""}  # fmt: skip
    source = template(tmp_path / "template", first, second)
    repo = updated(project(source, tmp_path / "demo"))
    assert (repo.path / "x.bin").read_bytes() == raw[::-1]
    assert (repo.path / "y.bin").read_bytes() == raw + b"\r\n"
    assert (repo.text("empty"), repo.text("filled"), repo.text("none")) == ("", "x", "")


def test_a_binary_file_that_both_changed_is_a_conflict(tmp_path: Path) -> None:
    raw = bytes(range(256))
    source = template(
        tmp_path / "template", {**SMALL, "tree/x.bin": raw}, {"tree/x.bin": raw + b"1"}
    )
    repo = project(source, tmp_path / "demo").commit({"x.bin": raw + b"2"})
    outcome = json.loads(mlfactory("update", repo.path, "--json", code=4).stdout)
    assert [c["path"] for c in outcome["plan"]["conflicts"]] == ["x.bin"]


def test_files_that_the_project_ignores_but_the_template_has(tmp_path: Path) -> None:
    first: Files = {**SMALL, "tree/.gitignore": "*.log\n", "tree/keep.log": TEXT}
    second: Files = {"tree/keep.log": edited(3, "theirs"), "tree/more.log": "more\n"}
    source = template(tmp_path / "template", first, second)
    repo = project(source, tmp_path / "demo")
    repo.git("add", "--force", "keep.log")
    repo.commit({"scratch.log": "mine\n"})
    updated(repo)
    assert repo.text("keep.log") == edited(3, "theirs")
    assert not repo.has("more.log")  # the project ignores it, and it was never tracked
    assert repo.text("scratch.log") == "mine\n"


# Attributes, filters and configuration


@pytest.mark.parametrize(
    "attributes",
    ["* text=auto\n", "* text eol=crlf\n", "* text eol=lf\n", "*.txt text eol=crlf\n", "* -text\n",
     "* text=auto\na.txt working-tree-encoding=UTF-16\n"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_as_attributes_want_them(tmp_path: Path, attributes: str, ending: str) -> None:
    """The merge is of what git stores; a template with other line endings is no change at all."""
    text = [t.replace("\n", ending) for t in (TEXT, edited(3, "theirs"))]
    raw = [t.encode("utf-16") if "UTF-16" in attributes else t.encode() for t in text]
    first: Files = {**SMALL, "tree/.gitattributes": attributes, "tree/a.txt": raw[0]}
    source = init(tmp_path / "template")
    source.git("config", "core.autocrlf", "false")
    (source.path / ".git/info").mkdir(exist_ok=True)
    (source.path / ".git/info/attributes").write_text("* -text !eol !working-tree-encoding\n")
    release(source, "v1.0.0", first)
    release(source, "v1.1.0", {"tree/a.txt": raw[1], "tree/b2.txt": raw[1]})
    repo = project(source, tmp_path / "demo")
    mine = (repo.path / "a.txt").read_bytes()
    coding = "utf-16" if "UTF-16" in attributes else "utf-8"
    lines = mine.decode(coding).splitlines(keepends=True)
    lines[14] = "ours" + ("\r\n" if lines[14].endswith("\r\n") else "\n")
    repo.commit({"a.txt": "".join(lines).encode(coding)})
    updated(repo)
    got = repo.git("cat-file", "-p", "HEAD:a.txt").replace("\r\n", "\n")
    assert got == edited(3, "theirs", of=edited(15, "ours"))
    result = mlfactory("status", repo.path, "--json")
    states = {f["path"]: f["state"] for f in json.loads(result.stdout)["projects"][0]["files"]}
    assert {n for n, state in states.items() if state != "clean"} == {"a.txt"}


CONFIGURED = """
core.autocrlf=input core.fileMode=false core.symlinks=false core.ignoreCase=true
core.quotePath=false core.untrackedCache=true core.splitIndex=true core.precomposeUnicode=true
core.safecrlf=true core.commentChar=; merge.conflictStyle=zdiff3 merge.renames=false
diff.noprefix=true diff.renames=false diff.external=false color.ui=always status.short=true
status.relativePaths=true commit.verbose=true rerere.enabled=true submodule.recurse=true
"""


@pytest.mark.parametrize("settings", CONFIGURED.strip().splitlines())
def test_what_users_configure(demo: Repo, settings: str) -> None:
    for setting in settings.split():
        demo.git("config", "--global", *setting.split("="))
    has_both(updated(demo))
    states = json.loads(mlfactory("status", demo.path, "--json").stdout)["projects"][0]["drift"]
    assert states == {"edited": 1, "clean": 2}


def test_line_endings_of_windows_users(tmp_path: Path, source: Repo) -> None:
    source.git("config", "--global", "core.autocrlf", "true")
    repo = project(source, tmp_path / "made")
    clone = Repo(tmp_path / "clone" / "demo")
    repo.git("clone", "--quiet", repo.path, clone.path)
    clone.commit({"a.txt": edited(15, "ours").replace("\n", "\r\n")})
    updated(clone)
    assert clone.git("cat-file", "-p", "HEAD:a.txt") == edited(3, "theirs", of=edited(15, "ours"))
    assert clone.text("new/c.txt") == "c\r\n"
    assert clone.git("cat-file", "-p", "HEAD:new/c.txt") == "c\n"
    drift = json.loads(mlfactory("status", clone.path, "--json").stdout)["projects"][0]["drift"]
    assert drift == {"edited": 1, "clean": 2}


def test_a_filter(tmp_path: Path) -> None:
    """Like git-crypt or LFS: what git stores is another text than what people see."""
    first: Files = {**SMALL, "tree/.gitattributes": "*.secret filter=turn\n", "tree/s.secret": TEXT}
    second: Files = {"tree/s.secret": edited(3, "theirs"), "tree/t.secret": "Tell nobody\n"}
    source = template(tmp_path / "template", first, second)
    for name, command in (("clean", "tr a-z n-za-m"), ("smudge", "tr a-z n-za-m")):
        Repo(source.path).git("config", "--global", f"filter.turn.{name}", command)
    shutil.rmtree(source.path)  # made again, so that the template's own files are not turned
    source = template(tmp_path / "template", {**first, ".gitattributes": "* !filter\n"}, second)
    (source.path / ".git/info/attributes").parent.mkdir(exist_ok=True)
    repo = project(source, tmp_path / "demo").commit({"s.secret": edited(15, "ours")})
    assert repo.git("cat-file", "-p", "HEAD:s.secret").startswith("yvar 1")
    updated(repo)
    assert repo.text("s.secret") == edited(3, "theirs", of=edited(15, "ours"))
    assert repo.text("t.secret") == "Tell nobody\n"
    assert repo.git("cat-file", "-p", "HEAD:t.secret") == "Tryy abobql\n"


def test_ident(tmp_path: Path) -> None:
    first: Files = {**SMALL, "tree/.gitattributes": "*.txt ident\n", "tree/i.txt": f"$Id$\n{TEXT}"}
    second: Files = {"tree/i.txt": f"$Id$\n{edited(3, 'theirs')}"}
    source = template(tmp_path / "template", first, second)
    repo = project(source, tmp_path / "demo")
    (repo.path / "i.txt").unlink()
    repo.git("checkout", "HEAD", "--", "i.txt")
    assert not repo.text("i.txt").startswith("$Id$")
    updated(repo)
    assert repo.git("cat-file", "-p", "HEAD:i.txt") == f"$Id$\n{edited(3, 'theirs')}"


def test_a_merge_driver_of_the_project(tmp_path: Path) -> None:
    """The preview asks the same driver as the merge."""
    first: Files = {**SMALL, "tree/.gitattributes": "log.txt merge=union\n", "tree/log.txt": TEXT}
    source = template(tmp_path / "template", first, {"tree/log.txt": f"{TEXT}theirs\n"})
    repo = project(source, tmp_path / "demo").commit({"log.txt": f"{TEXT}ours\n"})
    updated(repo)
    assert set(repo.text("log.txt").splitlines()[-2:]) == {"ours", "theirs"}


# Kinds of repositories


def test_a_detached_head(demo: Repo) -> None:
    demo.git("checkout", "--quiet", "--detach")
    main = demo.git("rev-parse", "main")
    has_both(updated(demo))
    assert demo.git("rev-parse", "main") == main


def test_a_submodule(demo: Repo, tmp_path: Path) -> None:
    library = init(tmp_path / "library").commit({"lib.py": "x = 1\n"})
    allowed = ("-c", "protocol.file.allow=always")
    demo.git(*allowed, "submodule", "--quiet", "add", library.path, "libs/library")
    demo.commit()
    pinned = demo.tree()["libs/library"]
    has_both(updated(demo))
    assert demo.tree()["libs/library"] == pinned
    assert demo.has("libs/library/lib.py")


def test_a_linked_worktree(demo: Repo, tmp_path: Path) -> None:
    before = demo.everything()
    demo.git("worktree", "add", "--quiet", tmp_path / "linked" / "demo")
    linked = Repo(tmp_path / "linked" / "demo")
    has_both(updated(linked))
    assert {n: c for n, c in demo.everything().items() if ".git" not in n} == {
        n: c for n, c in before.items() if ".git" not in n
    }


def test_a_conflict_in_a_linked_worktree(demo: Repo, tmp_path: Path) -> None:
    demo.commit({"a.txt": edited(3, "ours")})
    demo.git("worktree", "add", "--quiet", tmp_path / "linked" / "demo")
    linked = Repo(tmp_path / "linked" / "demo")
    mlfactory("update", linked.path, code=4)
    linked.write({"a.txt": edited(3, "both")}).git("add", "a.txt")
    mlfactory("update", "--continue", cwd=linked.path)
    assert linked.text("a.txt") == edited(3, "both")
    mlfactory("update", demo.path, code=4)
    mlfactory("update", demo.path, "--abort")
    assert demo.dirt == ""


def test_a_shallow_clone(demo: Repo, tmp_path: Path) -> None:
    shallow = Repo(tmp_path / "shallow" / "demo")
    demo.git("clone", "--quiet", "--depth=1", f"file://{demo.path}", shallow.path)
    has_both(updated(shallow))


def test_a_clone_without_the_old_files(demo: Repo, tmp_path: Path) -> None:
    demo.git("config", "uploadpack.allowFilter", "true")
    partial = Repo(tmp_path / "partial" / "demo")
    argv = ("clone", "--quiet", "--filter=blob:none", f"file://{demo.path}")
    demo.git(*argv, partial.path)
    has_both(updated(partial))


def test_a_clone_that_borrows_its_objects(demo: Repo, tmp_path: Path) -> None:
    shared = Repo(tmp_path / "shared" / "demo")
    demo.git("clone", "--quiet", "--shared", demo.path, shared.path)
    has_both(updated(shared))


@pytest.mark.parametrize("place", ["with space", "co:lon", 'quo"te', "文", "back\\slash"])
def test_a_repository_in_a_folder_of_any_name(demo: Repo, tmp_path: Path, place: str) -> None:
    moved = Repo(tmp_path / place / "demo")
    moved.path.parent.mkdir()
    demo.path.rename(moved.path)
    has_both(updated(moved))


def test_a_repository_with_sha256(source: Repo, tmp_path: Path) -> None:
    repo = project(source, tmp_path / "demo", options=("--object-format=sha256",))
    repo.commit({"a.txt": edited(15, "ours")})
    has_both(updated(repo))
    assert len(repo.head) == 64
    release(source, "v1.2.0", {"tree/new/d.txt": "d\n"})
    assert updated(repo).has("new/d.txt")


def test_a_template_with_sha256(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL, NEXT, options=("--object-format=sha256",))
    repo = project(source, tmp_path / "demo").commit({"a.txt": edited(15, "ours")})
    has_both(updated(repo))


@pytest.mark.parametrize("index", ["sparse", "full"])
def test_a_sparse_checkout(source: Repo, tmp_path: Path, index: str) -> None:
    repo = monorepo(tmp_path / "mono", source, "one", "two")
    argv = (
        "sparse-checkout",
        "set",
        "--cone",
        f"--{'' if index == 'sparse' else 'no-'}sparse-index",
    )
    repo.git(*argv, "one")
    assert not repo.has("two")
    one = Repo(repo.path / "one")
    one.write({"a.txt": edited(15, "ours")}).git("commit", "--quiet", "--all", "--message", "ours")
    before = rest(repo, "one/")
    has_both(updated(one))
    assert rest(repo, "one/") == before
    assert not repo.has("two")


def test_a_sparse_checkout_that_leaves_out_what_the_update_changes(demo: Repo) -> None:
    demo.git("sparse-checkout", "set", "--no-cone", "/*", "!/a.txt", "!/new")
    assert not demo.has("a.txt")
    updated(demo)
    assert demo.git("cat-file", "-p", "HEAD:a.txt") == edited(3, "theirs", of=edited(15, "ours"))
    assert demo.git("cat-file", "-p", "HEAD:new/c.txt") == "c\n"
    assert not demo.has("a.txt")


def test_packed_and_repacked(demo: Repo) -> None:
    updated(demo)
    demo.git("gc", "--quiet", "--prune=now")
    mlfactory("update", demo.path, "--to", "v1.0.0")
    assert demo.text("a.txt") == edited(15, "ours")


def test_called_from_a_hook_of_another_repository(demo: Repo, tmp_path: Path) -> None:
    other = init(tmp_path / "other").commit({"x": "x\n"})
    env = {"GIT_DIR": str(other.path / ".git"), "GIT_INDEX_FILE": str(other.path / ".git/index")}
    mlfactory("update", demo.path, **env)
    has_both(demo)
