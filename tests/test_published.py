"""The template's versions, and a team's own git server for them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.template import history, published

from . import evolving
from .conftest import Command, Release

RELEASED = history.releases_in(history.HISTORY).versions
LATER = "98.0.0"
NEWEST = f"v{RELEASED[-1]}"


def refs(repository: Path | str, env: dict[str, str] | None = None) -> dict[str, str]:
    """The commit of every ref, by its name."""
    argv = ["git", "ls-remote", str(repository)]
    result = subprocess.run(argv, capture_output=True, text=True, check=True, env=env)
    rows = (line.split("\t") for line in result.stdout.splitlines())
    return {name: commit for commit, name in rows}


@pytest.fixture
def mlfactory() -> Command:
    """The program in a process that has imported its packages: how it starts is not asked here."""
    return evolving.mlfactory


@pytest.fixture
def bare(tmp_path: Path, command: Command) -> Path:
    """An empty repository as a forge makes them; its HEAD names a branch that nobody pushes."""
    place = tmp_path / "server" / "template.git"
    command("git", "init", "--quiet", "--bare", "--initial-branch=trunk", place)
    return place


@pytest.fixture
def factory(tmp_path: Path, mlfactory: Command) -> Path:
    """A factory of the newest release, without an environment."""
    mlfactory("new", "churn", "--no-setup", "--defaults", "--ref", NEWEST, cwd=tmp_path)
    return tmp_path / "churn"


@pytest.fixture
def bystander(command: Command) -> Command:
    """Run copier where mlfactory is not on the PATH."""
    path = os.pathsep.join(
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not Path(folder, "git-remote-mlfactory").exists()
    )
    assert shutil.which("git-remote-mlfactory", path=path) is None

    def run(*argv: object, **options: Any) -> object:
        return command(sys.executable, "-m", "copier", *argv, PATH=path, **options)

    return run


def answers(factory: Path) -> dict[str, Any]:
    answers: dict[str, Any] = yaml.safe_load((factory / ".copier-answers.yml").read_text())
    return answers


def head(command: Command, place: Path) -> str:
    return command("git", "rev-parse", "HEAD", cwd=place).stdout.strip()


def test_versions_are_listed_newest_first_without_the_checkouts_own(mlfactory: Command) -> None:
    content = json.loads(mlfactory("template", "versions", "--json").stdout)["versions"]
    assert [one["version"] for one in content] == [f"v{name}" for name in reversed(RELEASED)]
    where = history.repository(history.releases_in(history.HISTORY))
    assert {f"refs/tags/{one['version']}": one["commit"] for one in content}.items() <= refs(
        where
    ).items()


def test_the_changelog_of_a_span(release: Release) -> None:
    release(LATER)
    repository = history.repository(history.releases_in(history.HISTORY))
    changelog = published.changelog(f"{RELEASED[-1]}..v{LATER}", str(repository))
    assert (changelog.from_version, changelog.to_version) == (NEWEST, f"v{LATER}")
    assert changelog.text == f"More advice in {LATER}.\n"


def test_the_changelog_of_the_programs_own_template_is_the_releases_text(
    mlfactory: Command,
) -> None:
    text = mlfactory("template", "changelog", f"..{RELEASED[0]}").stdout
    assert text.startswith(f"mlfactory template {RELEASED[0]}\n\nThe first release.")
    assert mlfactory("template", "changelog", RELEASED[0]).stdout == text


def test_a_span_that_runs_backwards_is_a_matter_of_usage(release: Release) -> None:
    release(LATER)
    repository = history.repository(history.releases_in(history.HISTORY))
    with pytest.raises(UsageError, match=f"v{RELEASED[-1]} is older than v{LATER}"):
        published.changelog(f"{LATER}..{RELEASED[-1]}", str(repository))


def test_a_version_that_is_not_there_is_a_matter_of_usage(mlfactory: Command) -> None:
    output = mlfactory("template", "changelog", "77.0.0..", code=2).stderr
    assert "no version 77.0.0" in output
    assert NEWEST in output


def test_published_commits_are_those_of_the_history(bare: Path, mlfactory: Command) -> None:
    content = json.loads(mlfactory("template", "publish", bare, "--json").stdout)
    assert content["new"] == content["versions"] == [f"v{name}" for name in RELEASED]
    own = refs(history.repository(history.releases_in(history.HISTORY)))
    own.pop("HEAD")
    assert refs(bare) == own


def test_publishing_twice_changes_nothing(bare: Path, mlfactory: Command) -> None:
    mlfactory("template", "publish", bare)
    before = refs(bare)
    output = mlfactory("template", "publish", bare).stderr
    assert "has all of them already" in output
    assert refs(bare) == before


def test_a_dry_run_says_what_would_be_pushed(bare: Path, mlfactory: Command) -> None:
    assert f"would get v{RELEASED[0]}" in mlfactory("template", "publish", bare, "--dry-run").stderr
    assert refs(bare) == {}


def test_later_releases_are_published_onto_an_earlier_publication(
    bare: Path, release: Release
) -> None:
    published.publish(str(bare))
    first = refs(bare)
    release(LATER)
    assert published.publish(str(bare)).new == (f"v{LATER}",)
    now = refs(bare)
    assert {name: now[name] for name in first if name.startswith("refs/tags/")}.items() <= (
        first.items()
    )
    assert now["refs/heads/main"] == now[f"refs/tags/v{LATER}"]


def test_what_a_newer_program_published_is_left_alone(
    bare: Path, release: Release, mlfactory: Command
) -> None:
    release(LATER)
    published.publish(str(bare))
    before = refs(bare)
    assert "has all of them already" in mlfactory("template", "publish", bare).stderr
    assert refs(bare) == before


def foreign(tmp_path: Path, bare: Path, command: Command, *names: str) -> None:
    """Push a commit of somebody else's as these refs."""
    other = tmp_path / "other"
    command("git", "init", "--quiet", other)
    command("git", "commit", "--quiet", "--allow-empty", "--message", "hello", cwd=other)
    command("git", "push", "--quiet", bare, *(f"HEAD:{name}" for name in names), cwd=other)


@pytest.mark.parametrize("name", ["refs/heads/main", f"refs/tags/{NEWEST}"])
def test_a_foreign_history_is_refused_and_left_as_it_is(
    name: str, bare: Path, tmp_path: Path, command: Command, mlfactory: Command
) -> None:
    foreign(tmp_path, bare, command, name)
    before = refs(bare)
    output = mlfactory("template", "publish", bare, code=1).stderr
    assert "another history" in output
    assert refs(bare) == before


def test_an_address_that_is_not_there_is_an_error(tmp_path: Path, mlfactory: Command) -> None:
    output = mlfactory("template", "publish", tmp_path / "nowhere.git", code=1).stderr
    assert "cannot be reached" in output
    mlfactory("template", "publish", "--", "--upload-pack=x", code=2)


def test_a_factory_moves_in_one_commit_and_keeps_everything_else(
    bare: Path, factory: Path, mlfactory: Command, command: Command
) -> None:
    mlfactory("template", "publish", bare)
    before, was = answers(factory), head(command, factory)
    content = json.loads(mlfactory("template", "use", bare, factory, "--json").stdout)
    assert content["done"]
    assert head(command, factory) != was
    assert command("git", "rev-parse", "HEAD^", cwd=factory).stdout.strip() == was
    assert answers(factory) == {**before, "_src_path": str(bare)}
    assert command("git", "diff", "--stat", "HEAD^", cwd=factory).stdout.count("|") == 1
    assert not command("git", "status", "--porcelain", cwd=factory).stdout


def test_a_dry_run_of_a_move_changes_nothing(
    bare: Path, factory: Path, mlfactory: Command, command: Command
) -> None:
    mlfactory("template", "publish", bare)
    was = head(command, factory)
    content = json.loads(mlfactory("template", "use", bare, factory, "--dry-run", "--json").stdout)
    assert (content["done"], content["new"]) == (False, str(bare))
    assert "would move from git+mlfactory::template" in (
        mlfactory("template", "use", bare, factory, "--dry-run").stderr
    )
    assert head(command, factory) == was


def test_moving_twice_and_back(
    bare: Path, factory: Path, mlfactory: Command, command: Command
) -> None:
    mlfactory("template", "publish", bare)
    before = answers(factory)
    mlfactory("template", "use", bare, factory)
    moved = head(command, factory)
    assert "is there already" in mlfactory("template", "use", bare, factory).stderr
    assert head(command, factory) == moved
    mlfactory("template", "use", "mlfactory::template", factory)
    assert answers(factory) == before
    status = json.loads(mlfactory("status", factory, "--json").stdout)["projects"][0]
    assert status["source"] == history.SOURCE


def test_a_move_to_another_history_is_refused(
    bare: Path, factory: Path, tmp_path: Path, mlfactory: Command, command: Command
) -> None:
    foreign(tmp_path, bare, command, "refs/heads/main", f"refs/tags/{NEWEST}")
    was = head(command, factory)
    assert f"has another {NEWEST}" in mlfactory("template", "use", bare, factory, code=1).stderr
    assert head(command, factory) == was


def test_a_move_to_where_the_version_is_not_is_refused(
    bare: Path, factory: Path, tmp_path: Path, mlfactory: Command, command: Command
) -> None:
    assert f"no version {NEWEST}" in mlfactory("template", "use", bare, factory, code=2).stderr
    foreign(tmp_path, bare, command, "refs/heads/main")
    assert f"no version {NEWEST}" in mlfactory("template", "use", bare, factory, code=2).stderr


def test_a_move_of_a_dirty_project_is_refused(
    bare: Path, factory: Path, mlfactory: Command
) -> None:
    mlfactory("template", "publish", bare)
    (factory / "README.md").write_text("mine\n")
    assert "not committed" in mlfactory("template", "use", bare, factory, code=1).stderr


def test_a_factory_of_a_development_version_cannot_move(
    bare: Path, tmp_path: Path, mlfactory: Command
) -> None:
    if not history.load().development:
        pytest.skip("the template is as it was released")
    mlfactory("template", "publish", bare)
    mlfactory("new", "young", "--no-setup", "--defaults", cwd=tmp_path)
    output = mlfactory("template", "use", bare, tmp_path / "young", code=1).stderr
    assert "is not released: nobody else has it" in output


def test_after_a_move_copier_needs_no_mlfactory(
    bare: Path, factory: Path, release: Release, mlfactory: Command, bystander: Command
) -> None:
    mlfactory("template", "publish", bare)
    mlfactory("template", "use", bare, factory)
    current = bystander("check-update", "--output-format", "json", cwd=factory).stdout
    assert json.loads(current)["update_available"] is False
    release(LATER)
    published.publish(str(bare))
    current = bystander("check-update", "--output-format", "json", cwd=factory).stdout
    assert json.loads(current)["latest_version"] == LATER
    bystander("update", "--defaults", "--quiet", cwd=factory)
    assert f"Read what {LATER} says." in (factory / "docs/runbook.md").read_text()
    assert answers(factory)["_commit"] == f"v{LATER}"


def test_after_a_move_our_own_update_follows_the_new_address(
    bare: Path, factory: Path, release: Release, mlfactory: Command
) -> None:
    mlfactory("template", "publish", bare)
    mlfactory("template", "use", bare, factory)
    release(LATER)
    published.publish(str(bare))
    mlfactory("update", factory, "--defaults")
    assert f"Read what {LATER} says." in (factory / "docs/runbook.md").read_text()
    assert answers(factory)["_src_path"] == str(bare)


class GitOverHttp(BaseHTTPRequestHandler):
    """git's own smart protocol, by way of git's own program."""

    root: Path

    def answer(self) -> None:
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "team",
            "REMOTE_ADDR": "127.0.0.1",
        }
        result = subprocess.run(
            ["git", "http-backend"], env=env, input=self.body(), capture_output=True
        )
        top, _, content = result.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in top.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815

    def body(self) -> bytes:
        """Git sends what is larger than a megabyte in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(bare: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the folder of repositories, on this machine only."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    command("git", "config", "http.receivepack", "true", cwd=bare)
    handler = type("Handler", (GitOverHttp,), {"root": bare.parent})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join(10)


def test_over_http_from_publication_to_a_bots_update(
    server: str, factory: Path, release: Release, mlfactory: Command, bystander: Command
) -> None:
    """What Renovate reads is a URL that git takes as it is, and a tag."""
    mlfactory("template", "publish", f"{server}/template.git")
    mlfactory("template", "use", f"{server}/template.git", factory)
    record = answers(factory)
    assert record["_src_path"] == f"{server}/template.git"
    assert f"refs/tags/{record['_commit']}" in refs(record["_src_path"])
    release(LATER)
    published.publish(f"{server}/template.git")
    bystander("update", "--defaults", "--quiet", "--vcs-ref", f"v{LATER}", cwd=factory)
    assert answers(factory) == {**record, "_commit": f"v{LATER}"}
    status = json.loads(mlfactory("status", factory, "--json").stdout)["projects"][0]
    assert status["newest"] == f"v{LATER}"


def test_an_address_without_its_ending_is_recorded_with_it(
    server: str, bare: Path, factory: Path, mlfactory: Command
) -> None:
    """copier would want `git+` before it, which Renovate cannot read."""
    (bare.parent / "template").symlink_to(bare)
    mlfactory("template", "publish", f"{server}/template")
    mlfactory("template", "use", f"{server}/template", factory)
    assert answers(factory)["_src_path"] == f"{server}/template.git"


def test_a_dead_server_is_an_error_that_says_so(
    factory: Path, mlfactory: Command, command: Command
) -> None:
    was = head(command, factory)
    output = mlfactory("template", "use", "http://127.0.0.1:9/x.git", factory, code=1).stderr
    assert "cannot be reached" in output
    assert head(command, factory) == was


def test_a_factory_can_leave_a_server_that_is_gone(
    bare: Path, factory: Path, mlfactory: Command
) -> None:
    """As long as this machine has seen what was there."""
    mlfactory("template", "publish", bare)
    mlfactory("template", "use", bare, factory)
    mlfactory("status", factory)
    moved = bare.rename(bare.with_name("moved.git"))
    assert "cannot be reached" in mlfactory("status", factory, code=1).stderr
    mlfactory("template", "use", moved, factory)
    assert answers(factory)["_src_path"] == str(moved)
    mlfactory("status", factory)


@pytest.mark.parametrize(
    "record",
    ["_src_path: {}\n", "_src_path: '{}'\n", "_src_path: >-\n  {}\n", '_src_path:\n  "{}"\n'],
)
def test_only_the_address_changes_however_it_is_written(
    record: str, bare: Path, factory: Path, mlfactory: Command, command: Command
) -> None:
    mlfactory("template", "publish", bare)
    file = factory / ".copier-answers.yml"
    old = answers(factory)
    file.write_text(
        file.read_text().replace(f"_src_path: {history.SOURCE}\n", record.format(history.SOURCE))
        + "# the end\n"
    )
    assert answers(factory) == old
    command("git", "commit", "--quiet", "--no-verify", "--all", "--message", "w", cwd=factory)
    place = bare.rename(bare.with_name("é: #1.git"))
    mlfactory("template", "use", place, factory)
    assert answers(factory) == {**old, "_src_path": str(place)}
    assert file.read_text().endswith("# the end\n")


def test_a_cruft_project_moves_too(tmp_path: Path, command: Command, mlfactory: Command) -> None:
    template = tmp_path / "cookie"
    (template / "{{cookiecutter.name}}").mkdir(parents=True)
    (template / "{{cookiecutter.name}}/a.txt").write_text("a\n")
    (template / "cookiecutter.json").write_text('{"name": "x"}')
    project = tmp_path / "x"
    project.mkdir()
    for place in (template, project):
        command("git", "init", "--quiet", place)
    command("git", "add", "--all", cwd=template)
    command("git", "commit", "--quiet", "--message", "one", cwd=template)
    commit = head(command, template)
    text = json.dumps(
        {
            "template": str(template),
            "commit": commit,
            "checkout": None,
            "context": {"cookiecutter": {"name": "x", "template": "mine"}},
            "directory": None,
        },
        indent=2,
    )
    (project / ".cruft.json").write_text(f"{text}\n")
    (project / "a.txt").write_text("a\n")
    command("git", "add", "--all", cwd=project)
    command("git", "commit", "--quiet", "--message", "one", cwd=project)
    moved = tmp_path / "moved.git"
    command("git", "clone", "--quiet", "--bare", template, moved)
    mlfactory("template", "use", moved, project)
    assert (project / ".cruft.json").read_text() == f"{text}\n".replace(str(template), str(moved))


def test_publishing_refuses_what_git_would_take_for_an_option() -> None:
    with pytest.raises(MlfactoryError, match="is no address"):
        published.publish("--mirror")
