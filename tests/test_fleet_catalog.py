"""`mlfactory fleet catalog`: tags, the branch `status`, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from .evolving import Repo, mlfactory
from .test_fleet import Ground, git, ground

__all__ = ["ground"]
FEATURES = "columns:\n  plan: {role: categorical, source: crm}\n  id: {role: identifier}\n"


def factory(ground: Ground, name: str) -> Repo:
    """A factory with two versions, of which the second went to production and was taken back."""
    files: dict[str, str | None] = {
        "pyproject.toml": f'[project]\nname = "{name}"\n', "features.yaml": FEATURES,
    }  # fmt: skip
    origin = ground.origin(name, files)
    work = Repo(ground.path / "work" / name)
    for number in (1, 2):
        work.commit({"model.txt": f"{number}\n"})
        work.git("tag", "-a", "-m", "{}", f"{name}@v1.{number}.0")
        work.git("tag", "-a", "-m", "{}", f"{name}#prod#{number}")
    work.git("tag", "-a", "-m", "{}", f"{name}#prod#3", "HEAD^")
    work.git("tag", "-a", "-m", "{}", f"{name}#staging#4")
    work.git("tag", f"{name}#prod#9")  # not annotated: no promotion of anybody's
    work.git("push", "--quiet", "--tags", origin, "main")
    return work


def publish(work: Repo, origin: Path, content: object) -> None:
    work.git("checkout", "--quiet", "--orphan", "status")
    work.git("rm", "--quiet", "-r", "--force", ".")
    work.commit({"catalog.json": json.dumps(content)})
    work.git("push", "--quiet", origin, "status")


def test_production_is_what_the_tags_say(ground: Ground) -> None:
    north, south = factory(ground, "north"), factory(ground, "south")
    ground.origin("none")
    commit = git("rev-list", "-1", "north@v1.1.0", cwd=north.path).strip()
    stage = {
        "commit": commit, "version": "v1.1.0", "forced": True, "why": "urgent", "data": "ab12",
        "metrics": {"auc": {"value": 0.81, "low": 0.78, "high": 0.84}},
    }  # fmt: skip
    drift = {"status": "alarm", "time": "2026-11-01T00:00:00+00:00"}
    publish(north, ground.path / "origins/north.git", {"stages": {"prod": stage}, "drift": drift})
    publish(south, ground.path / "origins/south.git", ["<script>", {"stages": 7}])
    names = "".join(f"- path: origins/{name}.git\n" for name in ("north", "south", "none"))
    ground.write(f"repositories:\n{names}")
    argv = ("fleet", "catalog", "--html", "page.html", "--json")
    content = json.loads(mlfactory(*argv, cwd=ground.path).stdout)
    one, two, none = content["entries"]
    assert (one["model"]["version"], two["model"]["version"]) == ("v1.1.0", "v1.1.0")
    assert (one["model"]["forced"], one["model"]["why"]) == (True, "urgent")
    assert one["health"]["state"] == "alarm"
    assert one["model"]["metrics"] == [{"name": "auc", "value": 0.81, "low": 0.78, "high": 0.84}]
    assert (two["health"]["state"], none["model"]) == ("", None)
    (shared,) = content["shared"]
    assert shared == {"feature": "plan", "members": ["north", "south"], "sources": ["crm"]}
    text = mlfactory("fleet", "catalog", cwd=ground.path).stdout
    assert "auc 0.81 (0.78 to 0.84)" in text
    assert "forced" in (ground.path / "page.html").read_text()
