"""`mlfactory fleet resolve`: one resolution for all that have the same conflict."""

from __future__ import annotations

import json
from pathlib import Path

from .evolving import edited, mlfactory
from .test_fleet import Ground, git, ground
from .test_fleet_apply import BRANCH, file_at, run

__all__ = ["ground"]


def waiting(ground: Ground) -> Path:
    (file,) = (ground.path / "resolutions").glob("*-a.txt")
    return file


def test_the_same_conflict_is_resolved_once_and_shown_first(ground: Ground) -> None:
    north = ground.origin("north", {"a.txt": edited(3, "ours")})
    south = ground.origin("south", {"a.txt": edited(15, "more", edited(3, "ours"))})
    ground.origin("west", {"a.txt": edited(3, "another")})
    names = "".join(f"- path: origins/{name}.git\n" for name in ("north", "south", "west"))
    ground.write(f"repositories:\n{names}")
    run(ground, "plan", code=4)
    plan = (ground.path / "fleet-plan.json").read_text()
    result = mlfactory("fleet", "resolve", cwd=ground.path, code=4)
    assert "a.txt: north, south\n" in result.stdout
    assert "nothing is resolved yet" in result.stdout
    first, second = sorted((ground.path / "resolutions").glob("*-a.txt"))
    file = first if "ours\n" in first.read_text() else second
    text = file.read_text()
    marks = text[text.index("<<<<<<<") : text.index("\n", text.index(">>>>>>>")) + 1]
    file.write_text(text.replace(marks, "both\n"))
    result = mlfactory("fleet", "resolve", cwd=ground.path, code=4)
    assert "    +both\n" in result.stdout
    assert "resolved: north, south; into the plan with: --use" in result.stdout
    assert (ground.path / "fleet-plan.json").read_text() == plan  # it is shown before it is used
    mlfactory("fleet", "resolve", "--use", cwd=ground.path, code=4)
    results = run(ground, "apply", "--push", code=4)
    assert {n: one["state"] for n, one in results.items()} == {
        "north": "updated",
        "south": "updated",
        "west": "conflict",
    }
    assert file_at(north, BRANCH, "a.txt") == edited(3, "both")
    assert file_at(south, BRANCH, "a.txt") == edited(15, "more", edited(3, "both"))
    assert file_at(south, BRANCH, "c.txt") == "new\n"
    request = git("log", "-1", "--format=%B", f"refs/mlfactory/requests/{BRANCH}", cwd=south)
    assert "a conflict was resolved as in other repositories" in request
    run(ground, "plan", code=4)  # what is remembered holds for the next plan, too
    result = mlfactory("fleet", "resolve", cwd=ground.path, code=4)
    assert "resolved: north, south" in result.stdout
    argv = ("fleet", "resolve", "south", "--folder", "own")  # which needs another one
    mlfactory(*argv, cwd=ground.path, code=4)
    (file,) = (ground.path / "own").glob("*-a.txt")
    file.write_text(edited(15, "more", edited(3, "south's own")))
    mlfactory(*argv, "--use", cwd=ground.path, code=0)
    mlfactory("fleet", "resolve", "north", "--use", cwd=ground.path, code=0)
    steps = json.loads((ground.path / "fleet-plan.json").read_text())["steps"]
    assert [step["action"] for step in steps] == ["update", "update", "conflict"]
    said = mlfactory("fleet", "resolve", "north", cwd=ground.path, code=2).stderr
    assert "the plan has no conflict in north" in said


def test_what_only_one_side_has_is_nothing_to_share(ground: Ground) -> None:
    ground.origin("north", {"c.txt": "ours\n"})
    ground.write("repositories:\n- path: origins/north.git\n")
    run(ground, "plan", code=4)
    result = mlfactory("fleet", "resolve", cwd=ground.path, code=4)
    assert (
        "c.txt: north\n  only one side has the file: mlfactory update, in a clone" in result.stdout
    )
