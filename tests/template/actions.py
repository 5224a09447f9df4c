"""The workflows of a factory as GitHub runs them, by act on this machine and without containers.

Of what is not there (the actions of others, the forge) stand-ins are used: `checkout` fetches what
the real one does, and gives no more history, tags or credentials.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.uv import program

from ..docker import put_docker
from .conftest import SCRIPTS, Factory, execute

ACT = SCRIPTS / "act"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ACTION = """name: stand-in
inputs: {{ {inputs} }}
runs:
  using: composite
  steps:
    - shell: bash
      env: {{ {env} }}
      run: |
        {script}
"""
CHECKOUT = """set -euo pipefail
git init -q -b main . && git remote add origin "$FAKE_ORIGIN"
shallow=(--no-tags --depth="$DEPTH")
if [ "$DEPTH" = 0 ]; then
  shallow=()
  git fetch -q --prune origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'
fi
git fetch -q "${shallow[@]}" origin "+$SHA:refs/remotes/origin/${REF#refs/heads/}"
git checkout -q --force -B "${REF#refs/heads/}" "$SHA"
"""
# What GitHub has had since May 2026, and act 0.2.89 refuses as a fault in the file.
UNKNOWN = re.compile(r"^  queue: max.*\n", re.M)
# No index has mlfactory yet: it is that of the tests.
UV = """#!/bin/sh
if [ "$1 $2 $5" = "tool run mlfactory" ]; then
  shift 5
  PATH="{scripts}:$PATH" exec mlfactory "$@"
fi
exec "{uv}" "$@"
"""
UPLOAD = """mkdir -p "$FAKE_ARTIFACTS"
[ ! -d "$WHAT" ] || WHAT="${WHAT%/}/."
cp -r $WHAT "$FAKE_ARTIFACTS/" || echo "no file: $WHAT"
"""
STAND_INS = {
    "actions/checkout": (
        "fetch-depth: {default: '1'}, persist-credentials: {default: 'true'}",
        "DEPTH: '${{ inputs.fetch-depth }}', REF: '${{ github.ref }}', SHA: '${{ github.sha }}'",
        CHECKOUT,
    ),
    "astral-sh/setup-uv": ("", "", 'echo "$FAKE_UV" >> "$GITHUB_PATH"\n'),
    "actions/attest-build-provenance": (
        "subject-path: {required: true}",
        "WHAT: '${{ inputs.subject-path }}'",
        "ls $WHAT\n",
    ),
    "actions/download-artifact": (
        "name: {required: true}, path: {required: true}",
        "PLACE: '${{ inputs.path }}'",
        'mkdir -p "$PLACE" && cp -r "$FAKE_ARTIFACTS/." "$PLACE/"\n',
    ),
    "actions/upload-artifact": (
        "name: {required: true}, path: {required: true}",
        "WHAT: '${{ inputs.path }}'",
        UPLOAD,
    ),
}


@dataclass(frozen=True)
class Actions:
    """The repository `org/churn` on a forge: a bare origin, and a runner with an empty HOME."""

    folder: Path
    factory: Factory
    api: str
    secrets: dict[str, str] = field(default_factory=dict)
    run_before: dict[str, Any] = field(default_factory=dict)  # that a `workflow_run` is about
    inputs: dict[str, str] = field(default_factory=dict)  # what a person types for it

    @property
    def origin(self) -> Path:
        return self.folder / "origin"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def run(self, workflow: str, event: str, *options: str, code: int = 0, branch: str = "") -> str:
        """Run a workflow on the origin's main branch, or on what merging a branch into it makes;
        gives all that it said, without colours."""
        place = self.folder / f"run-{len(list(self.folder.glob('run-*.json')))}"
        git = ("git", "-C", str(place))
        execute(("git", "clone", "-q", str(self.origin), str(place)), self.folder, self.env)
        address = "https://github.com/org/churn.git"  # act reads the repository's name here
        execute((*git, "remote", "set-url", "origin", address), self.folder, self.env)
        if branch:
            self.merge(git, branch)
        file = place / ".github/workflows" / f"{workflow}.yml"
        for one in file.parent.glob("*.yml"):
            one.write_text(UNKNOWN.sub("", one.read_text("utf-8")), "utf-8")
        told = place.with_suffix(".json")
        told.write_text(json.dumps(self.event(event)), "utf-8")
        argv = [str(ACT), event, "-W", str(file), "-e", str(told), "-a", "dave"]
        argv += ["-P", "ubuntu-24.04=-self-hosted", "--action-offline-mode", "--no-skip-checkout"]
        argv += ["--no-cache-server", "--action-cache-path", str(place.with_suffix(".work"))]
        argv += ["--defaultbranch", "main", *stand_ins(file, self.folder), *options]
        for name, value in self.variables.items():
            argv += ["--env", f"{name}={value}"]
        for name, value in self.secrets.items():
            argv += ["--secret", f"{name}={value}"]
        done = subprocess.run(
            argv, cwd=place, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        said = COLOUR.sub("", done.stdout + done.stderr)
        assert done.returncode == code, said
        assert all(secret not in said for secret in self.secrets.values())
        return said

    def merge(self, git: tuple[str, ...], branch: str) -> None:
        """Merge a branch as the forge does to run CI on a pull request, whose number is 1."""
        who = ("-c", "user.name=forge", "-c", "user.email=forge@localhost")
        merge = ("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}")
        execute((*git, *who, *merge, f"origin/{branch}"), self.folder, self.env)
        target = "HEAD:refs/pull/1/merge"
        execute(
            (*git, "push", "--quiet", "--force", str(self.origin), target), self.folder, self.env
        )

    def event(self, name: str) -> dict[str, Any]:
        more: dict[str, Any] = {"ref": "refs/heads/main"}
        if name == "schedule":
            more = {"schedule": "17 5 * * *"}
        elif name == "pull_request":
            more = {"number": 1, "pull_request": {"number": 1}}
        elif name == "workflow_dispatch":
            more["inputs"] = self.inputs
        elif name == "workflow_run":
            more = {"workflow_run": self.run_before}
        return {**more, "repository": {"full_name": "org/churn", "default_branch": "main"}}

    @property
    def env(self) -> dict[str, str]:
        """What a runner begins with: no identity for git, no uv, nothing of whoever tests."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

    @property
    def variables(self) -> dict[str, str]:
        """Where the stand-ins find what they stand for; packages are those of the cache alone."""
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        if not (tools / "uv").exists():
            (tools / "uv").write_text(UV.format(scripts=SCRIPTS, uv=program()), "utf-8")
            (tools / "uv").chmod(0o755)
            put_docker(tools)
        return {
            "FAKE_ORIGIN": f"file://{self.origin}",
            "FAKE_UV": str(tools),
            "FAKE_ARTIFACTS": str(self.artifacts),
            "GIT_PAGER": "cat",
            "GITHUB_API_URL": self.api,
            "UV_CACHE_DIR": self.factory.env["UV_CACHE_DIR"],
            "MYPY_CACHE_DIR": self.factory.env["MYPY_CACHE_DIR"],
            "UV_OFFLINE": "1",
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
        }


def stand_ins(workflow: Path, folder: Path) -> list[str]:
    """Options for act that put a stand-in for each action, in the version that is asked for; also
    for those of the workflows that this one may call."""
    options = []
    texts = "".join(file.read_text("utf-8") for file in workflow.parent.glob("*.yml"))
    for used in sorted(set(re.findall(r"uses: ([^./]\S+)", texts))):
        inputs, env, script = STAND_INS[used.partition("@")[0]]
        place = folder / "actions" / used.replace("/", "-")
        place.mkdir(parents=True, exist_ok=True)
        lines = script.rstrip("\n").replace("\n", f"\n{' ' * 8}")
        text = ACTION.format(inputs=inputs, env=env, script=lines)
        (place / "action.yml").write_text(text, "utf-8")
        options += ["--local-repository", f"{used}={place}"]
    return options


def needs_act() -> None:
    """Skip where act is not installed, except in CI."""
    if not ACT.is_file() and not os.environ.get("CI"):
        pytest.skip("act is not installed: it comes with the extra `test` on Linux")
