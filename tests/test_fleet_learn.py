"""`mlfactory fleet learn`: what several have changed becomes the template's, not theirs."""

from __future__ import annotations

import json
from pathlib import Path

from mlfactory.fleet.hunks import Hunk, hunks, transplant

from .evolving import SMALL, TEXT, Repo, edited, mlfactory, project, release, template
from .test_fleet import Ground, ground

__all__ = ["ground"]


def test_what_several_have_changed_is_taken_into_the_template(ground: Ground) -> None:
    ours = {"a.txt": edited(12, "a better line"), "b.txt": "demo!\n"}
    ground.origin("north", ours)
    ground.origin("south", {**ours, "a.txt": edited(18, "more", edited(12, "a better line"))})
    ground.origin("west", {"a.txt": edited(12, "a better linE")})
    ground.origin("torn", {"a.txt": edited(13, "other", edited(12, "something else"))})
    ground.origin("plain")
    names = ("north", "south", "west", "torn", "plain")
    rows = "".join(f"- {{path: origins/{name}.git, owner: {name}-team}}\n" for name in names)
    ground.write(f"repositories:\n{rows}")
    argv = ("fleet", "learn", "--json", "--patch", "lessons.patch")
    result = mlfactory(*argv, cwd=ground.path)
    content = json.loads(result.stdout)
    first, second = content["lessons"]
    assert (first["path"], first["new"]) == ("a.txt", ["a better line\n"])
    assert (first["members"], first["similar"]) == (["north", "south"], ["west"])
    assert (first["authors"], first["owners"]) == (["Tester"], ["north-team", "south-team"])
    assert (first["clean"], first["breaks"]) == (["north"], ["torn", "west"])
    assert second["path"] == "b.txt"
    assert "made from answers" in second["obstacle"]
    source = Repo(ground.path / "template")
    source.git("apply", ground.path / "lessons.patch")
    assert source.text("tree/a.txt") == edited(12, "a better line", edited(3, "theirs"))
    release(source, "v1.2.0", {})
    status = {row["name"]: row for row in ground.status()["repositories"]}
    conflicts = {
        n for n, row in status.items() if any(c["path"] == "a.txt" for c in row["conflicts"])
    }
    assert conflicts == {"torn", "west"}  # as it was foreseen
    text = mlfactory("fleet", "learn", cwd=ground.path).stdout
    assert text.startswith("b.txt: 2 of 5: north, south\n")  # the other is learned


def test_an_edit_is_the_same_under_any_name(tmp_path: Path) -> None:
    """The template has renamed the file, and so has a project; what the newest version has already
    is nothing to learn."""
    after = {"tree/a.txt": None, "tree/docs/d ö.txt": edited(3, "theirs")}
    source = template(tmp_path / "template", SMALL, after)
    old = Ground(tmp_path, project(source, tmp_path / "one"))
    new = Ground(tmp_path, project(source, tmp_path / "two", "v1.1.0"))
    ours = edited(12, "a better line", edited(3, "theirs"))
    old.origin("north", {"a.txt": ours})
    old.origin("south", {"a.txt": None, "own/mine.txt": ours})
    new.origin("west", {"docs/d ö.txt": edited(12, "a better line", edited(3, "theirs"))})
    rows = "".join(f"- path: origins/{name}.git\n" for name in ("north", "south", "west"))
    old.write(f"repositories:\n{rows}")
    result = mlfactory("fleet", "learn", "--json", "--patch", "lessons.patch", cwd=tmp_path)
    (one,) = json.loads(result.stdout)["lessons"]
    assert (one["path"], one["new"]) == ("docs/d ö.txt", ["a better line\n"])
    assert one["members"] == one["clean"] == ["north", "south", "west"]
    assert (one["authors"], one["obstacle"]) == (["Tester"], "")
    source.git("apply", tmp_path / "lessons.patch")
    assert source.text("tree/docs/d ö.txt") == ours


def test_a_file_that_several_have_removed_is_told(ground: Ground) -> None:
    for name in ("north", "south"):
        ground.origin(name, {"a.txt": None})
    ground.origin("west", {"a.txt": edited(12, "a better line")})
    ground.origin("plain")
    names = ("north", "south", "west", "plain")
    ground.write("".join(["repositories:\n", *(f"- path: origins/{n}.git\n" for n in names)]))
    argv = ("fleet", "learn", "--json", "--patch", "lessons.patch")
    (one,) = json.loads(mlfactory(*argv, cwd=ground.path).stdout)["lessons"]
    assert (one["path"], one["old"], one["new"]) == ("a.txt", [], [])
    assert (one["members"], one["authors"]) == (["north", "south"], ["Tester"])
    assert "they have removed the file" in one["obstacle"]
    assert (one["clean"], one["breaks"]) == (["north", "south"], ["west"])
    assert not (ground.path / "lessons.patch").exists()
    assert "they have removed the file" in mlfactory("fleet", "learn", cwd=ground.path).stdout


def test_a_hunk_is_the_same_wherever_it_is() -> None:
    (one,) = hunks(TEXT, edited(5, "new"))
    (two,) = hunks(f"first\n{TEXT}", f"first\n{edited(5, '  new')}")
    assert one.key == two.key
    assert transplant(one, f"first\n{TEXT}") == f"first\n{edited(5, 'new')}"
    assert transplant(one, TEXT + TEXT) is None
    (added,) = hunks("a\nb\n", "a\nx\nb\n")
    assert added == Hunk((), ("x\n",), "a\n", "b\n", 2)
    assert transplant(added, "0\na\nb\n") == "0\na\nx\nb\n"
    assert transplant(added, "a\n\nb\n") is None


def test_other_line_ends_hide_no_edit_and_are_none() -> None:
    windows = TEXT.replace("\n", "\r\n")
    assert list(hunks(TEXT, windows)) == []
    assert list(hunks(TEXT, edited(5, "new").replace("\n", "\r\n"))) == list(
        hunks(TEXT, edited(5, "new"))
    )
    (back,) = hunks(windows, TEXT)
    assert len(back.old) == len(TEXT.splitlines())
