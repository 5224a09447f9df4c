"""What `compose --init` writes: files that compose, and workflows whose commands do what they say.

Each job's commands are run by bash in a fresh clone, as a runner does; git is real, the forge is a
bare repository, and `gh` is a script that keeps what it was asked for.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Command
from .evolving import Repo, init, mlfactory, release, template
from .git_server import git_server
from .test_compose import SMALL

GH = '#!/bin/sh\nfor word in "$@"; do echo "$word"; done >> "$GH_CALLS"\n'
PLAIN = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}  # all is installed here
Workflow = dict[str, Any]


@pytest.fixture
def upstream(tmp_path: Path) -> Repo:
    return template(tmp_path / "upstream", SMALL)


@pytest.fixture
def forge(tmp_path: Path) -> Repo:
    """A forge's repository for the conventions, which holds the template as a branch, too."""
    repo = init(tmp_path / "forge.git", "--bare")
    repo.git("config", "receive.advertisePushOptions", "true")
    return repo


@pytest.fixture
def forges() -> Iterator[ExitStack]:
    """Servers that end with the test."""
    with ExitStack() as servers:
        yield servers


@pytest.fixture
def conventions(tmp_path: Path, upstream: Repo, forge: Repo) -> Repo:
    """What the command writes, on upstream's first release."""
    folder = tmp_path / "acme"
    mlfactory("template", "compose", "--init", folder, "--publish", forge.path)
    file = folder / "company.yml"
    text = re.sub(r"^upstream:.*$", f"upstream: {upstream.path}", file.read_text(), flags=re.M)
    file.write_text(re.sub(r"^release:.*$", "release: v1.0.0", text, flags=re.M))
    repo = init(folder).commit(message="Begin")
    repo.git("push", "--quiet", forge.path, "main")
    return repo


def scripts(kind: str, job: str, folder: Path) -> list[str]:
    """The commands of a job, each as one script. All install the same: what the first does."""
    if kind == "github":
        whole: Workflow = yaml.safe_load((folder / ".github/workflows/template.yml").read_text())
        commands = [step["run"] for step in whole["jobs"][job]["steps"] if "run" in step]
    else:
        whole = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())
        commands = [*whole["default"]["before_script"], *whole[job]["script"]]
    commands = [one for one in commands if job == "try" or "pip install" not in one]
    return commands if kind == "github" else ["\n".join(commands)]


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_the_jobs_publish_what_is_merged_and_propose_the_next_release_once(
    kind: str,
    conventions: Repo,
    upstream: Repo,
    forge: Repo,
    forges: ExitStack,
    tmp_path: Path,
    command: Command,
) -> None:
    """With a template that nobody reads without a token, and proposals that get none to write."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()
    address = forges.enter_context(git_server(forge.path, "writer", readers="reader"))

    def run(job: str) -> None:
        place = tmp_path / f"runner-{len([*tmp_path.glob('runner-*')])}"
        command("git", "clone", "--quiet", forge.path, place)
        for script in scripts(kind, job, conventions.path):
            command(
                "bash", "-euo", "pipefail", "-c", script, cwd=place, **PLAIN,
                MLFACTORY="mlfactory", RUNNER_TEMP=str(tmp_path), GH_CALLS=str(calls),
                TOKEN="reader" if job == "try" else "writer", CI_JOB_TOKEN="reader",
                TEMPLATE_TOKEN="" if job == "try" else "writer", CI_PROJECT_URL=f"{address}/forge",
                CI_SERVER_URL=address, GITHUB_SERVER_URL=address,
                PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
            )  # fmt: skip

    def branches() -> set[str]:
        return set(forge.git("for-each-ref", "--format=%(refname:short)").split())

    text = conventions.text("company.yml")
    text = text.replace("release: v1.0.0", "release: v1.0.0  # the first")
    text = text.replace(str(forge.path), f"{address}/forge.git")
    conventions.commit({"company.yml": text}).git("push", "--quiet", forge.path, "main")
    command("git", "ls-remote", f"{address}/forge.git", code=128, GIT_TERMINAL_PROMPT="0")
    run("try")
    assert branches() == {"main"}
    run("publish")
    assert branches() == {"main", "template", "v1.0.0.post1"}
    run("propose")
    assert branches() == {"main", "template", "v1.0.0.post1"}
    release(upstream, "v1.1.0", {"tree/notes.txt": "new\n", "CHANGELOG.md": "- More of it.\n"})
    run("propose")
    proposed = forge.git("show", "compose-v1.1.0:company.yml")
    assert "\nrelease: v1.1.0  # the first\n" in proposed
    assert proposed.replace("v1.1.0", "v1.0.0") == conventions.text("company.yml")
    if kind == "github":
        argv = calls.read_text().splitlines()
        assert argv[:4] == ["pr", "create", "--head", "compose-v1.1.0"]
        body = Path(argv[-1]).read_text()
    else:
        body = forge.git("log", "-1", "--format=%B", "compose-v1.1.0")
    assert "new in v1.1.0, and no rule covers it: notes.txt" in body
    before, asked = forge.git("rev-parse", "compose-v1.1.0"), calls.read_text()
    run("propose")
    assert (forge.git("rev-parse", "compose-v1.1.0"), calls.read_text()) == (before, asked)
    forge.git("update-ref", "refs/heads/main", "compose-v1.1.0")
    run("publish")
    assert "v1.1.0.post1" in branches()
    assert "v1.1.0" not in branches()


def test_what_is_there_is_not_overwritten(conventions: Repo) -> None:
    done = mlfactory("template", "compose", "--init", conventions.path, "--json", code=1)
    assert "company.yml" in json.loads(done.stdout)["error"]


def test_a_release_that_the_conventions_do_not_fit_changes_nothing(
    conventions: Repo, upstream: Repo
) -> None:
    rule = (
        "rules: [{name: image, files: Dockerfile, find: '^FROM python', put: 'FROM our/python'}]\n"
    )
    file = conventions.path / "company.yml"
    file.write_text(file.read_text() + rule)
    before = file.read_text()
    release(upstream, "v1.1.0", {"tree/Dockerfile": "FROM debian\n"})
    done = mlfactory("template", "compose", file, "--next", code=1, cwd=conventions.path)
    assert "the rule image matches nothing" in done.stderr
    assert file.read_text() == before
    assert not [*conventions.path.glob(".company*")]


@pytest.mark.parametrize("name", [".github/workflows/template.yml", ".gitlab-ci.yml"])
def test_workflows_hold_no_expression_in_a_command(conventions: Repo, name: str) -> None:
    """What a forge puts into a script before the shell reads it could be anybody's."""
    whole = yaml.safe_load(conventions.text(name))
    texts = [json.dumps(step) for job in whole.get("jobs", {}).values() for step in job["steps"]]
    assert not [text for text in texts if '"run"' in text and "${{" in text]


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("release: v1.0.0   # as audited", "release: v1.1.0   # as audited"),
        ("release: 'v1.0.0'", "release: v1.1.0"),
        ("release:", "release: v1.1.0"),
        ("# none yet", "# none yet"),
    ],
)
def test_only_the_release_changes_in_the_file(
    conventions: Repo, upstream: Repo, line: str, after: str
) -> None:
    release(upstream, "v1.1.0", {"tree/notes.txt": "new\n"})
    file = conventions.path / "company.yml"
    text = file.read_text().replace("release: v1.0.0", line).replace("\n", "\r\n")
    file.write_bytes(text.encode())
    mlfactory("template", "compose", file, "--next", cwd=conventions.path)
    more = "" if line.startswith("release") else "release: v1.1.0\r\n"
    assert file.read_bytes().decode() == text.replace(line, after) + more


def test_a_release_that_cannot_be_written_is_none(conventions: Repo, upstream: Repo) -> None:
    release(upstream, "v1.1.0", {"tree/notes.txt": "new\n"})
    file = conventions.path / "company.yml"
    file.write_text(text := file.read_text().replace("release: v1.0.0", '"release": v1.0.0'))
    done = mlfactory("template", "compose", file, "--next", cwd=conventions.path, code=2)
    assert "release is there twice" in done.stderr
    assert file.read_text() == text
