"""The script of docs/how-to/jobs.md that deploys, run with stand-ins for ssh, docker and curl."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT

STAND_INS = {
    "ssh": '#!/bin/bash\necho "ssh $5" >> "$CALLS"; cat "$2" > "$CALLS.key"; shift 5; exec "$@"\n',
    "docker": '#!/bin/bash\necho "docker $*" >> "$CALLS"; if [ "$1" = load ]; then cat; fi\n',
    "curl": '#!/bin/bash\necho "curl" >> "$CALLS"; exit "$HEALTH"\n',
    "sleep": "#!/bin/bash\n",
}


@pytest.mark.parametrize(("health", "code"), [("0", 0), ("22", 1)])
def test_the_old_one_ends_once_the_new_one_answers(tmp_path: Path, health: str, code: int) -> None:
    page = (ROOT / "docs/how-to/jobs.md").read_text("utf-8")
    (script,) = re.findall(r"```bash\n(.*?)```", page, re.S)
    (tmp_path / "bin").mkdir()
    for name, text in STAND_INS.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    env = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(tmp_path / "calls"),
        "HEALTH": health,
        "RELEASE_STAGE": "prod",
        "RELEASE_VERSION": "v1.1.0",
        "RELEASE_IMAGE": "churn:v1.1.0",
        "FACTORY_DEPLOY_KEY": "a private key",
    }
    argv = ["bash", "-c", script]
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert {"docker save churn:v1.1.0", "docker load", "ssh churn@prod.example.org"} <= {*calls}
    assert ("docker rm --force churn churn-v1.1.0-new" in calls) == (code == 0)
    assert (tmp_path / "calls.key").read_text() == "a private key\n"
