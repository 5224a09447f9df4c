"""GitLab, as a job of its CI meets it: with a project's access token, as a job's own token may
neither read who approved, nor keep an issue, nor push.

Address, project and the run stand in the job's environment (CI_API_V4_URL, CI_PROJECT_ID,
CI_PROJECT_URL, CI_JOB_URL, CI_COMMIT_SHA, CI_PIPELINE_SOURCE, GITLAB_USER_LOGIN).
API: https://docs.gitlab.com/api/issues/, .../merge_requests/, .../merge_request_approvals/,
.../commits/.
"""

from collections.abc import Iterator
from urllib.parse import quote

from ..errors import FactoryError
from .proposal import Proposal, Request
from .rest import ENV, Api, call, entries
from .review import Review, review_of

TOKEN = "FACTORY_FORGE_TOKEN"  # noqa: S105 - the variable's name
MISSING = f"the variable {TOKEN} is missing, and a job's own token may not ask GitLab for this"
ROLES = ("author", "merge_user")
HINT = "make a project access token, and a masked variable of it: README.md, Checks"


def api() -> Api:
    """The project. FactoryError without the token."""
    if not (token := ENV.get(TOKEN)):
        raise FactoryError(MISSING, HINT)
    return Api(f"{ENV['CI_API_V4_URL']}/projects/{ENV['CI_PROJECT_ID']}", token)


def commit() -> str:
    """The commit that the job is about."""
    return ENV["CI_COMMIT_SHA"]


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
        if request["state"] != "merged":
            continue
        approval, _ = call(place, "GET", f"/merge_requests/{request['iid']}/approvals")
        names = [one["user"]["username"] for one in approval["approved_by"]]
        author, merger = ((request.get(role) or {}).get("username", "") for role in ROLES)
        return review_of(names, author, merger)
    is_push = ENV.get("CI_PIPELINE_SOURCE") == "push" and commit == ENV["CI_COMMIT_SHA"]
    return review_of([], *[ENV["GITLAB_USER_LOGIN"]] * 2) if is_push else Review()


def own_issue(mark: str) -> str:
    """The path of the open issue with that mark that the token's own account has opened."""
    place = api()
    account, _ = call(place, "GET", f"{ENV['CI_API_V4_URL']}/user")
    for issue in entries(place, f"/issues?state=opened&author_id={account['id']}&per_page=100"):
        if issue["author"]["id"] == account["id"] and mark in (issue["description"] or ""):
            return f"/issues/{issue['iid']}"
    return ""


def open_issue(title: str, text: str) -> str:
    """The path of the new issue."""
    answer, _ = call(api(), "POST", "/issues", {"title": title, "description": text})
    return f"/issues/{answer['iid']}"


def rewrite_issue(path: str, title: str, text: str) -> None:
    call(api(), "PUT", path, {"title": title, "description": text})


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
    content |= {"title": title, "description": text}
    answer, _ = call(place, "POST", "/merge_requests", content)
    return f"/merge_requests/{answer['iid']}"


def rewrite_request(path: str, title: str, text: str) -> None:
    call(api(), "PUT", path, {"title": title, "description": text})


def close_request(path: str) -> None:
    call(api(), "PUT", path, {"state_event": "close"})


def label_request(path: str, labels: tuple[str, ...]) -> None:
    """A label that the project does not have yet is made."""
    call(api(), "PUT", path, {"add_labels": ",".join(labels)})
