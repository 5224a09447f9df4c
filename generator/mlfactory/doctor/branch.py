"""What `mlfactory doctor` says of the branch that jobs run on."""

from __future__ import annotations

from pathlib import Path

from mlfactory.base import answers, git, mainline

from .finding import OK, WARNING, Observation


class JOB001:
    """The jobs name the repository's main branch"""

    @staticmethod
    def check(folder: Path) -> Observation:
        record = answers.read(folder / answers.FILE)
        if record.get("ci") != "github":  # GitLab's jobs ask it for the name
            return Observation(OK, "no jobs name it")
        name, place = record.get("branch") or mainline.MAIN, git.look_up(folder)
        there = mainline.at_origin(place[0]) if place else ""
        if there in ("", name):
            return Observation(OK, f"they begin for {name}")
        detail = f"origin's is {there}, and they begin for {name}: nothing runs there"
        return Observation(WARNING, detail, f"mlfactory update --set branch={there}")
