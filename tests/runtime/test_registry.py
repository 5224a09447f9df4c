"""Versions and stages in git's tags, and what is refused before a tag is made."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from mlfactory_runtime import errors, git
from mlfactory_runtime.cli import models
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.comparison import Short
from mlfactory_runtime.records.evaluation import Interval
from mlfactory_runtime.records.registry import Drift, Promoted, Promotion
from mlfactory_runtime.registry import artifact, audit, catalog, promote, register, resolve, tags
from mlfactory_runtime.registry.models import message_json
from mlfactory_runtime.registry.models import models as every_model
from mlfactory_runtime.retrain.retrain import refuse_changes
from mlfactory_runtime.testing.trained import Trained

from .factories import Factory

OF_GIT = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL", "DIR", "INDEX_FILE")
START = 1_700_000_000


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, whose project is called Churn.Model; git knows who commits."""
    for name in OF_GIT:
        monkeypatch.delenv(f"GIT_{name}", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = Tester\nemail = tester@example.org\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    place = tmp_path / "factory"
    place.mkdir()
    monkeypatch.chdir(place)
    (place / "pyproject.toml").write_text('[project]\nname = "Churn.Model"\n')
    (place / "params.yaml").write_text("model:\n  seed: 0\n")
    git.git(place, "init", "--quiet", "--initial-branch=main")
    commit(place, "first")
    return place


def commit(repository: Path, message: str) -> str:
    """Commit all that stands here, or nothing; gives the commit."""
    git.git(repository, "add", "--all")
    git.git(repository, "commit", "--quiet", "--allow-empty", "--message", message)
    return git.commit_of(repository, "HEAD")


def tag(name: str, commit: str = "HEAD", at: int = 0) -> None:
    """An annotated tag, made so many seconds after the start."""
    env = {**os.environ, "GIT_COMMITTER_DATE": f"{START + at} +0000"}
    argv = ["git", "tag", "--annotate", "--message", "{}", name, commit]
    subprocess.run(argv, env=env, check=True)


@pytest.mark.parametrize("seconds", ["", "99999999999999999", "18446744073709551611"])
def test_a_tag_that_names_no_moment_is_the_earliest(seconds: str) -> None:
    one = tags.taken_apart("churn-model", "churn-model@v1.0.0", "0123456789ab", seconds)
    assert one is not None
    assert one.since.timestamp() == 0


@pytest.mark.parametrize(
    "message",
    ["", "x", "5", "[]", "[" * 100_000, '{"a": ' * 100_000],
    ids=["empty", "text", "number", "list", "deep-list", "deep-object"],
)
def test_a_message_that_is_none_of_ours_says_nothing(message: str, repository: Path) -> None:
    assert message_json(message) == {}
    commit = git.commit_of(repository, "HEAD")
    for name in ("churn-model@v1.0.0", "churn-model#prod#1"):
        ident = git.identity(repository, "factory")
        made = git.tag_object(repository, name, commit, message, ident)
        git.set_refs(repository, f"create refs/tags/{name} {made}")
    project = Project(repository)
    assert promote.apply(project, lambda _: None).made == ()
    assert [one.version for one in every_model(project).versions] == ["v1.0.0"]
    assert len([*filter(None, map(audit.of_tag, tags.tags(project)))]) == 2


def test_what_a_killed_run_left_out_is_put_right(repository: Path) -> None:
    tag("churn-model@v1.0.0")
    assert register.register(Project(repository)).new is False
    assert "v1.0.0" in (repository / "catalog.json").read_text()
    for cut_off in ("", "{"):
        (repository / "catalog.json").write_text(cut_off)
        assert register.register(Project(repository)).new is False
    assert "v1.0.0" in (repository / "catalog.json").read_text()
    (repository / "catalog.json").unlink()

    name, head = "promotions/prod-0001-v1.0.0.json", git.commit_of(repository, "HEAD")
    made = git.commit_files(repository, {name: "{}\n"}, "Promotion", head)
    git.set_refs(repository, f"update HEAD {made} {head}")
    promote.settle(Project(repository))
    assert git.git(repository, "status", "--porcelain") == ""
    assert (repository / name).read_text() == "{}\n"
    (repository / name).unlink()
    promote.settle(Project(repository))
    assert not (repository / name).exists()


def test_the_name_fits_gto(repository: Path) -> None:
    assert tags.artifact(Project(repository)) == "churn-model"


def test_in_a_larger_repository_the_folder_stands_before_it(repository: Path) -> None:
    (repository / "teams/a b").mkdir(parents=True)
    (repository / "teams/a b/pyproject.toml").write_text('[project]\nname = "churn"\n')
    assert tags.artifact(Project(repository / "teams/a b")) == "teams/a-b=churn"


def test_versions_are_ordered_by_their_numbers(repository: Path) -> None:
    for version in ("v1.10.0", "v1.9.0", "v0.1.2"):
        tag(f"churn-model@{version}")
    tag("another@v7.0.0")
    tag("churn-model@v2")
    git.git(repository, "tag", "churn-model@v8.0.0")  # not annotated: GTO does not see it either
    assert [one.version for one in tags.versions(Project(repository))] == [
        "v0.1.2",
        "v1.9.0",
        "v1.10.0",
    ]


def test_a_version_that_was_taken_back_is_none(repository: Path) -> None:
    tag("churn-model@v1.0.0", at=1)
    tag("churn-model@v1.0.0!", at=2)
    assert tags.versions(Project(repository)) == []
    with pytest.raises(errors.FactoryError, match=r"there is no version v1\.0\.0") as raised:
        tags.registered(Project(repository), "v1.0.0")
    assert "git fetch --tags" in raised.value.hint


@pytest.mark.parametrize(
    "text", ["v1.0.0", "1.0.0", "V1.0.0", "v 1.0.0", " 1.0.0 ", "churn-model@v1.0.0"]
)
def test_a_version_may_be_typed_as_people_do(repository: Path, text: str) -> None:
    tag("churn-model@v1.0.0")
    assert tags.registered(Project(repository), text).version == "v1.0.0"


@pytest.mark.parametrize("text", ["v1.0", "1", "v1.0.0.0", "one", "v"])
def test_what_names_no_version_is_told_which_there_are(repository: Path, text: str) -> None:
    tag("churn-model@v1.0.0")
    with pytest.raises(errors.FactoryError, match=r"known: v1\.0\.0"):
        tags.registered(Project(repository), text)


def test_what_a_stage_holds_is_what_was_put_there_last(repository: Path) -> None:
    first, second = git.commit_of(repository, "HEAD"), commit(repository, "second")
    tag("churn-model@v1.0.0", first)
    tag("churn-model@v1.1.0", second)
    tag("churn-model#staging#1", first, at=10)
    tag("churn-model#prod#2", first, at=20)
    tag("churn-model#prod#10", second, at=30)
    held = tags.stages(Project(repository))
    assert {name: one.version for name, one in held.items()} == {
        "staging": "v1.0.0",
        "prod": "v1.1.0",
    }
    assert (held["prod"].number, held["prod"].since.timestamp()) == (10, START + 30)
    name, at = tags.next_stage_tag(Project(repository), "prod")
    assert name == "churn-model#prod#11"
    assert at > START + 30


def test_who_went_back_does_not_go_forward_again(repository: Path) -> None:
    made = [
        git.commit_of(repository, "HEAD"),
        commit(repository, "second"),
        commit(repository, "third"),
    ]
    for number, at in enumerate([0, 1, 2, 1, 0]):
        tag(f"churn-model#prod#{number + 1}", made[at])
    assert [one.commit for one in tags.line_of(Project(repository), "prod")] == [made[0]]


def test_a_stage_that_was_emptied_holds_nothing(repository: Path) -> None:
    tag("churn-model#prod#1")
    tag("churn-model#prod!#2")
    assert tags.stages(Project(repository)) == {}


def test_all_refs_change_or_none(repository: Path) -> None:
    head = git.commit_of(repository, "HEAD")
    git.git(repository, "tag", "taken")
    with pytest.raises(errors.FactoryError, match="git update-ref"):
        git.set_refs(repository, f"create refs/tags/free {head}", f"create refs/tags/taken {head}")
    assert git.git(repository, "tag") == "taken"


def test_who_commits_must_be_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(repository))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(repository))
    with pytest.raises(errors.FactoryError, match="no name and address") as raised:
        git.identity(repository)
    assert raised.value.hint.count("git config") == 2
    assert git.identity(repository, "factory").startswith("factory <factory@localhost> ")


def test_inside_a_hook_git_finds_the_factory(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert git.tries(repository, "rev-parse", "--show-toplevel") == str(repository)


@pytest.mark.parametrize(
    ("version", "bump", "following"),
    [
        ("v1.2.3", "major", "v2.0.0"),
        ("v1.2.3", "minor", "v1.3.0"),
        ("v1.2.3", "patch", "v1.2.4"),
    ],
)
def test_the_next_version(version: str, bump: str, following: str) -> None:
    assert register.bumped(version, bump) == following


def test_what_is_not_committed_is_no_version(repository: Path) -> None:
    (repository / "params.yaml").write_text("model:\n  seed: 1\n")
    with pytest.raises(errors.FactoryError, match=r"not committed: M params\.yaml"):
        register.register(Project(repository))


def test_a_comparison_is_no_reason_to_wait(repository: Path) -> None:
    for name in ("comparison.json", "comparison.md", "evaluation.json"):
        (repository / "reports").mkdir(exist_ok=True)
        (repository / "reports" / name).write_text("{}\n")
    commit(repository, "reports")
    for name in ("comparison.json", "comparison.md"):
        (repository / "reports" / name).write_text("another\n")
    assert artifact.uncommitted(Project(repository)) == ""
    refuse_changes(Project(repository))
    (repository / "reports/evaluation.json").write_text("another\n")
    with pytest.raises(errors.FactoryError, match=r"reports/evaluation\.json is not committed"):
        refuse_changes(Project(repository))


def test_a_version_that_no_stage_takes_is_told_of_at_once(tracked: Factory) -> None:
    told = tracked.run("register").err
    assert "`factory promote` refuses v1.0.0 without --force" in told
    assert "nobody has confirmed" in told
    hint = tracked.run("promote", "v1.0.0", "--to", "prod", code=1).err
    assert "nobody has confirmed" in hint
    assert "factory compare" not in hint, "there is nothing to compare it with"


def test_a_commit_without_a_model_is_no_version(repository: Path) -> None:
    with pytest.raises(errors.FactoryError, match=r"dvc\.lock .* holds no model"):
        register.register(Project(repository))
    assert git.git(repository, "tag") == ""
    assert not list((repository / ".factory/versions").iterdir())


def test_locks_that_are_older_than_what_they_lock(repository: Path) -> None:
    (repository / "a.txt").write_text("a\n")
    (repository / "b.csv.dvc").write_text("outs:\n- md5: '1'\n  path: b.csv\n")
    (repository / "dvc.lock").write_text(
        "stages:\n"
        "  train:\n"
        "    deps:\n"
        "    - {path: a.txt, md5: 60b725f10c9c85c70d97880dfe8191b3}\n"
        "    - {path: b.csv, md5: '2'}\n"
        "    params: {params.yaml: {model.seed: 1}}\n"
        "    outs: []\n"
    )
    assert register.unfit(repository) == ["b.csv", "`model.seed` in params.yaml"]
    (repository / "a.txt").write_text("changed\n")
    assert register.unfit(repository)[0] == "a.txt"


def test_a_verdict_that_somebody_wrote_is_no_version(tracked: Factory) -> None:
    evaluation = tracked.text("reports/evaluation.json")
    tracked.write("reports/evaluation.json", evaluation.replace("log_loss", "log loss"))
    commit(tracked.path, "Look better")
    said = tracked.run("register", code=1).err
    assert "was made from another reports/evaluation.json" in said
    assert tracked.tool("git", "tag") == ""


def test_a_stage_that_holds_nothing_is_told(repository: Path) -> None:
    with pytest.raises(errors.FactoryError, match="no version is on the stage prod"):
        resolve.resolve(Project(repository), "prod")
    with pytest.raises(errors.FactoryError, match="there is no model 'prd'"):
        resolve.resolve(Project(repository), "prd")
    with pytest.raises(errors.FactoryError, match="no model in models/model"):
        resolve.resolve(Project(repository), "models/model")


RECORD = Promotion.model_validate({
    "record": "prod-0002-v1.1.0",
    "kind": "promotion",
    "stage": "prod",
    "version": "v1.1.0",
    "from": "v1.0.0",
    "commit": "c" * 40,
    "trained_at": "2026-01-01T00:00:00+00:00",
    "data": "d",
    "template": None,
    "model": "m",
    "rows": 1000,
    "verdict": "accepted",
    "reason": "it is good",
    "metrics": {"log_loss": {"value": 0.5, "low": 0.4, "high": 0.6}},
    "warnings": ["few rows"],
    "why": "",
    "comparison": None,
    "check": None,
    "problems": [],
    "proposed_by": "Ada <ada@example.org>",
    "proposed_at": "2026-01-01T00:00:00+00:00",
    "approved_by": None,
})  # fmt: skip


def test_a_record_tells_people_what_was_compared_and_what_is_against_it() -> None:
    compared = Short(
        metric="log_loss", margin=0.0, rows=900, left_out=3, segments=(),
        difference=Interval(0.02, 0.01, 0.03), verdict="better", reason="it is better", made="now",
    )  # fmt: skip
    told = promote.page(RECORD.model_copy(update={"comparison": compared}))
    assert "prod goes from v1.0.0 to v1.1.0." in told
    assert "| log loss | 0.500 (0.400 to 0.600) |" in told
    assert "differs by 0.0200 (0.0100 to 0.0300)" in told
    assert "- few rows" in told
    assert "whoever merges" in told


OVERRULED = {"problems": ("it is worse",), "why": "a | b", "warnings": ()}


def test_a_record_tells_who_was_overruled() -> None:
    told = promote.page(RECORD.model_copy(update=OVERRULED))
    assert "**Forced**, although:" in told
    assert "- it is worse" in told
    assert r"Why: a \| b" in told
    assert "It was not compared with v1.0.0." in told


def test_a_record_tells_of_a_comparison_that_came_to_no_difference() -> None:
    compared = Short(
        metric="log_loss", margin=None, rows=9, left_out=0, segments=(), difference=None,
        verdict="undecided", reason="9 rows are too few", made="now",
    )  # fmt: skip
    text = promote.page(RECORD.model_copy(update={"comparison": compared}))
    assert "**undecided**: 9 rows are too few." in text


def test_a_rollback_says_so() -> None:
    assert "prod goes from v1.0.0 back to v1.1.0" in promote.page(
        RECORD.model_copy(update={"kind": "rollback"})
    )


def test_what_goes_first_must_be_accepted_and_later_ones_better() -> None:
    accepted, rejected = RECORD, RECORD.model_copy(update={"verdict": "rejected"})
    assert list(promote.unproven(accepted, None, None)) == []
    assert list(promote.unproven(rejected, None, None)) == ["it is rejected: it is good"]


def test_the_card_for_machines_names_where_each_feature_comes_from(trained: Trained) -> None:
    card = json.loads((trained.folder / "models/model/card.json").read_text("utf-8"))
    assert set(card["features"]) == {feature.name for feature in trained.signature.features}
    assert card["models"]["model"][card["metric"]]["value"] is not None
    assert card["provenance"] == trained.signature.provenance


@pytest.mark.parametrize("folder", ["", "models/churn"])
def test_a_commits_files_are_written_as_git_holds_them(repository: Path, folder: str) -> None:
    """Runnable files, links and names of any alphabet; of a larger repository its folder alone."""
    home = repository / folder
    (home / "src").mkdir(parents=True)
    (home / "src/größe.sh").write_text("#!/bin/sh\n")
    (home / "src/größe.sh").chmod(0o755)
    (home / "params.yaml").write_text("task: regression\n")
    (home / "link").symlink_to("params.yaml")
    made = commit(repository, "second")
    (home / "params.yaml").write_text("not committed\n")
    target = repository / "scratch/tree"
    target.parent.mkdir()
    resolve.export(Project(home), made, target)
    assert (target / "params.yaml").read_text() == "task: regression\n"
    assert os.access(target / "src/größe.sh", os.X_OK)
    assert (target / "link").readlink() == Path("params.yaml")
    assert (target / "pyproject.toml").exists() is not folder.startswith("models")
    assert git.git(repository, "diff", "--cached", "--name-only") == ""


@pytest.mark.parametrize(
    ("remotes", "branch", "tag", "said"),
    [
        (["origin"], "promote/x", "", "next: git push --atomic origin 'promote/x'\nthen: propose"),
        (["up", "origin"], "", "t", "next: git push --atomic origin HEAD 't'"),
        (["up"], "", "t", "next: git push --atomic up HEAD 't'"),
        ([], "promote/x", "", "git merge 'promote/x' && factory promotions apply"),
        ([], "rollback/x", "t", "git merge 'rollback/x'\n"),
        ([], "", "t", "prod is v1.0.0 now\n"),
    ],
)
def test_what_is_advised_can_be_done_with_or_without_a_remote(
    repository: Path,
    remotes: list[str],
    branch: str,
    tag: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in remotes:
        git.git(repository, "remote", "add", name, "https://example.org/churn.git")
    done = Promoted(stage="prod", version="v1.0.0", changed=True, branch=branch, tag=tag)
    models.report(Project(repository), done, False)
    told = capsys.readouterr().err
    assert said in told
    assert ("push" in told) == bool(remotes)


def test_a_fresh_clone_knows_what_was_published_of_drift(repository: Path, tmp_path: Path) -> None:
    git.git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git.git(repository, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git.git(repository, "push", "--quiet", "origin", "HEAD:main")
    found = Drift(status="alarm", time="2026-01-05T00:00:00")
    catalog.write_catalog(Project(repository), found)
    catalog.publish(Project(repository))
    git.git(tmp_path, "clone", "--quiet", "--branch", "main", "origin.git", "clone")
    clone = Project(tmp_path / "clone")
    assert catalog.write_catalog(clone).drift == found
    news = found.model_copy(update={"status": "healthy"})
    assert catalog.write_catalog(clone, news).drift == news
