"""The one comment on a request that says what its change does, as far as CI has seen."""

from collections.abc import Iterable
from pathlib import Path

from . import gitlab
from .github_run import Run, reports, request_of, run_before
from .place import forge
from .request import fitting

MARK = "<!-- kept by the job Report{}: one comment, written anew by each run -->"
OLDER = "no open request has this run's commit as its newest"
LIMIT = 1_000_000  # bytes of a page


def keep_comment(folder: str = "") -> str:
    """Write what the run reports that has started this job, as on GitHub; says what was done.

    Of two runs of one request the newer one counts: where there are newer commits, nothing is said.
    """
    run = run_before()
    request = request_of(run)
    return keep(request, page_of(run), folder) if request else OLDER


def keep_own_comment(files: Iterable[Path], outcome: str, folder: str = "") -> str:
    """Write what the pipeline reports that this job is part of, as on GitLab; says what was done.

    It takes the same care of newer commits.
    """
    if not (request := gitlab.request_of_pipeline()):
        return OLDER
    texts = [text_of(file) for file in files]
    text = page(outcome, gitlab.pipeline_page(), gitlab.commit_of_request(), texts)
    return keep(request, text, folder)


def keep(request: str, text: str, folder: str) -> str:
    """Write the comment, or write it anew; says what was done.

    One that another account wrote is not the job's, whatever stands in it.
    """
    place, mark = forge(), MARK.format(f" of {folder}" if folder else "")
    text = f"{mark}\n\n{fitting(text)}"
    if path := place.own_comment(request, mark):
        place.rewrite_comment(path, text)
        return f"updated {path}"
    return f"wrote {place.write_comment(request, text)}"


def page_of(run: Run) -> str:
    """What the jobs of a run report."""
    texts = [text if run.is_own else harmless(text) for text in reports(run)]
    return page(run.conclusion, run.page, run.commit, texts)


def page(outcome: str, address: str, commit: str, texts: Iterable[str]) -> str:
    first = "" if outcome == "success" else "**CI is not green.** "
    return "\n\n".join([f"{first}[The run]({address}) of {commit[:12]}.", *texts])


def text_of(file: Path) -> str:
    """The page that a job has left; a sentence where it has left none."""
    if not file.is_file():
        return f"There is no {file.name}: its job did not get so far."
    with file.open("rb") as content:
        return content.read(LIMIT).decode("utf-8", "replace").strip()


def harmless(text: str) -> str:
    """Text of a stranger, in which nothing is HTML, and nobody is called."""
    return text.replace("<", "&lt;").replace("@", "@\u200b")
