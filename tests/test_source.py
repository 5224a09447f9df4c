from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.template import history, release, stream

CHANGES = "# Changelog\n\n## 0.2.0 - 2026-02-01\n\nMore.\n\n## 0.1.0 - 2026-01-01\n\nThe first.\n"


@pytest.fixture
def checkout(tmp_path: Path, build_file_tree: Any, commit_all: Any) -> Path:
    """A checkout with a template, and its first release in `history`."""
    top = build_file_tree(
        tmp_path / "checkout",
        {
            "copier.yml": "_subdirectory: template/project\nname: {type: str, default: x}\n",
            "template/project/{{ name }} b.txt": "one\n",
            "template/project/run.sh": "#!/bin/sh\n",
            "CHANGELOG.md": CHANGES,
            ".gitignore": "*.pyc\n",
        },
    )
    (top / "template/project/run.sh").chmod(0o755)
    commit_all(top)
    release.release("0.1.0", top, top / "history")
    return top


def git(repository: Path, *args: str) -> str:
    result = subprocess.run(
        ["git", "--git-dir", repository, *args], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def full(checkout: Path) -> history.History:
    return history.load(checkout / "history", checkout)


def test_a_release_is_a_tagged_commit_on_main(checkout: Path) -> None:
    repository = history.repository(full(checkout))
    assert git(repository, "describe", "--tags", "HEAD") == "v0.1.0"
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_content_and_modes_are_kept(checkout: Path) -> None:
    repository = history.repository(full(checkout))
    assert git(repository, "show", "v0.1.0:template/project/{{ name }} b.txt") == "one"
    assert git(repository, "ls-tree", "v0.1.0", "template/project/run.sh").startswith("100755")


def test_author_date_and_message_are_fixed(checkout: Path) -> None:
    repository = history.repository(full(checkout))
    entry = git(repository, "log", "-1", "--format=%an <%ae>|%cI|%B")
    assert entry == (
        "mlfactory <mlfactory@localhost>|2026-01-01T00:00:00+00:00|"
        "mlfactory template 0.1.0\n\nThe first."
    )


def test_commit_ids_do_not_depend_on_the_user(
    checkout: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(history.repository(full(checkout)), "rev-parse", "main")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "other"))
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    (home / ".gitconfig").write_text("[init]\ndefaultBranch = trunk\n[i18n]\ncommitEncoding = x\n")
    second = history.repository(full(checkout))
    assert home / "other" in second.parents
    assert git(second, "rev-parse", "main") == first


def test_an_unchanged_checkout_offers_the_release(checkout: Path) -> None:
    assert full(checkout).names == ("0.1.0",)


def test_a_changed_checkout_offers_a_development_version_on_top(checkout: Path) -> None:
    (checkout / "template/project/new.txt").write_text("new\n")
    releases = full(checkout)
    repository = history.repository(releases)
    assert releases.newest.startswith("0.1.1.dev")
    assert git(repository, "rev-parse", "v0.1.0") == git(
        repository, "rev-parse", f"v{releases.newest}^"
    )
    assert git(repository, "show", f"v{releases.newest}:template/project/new.txt") == "new"


def test_other_trees_have_other_development_versions(checkout: Path) -> None:
    (checkout / "template/project/new.txt").write_text("new\n")
    first = full(checkout).newest
    (checkout / "template/project/new.txt").write_text("newer\n")
    assert full(checkout).newest != first


def test_a_mode_is_a_change(checkout: Path) -> None:
    (checkout / "template/project/run.sh").chmod(0o644)
    subprocess.run(["git", "add", "--all"], cwd=checkout, check=True)
    assert full(checkout).development


def test_ignored_files_are_none(checkout: Path) -> None:
    (checkout / "template/project/x.pyc").touch()
    assert not full(checkout).development


def test_without_a_release_there_is_only_the_development_version(checkout: Path) -> None:
    releases = history.load(checkout / "nothing", checkout)
    assert releases.names == (releases.newest,)
    assert releases.newest.startswith("0.1.0.dev")


def test_a_checkout_without_git_is_the_same_tree(checkout: Path, tmp_path: Path) -> None:
    before = stream.tree(checkout)
    (checkout / ".git").rename(tmp_path / "gone")
    assert stream.tree(checkout) == before


def test_an_installation_needs_a_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "surrounding_checkout", lambda: None)
    with pytest.raises(MlfactoryError, match="history is missing"):
        history.load(tmp_path)


def test_versions_are_sorted_as_numbers(tmp_path: Path) -> None:
    for version in ("0.10.0", "0.9.0", "0.2.1"):
        (tmp_path / f"{version}.stream.xz").touch()
    assert history.releases_in(tmp_path).versions == ("0.2.1", "0.9.0", "0.10.0")


def test_a_later_release_is_a_commit_on_top(checkout: Path) -> None:
    before = git(history.repository(full(checkout)), "rev-parse", "v0.1.0")
    (checkout / "template/project/run.sh").unlink()
    release.release("0.2.0", checkout, checkout / "history")
    repository = history.repository(full(checkout))
    assert git(repository, "rev-parse", "v0.2.0^", "v0.1.0").split() == [before, before]
    assert git(repository, "diff", "--name-status", "v0.1.0", "main") == (
        "D\ttemplate/project/run.sh"
    )
    git(repository, "fsck", "--strict")


def test_a_release_that_is_damaged_says_what_to_do(checkout: Path) -> None:
    path = checkout / "history" / "0.1.0.stream.xz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MlfactoryError, match="history is damaged") as caught:
        history.repository(history.releases_in(checkout / "history"))
    assert caught.value.hint == "Reinstall mlfactory."


def test_names_are_known_without_reading_the_releases(checkout: Path) -> None:
    (checkout / "history" / "0.1.0.stream.xz").write_bytes(b"")
    assert history.releases_in(checkout / "history").newest == "0.1.0"


def test_the_repository_is_built_once(checkout: Path) -> None:
    first = history.repository(full(checkout))
    inode = first.stat().st_ino
    assert history.repository(full(checkout)).stat().st_ino == inode


@pytest.mark.parametrize("damage", ["truncate", "remove", "empty"])
def test_a_damaged_cache_is_built_again(checkout: Path, damage: str) -> None:
    repository = history.repository(full(checkout))
    pack = next((repository / "objects/pack").glob("*.pack"))
    pack.chmod(0o644)
    if damage == "truncate":
        os.truncate(pack, 40)
    elif damage == "remove":
        pack.unlink()
    else:
        for path in repository.rglob("*"):
            if path.is_file():
                path.unlink()
    git(history.repository(full(checkout)), "fsck", "--strict")


def test_builders_may_run_at_the_same_time(checkout: Path) -> None:
    script = (
        "from mlfactory.template import history; from pathlib import Path; import sys;"
        "p = Path(sys.argv[1]);"
        "print(history.repository(history.load(p / 'history', p)))"
    )
    argv = [sys.executable, "-c", script, str(checkout)]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    places = {process.communicate()[0].strip() for process in running}
    assert len(places) == 1
    git(Path(places.pop()), "fsck")


def test_without_a_writable_home_temporary_files_hold_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setattr(history.tempfile, "tempdir", str(tmp_path))
    assert history.cache() == tmp_path / f"mlfactory-{os.geteuid()}"


def answers(folder: Path, version: str, src: str = history.SOURCE) -> Path:
    folder.mkdir()
    (folder / ".copier-answers.yml").write_text(f"_commit: {version}\n_src_path: {src}\na: 1\n")
    return folder


@pytest.fixture
def installed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """mlfactory as it would be with the checkout's history."""
    monkeypatch.setattr(history, "surrounding_checkout", lambda: checkout)
    monkeypatch.setattr(history.load, "__defaults__", (checkout / "history", None))
    return checkout


@pytest.mark.usefixtures("installed")
def test_a_factory_of_a_newer_version_is_told_what_to_install(
    tmp_path: Path,
) -> None:
    factory = answers(tmp_path / "churn", "v0.3.0")
    with pytest.raises(MlfactoryError, match=r"records template version 0\.3\.0.*has is 0\.1\.0"):
        history.repository_for(factory)


@pytest.mark.usefixtures("installed")
def test_a_factory_of_another_template_is_not_meant(tmp_path: Path) -> None:
    factory = answers(tmp_path / "churn", "v9.0.0", "gh:acme/template")
    assert history.repository_for(factory) == history.repository()


@pytest.mark.usefixtures("installed")
def test_a_factory_of_a_known_version_gets_the_history(tmp_path: Path) -> None:
    factory = answers(tmp_path / "churn", "v0.1.0")
    (factory / "src").mkdir()
    assert history.repository_for(factory / "src") == history.repository()


def test_a_factory_keeps_its_unreleased_version(
    installed: Path, tmp_path: Path, command: Any
) -> None:
    (installed / "template/project/new.txt").write_text("new\n")
    version = history.load().newest
    factory = answers(tmp_path / "churn", f"v{version}")
    command("git", "init", "--quiet", cwd=factory)
    where = history.repository()
    command("git", "fetch", "--quiet", where, f"v{version}:{history.REF}{version}", cwd=factory)
    (installed / "template/project/new.txt").write_text("newer\n")
    repository = history.repository_for(factory)
    assert git(repository, "show", f"v{version}:template/project/new.txt") == "new"
    assert git(repository, "show", "main:template/project/new.txt") == "newer"
