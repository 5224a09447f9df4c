"""How long an update takes, beside copier and cruft on the same template. Run by hand:

    .venv/bin/python tests/benchmarks/bench_update.py [RUNS]

60 files, a third of them with variables; the template changes half of them and the user a third.
The commands run in turn, so that a machine that is busy for a while is busy for all of them.
Nothing is locked or checked. cruft is installed into an environment that is made for this.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(sys.executable).parent
# Set on machines that build, never by users: every import would be compiled anew.
DROPPED = ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "UV_PYTHON")
FILES, LINES = 60, 40
QUESTIONS = "_subdirectory: tree\nname: {type: str, default: somebody}\n"
ANSWERS = "tree/{{ _copier_conf.answers_file }}.jinja"


@dataclass(frozen=True)
class Case:
    """A command, the project that it works on, and which renders are in the cache."""

    title: str
    argv: tuple[str, ...]
    project: str
    renders: str = ""


class Cost(NamedTuple):
    """Seconds on the wall, and of the CPU, which other processes change less."""

    wall: float
    cpu: float


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in DROPPED}
    path = f"{SCRIPTS}{os.pathsep}{kept['PATH']}"
    return {**kept, "HOME": str(home), "PATH": path, "XDG_CACHE_HOME": str(home / ".cache")}


def processor() -> float:
    """CPU seconds of all commands so far, with what they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(argv: Sequence[str], folder: Path, home: Path, ok: tuple[int, ...] = (0,)) -> Cost:
    """What one command takes."""
    begun, before = time.perf_counter(), processor()
    done = subprocess.run(
        argv, cwd=folder, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True
    )
    cost = Cost(time.perf_counter() - begun, processor() - before)
    if done.returncode not in ok:
        raise SystemExit(f"{' '.join(argv)}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return cost


def lines(number: int, variable: str, *, new: bool) -> str:
    """A file of the template; every second one changes near its beginning."""
    name = variable if number % 3 == 0 else "nobody"
    text = [f"file {number}, line {n}, for {name}\n" for n in range(LINES)]
    if new and number % 2 == 0:
        text[4:6] = [f"file {number} says something new\n", "and more\n"]
    return "".join(text)


def write(top: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def commit(top: Path, home: Path, text: str, tag: str = "") -> None:
    if not (top / ".git").exists():
        run(("git", "init", "--quiet", "--initial-branch=main"), top, home)
    run(("git", "add", "--all"), top, home)
    run(("git", "commit", "--quiet", "--message", text), top, home)
    if tag:
        run(("git", "tag", tag), top, home)


def for_copier(top: Path, home: Path) -> Path:
    for new in (False, True):
        files = {"copier.yml": QUESTIONS, ANSWERS: "{{ _copier_answers | to_nice_yaml }}"}
        for n in range(FILES):
            suffix = ".jinja" if n % 3 == 0 else ""
            files[f"tree/src/part{n % 6}/file{n}.txt{suffix}"] = lines(n, "{{ name }}", new=new)
        write(top, files)
        commit(top, home, "template", "v2.0.0" if new else "v1.0.0")
    return top


def for_cruft(top: Path, home: Path) -> Path:
    for new in (False, True):
        files = {"cookiecutter.json": json.dumps({"slug": "project", "name": "somebody"})}
        for n in range(FILES):
            name = f"{{{{ cookiecutter.slug }}}}/src/part{n % 6}/file{n}.txt"
            files[name] = lines(n, "{{ cookiecutter.name }}", new=new)
        write(top, files)
        commit(top, home, "template", "v2.0.0" if new else "v1.0.0")
    return top


def edited(top: Path, home: Path) -> None:
    """The user's work: a third of the files, near their end."""
    for n in range(0, FILES, 3):
        path = top / f"src/part{n % 6}/file{n}.txt"
        text = path.read_text().splitlines(keepends=True)
        text[-5] = "the user's own line\n"
        path.write_text("".join(text))
    commit(top, home, "work")


def prepared(place: Path, home: Path, cruft: str) -> None:
    """Pristine projects of the first version, and mlfactory's cache as `renders` name it."""
    (home / ".gitconfig").write_text("[user]\nname = B\nemail = b@example.org\n")
    template = str(for_copier(place / "template", home))
    copy = ("copier", "copy", "--quiet", "--defaults", "--vcs-ref", "v1.0.0", template)
    run((*copy, str(place / "copier/project")), place, home)
    source = str(for_cruft(place / "cookiecutter", home))
    (place / "cruft").mkdir()
    run((cruft, "create", source, "--checkout", "v1.0.0", "--no-input"), place / "cruft", home)
    file = place / "cruft/project/.cruft.json"
    file.write_text(file.read_text().replace('"checkout": "v1.0.0"', '"checkout": null'))
    for name in ("copier/project", "cruft/project"):
        commit(place / name, home, "made")
        edited(place / name, home)
    fresh = copied(place, "copier/project")
    renders = home / ".cache/mlfactory/renders"
    (place / "none").mkdir()
    run(("mlfactory", "diff"), fresh, home)
    shutil.copytree(renders, place / "base")
    run(("mlfactory", "status"), fresh, home)
    shutil.copytree(renders, place / "both")


def copied(place: Path, project: str) -> Path:
    """A fresh copy with a fresh index; its folder keeps its name."""
    shutil.rmtree(place / "now", ignore_errors=True)
    shutil.copytree(place / project, place / "now/project", symlinks=True)
    subprocess.run(["git", "status"], cwd=place / "now/project", capture_output=True)
    return place / "now/project"


def cost(case: Case, place: Path, home: Path) -> Cost:
    top = copied(place, case.project)
    if case.renders:
        renders = home / ".cache/mlfactory/renders"
        shutil.rmtree(renders)
        shutil.copytree(place / case.renders, renders)
    return run(case.argv, top, home, ok=(0, 1, 5) if "check" in case.argv[1] else (0,))


def cases(cruft: str) -> tuple[Sequence[Case], Sequence[Case]]:
    """Both tables; the second command is what the others are compared with."""
    update = ("mlfactory", "update", "--defaults", "--no-check")
    copier = ("copier", "update", "--defaults", "--quiet")
    updates = (
        Case("copier update", copier, "copier/project"),
        Case("cruft update", (cruft, "update", "--skip-apply-ask"), "cruft/project"),
        Case("mlfactory update, base cached", update, "copier/project", "base"),
        Case("mlfactory update, nothing cached", update, "copier/project", "none"),
        Case("mlfactory update, after a status", update, "copier/project", "both"),
    )
    looks = (
        Case("copier check-update", ("copier", "check-update"), "copier/project"),
        Case("cruft check", (cruft, "check"), "cruft/project"),
        Case("mlfactory status, warm", ("mlfactory", "status"), "copier/project", "both"),
        Case("mlfactory status, nothing cached", ("mlfactory", "status"), "copier/project", "none"),
    )
    return updates, looks


def table(rows: Sequence[Case], runs: int, measure: Callable[[Case], Cost]) -> None:
    """Medians, and medians of the ratios to the first row, round by round."""
    rounds = [[measure(case) for case in rows] for _ in range(runs + 1)][1:]
    for n, case in enumerate(rows):
        each = [
            (statistics.median(r[n][k] for r in rounds),
             statistics.median(r[n][k] / r[0][k] for r in rounds))
            for k in range(len(Cost._fields))
        ]  # fmt: skip
        shown = " | ".join(f"{own:8.2f} | {ratio:6.2f}" for own, ratio in each)
        print(f"| {case.title:34} | {shown} |", flush=True)


def installed_cruft(place: Path) -> str:
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    subprocess.run([str(place / "bin/pip"), "install", "--quiet", "cruft"], check=True)
    return str(place / "bin/cruft")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        place, home = Path(folder), Path(folder) / "home"
        home.mkdir()
        cruft = shutil.which("cruft") or installed_cruft(place / "environment")
        prepared(place, home, cruft)
        head = "  seconds | ratio  |    CPU s | ratio  |"
        print(f"| {f'60 files, median of {runs}':34} |{head}")
        print(f"|{'-' * 36}|{'---------:|-------:|' * 2}")
        for rows in cases(cruft):
            table(rows, runs, lambda case: cost(case, place, home))


if __name__ == "__main__":
    main()
