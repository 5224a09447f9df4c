"""A fleet of cruft's projects, whose record has whole commits: it goes the same ways as others."""

from __future__ import annotations

import json
from pathlib import Path

from .evolving import TEXT, Repo, edited, init, mlfactory
from .test_fleet import Ground, git
from .test_fleet_apply import BRANCH, file_at, merge, refs, run

HOME = "templates/one"
INNER = f"{HOME}/{{{{cookiecutter.slug}}}}"


def origin(ground: Ground, template: Repo, name: str, code: str) -> Path:
    record = {
        "template": str(template.path), "commit": template.head, "checkout": None,
        "directory": HOME, "context": {"cookiecutter": {"slug": name}},
    }  # fmt: skip
    work = init(ground.path / "work" / name)
    work.commit({"a.txt": TEXT, "src/m.py": "x = 1\n", ".cruft.json": json.dumps(record)})
    work.commit({"src/m.py": code})
    git("clone", "--quiet", "--bare", work.path, bare := ground.path / f"origins/{name}.git")
    return bare


def test_from_status_to_the_way_back(tmp_path: Path) -> None:
    template = init(tmp_path / "template")
    template.commit({f"{HOME}/cookiecutter.json": '{"slug": "demo"}'})
    template.commit({f"{INNER}/a.txt": TEXT, f"{INNER}/src/m.py": "x = 1\n"})
    ground = Ground(tmp_path, template)
    first, second = (origin(ground, template, name, "x = 2\n") for name in ("first", "second"))
    old = template.head
    template.commit({f"{INNER}/a.txt": edited(3, "theirs")})
    ground.write(
        "groups: [pilot]\nrepositories:\n- {path: origins/first.git, group: pilot}\n"
        "- path: origins/second.git\n"
    )
    run(ground, "plan")
    run(ground, "apply", "--push", code=4)
    merge(ground, "first")
    results = run(ground, "apply", "--push", "--resume")
    assert [one["state"] for one in results.values()] == ["merged", "updated"]
    assert ground.status("second")["repositories"][0]["proposal"] == "open"
    request = git("log", "-1", "--format=%B", f"refs/mlfactory/requests/{BRANCH}", cwd=second)
    assert f"From {old[:7]} to {template.head[:7]} of the template" in request
    run(ground, "revert", "first", "--push")
    assert json.loads(file_at(first, f"{BRANCH}-revert", ".cruft.json"))["commit"] == old
    assert f"refs/heads/{BRANCH}" in refs(second)
    said = mlfactory("fleet", "learn", "--patch", "lessons.patch", cwd=tmp_path).stderr
    assert f"git apply {tmp_path}/lessons.patch" in said
    template.git("apply", tmp_path / "lessons.patch")
    assert template.text(f"{INNER}/src/m.py") == "x = 2\n"
    none = mlfactory("fleet", "learn", "first", "--patch", "none.patch", cwd=tmp_path).stderr
    assert "there is nothing to draft, so that none.patch is not written" in none
    assert not (tmp_path / "none.patch").exists()
