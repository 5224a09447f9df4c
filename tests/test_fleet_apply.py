"""`mlfactory fleet plan`, `apply` and `revert` on real bare repositories: nothing lost or twice."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base import lock

from .evolving import SMALL, Repo, edited, mlfactory, release
from .test_fleet import RECORD, Ground, git, ground
from .waiting import has_ended, until

__all__ = ["ground"]
BRANCH = "mlfactory/update"
REQUEST = f"refs/mlfactory/requests/{BRANCH}"
ASKED = str(SMALL["copier.yml"]) + "cost: {type: str}\nregion: {type: str, default: us}\n"


def refs(origin: Path) -> dict[str, str]:
    rows = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=origin).splitlines()
    return dict(row.split(" ") for row in rows)


def file_at(origin: Path, revision: str, name: str) -> str:
    return git("show", f"{revision}:{name}", cwd=origin)


def run(ground: Ground, *argv: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """What a command says of each repository."""
    content = json.loads(
        mlfactory("fleet", argv[0], "--json", *argv[1:], cwd=ground.path, code=code).stdout
    )
    return {row["name"]: row for row in content.get("repositories", content.get("steps"))}


def merge(ground: Ground, name: str) -> None:
    """A person merges a proposal, after more work."""
    work = Repo(ground.path / "merge" / name)
    git("clone", "--quiet", ground.path / "origins" / f"{name}.git", work.path)
    work.commit({"more.txt": "meanwhile\n"})
    work.git("merge", "--quiet", "--no-edit", f"origin/{BRANCH}")
    work.git("push", "--quiet", "origin", "HEAD")


def test_a_plan_is_applied_wave_by_wave_and_taken_back(ground: Ground) -> None:
    first, second, torn = (ground.origin(name) for name in ("first", "second", "torn"))
    Repo(ground.path / "work/torn").commit({"a.txt": edited(3, "ours")}).git(
        "push", "--quiet", torn, "main"
    )
    ground.write(
        "groups: [pilot]\nrepositories:\n- path: origins/second.git\n- path: origins/torn.git\n"
        "- {path: origins/first.git, group: pilot}\n"
    )
    steps = run(ground, "plan", code=4)
    assert {n: step["action"] for n, step in steps.items()} == {
        "first": "update",
        "second": "update",
        "torn": "conflict",
    }
    assert list(steps) == ["first", "second", "torn"]  # in the order of the waves
    before = refs(first)
    rehearsal = run(ground, "apply", code=4)
    assert [one["state"] for one in rehearsal.values()] == ["updated", "updated", "conflict"]
    assert refs(first) == before
    results = run(ground, "apply", "--push", code=4)
    assert [one["state"] for one in results.values()] == ["updated", "waiting", "waiting"]
    assert "1 of the waves before are not merged yet: first" in results["second"]["note"]
    assert file_at(first, BRANCH, "c.txt") == "new\n"
    assert git("log", "-1", "--format=%cn %an", BRANCH, cwd=first) == "mlfactory Tester\n"
    text = git("log", "-1", "--format=%B", f"refs/mlfactory/requests/{BRANCH}", cwd=first)
    assert text.startswith("Update first from v1.0.0 to v1.1.0\n\nFrom v1.0.0 to v1.1.0")
    assert "    added         c.txt" in text
    after = refs(first)
    run(ground, "apply", "--push", code=4)  # nothing is done twice
    assert refs(first) == after
    merge(ground, "first")
    results = run(ground, "apply", "--push", "--resume", code=4)
    assert [one["state"] for one in results.values()] == ["merged", "updated", "conflict"]
    assert f"refs/heads/{BRANCH}" in refs(second)
    assert f"refs/heads/{BRANCH}" not in refs(torn)
    again = run(ground, "plan", "second", "first")
    assert {n: one["action"] for n, one in again.items()} == {
        "first": "current",
        "second": "update",
    }
    run(ground, "plan", code=4)
    run(ground, "apply", "--push", code=4)
    assert refs(second)[f"refs/heads/{BRANCH}"] == results["second"]["commit"]


def test_revert_closes_what_is_open_and_proposes_the_way_back(ground: Ground) -> None:
    open_one, merged = ground.origin("open"), ground.origin("merged")
    ground.write("repositories:\n- path: origins/open.git\n- path: origins/merged.git\n")
    before = refs(open_one)
    run(ground, "plan")
    run(ground, "apply", "--push")
    merge(ground, "merged")
    assert {n: r["state"] for n, r in run(ground, "revert").items()} == {
        "open": "closed",
        "merged": "updated",
    }
    assert len(refs(open_one)) == len(before) + 2
    run(ground, "revert", "fleet-plan.json", "--push")
    assert refs(open_one) == before
    back = f"{BRANCH}-revert"
    assert "_commit: v1.0.0" in file_at(merged, back, ".copier-answers.yml")
    assert file_at(merged, back, "more.txt") == "meanwhile\n"
    assert "c.txt" not in git("ls-tree", "--name-only", back, cwd=merged)


def test_whatever_became_of_it_is_taken_back_or_told(ground: Ground) -> None:
    """What somebody resolved goes, too; a record that was edited since hides nothing."""
    torn = ground.origin("torn", {"a.txt": edited(3, "ours")})
    touched, later, gone = (ground.origin(name) for name in ("touched", "later", "gone"))
    rows = [f"- path: origins/{name}.git\n" for name in ("torn", "touched", "later", "gone")]
    file = ground.write("".join(("repositories:\n", *rows)))
    run(ground, "plan", code=4)
    run(ground, "apply", "--push", "--drafts", code=4)
    merge(ground, "touched")
    (person := Repo(ground.path / "merge/touched")).commit({RECORD: f"{person.text(RECORD)}x: 1\n"})
    person.git("push", "--quiet", "origin", "HEAD")
    git("clone", "--quiet", torn, ground.path / "merge/torn")
    work = Repo(ground.path / "merge/torn")
    work.git("merge", "--quiet", "--no-ff", "--no-commit", f"origin/{BRANCH}")
    work.commit({"a.txt": edited(3, "both")}).git("push", "--quiet", "origin", "HEAD")
    other = Repo(ground.path / "work/later")
    other.commit({RECORD: other.text(RECORD).replace("v1.0.0", "v1.2.0")})
    other.git("push", "--quiet", later, "main")
    file.write_text("".join(("repositories:\n", *rows[:3])))
    run(ground, "revert", "torn", "--push")
    results = run(ground, "revert", "--push", code=4)
    assert {name: (one["state"], one["note"]) for name, one in results.items()} == {
        "torn": ("updated", ""),
        "touched": ("updated", ""),
        "later": ("refused", "main has v1.2.0 by now, and not v1.1.0"),
        "gone": ("refused", "fleet.yml no longer names it"),
    }
    back = f"{BRANCH}-revert"
    assert file_at(torn, back, "a.txt") == edited(3, "ours")
    assert "_commit: v1.0.0" in (record := file_at(touched, back, RECORD))
    assert record.endswith("x: 1\n")
    assert refs(gone).keys() == {"refs/heads/main", f"refs/heads/{BRANCH}", REQUEST}


def test_nothing_of_a_person_is_overwritten(ground: Ground) -> None:
    origin = ground.origin("churn")
    ground.write("repositories:\n- path: origins/churn.git\n")
    run(ground, "plan")
    run(ground, "apply", "--push")
    person = Repo(ground.path / "person")
    git("clone", "--quiet", "--branch", BRANCH, origin, person.path)
    person.commit({"c.txt": "better\n"}).git("push", "--quiet", "origin", BRANCH)
    before = refs(origin)
    (result,) = run(ground, "apply", "--push", code=4).values()
    assert result["state"] == "refused"
    assert "changed by a person" in result["note"]
    (step,) = run(ground, "plan", code=4).values()
    assert step["action"] == "refused"
    (row,) = ground.status()["repositories"]
    assert (row["proposal"], row["branch"]) == ("changed by a person", BRANCH)
    person.git("push", "--quiet", "origin", f"{BRANCH}:renovate/template", f":{BRANCH}")
    (step,) = run(ground, "plan", code=4).values()
    assert step["reason"] == "renovate/template is open elsewhere"
    assert refs(origin).keys() - before.keys() == {"refs/heads/renovate/template"}


def test_what_fails_is_told_and_tried_again(ground: Ground) -> None:
    origins = {name: ground.origin(name) for name in ("closed", "moved", "ready")}
    hook = origins["closed"] / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'protected branch' >&2\nexit 1\n")
    hook.chmod(0o755)
    names = "".join(f"- path: origins/{name}.git\n" for name in origins)
    ground.write(f"repositories:\n{names}")
    run(ground, "plan")
    work = Repo(ground.path / "work/moved")
    work.commit({"own.txt": "newer\n"}).git("push", "--quiet", origins["moved"], "main")
    results = run(ground, "apply", "--push", code=4)
    assert {n: one["state"] for n, one in results.items()} == {
        "closed": "push-failed",
        "moved": "refused",
        "ready": "updated",
    }
    assert "protected branch" in results["closed"]["note"]
    assert "has moved since the plan" in results["moved"]["note"]
    hook.unlink()
    before = refs(origins["ready"])
    results = run(ground, "apply", "--push", "--only", "failed", code=4)
    assert [one["state"] for one in results.values()] == ["updated", "refused", "updated"]
    assert refs(origins["ready"]) == before


def test_a_clone_without_an_origin_is_never_pushed_into(ground: Ground) -> None:
    before = ground.one.everything()
    ground.write("repositories:\n- path: one\n")
    run(ground, "plan")
    (result,) = run(ground, "apply", "--push", code=4).values()
    assert result["state"] == "push-failed"
    assert "is somebody's clone" in result["note"]
    assert ground.one.everything() == before


def test_the_same_edit_is_one_conflict_of_many(ground: Ground) -> None:
    for name, text in (("north", "ours"), ("south", "ours"), ("west", "another")):
        ground.origin(name, {"a.txt": edited(3, text)})
    ground.write("".join(["repositories:\n", *(
        f"- path: origins/{name}.git\n" for name in ("north", "south", "west")
    )]))  # fmt: skip
    result = mlfactory("fleet", "plan", cwd=ground.path, code=4).stdout
    groups = [line.split("): ")[1] for line in result.splitlines() if line.startswith("  a.txt")]
    assert groups == ["north, south", "west"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{}", "is no plan of a fleet"), ('{"format": 9}', "is of format 9"), ("[", "is no plan")],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "fleet-plan.json").write_text(text)
    assert message in mlfactory("fleet", "apply", cwd=tmp_path, code=1).stderr


def test_any_change_is_proposed_to_those_that_it_changes(ground: Ground) -> None:
    first, second = ground.origin("first"), ground.origin("second", {"a.txt": "done\n"})
    third = ground.origin("third", {"b.txt": None})
    ground.write("repositories:\n" + "".join(f"- path: {p}\n" for p in (first, second, third)))
    script = "test -f b.txt && printf 'done\\n' > a.txt"
    argv = ("run", "--branch", "tidy", "--push", "--", "sh", "-c", script)
    results = run(ground, *argv, code=4)
    assert [one["state"] for one in results.values()] == ["updated", "current", "refused"]
    assert file_at(first, "tidy", "a.txt") == "done\n"
    assert git("log", "-1", "--format=%s %cn", "tidy", cwd=first).endswith(" mlfactory\n")
    before = [refs(origin) for origin in (first, second, third)]
    assert all("refs/heads/tidy" not in one for one in before[1:])
    run(ground, *argv, code=4)
    assert [refs(origin) for origin in (first, second, third)] == before


def test_a_command_that_hangs_is_ended_with_all_it_started(ground: Ground) -> None:
    """And one that leaves something behind is over when it is itself."""
    for name in ("leaves", "fails"):
        ground.origin(name)
    ground.write("repositories:\n- path: origins/leaves.git\n- path: origins/fails.git\n")
    pids = ground.path / "pids"
    argv = ("run", "--branch", "fix", "--timeout", "1", "--", "sh", "-c")
    results = run(ground, *argv, f"sleep 3000 & echo $! >> {pids}\nwait", code=4)
    assert {one["note"] for one in results.values()} == {"the command did not end within 1 s"}
    script = f"sleep 3000 & echo $! >> {pids}; grep fails own.txt && exit 3; echo more >> own.txt"
    results = run(ground, "run", "--branch", "fix", "--", "sh", "-c", script, code=4)
    assert results["fails"]["note"].startswith("the command ended with code 3: fails\n")
    assert results["leaves"]["state"] == "updated"
    for pid in map(int, pids.read_text().split()):
        until(partial(has_ended, pid))


def test_whatever_was_killed_is_gone_on_with(ground: Ground) -> None:
    origin = ground.origin("churn")
    ground.write("repositories:\n- path: origins/churn.git\n")
    run(ground, "plan")
    plan = (ground.path / "fleet-plan.json").read_text()
    with lock.hold(ground.path / "fleet-plan.lock", "another", "it"):
        assert "is being worked on by `another`" in mlfactory(
            "fleet", "apply", "--push", cwd=ground.path, code=1
        ).stderr  # fmt: skip
    shutil.rmtree(Path(os.environ["HOME"]) / ".cache/mlfactory/fleet")  # as on another machine
    run(ground, "apply", "--push")
    tree = json.loads(plan)["steps"][0]["tree"]
    assert git("rev-parse", f"{BRANCH}^{{tree}}", cwd=origin).strip() == tree
    pushed = refs(origin)
    (ground.path / "fleet-plan.state.json").unlink()  # it was pushed, and nobody wrote it down
    (result,) = run(ground, "apply", "--push").values()
    assert (result["state"], result["commit"]) == ("updated", pushed[f"refs/heads/{BRANCH}"])
    git("update-ref", "-d", f"refs/mlfactory/requests/{BRANCH}", cwd=origin)
    run(ground, "apply", "--push")  # only the request was missing
    assert refs(origin) == pushed


def test_settings_of_the_file_are_kept_to(ground: Ground) -> None:
    release(
        Repo(ground.path / "template"), "v1.2.0",
        {"copier.yml": ASKED,
         "tree/region.txt.jinja": "{{ region }}\n", "tree/cost.txt.jinja": "{{ cost }}\n"},
    )  # fmt: skip
    origins = {name: ground.origin(name) for name in ("plain", "own", "pinned")}
    git("branch", "--move", "main", "trunk", cwd=origins["plain"])  # renamed default branch
    ground.write(
        "answers: {region: eu, cost: '4711'}\nrepositories:\n- path: origins/plain.git\n"
        "- {path: origins/own.git, answers: {region: asia, name: ours}}\n"
        "- {path: origins/pinned.git, pin: v1.1.0}\n"
    )
    steps = run(ground, "plan")
    assert [step["to_version"] for step in steps.values()] == ["v1.2.0", "v1.2.0", "v1.1.0"]
    assert (steps["plain"]["base"], steps["plain"]["questions"]) == ("trunk", {})
    run(ground, "apply", "--push")
    assert file_at(origins["plain"], BRANCH, "region.txt") == "eu\n"
    assert file_at(origins["own"], BRANCH, "cost.txt") == "4711\n"  # which has no default
    assert file_at(origins["own"], BRANCH, "region.txt") == "asia\n"
    assert file_at(origins["own"], BRANCH, "b.txt") == "ours\n"
    assert "region" not in file_at(origins["pinned"], BRANCH, ".copier-answers.yml")
    for answers, action, reason, questions in (
        ("{}", "refused", "the template asks cost: answer it under `answers` in fleet.yml", {}),
        ("{cost: '1'}", "update", "", {"region": "us"}),
    ):
        ground.write(f"answers: {answers}\nrepositories:\n- path: origins/plain.git\n")
        (step,) = run(ground, "plan", code=4 if reason else 0).values()
        assert (step["action"], step["reason"], step["questions"]) == (action, reason, questions)


def test_a_lock_that_cannot_be_renewed_is_told(ground: Ground) -> None:
    release(Repo(ground.path / "template"), "v1.2.0", {"tree/pyproject.toml": "[project]\n"})
    origin = ground.origin("churn", {"uv.lock": "version = 1\n"})
    ground.write("repositories:\n- path: origins/churn.git\n")
    run(ground, "plan")
    (result,) = run(ground, "apply", "--push").values()
    assert result["note"].startswith("uv.lock is not renewed: the template is not mlfactory's own")
    assert file_at(origin, BRANCH, "uv.lock") == "version = 1\n"


def test_checks_before_and_after_make_a_draft_of_what_breaks(ground: Ground) -> None:
    first, _ = ground.origin("first"), ground.origin("second", {"c2.txt": "x\n"})
    ground.write(
        "check: sh -c 'echo ran >> ../../ran; test ! -f c.txt && test ! -f c2.txt'\n"
        "repositories:\n- path: origins/first.git\n- path: origins/second.git\n"
    )
    run(ground, "plan")
    results = run(ground, "apply")  # nobody trusts them
    assert {one["checks"] for one in results.values()} == {""}
    results = run(ground, "apply", "--push", "--trust", code=4)
    assert (results["first"]["state"], results["first"]["checks"]) == ("updated", "failed")
    assert "ends with code 1" in results["first"]["failures"][0]
    assert results["second"]["checks"] == "passed"  # it failed before, too
    assert results["second"]["note"] == "the check fails before the update, too"
    text = git("log", "-1", "--format=%B", f"refs/mlfactory/requests/{BRANCH}", cwd=first)
    assert text.startswith("Draft: Update first")
    assert "Checks that passed before the update fail after it:" in text
    before = refs(first)
    again = run(ground, "apply", "--push", "--trust", "--stop-at", "1", code=4)
    assert again["first"]["failures"] == results["first"]["failures"]
    assert refs(first) == before
