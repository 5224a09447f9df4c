"""A stand-in for docker, as far as the job Release uses it: no engine runs where tests do. It keeps
each context that is built, and names it by its content."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SCRIPT = """#!{python}
import hashlib, json, os, shutil, sys
from pathlib import Path
place, argv = Path({place!r}), sys.argv[1:]
def digest(name):
    files = sorted(p for p in (place / name).rglob("*") if p.is_file())
    return "sha256:" + hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()
with (place / "calls").open("a") as calls:
    calls.write(json.dumps(argv) + "\\n")
if argv[0] == "build":
    (name,) = [one.partition("=")[2] for one in argv if one.startswith("--tag=")]
    shutil.rmtree(place / name, ignore_errors=True)
    shutil.copytree(".", place / name, symlinks=True)
elif argv[0] == "login":
    (place / "login").write_text(sys.stdin.read())
elif argv[0] == "push" and not (place / "login").is_file():
    sys.exit("denied: you may not push")
elif argv[:2] == ["image", "inspect"] and len(argv) == 3:  # of a service: it has no ports
    print('[{{"Config": {{}}}}]')
elif argv[:2] == ["image", "inspect"]:
    name = argv[-1]
    own = f"{{name.rpartition(':')[0]}}@{{digest(name)}}"
    print(json.dumps([own]) if "RepoDigests" in argv[2] else digest(name))
"""


def put_docker(folder: Path) -> Path:
    """Put the stand-in there; gives the folder for PATH, in which it keeps what it builds."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "docker"
    program.write_text(SCRIPT.format(python=sys.executable, place=str(folder)), "utf-8")
    program.chmod(0o755)
    return folder


def before_path(folder: Path) -> str:
    """PATH with the stand-in first."""
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
