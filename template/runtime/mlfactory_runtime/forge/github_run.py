"""The run that a job of GitHub was started by (`workflow_run`): the pull request that it is of, and
what it reports.

It may be a fork's, with code that nobody has read. So its request is not taken from what it left
behind, and of its files no more is read than a page holds.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from zipfile import BadZipFile, ZipFile

from .github import api
from .rest import ENV, answer_of, call, entries

REPORTS, FILE = ("report-pipeline", "report-code"), "report.md"
LIMIT = 1_000_000  # bytes of an artifact, and of the page in it


@dataclass(frozen=True)
class Run:
    """A run: its number, the commit, branch and repository (owner/name) it was of, how it ended."""

    number: int
    commit: str
    branch: str
    repository: str
    conclusion: str
    page: str

    @property
    def is_own(self) -> bool:
        """Whether it was of a branch of this repository."""
        return self.repository == ENV["GITHUB_REPOSITORY"]


def run_before() -> Run:
    """The run, as the event tells that has started this job."""
    event = json.loads(Path(ENV["GITHUB_EVENT_PATH"]).read_text("utf-8"))["workflow_run"]
    return Run(
        number=event["id"],
        commit=event["head_sha"],
        branch=event["head_branch"] or "",
        repository=(event["head_repository"] or {}).get("full_name", ""),  # a fork may be gone
        conclusion=event["conclusion"],
        page=event["html_url"],
    )


def request_of(run: Run) -> str:
    """The path of the open pull request whose newest commit the run was of; else nothing."""
    head = quote(f"{run.repository.partition('/')[0]}:{run.branch}")
    for pull in entries(api(), f"/pulls?state=open&per_page=100&head={head}"):
        source = pull["head"]
        is_its = (source["repo"] or {}).get("full_name") == run.repository
        if is_its and source["sha"] == run.commit:
            return f"/issues/{pull['number']}"
    return ""


def reports(run: Run) -> Iterator[str]:
    """The pages that its jobs left, that of the pipeline first."""
    answer, _ = call(api(), "GET", f"/actions/runs/{run.number}/artifacts?per_page=100")
    numbers = {one["name"]: one["id"] for one in answer["artifacts"] if not one["expired"]}
    for name in REPORTS:
        if name in numbers:
            yield text_of(numbers[name])


def text_of(number: int) -> str:
    """The page in an artifact; a sentence where there is none."""
    with answer_of(api(), "GET", f"/actions/artifacts/{number}/zip") as answer:
        content = answer.read(LIMIT)
    try:
        with ZipFile(BytesIO(content)) as archive, archive.open(FILE) as file:
            return file.read(LIMIT).decode("utf-8", "replace")
    except (BadZipFile, KeyError):
        return "A report cannot be read."
