from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.template import mirror, news, repository
from mlfactory.template.repository import Upstream

from .evolving import Repo, edited, init, mlfactory, project, release, template


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", {"a": "1\n"}, {"a": "2\n"}, {"a": "3\n"})


@pytest.fixture
def up(source: Repo) -> Upstream:
    return mirror.of_address(str(source.path))


def test_versions_are_in_the_order_of_their_numbers(source: Repo) -> None:
    release(source, "v1.10.0", {"a": "4\n"})
    source.git("tag", "nightly")
    source.git("tag", "v0.9")
    up = mirror.of_address(str(source.path))
    assert up.tags == ("v0.9", "v1.0.0", "v1.1.0", "v1.2.0", "v1.10.0")
    assert up.newest == "v1.10.0"


def test_without_releases_the_newest_is_the_last_commit(tmp_path: Path) -> None:
    repo = init(tmp_path / "template").commit({"a": "1\n"})
    up = mirror.of_address(str(repo.path))
    assert repository.version(up, up.newest).commit == repo.head


def test_a_copy_is_as_fresh_as_its_origin(source: Repo) -> None:
    mirror.of_address(str(source.path))
    release(source, "v2.0.0", {"a": "4\n"})
    assert mirror.of_address(str(source.path)).newest == "v2.0.0"
    source.git("tag", "--delete", "v2.0.0")
    assert mirror.of_address(str(source.path)).newest == "v1.2.0"


def test_a_tag_that_was_moved_is_followed(source: Repo) -> None:
    mirror.of_address(str(source.path))
    source.commit({"a": "5\n"})
    source.git("tag", "--force", "v1.2.0")
    up = mirror.of_address(str(source.path))
    assert repository.version(up, "v1.2.0").commit == source.head


def test_a_branch_that_was_rewritten_is_followed(source: Repo) -> None:
    mirror.of_address(str(source.path))
    source.git("commit", "--quiet", "--amend", "--message", "again")
    up = mirror.of_address(str(source.path))
    assert repository.version(up, "main").commit == source.head


def test_where_nothing_is_new_nothing_is_fetched(source: Repo, up: Upstream) -> None:
    before = {p: p.stat().st_mtime_ns for p in up.folder.rglob("*")}
    mirror.of_address(str(source.path))
    assert {p: p.stat().st_mtime_ns for p in up.folder.rglob("*")} == before


def test_a_fetch_that_was_interrupted_is_made_again(source: Repo, up: Upstream) -> None:
    (up.folder / mirror.LISTING).unlink()
    up.folder.joinpath("refs/tags/v1.2.0").unlink(missing_ok=True)
    assert mirror.of_address(str(source.path)).tags == up.tags


@pytest.mark.parametrize("ref", ["v1.1.0", "1.1.0"])
def test_a_version_is_known_with_and_without_its_letter(
    up: Upstream, source: Repo, ref: str
) -> None:
    version = repository.version(up, ref)
    commit = source.git("rev-parse", "v1.1.0").strip()
    assert (version.name, version.commit) == ("v1.1.0", commit)


def test_a_commit_gets_the_name_that_copier_records(up: Upstream, source: Repo) -> None:
    commit = source.commit({"a": "4\n"}).head
    version = repository.version(mirror.of_address(up.source), commit)
    assert version.name == source.git("describe", "--tags", "--always").strip()
    assert repository.version(up, version.name).commit == commit


@pytest.mark.parametrize("ref", ["v9", "--help", "", "v1.0.0^{tree}"])
def test_an_unknown_version_is_a_wrong_call(up: Upstream, ref: str) -> None:
    with pytest.raises(UsageError, match="has no version"):
        repository.version(up, ref)


def test_older_is_what_came_before(up: Upstream) -> None:
    one, two = repository.version(up, "v1.0.0"), repository.version(up, "v1.1.0")
    assert repository.is_older(up, one, two)
    assert not repository.is_older(up, two, one)
    assert not repository.is_older(up, one, one)


def test_where_histories_part_the_number_decides(source: Repo) -> None:
    source.git("checkout", "--quiet", "-b", "old", "v1.0.0")
    release(source, "v1.0.1", {"b": "1\n"})
    up = mirror.of_address(str(source.path))
    fix, main = repository.version(up, "v1.0.1"), repository.version(up, "v1.2.0")
    assert repository.is_older(up, fix, main)
    assert not repository.is_older(up, main, fix)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("gh:acme/t", "https://github.com/acme/t.git"),
        ("gh:acme/t.git", "https://github.com/acme/t.git"),
        ("gl:acme/t", "https://gitlab.com/acme/t.git"),
        ("git+https://example.org/t", "https://example.org/t"),
        ("git@example.org:acme/t.git", "git@example.org:acme/t.git"),
        ("https://example.org/t.git", "https://example.org/t.git"),
    ],
)
def test_an_address_as_git_takes_it(address: str, url: str) -> None:
    assert repository.git_url(address) == url


def test_an_address_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(MlfactoryError, match="cannot be reached") as caught:
        mirror.of_address(str(tmp_path))
    assert caught.value.hint == f"Try `git ls-remote {tmp_path}`."


SMALL = {
    "copier.yml": "_subdirectory: tree\n",
    "tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "tree/a.txt": "a\n",
}


@pytest.mark.parametrize("near", ["../template", "./../template/."])
def test_a_relative_address_is_meant_from_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: str
) -> None:
    """It is what copier recorded, and from there it resolves it, too."""
    template(tmp_path / "template", SMALL, {"tree/a.txt": "b\n"})
    (tmp_path / "demo").mkdir()
    repo = project(str(tmp_path / "template"), tmp_path / "demo")
    text = repo.text(".copier-answers.yml").replace(str(tmp_path / "template"), near)
    repo.commit({".copier-answers.yml": text})
    monkeypatch.chdir("/")
    mlfactory("update", repo.path)
    assert repo.text("a.txt") == "b\n"


def test_a_template_with_submodules(tmp_path: Path, home: Path) -> None:
    with (home / ".gitconfig").open("a") as file:
        file.write('[protocol "file"]\nallow = always\n')
    shared = init(tmp_path / "shared").commit({"common.txt": edited(1, "one")})
    source = init(tmp_path / "template")
    source.write(SMALL).git("submodule", "--quiet", "add", "../shared", "shared")
    release(source, "v1.0.0", {"tree/b.txt.jinja": "{% include 'shared/common.txt' %}\n"})
    repo = project(source, tmp_path / "demo")
    shared.commit({"common.txt": edited(1, "two")})
    source.git("-C", "shared", "pull", "--quiet")
    release(source, "v1.1.0", {})
    mlfactory("update", repo.path)
    assert repo.text("b.txt").strip() == edited(1, "two").strip()


def test_the_changelog_is_found_however_it_is_written(tmp_path: Path) -> None:
    for name in ("CHANGELOG.md", "changelog.rst", "Changelog", "ChangeLog.txt"):
        first, second = {name: "# 1\n"}, {name: "# 2\n\n++ more\n\n# 1\n"}
        repo = template(tmp_path / name, first, second)
        up = mirror.of_address(str(repo.path))
        old, new = repository.version(up, "v1.0.0"), repository.version(up, "v1.1.0")
        assert news.changes(up, old, new) == "# 2\n\n++ more"


def test_the_own_templates_releases_tell_it_themselves() -> None:
    up = mirror.own(Path("/"))
    text = news.changes(up, None, repository.version(up, "v0.1.0"))
    assert text.startswith("mlfactory template 0.1.0\n\n")
    assert "\n- `mlfactory new DIRECTORY" in text
