"""The one comment on a request that says what its change does, as far as CI has seen."""

from . import github
from .github_run import Run, reports, request_of, run_before
from .request import fitting

MARK = "<!-- kept by the job Report{}: one comment, written anew by each run -->"


def keep_comment(folder: str = "") -> str:
    """Write the comment, or write it anew; says what was done.

    Of two runs of one request the newer one counts: where there are newer commits, nothing is said.
    """
    run = run_before()
    if not (request := request_of(run)):
        return "no open request has this run's commit as its newest"
    mark = MARK.format(f" of {folder}" if folder else "")
    text = f"{mark}\n\n{fitting(page_of(run))}"
    if path := github.own_comment(request, mark):
        github.rewrite_comment(path, text)
        return f"updated {path}"
    return f"wrote {github.write_comment(request, text)}"


def page_of(run: Run) -> str:
    """What the jobs of a run report."""
    texts = [text if run.is_own else harmless(text) for text in reports(run)]
    first = "" if run.conclusion == "success" else "**CI is not green.** "
    return "\n\n".join([f"{first}[The run]({run.page}) of {run.commit[:12]}.", *texts])


def harmless(text: str) -> str:
    """Text of a stranger, in which nothing is HTML, and nobody is called."""
    return text.replace("<", "&lt;").replace("@", "@\u200b")
