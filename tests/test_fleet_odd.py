"""Repositories as people have them: what is odd about one is said of it, and keeps nobody back."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.template import mirror

from .evolving import Repo, init
from .test_fleet import RECORD, Ground, git, ground
from .test_fleet_apply import BRANCH, file_at, refs, run

__all__ = ["ground"]


def clone(ground: Ground, origin: Path, name: str, *options: str) -> Repo:
    folder = ground.path / "clones" / name
    git("clone", "--quiet", *options, origin, folder)
    return Repo(folder)


def entries(ground: Ground, *rows: str) -> None:
    ground.write("repositories:\n" + "".join(f"- {{{row}}}\n" for row in rows))


def test_the_remote_that_counts_is_pushed_to(ground: Ground) -> None:
    """Whatever somebody calls it; of several without an `origin` that of their branch."""
    north, south, fork = (ground.origin(name) for name in ("north", "süd (alt)", "fork"))
    clone(ground, north, "north", "--origin", "upstream")
    clone(ground, south, "south", "--origin", "upstream").git("remote", "add", "fork", fork)
    lost = clone(ground, fork, "lost", "--origin", "upstream")
    lost.git("remote", "add", "fork", fork)
    lost.git("checkout", "--quiet", "--detach")
    twin = clone(ground, north, "twin")
    entries(ground, *(f"path: clones/{name}" for name in ("north", "south", "lost", "twin")))
    before = twin.everything(), lost.everything()
    run(ground, "plan", code=4)
    results = run(ground, "apply", "--push", code=4)
    assert [f"refs/heads/{BRANCH}" in refs(one) for one in (north, south, fork)] == [
        True, True, False,
    ]  # fmt: skip
    assert results["lost"]["note"].endswith(
        "has several remotes, and none is called origin: fork, upstream"
    )
    assert "it is the same repository as north: " in results["twin"]["note"]
    assert (twin.everything(), lost.everything()) == before


def test_what_is_odd_is_a_sentence(ground: Ground) -> None:
    record = (ground.one.path / RECORD).read_text()
    torn = f"_src_path: x\n<<<<<<< HEAD\n{record}=======\n{record}>>>>>>> other\n"
    ground.origin("torn", {RECORD: torn})
    ground.origin("wrong", {RECORD: f"{record}owner: 'a\n"})
    headless, part = ground.origin("headless"), ground.origin("part")
    git("symbolic-ref", "HEAD", "refs/heads/gone", cwd=headless)
    large = init(ground.path / "work/large")
    large.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", part, "models/ö")
    git("clone", "--quiet", "--bare", large.commit().path, ground.path / "origins/large.git")
    init(ground.path / "origins/empty.git", "--bare")
    names = ("torn", "wrong", "headless", "empty", "part")
    large_row = "path: origins/large.git, folder: models/ö"
    entries(ground, *(f"path: origins/{name}.git" for name in names), large_row)
    errors = [f"{row['error']}|{row['hint']}" for row in ground.status(code=1)["repositories"]]
    assert errors == [
        f"{RECORD} has git's marks of a conflict in it, in line 2|Resolve it, and commit.",
        f"{RECORD} is not YAML: found unexpected end of stream, in line 5|Mend {RECORD}.",
        "the default branch of headless is not there"
        "|It has: main. Name one of them as its `branch`.",
        "empty has no branch yet|Push something to it first.",
        "|",
        "models/ö is a submodule in it|Name the submodule's own repository instead.",
    ]


def test_a_history_that_ends_early_is_enough(ground: Ground) -> None:
    deep = ground.origin("deep")
    shallow, other = ground.path / "origins/shallow.git", ground.path / "origins/other.git"
    git("clone", "--quiet", "--bare", "--depth", "1", f"file://{deep}", shallow)
    git("clone", "--quiet", "--bare", deep, other)
    git("branch", "mlfactory", cwd=other)
    entries(ground, "path: origins/shallow.git", "path: origins/other.git")
    assert [row["behind"] for row in ground.status()["repositories"]] == [1, 1]
    git("fetch", "--quiet", "--unshallow", cwd=shallow)
    git("branch", "more", cwd=shallow)
    run(ground, "plan")
    results = run(ground, "apply", "--push", code=4)
    assert results["shallow"]["state"] == "updated"
    assert results["other"]["note"] == (
        f"{BRANCH} cannot be a branch beside mlfactory: git keeps branches as files do"
    )


def test_a_record_is_mended_by_any_command(ground: Ground) -> None:
    """Which is run where there is none that can be read, and never outside of the repository."""
    record = (ground.one.path / RECORD).read_text()
    torn = ground.origin("torn", {RECORD: record.replace("_commit", "<<<<<<< HEAD\n_commit")})
    bare, link = ground.origin("bare", {RECORD: None}), ground.path / "work/link"
    ground.origin("link")
    (link / "inner").symlink_to(ground.path)
    Repo(link).commit().git("push", "--quiet", ground.path / "origins/link.git", "main")
    link_row = "path: origins/link.git, folder: inner"
    entries(ground, "path: origins/torn.git", "path: origins/bare.git", link_row)
    script = f"pwd >> {ground.path}/places; rm -rf .git"
    results = run(ground, "run", "--branch", "mend", "--", "sh", "-c", script, code=4)
    gone = "the command has taken git's own file out of the work tree"
    assert [one["note"] for one in results.values()] == [
        gone,
        gone,
        "there is no folder inner in it",
    ]
    argv = ("run", "--branch", "mend", "--push", "--", "sh", "-c", f"sed -i '/^<<<</d' {RECORD}")
    results = run(ground, *argv, code=4)
    assert [one["state"] for one in results.values()] == ["updated", "refused", "refused"]
    assert file_at(torn, "mend", RECORD) == record
    assert refs(bare).keys() == {"refs/heads/main"}
    assert len((ground.path / "places").read_text().splitlines()) == 2


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "SILENCE", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/churn.git"
        with pytest.raises(MlfactoryError, match=r"cannot be reached: .*too slow"):
            mirror.listing_of(url, url)
