"""A fleet of mixed origin and state in three waves, with all that goes wrong: nothing is lost, and
nothing is done twice."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .evolving import SMALL, Repo, edited, init, mlfactory, project, started, template
from .forge_servers import READER, WRITER, GitHub, at_work
from .test_fleet import NEW, Ground, git
from .test_fleet_apply import BRANCH, refs
from .test_fleet_catalog import factory
from .test_fleet_forges import name_of

STATES = (
    "plain", "edited", "torn", "guarded", "fragile", "archived", "trunk", "inner", "away", "other",
)  # fmt: skip
HOOK = "#!/bin/sh\ntest -f open || { echo 'protected branch' >&2; exit 1; }\n"
CHECK = "sh -c 'if test -f fragile.txt; then ! test -f c.txt; fi'"
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Yard:
    """The ground with a forge, the repositories by name, and the commits that people had."""

    ground: Ground
    forge: GitHub
    states: dict[str, str]
    heads: dict[str, str]

    def of(self, *states: str) -> set[str]:
        return {name for name, state in self.states.items() if state in states}

    def origin(self, name: str) -> Path:
        return self.ground.path / "origins" / f"{name}.git"

    def run(self, *argv: str, code: int | None = 0, token: str = WRITER) -> Rows:
        """What a command says of each repository, by the name of that."""
        env = {name_of(self.forge): token}
        result = mlfactory(
            "fleet", argv[0], "--json", *argv[1:], cwd=self.ground.path, code=code, **env
        )
        content = json.loads(result.stdout)
        rows = content.get("repositories", content.get("steps"))
        return {row["name"].partition("/")[0]: row for row in rows}

    def main(self, name: str) -> str:
        return git("symbolic-ref", "--short", "HEAD", cwd=self.origin(name)).strip()

    def branch(self, name: str, ending: str = "") -> str:
        inner = "-models-one" if self.states[name] == "inner" else ""
        return f"{BRANCH}{inner}{ending}"


def build(place: Path, count: int, forge: GitHub) -> Yard:
    """So many repositories, as many of each state, in three waves."""
    source = template(place / "template", SMALL, NEW)
    ground = Ground(place, project(source, place / "one"))
    other = project(template(place / "template2", SMALL, NEW), place / "two")
    states = {f"r{number:02}": STATES[number % len(STATES)] for number in range(count)}
    for name, state in states.items():
        make(ground, other, name, state)
    forge.archived |= {name for name, state in states.items() if state == "archived"}
    waves = ("pilot", "early", "")
    rows = ""
    for number, (name, state) in enumerate(states.items()):
        wave = waves[number % 3]
        rows += f"- url: {forge.url}/org/{name}.git\n"
        rows += f"  group: {wave}\n" if wave else ""
        rows += "  folder: models/one\n" if state == "inner" else ""
    host = forge.url.removeprefix("http://")
    ground.write(
        f"groups: [pilot, early]\ntemplate: {source.path}\nforges: {{'{host}': github}}\npace: 0\n"
        f"check: {json.dumps(CHECK)}\nrepositories:\n{rows}"
    )
    yard = Yard(ground, forge, states, {})
    for name in states:
        yard.heads[name] = git("rev-parse", "HEAD", cwd=yard.origin(name)).strip()
    return yard


def make(ground: Ground, other: Repo, name: str, state: str) -> None:
    match state:
        case "edited":
            work = factory(ground, name)  # with a model in production
            work.commit({"a.txt": edited(15, name)})
            work.git("push", "--quiet", ground.path / f"origins/{name}.git", "main")
        case "torn":
            ground.origin(name, {"a.txt": edited(3, "ours")})
        case "fragile":
            ground.origin(name, {"fragile.txt": "x\n"})
        case "inner":
            work = init(ground.path / "work" / name)
            shutil.copytree(ground.one.path, work.path / "models/one", ignore=lambda *_: [".git"])
            work.commit({"own.txt": f"{name}\n"})
            bare = ground.path / f"origins/{name}.git"
            git("clone", "--quiet", "--bare", work.path, bare)
        case "other":
            Ground(ground.path, other).origin(name)
        case _:
            origin = ground.origin(name)
            if state == "guarded":
                (origin / "hooks").mkdir(exist_ok=True)
                (origin / "hooks/pre-receive").write_text(HOOK)
                (origin / "hooks/pre-receive").chmod(0o755)
            if state == "trunk":
                git("branch", "--move", "main", "trunk", cwd=origin)


def merge_all(yard: Yard, names: set[str], ending: str = "") -> None:
    """A person merges proposals, after more work in each."""
    for name in sorted(names):
        branch = yard.branch(name, ending)
        if f"refs/heads/{branch}" not in refs(yard.origin(name)):
            continue
        work = Repo(yard.ground.path / f"merge{ending}" / name)
        git("clone", "--quiet", yard.origin(name), work.path)
        work.commit({f"more{ending}.txt": "meanwhile\n"})
        work.git("merge", "--quiet", "--no-edit", f"origin/{branch}")
        work.git("push", "--quiet", "origin", "HEAD")
        for row in yard.forge.opened(name):
            if row["head"]["ref"] == branch:
                row |= {"state": "closed", "merged_at": "2026-01-01T00:00:00Z"}


def kill(yard: Yard, monkeypatch: pytest.MonkeyPatch, begun: Callable[[], bool]) -> None:
    """Begin to apply, and be killed as soon as something has happened."""
    monkeypatch.setenv(name_of(yard.forge), WRITER)
    argv = ("fleet", "apply", "--push", "--trust", "--stop-at", "0")
    with started(argv, yard.ground.path, begun):
        pass


def probe(yard: Yard, number: int) -> Callable[[], bool]:
    """Whether another step is done since: something written down, asked of the forge, pushed."""
    memory = yard.ground.path / "fleet-plan.state.json"
    time, calls, pushed = memory.stat().st_mtime_ns, len(yard.forge.calls), branches(yard)
    return (
        lambda: memory.stat().st_mtime_ns != time,
        lambda: len(yard.forge.calls) != calls,
        lambda: branches(yard) != pushed or len(yard.forge.calls) > calls + 1,
    )[number % 3]


def branches(yard: Yard) -> int:
    refs_of = (refs(yard.origin(name)) for name in yard.states if yard.origin(name).exists())
    return sum(any(BRANCH in ref for ref in one) for one in refs_of)


def play(place: Path, count: int, kills: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole story."""
    (place / "origins").mkdir(parents=True)
    forge = GitHub(place / "origins")
    with at_work(forge):
        yard = build(place, count, forge)
        look(yard, count // len(STATES))
        resolve(yard)
        go_wrong(yard, kills, monkeypatch)
        mend(yard)
        bring_forward(yard)
        take_back(yard)


def look(yard: Yard, share: int) -> None:
    """Status and catalog, with some out of reach."""
    for name in yard.of("away"):
        yard.origin(name).rename(yard.origin(name).with_suffix(".away"))
    content = json.loads(
        mlfactory("fleet", "status", "--json", cwd=yard.ground.path, code=1).stdout
    )
    totals = content["totals"]
    assert (totals["failed"], totals["in conflict"]) == (share, share)
    assert totals["behind"] == 9 * share
    catalog = mlfactory("fleet", "catalog", "--json", cwd=yard.ground.path, code=1)
    entries = json.loads(catalog.stdout)["entries"]
    assert sum(bool(one["model"]) for one in entries) == share
    for name in yard.of("away"):
        yard.origin(name).with_suffix(".away").rename(yard.origin(name))


def resolve(yard: Yard) -> None:
    """What all of the torn have in common is resolved once."""
    steps = yard.run("plan", code=4)
    assert {n for n, one in steps.items() if one["action"] == "conflict"} == yard.of("torn")
    refused = {n for n, one in steps.items() if one["action"] == "refused"}
    assert refused == yard.of("other")
    mlfactory("fleet", "resolve", cwd=yard.ground.path, code=4)
    (file,) = (yard.ground.path / "resolutions").glob("*-a.txt")
    file.write_text(edited(3, "both"))
    mlfactory("fleet", "resolve", "--use", cwd=yard.ground.path, code=0)


def go_wrong(yard: Yard, kills: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that only reads, repositories that went away, kills, and two runs at once."""
    for name in yard.of("away"):
        yard.origin(name).rename(yard.origin(name).with_suffix(".away"))
    results = yard.run("apply", "--push", "--stop-at", "2", code=4, token=READER)
    assert Counter(one["state"] for one in results.values())["push-failed"] >= 1
    assert yard.forge.opened("r00") == []
    for number in range(kills):
        kill(yard, monkeypatch, probe(yard, number))
    monkeypatch.setenv(name_of(yard.forge), WRITER)
    argv = ("fleet", "apply", "--push", "--trust", "--stop-at", "0")
    with yard.forge.lock, started(argv, yard.ground.path, probe(yard, 0)):  # it waits for an answer
        second = mlfactory("fleet", "apply", "--push", cwd=yard.ground.path, code=1)
        assert "is being worked on by" in second.stderr
    results = yard.run("apply", "--push", "--trust", "--stop-at", "0", code=4)
    pilot = {name for number, name in enumerate(yard.states) if number % 3 == 0}
    for name in pilot - yard.of("other"):
        expected = {"guarded": "push-failed", "archived": "push-failed", "away": "refused"}
        state = expected.get(yard.states[name], "updated")
        assert results[name]["state"] == state, (name, results[name])
        if yard.states[name] == "fragile":
            assert yard.forge.opened(name)[0]["draft"]
    later = {*yard.states} - pilot - yard.of("other")
    assert {results[name]["state"] for name in later} == {"waiting"}
    assert all(len(yard.forge.opened(name)) <= 1 for name in yard.states)


def mend(yard: Yard) -> None:
    for name in yard.of("guarded"):
        (yard.origin(name) / "open").touch()
    for name in yard.of("away"):
        yard.origin(name).with_suffix(".away").rename(yard.origin(name))
    yard.forge.archived.clear()


def bring_forward(yard: Yard) -> None:
    """Wave after wave: tried again, merged by people, then the next."""
    usable = {*yard.states} - yard.of("other")
    for wave in range(3):
        names = {name for number, name in enumerate(yard.states) if number % 3 == wave} & usable
        results = yard.run("apply", "--push", "--trust", "--stop-at", "0", "--resume", code=None)
        notes = {n: results[n] for n in names if results[n]["state"] != "updated"}
        assert notes == {}
        assert all(len(yard.forge.opened(name)) == 1 for name in names)
        merge_all(yard, names)
    results = yard.run("apply", "--push", code=4)
    assert {one["state"] for one in results.values()} == {"merged", "refused"}
    for name in usable:
        inner = "models/one/" if yard.states[name] == "inner" else ""
        origin, main = yard.origin(name), yard.main(name)
        record = git("show", f"{main}:{inner}.copier-answers.yml", cwd=origin)
        assert "_commit: v1.1.0" in record
        assert git("show", f"{main}:own.txt", cwd=origin) == f"{name}\n"
        git("merge-base", "--is-ancestor", yard.heads[name], main, cwd=origin)  # nothing is lost
        assert len(yard.forge.opened(name)) == 1
    assert all(refs(yard.origin(n)).keys() == {"refs/heads/main"} for n in yard.of("other"))


def take_back(yard: Yard) -> None:
    usable = {*yard.states} - yard.of("other")
    yard.run("revert", "fleet-plan.json", "--push")
    calls = yard.forge.writes()
    yard.run("revert", "fleet-plan.json", "--push")
    assert yard.forge.writes() == calls
    merge_all(yard, usable, "-revert")
    for name in usable:
        inner = "models/one/" if yard.states[name] == "inner" else ""
        listing = git("ls-tree", "-r", "--name-only", yard.main(name), cwd=yard.origin(name))
        assert f"{inner}c.txt" not in listing.splitlines()
        assert "more.txt" in listing.splitlines()
        assert len(yard.forge.opened(name)) == 2


def test_ten_repositories_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path / "yard", 10, 2, monkeypatch)


@pytest.mark.slow
def test_sixty_repositories_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path / "yard", 60, 12, monkeypatch)
