"""What many repositories cost: updates beside a loop of `copier update`, and a status. By hand:

    .venv/bin/python tests/benchmarks/bench_fleet.py [UPDATES [LOOPS [STATUS ...]]]

The template of bench_update.py, and bare repositories of this disk: each with answers of its own,
and with edits in a third of its files, none of which is in the way of the update.
Of the loop only LOOPS rounds are measured, and the rest is their mean.
Processor time counts what was started, too, and does not depend on what else the machine does.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bench_update as one
import yaml
from bench_update import Cost


def origins(place: Path, home: Path, count: int) -> None:
    """Bare repositories, each of a project with another name in it and other edits."""
    template = str(one.for_copier(place / "template", home))
    copy = ("copier", "copy", "--quiet", "--defaults", "--vcs-ref", "v1.0.0", template)
    one.run((*copy, str(place / "project")), place, home)
    for number in range(count):
        top = place / "work" / f"project{number}"
        shutil.copytree(place / "project", top)
        for path in (p for p in top.rglob("*") if p.is_file()):
            path.write_text(path.read_text().replace("somebody", f"team {number}"))
        for n in range(number % 3, one.FILES, 3):
            path = top / f"src/part{n % 6}/file{n}.txt"
            text = path.read_text().splitlines(keepends=True)
            text[-5] = f"line {number} of the user\n"
            path.write_text("".join(text))
        one.commit(top, home, "made and edited")
        bare = place / "origins" / f"project{number}.git"
        one.run(("git", "clone", "--quiet", "--bare", str(top), str(bare)), place, home)
        shutil.rmtree(top)


def fleet(place: Path, name: str, count: int) -> Path:
    """A folder with a fleet's file for so many of the repositories."""
    folder = place / name
    folder.mkdir()
    rows = [{"path": f"../origins/project{number}.git"} for number in range(count)]
    (folder / "fleet.yml").write_text(yaml.safe_dump({"repositories": rows}))
    return folder


def loop(place: Path, home: Path, number: int) -> Cost:
    """One round of what people do without a fleet."""
    origin, top = place / f"origins/project{number}.git", place / f"loop/project{number}"
    script = (
        f"git clone --quiet {origin} {top} && cd {top} && git switch --quiet -c loop && "
        "copier update --defaults --quiet && git add --all && git commit --quiet -m update && "
        "git push --quiet origin loop"
    )
    return one.run(("bash", "-euc", script), place, home)


def measured(argv: tuple[str, ...], folder: Path, home: Path) -> tuple[Cost, float]:
    """What a command takes, and the megabytes of the largest process among all that it starts."""
    lines = (
        "import resource, subprocess, sys",
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)",
        "open('peak', 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))",
    )
    cost = one.run((sys.executable, "-c", "\n".join(lines), *argv), folder, home)
    return cost, int((folder / "peak").read_text()) / 1024


def look(place: Path, home: Path, count: int) -> None:
    """A status with nothing cached, and another when nothing moved."""
    shutil.rmtree(home / ".cache", ignore_errors=True)
    folder = fleet(place, f"status{count}", count)
    for state in ("cold", "nothing moved"):
        cost, size = measured(("mlfactory", "fleet", "status"), folder, home)
        show(f"`fleet status` of {count}, {state}; largest process {size:.1f} MB", cost)
    size = subprocess.run(("du", "-sm", home / ".cache"), capture_output=True, text=True)
    print(f"\n{size.stdout.split()[0]} MB in the cache\n")


def show(title: str, value: Cost) -> None:
    print(f"| {title} | {value.wall:.1f} | {value.cpu:.1f} |", flush=True)


def main(updates: int = 50, loops: int = 5, *statuses: int) -> None:
    statuses = statuses or (60, 200)
    with tempfile.TemporaryDirectory() as scratch:
        place, home = Path(scratch), Path(scratch) / "home"
        home.mkdir()
        (home / ".gitconfig").write_text("[user]\nname = B\nemail = b@example.org\n")
        count = max(updates + loops, *statuses)
        origins(place, home, count)
        print("| | seconds | of processors |\n|---|--:|--:|", flush=True)
        (place / "loop").mkdir()
        if updates:
            rounds = [loop(place, home, count - 1 - number) for number in range(loops)]
            whole = (sum(figures) / loops * updates for figures in zip(*rounds, strict=True))
            show(f"{updates} times `copier update`, of {loops} rounds", Cost(*whole))
            folder = fleet(place, "updates", updates)
            plan, push = ("mlfactory", "fleet", "plan"), ("mlfactory", "fleet", "apply", "--push")
            show(f"`fleet plan` of {updates}", one.run(plan, folder, home))
            show(f"`fleet apply --push` of {updates}", one.run(push, folder, home))
        for number in statuses:
            look(place, home, number)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
