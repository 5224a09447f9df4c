"""GitLab, as a job of its CI meets it: with a project's access token, as a job's own token may
neither read who approved, nor keep an issue, nor push; and on a merge request with one that may
only comment, as there the change's own code runs.

Address, project and the run stand in the job's environment (CI_API_V4_URL, CI_PROJECT_ID,
CI_PROJECT_URL, CI_JOB_URL, CI_PIPELINE_URL, CI_COMMIT_SHA, CI_PIPELINE_SOURCE, GITLAB_USER_LOGIN,
CI_MERGE_REQUEST_IID, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA).
API: https://docs.gitlab.com/api/issues/, .../merge_requests/, .../merge_request_approvals/,
.../commits/, .../notes/.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote

from ..errors import FactoryError
from .proposal import Proposal, Request
from .rest import ENV, Api, call, entries
from .review import Review, accounts, review_of, writers_beside

TOKEN = "FACTORY_FORGE_TOKEN"  # noqa: S105 - the variable's name
MISSING = f"the variable {TOKEN} is missing, and a job's own token may not ask GitLab for this"
ROLES = ("author", "merge_user")
HINT = "make a project access token, and a masked variable of it: README.md, Checks"
REPORT_TOKEN = "FACTORY_REPORT_TOKEN"  # noqa: S105 - the variable's name
NO_REPORT = f"the variable {REPORT_TOKEN} is missing, and a job's own token may not comment"
COMMAND = re.compile(r"^(?=/)", re.M)


def api() -> Api:
    """The project. FactoryError without the token."""
    if not (token := ENV.get(TOKEN)):
        raise FactoryError(MISSING, HINT)
    return Api(address(), token, TOKEN)


def reporter() -> Api:
    """The project, for comments. FactoryError without the token for them."""
    if not (token := ENV.get(REPORT_TOKEN)):
        raise FactoryError(NO_REPORT, HINT)
    return Api(address(), token, REPORT_TOKEN)


def address() -> str:
    """Where the project stands in the API."""
    return f"{ENV['CI_API_V4_URL']}/projects/{ENV['CI_PROJECT_ID']}"


def inert(text: str) -> str:
    """Text of which no line is a command: GitLab does what a line says that begins with a slash."""
    return COMMAND.sub("\\\\", text)


def commit() -> str:
    """The commit that the job is about."""
    return ENV["CI_COMMIT_SHA"]


def is_request() -> bool:
    """Whether the job is about a merge request."""
    return ENV.get("CI_PIPELINE_SOURCE") == "merge_request_event"


def file_page(ref: str, path: str) -> str:
    """The address of a file's page."""
    return f"{ENV['CI_PROJECT_URL']}/-/blob/{ref}/{path}"


def run_page() -> str:
    """The address of this run."""
    return ENV["CI_JOB_URL"]


def review(commit: str) -> Review:
    """Who approved the merge request that a commit was merged by; else who merged it.

    Without one, who pushed it, where this job runs because of that push; else nobody is known.
    """
    place = api()
    for request in entries(place, f"/repository/commits/{commit}/merge_requests"):
        if request["state"] != "merged" or not is_into_main(request["target_branch"]):
            continue
        path = f"/merge_requests/{request['iid']}"
        approval, _ = call(place, "GET", f"{path}/approvals")
        author, merger = ((request.get(role) or {}) for role in ROLES)
        people = [one["user"] for one in approval["approved_by"]]
        names = [one["username"] for one in people]
        authors = [author.get("username", ""), *writers(place, path, [*people, merger])]
        return review_of(names, authors, merger.get("username", ""))
    is_push = ENV.get("CI_PIPELINE_SOURCE") == "push" and commit == ENV["CI_COMMIT_SHA"]
    actor = ENV["GITLAB_USER_LOGIN"]
    return review_of([], [actor], actor) if is_push else Review()


def is_into_main(branch: str) -> bool:
    """Whether a request went to the branch that this job runs on, which is the main one."""
    return branch == ENV.get("CI_COMMIT_BRANCH", branch)


def writers(place: Api, request: str, people: list[dict[str, str]]) -> Iterator[str]:
    """Who wrote the commits of a merge request; of those that bring in another branch, nobody.

    GitLab names no account: it is that of an address of GitLab's own, or of somebody among `people`
    who has the author's name.
    """
    for one in entries(place, f"{request}/commits?per_page=100"):
        if len(one.get("parent_ids") or ()) < 2:
            yield from accounts([one["author_email"], *writers_beside(one["message"])])
            yield from (p["username"] for p in people if p.get("name") == one["author_name"])


def own_issue(mark: str) -> str:
    """The path of the open issue with that mark that the token's own account has opened."""
    place = api()
    number = account(place)
    for issue in entries(place, f"/issues?state=opened&author_id={number}&per_page=100"):
        if issue["author"]["id"] == number and mark in (issue["description"] or ""):
            return f"/issues/{issue['iid']}"
    return ""


def account(place: Api) -> int:
    """The number of the token's own account."""
    number: int = call(place, "GET", f"{ENV['CI_API_V4_URL']}/user")[0]["id"]
    return number


def open_issue(title: str, text: str) -> str:
    """The path of the new issue."""
    answer, _ = call(api(), "POST", "/issues", {"title": title, "description": inert(text)})
    return f"/issues/{answer['iid']}"


def rewrite_issue(path: str, title: str, text: str) -> None:
    call(api(), "PUT", path, {"title": title, "description": inert(text)})


def close_issue(path: str, comment: str) -> None:
    call(api(), "POST", f"{path}/notes", {"body": comment})
    call(api(), "PUT", path, {"state_event": "close"})


def requests(branch: str) -> Iterator[Request]:
    """All merge requests of a branch of this project, the newest first; not those of forks."""
    path = f"/merge_requests?state=all&source_branch={quote(branch, safe='')}&per_page=100"
    for one in entries(api(), path):
        if one["source_branch"] == branch and one["source_project_id"] == one["project_id"]:
            text = one["description"] or ""
            is_open, is_draft = one["state"] == "opened", bool(one.get("draft"))
            yield Request(f"/merge_requests/{one['iid']}", text, is_open, is_draft)


def open_request(proposal: Proposal, text: str) -> str:
    """The path of the new merge request."""
    place = api()
    main = call(place, "GET", "")[0]["default_branch"]
    content = {"source_branch": proposal.branch, "target_branch": main}
    title = f"Draft: {proposal.title}" if proposal.draft else proposal.title
    content |= {"title": title, "description": inert(text)}
    answer, _ = call(place, "POST", "/merge_requests", content)
    return f"/merge_requests/{answer['iid']}"


def rewrite_request(path: str, title: str, text: str) -> None:
    call(api(), "PUT", path, {"title": title, "description": inert(text)})


def pipeline_page() -> str:
    """The address of this pipeline."""
    return ENV["CI_PIPELINE_URL"]


def commit_of_request() -> str:
    """The newest commit of the request; the pipeline may run what its merge would make."""
    return ENV.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or commit()


def request_of_pipeline() -> str:
    """The path of the merge request whose newest commit this pipeline is of; else nothing."""
    path = f"/merge_requests/{ENV['CI_MERGE_REQUEST_IID']}"
    request, _ = call(reporter(), "GET", path)
    is_newest = request["state"] == "opened" and request["sha"] == commit_of_request()
    return path if is_newest else ""


def own_comment(request: str, mark: str) -> str:
    """The path of the note with that mark that the token's own account has written."""
    place = reporter()
    number = account(place)
    for note in entries(place, f"{request}/notes?per_page=100"):
        if note["author"]["id"] == number and mark in note["body"]:
            return f"{request}/notes/{note['id']}"
    return ""


def write_comment(request: str, text: str) -> str:
    """The path of the new note."""
    answer, _ = call(reporter(), "POST", f"{request}/notes", {"body": inert(text)})
    return f"{request}/notes/{answer['id']}"


def rewrite_comment(path: str, text: str) -> None:
    call(reporter(), "PUT", path, {"body": inert(text)})


def close_request(path: str) -> None:
    call(api(), "PUT", path, {"state_event": "close"})


def label_request(path: str, labels: tuple[str, ...]) -> None:
    """A label that the project does not have yet is made."""
    call(api(), "PUT", path, {"add_labels": ",".join(labels)})
