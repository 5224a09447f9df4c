"""`mlfactory fleet` at GitHub and GitLab, by stand-ins that refuse what the real ones refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .evolving import edited, mlfactory
from .forge_servers import READER, WRITER, Forge, GitHub, GitLab, at_work
from .test_fleet import Ground, git, ground
from .test_fleet_apply import BRANCH, merge, refs

__all__ = ["ground"]
KINDS = {"github": GitHub, "gitlab": GitLab}


def mostly(kind: str) -> pytest.MarkDecorator:
    """With one forge always, and with the other one where there is time."""
    params = [one if one == kind else pytest.param(one, marks=pytest.mark.slow) for one in KINDS]
    return pytest.mark.parametrize("forge", params, indirect=True)


@pytest.fixture(params=["github", "gitlab"])
def forge(ground: Ground, request: pytest.FixtureRequest) -> Iterator[Forge]:
    (ground.path / "origins").mkdir()
    with at_work(KINDS[request.param](ground.path / "origins")) as place:
        yield place


def kind_of(forge: Forge) -> str:
    return "github" if isinstance(forge, GitHub) else "gitlab"


def name_of(forge: Forge) -> str:
    """The variable of the host's token."""
    host = forge.url.removeprefix("http://")
    return f"MLFACTORY_TOKEN_{host.replace('.', '_').replace(':', '_')}"


def write(ground: Ground, forge: Forge, *names: str, more: str = "") -> None:
    host = forge.url.removeprefix("http://")
    rows = "".join(f"- url: {forge.url}/org/{name}.git\n" for name in names)
    settings = f"forges: {{'{host}': {kind_of(forge)}}}\npace: 0\n{more}"
    ground.write(f"{settings}repositories:\n{rows}")


def fleet(
    ground: Ground, forge: Forge, *argv: str, code: int = 0, token: str = WRITER
) -> dict[str, dict[str, Any]]:
    """What a command says of each repository; the token is nowhere in what it writes."""
    env = {name_of(forge): token} if token else {}
    result = mlfactory("fleet", argv[0], "--json", *argv[1:], cwd=ground.path, code=code, **env)
    assert not token or token not in result.stdout + result.stderr
    content = json.loads(result.stdout)
    return {row["name"]: row for row in content.get("repositories", content.get("steps"))}


def text_of(row: dict[str, Any]) -> str:
    return str(row.get("body") or row.get("description"))


def test_an_organisation_becomes_a_fleet(ground: Ground, forge: Forge) -> None:
    for name in ("churn", "old", "sales"):
        ground.origin(name)
    ground.origin("plain", {".copier-answers.yml": None})
    forge.archived.add("old")
    host = forge.url.removeprefix("http://")
    argv = ("fleet", "init", f"{forge.url}/org", "--forge", kind_of(forge))
    env = {name_of(forge): WRITER}
    result = mlfactory(*argv, cwd=ground.path, **env)
    assert "left out, archived: old" in result.stderr.replace("org/", "")
    rows = json.loads(mlfactory("fleet", "list", "--json", cwd=ground.path).stdout)["repositories"]
    assert [(row["name"], bool(row["skip"])) for row in rows] == [
        ("churn", False),
        ("plain", True),
        ("sales", False),
    ]
    assert f"{host}: {kind_of(forge)}" in (ground.path / "fleet.yml").read_text()
    assert {token for _, _, token in forge.calls} == {WRITER}
    (ground.path / "fleet.yml").unlink()
    assert "there is no token" in mlfactory(*argv, cwd=ground.path, code=1).stderr
    odd = mlfactory(*argv, cwd=ground.path, code=1, **{name_of(forge): "odd"})
    assert "does not accept the token in MLFACTORY_TOKEN_127_0_0_1" in odd.stderr
    assert not (ground.path / "fleet.yml").exists()


def test_a_request_is_opened_once_and_closed_again(ground: Ground, forge: Forge) -> None:
    names = ("churn", "sales", "stock")
    origins = [ground.origin(name) for name in names]
    before = refs(origins[0])
    write(ground, forge, *names)
    fleet(ground, forge, "plan")
    results = fleet(ground, forge, "apply", "--push")
    assert len(forge.calls) == 2 * len(names)  # as the page says
    assert [one["request"] for one in results.values()] == [
        (forge.opened(name)[0].get("html_url") or forge.opened(name)[0]["web_url"])
        for name in names
    ]
    (row,) = forge.opened("churn")
    assert row["title"] == "Update churn from v1.0.0 to v1.1.0"
    assert "    added         c.txt" in text_of(row)
    writes = forge.writes()
    fleet(ground, forge, "apply", "--push")  # nothing is done twice
    (ground.path / "fleet-plan.state.json").unlink()
    fleet(ground, forge, "apply", "--push")  # also where nobody remembers
    assert forge.writes() == writes
    fleet(ground, forge, "revert", "fleet-plan.json", "--push")
    assert [forge.opened(name)[0]["state"] for name in names] == ["closed"] * 3
    assert refs(origins[0]) == before
    results = fleet(ground, forge, "apply", "--push", code=4)  # a person would have to open it
    assert {one["state"] for one in results.values()} == {"refused"}
    assert "was closed without being merged" in results["churn"]["note"]
    assert len(forge.opened("churn")) == 1


@mostly("gitlab")
def test_what_somebody_else_has_opened_stays_as_they_wrote_it(ground: Ground, forge: Forge) -> None:
    origin = ground.origin("churn")
    write(ground, forge, "churn")
    fleet(ground, forge, "plan")
    fleet(ground, forge, "apply", "--push", token="")  # no token: only the branch
    assert f"refs/heads/{BRANCH}" in refs(origin)
    theirs = {"title": "Ours", "body": "mine", "head": BRANCH, "base": "main"}
    theirs |= {"source_branch": BRANCH, "target_branch": "main", "description": "mine"}
    assert forge.open("churn", theirs)[0] == 201  # type: ignore[attr-defined]
    (result,) = fleet(ground, forge, "apply", "--push").values()
    assert result["note"] == "somebody else has opened the request"
    (row,) = forge.opened("churn")
    assert (row["title"], text_of(row)) == ("Ours", "mine")
    assert forge.writes() == []


def test_conflicts_are_drafts_where_they_are_wanted(ground: Ground, forge: Forge) -> None:
    origin = ground.origin("churn", {"a.txt": edited(3, "ours")})
    write(ground, forge, "churn")
    fleet(ground, forge, "plan", code=4)
    fleet(ground, forge, "apply", "--push", code=4)
    assert forge.opened("churn") == []
    (result,) = fleet(ground, forge, "apply", "--push", "--drafts", code=4).values()
    (row,) = forge.opened("churn")
    assert (result["state"], result["pushed"]) == ("conflict", True)
    assert row.get("draft") or row["title"].startswith("Draft: ")
    assert "conflict" in json.dumps(row["labels"])
    assert "    a.txt: content: Merge conflict in a.txt" in text_of(row)
    text = git("show", f"{BRANCH}:a.txt", cwd=origin)
    assert "<<<<<<< the project\nours\n=======\ntheirs\n>>>>>>> the template\n" in text
    writes = forge.writes()
    fleet(ground, forge, "plan", code=4)
    fleet(ground, forge, "apply", "--push", "--drafts", code=4)  # the same tree, nothing twice
    assert forge.writes() == writes
    fleet(ground, forge, "revert", "fleet-plan.json", "--push")
    assert forge.opened("churn")[0]["state"] == "closed"
    assert f"refs/heads/{BRANCH}" not in refs(origin)


@mostly("github")
def test_refusals_are_sentences(ground: Ground, forge: Forge) -> None:
    for name in ("churn", "old"):
        ground.origin(name)
    write(ground, forge, "churn", "old")
    fleet(ground, forge, "plan")
    argv = ("apply", "--push", "--only", "failed")
    results = fleet(ground, forge, "apply", "--push", code=4, token=READER)
    assert {one["state"] for one in results.values()} == {"push-failed"}
    assert "may not do this" in results["churn"]["note"]
    results = fleet(ground, forge, *argv, code=4, token="nobody's")
    assert "does not accept the token" in results["churn"]["note"]
    forge.archived.add("old")
    results = fleet(ground, forge, *argv, code=4)
    assert {n: one["state"] for n, one in results.items()} == {
        "churn": "updated",
        "old": "push-failed",
    }
    forge.archived.clear()
    (ground.path / "origins/old.git").rename(ground.path / "origins/gone.git")
    results = fleet(ground, forge, *argv, code=4)
    assert results["old"]["state"] == "refused"
    assert "cannot be reached" in results["old"]["note"]


@mostly("github")
def test_a_wave_waits_for_green(ground: Ground, forge: Forge) -> None:
    for name in ("first", "second"):
        ground.origin(name)
    write(ground, forge, "first", more="groups: [pilot]\n")
    file = ground.path / "fleet.yml"
    text = file.read_text() + "  group: pilot\n"
    file.write_text(f"{text}- url: {forge.url}/org/second.git\n")
    fleet(ground, forge, "plan")
    fleet(ground, forge, "apply", "--push", code=4)
    merge(ground, "first")
    red = "failure" if isinstance(forge, GitHub) else "failed"
    for verdict, note in (
        ("running", "1 of the waves before are not merged and green yet: first"),
        (red, "1 of the waves before are not merged and green yet: first"),
    ):
        forge.verdicts["first"] = verdict
        results = fleet(ground, forge, "apply", "--push", "--resume", code=4)
        assert results["second"]["note"] == note
    assert results["first"]["checks"] == "failed"
    forge.verdicts["first"] = "success"
    results = fleet(ground, forge, "apply", "--push", "--resume")
    assert [one["state"] for one in results.values()] == ["merged", "updated"]


@mostly("gitlab")
def test_a_forge_that_asks_for_patience_gets_it(ground: Ground, forge: Forge) -> None:
    names = ("churn", "sales", "stock")
    for name in names:
        ground.origin(name)
    write(ground, forge, *names)
    forge.limit = 1
    fleet(ground, forge, "plan")
    results = fleet(ground, forge, "apply", "--push")
    assert {one["state"] for one in results.values()} == {"updated"}
    assert forge.refusals
    assert [len(forge.opened(name)) for name in names] == [1, 1, 1]


def test_an_answer_that_got_lost_opens_nothing_twice(ground: Ground) -> None:
    ground.origin("churn")
    place = GitHub(ground.path / "origins")
    with at_work(place):
        write(ground, place, "churn")
        place.fail_after_open, place.has_drafts = 1, False
        fleet(ground, place, "plan")
        (result,) = fleet(ground, place, "apply", "--push").values()
        assert (result["state"], len(place.opened("churn"))) == ("updated", 1)


def test_a_token_goes_to_its_own_host_only(ground: Ground) -> None:
    ground.origin("churn")
    with at_work(GitHub(ground.path / "origins")) as other:
        place = GitHub(ground.path / "origins")
        place.route = lambda *_: (307, f"{other.url}/api/v3/repos/org/churn/pulls")  # type: ignore[method-assign]
        with at_work(place):
            write(ground, place, "churn")
            fleet(ground, place, "plan")
            (result,) = fleet(ground, place, "apply", "--push", code=4).values()
            assert "which gets no token of it" in result["note"]
            assert other.calls == []
            write(ground, other, "churn")  # another host, for which there is no token
            fleet(ground, place, "plan")
            (result,) = fleet(ground, place, "apply", "--push").values()
            assert "there is no token in MLFACTORY_TOKEN_127_0_0_1" in result["note"]
            assert other.calls == []
