"""GitHub, as a job of its Actions meets it: with the job's own token, and for requests with another
one, as checks do not run on what the job's own opens.

Address, repository and token stand in the job's environment (GITHUB_API_URL, GITHUB_REPOSITORY,
GITHUB_TOKEN, GITHUB_SHA, GITHUB_ACTOR, GITHUB_EVENT_NAME, GITHUB_RUN_ID, GITHUB_SERVER_URL).
"""

from collections.abc import Iterator
from urllib.parse import quote

from ..errors import FactoryError
from .proposal import Proposal, Request
from .rest import ENV, Api, call, entries
from .review import Review, accounts, review_of, writers_beside

ACCOUNT = "github-actions[bot]"  # whose a job's own token is
# Whoever can read a repository may review there: the opinion of others says nothing.
OWN_PEOPLE = ("OWNER", "MEMBER", "COLLABORATOR")
TOKEN = "FACTORY_FORGE_TOKEN"  # noqa: S105 - the secret's name
MISSING = f"the secret {TOKEN} is missing, and on requests of a job's own token no checks run"
HINT = "make one, as README.md says under Checks; until then the patch is an artifact of the run"


def api() -> Api:
    return Api(address(), ENV.get("GITHUB_TOKEN", ""))


def proposer() -> Api:
    """The repository, for requests. FactoryError without the token for them."""
    if not (token := ENV.get(TOKEN)):
        raise FactoryError(MISSING, HINT)
    return Api(address(), token, TOKEN)


def address() -> str:
    """Where the repository stands in the API."""
    host = ENV.get("GITHUB_API_URL", "https://api.github.com")
    return f"{host}/repos/{ENV['GITHUB_REPOSITORY']}"


def commit() -> str:
    """The commit that the job is about."""
    return ENV["GITHUB_SHA"]


def is_request() -> bool:
    """Whether the job is about a pull request."""
    return ENV.get("GITHUB_EVENT_NAME") == "pull_request"


def file_page(ref: str, path: str) -> str:
    """The address of a file's page."""
    return f"{home()}/blob/{ref}/{path}"


def run_page() -> str:
    """The address of this run."""
    return f"{home()}/actions/runs/{ENV['GITHUB_RUN_ID']}"


def home() -> str:
    return f"{ENV.get('GITHUB_SERVER_URL', 'https://github.com')}/{ENV['GITHUB_REPOSITORY']}"


def review(commit: str) -> Review:
    """Who of the repository's own people approved the pull request that a commit was merged by;
    else who merged it.

    Without one, who pushed it, where this job runs because of that push; else nobody is known.
    """
    place = api()
    for pull in entries(place, f"/commits/{commit}/pulls"):
        if not pull["merged_at"] or not is_into_main(pull["base"]["ref"]):
            continue
        latest = {}
        for review in entries(place, f"/pulls/{pull['number']}/reviews?per_page=100"):
            is_own = review["author_association"] in OWN_PEOPLE
            if review["user"] and is_own and review["state"] != "COMMENTED":
                latest[review["user"]["login"]] = review["state"]
        names = [name for name, state in latest.items() if state == "APPROVED"]
        whole = call(place, "GET", f"/pulls/{pull['number']}")[0]
        authors = [login(whole.get("user")), *writers(place, pull["number"])]
        return review_of(names, authors, login(whole.get("merged_by")))
    is_push = ENV.get("GITHUB_EVENT_NAME") == "push" and commit == ENV["GITHUB_SHA"]
    actor = ENV["GITHUB_ACTOR"]
    return review_of([], [actor], actor) if is_push else Review()


def writers(place: Api, number: int) -> Iterator[str]:
    """Who wrote the commits of a pull request, alone or with others; of those that bring in another
    branch, nobody.
    """
    for one in entries(place, f"/pulls/{number}/commits?per_page=100"):
        if len(one["parents"]) < 2:
            yield login(one["author"])
            yield from accounts(writers_beside(one["commit"]["message"]))


def is_into_main(branch: str) -> bool:
    """Whether a request went to the branch that this job runs on, which is the main one."""
    return branch == ENV.get("GITHUB_REF_NAME", branch)


def login(account: dict[str, str] | None) -> str:
    """The name of an account; empty where it is gone."""
    return (account or {}).get("login", "")


def own_issue(mark: str) -> str:
    """The path of the open issue with that mark that the job's own account has opened."""
    for issue in entries(api(), "/issues?state=open&per_page=100"):
        is_ours = "pull_request" not in issue and (issue["user"] or {}).get("login") == ACCOUNT
        if is_ours and mark in (issue["body"] or ""):
            return f"/issues/{issue['number']}"
    return ""


def open_issue(title: str, text: str) -> str:
    """The path of the new issue."""
    answer, _ = call(api(), "POST", "/issues", {"title": title, "body": text})
    return f"/issues/{answer['number']}"


def rewrite_issue(path: str, title: str, text: str) -> None:
    call(api(), "PATCH", path, {"title": title, "body": text})


def close_issue(path: str, comment: str) -> None:
    call(api(), "POST", f"{path}/comments", {"body": comment})
    call(api(), "PATCH", path, {"state": "closed", "state_reason": "completed"})


def requests(branch: str) -> Iterator[Request]:
    """All pull requests of a branch of this repository, the newest first; not those of forks."""
    name = ENV["GITHUB_REPOSITORY"]
    head = quote(f"{name.partition('/')[0]}:{branch}")
    for pull in entries(proposer(), f"/pulls?state=all&per_page=100&head={head}"):
        source = pull["head"]
        if source["ref"] == branch and (source["repo"] or {}).get("full_name") == name:
            path = f"/pulls/{pull['number']}"
            is_open, is_draft = pull["state"] == "open", bool(pull.get("draft"))
            yield Request(path, pull["body"] or "", is_open, is_draft)


def open_request(proposal: Proposal, text: str) -> str:
    """The path of the new pull request."""
    place = proposer()
    main = call(place, "GET", "")[0]["default_branch"]
    content = {"head": proposal.branch, "base": main, "title": proposal.title, "body": text}
    answer, _ = call(place, "POST", "/pulls", {**content, "draft": proposal.draft})
    return f"/pulls/{answer['number']}"


def rewrite_request(path: str, title: str, text: str) -> None:
    call(proposer(), "PATCH", path, {"title": title, "body": text})


def close_request(path: str) -> None:
    call(proposer(), "PATCH", path, {"state": "closed"})


def label_request(path: str, labels: tuple[str, ...]) -> None:
    """A label that the repository does not have yet is made."""
    issue = path.replace("/pulls/", "/issues/")
    call(proposer(), "POST", f"{issue}/labels", {"labels": [*labels]})


def own_comment(request: str, mark: str) -> str:
    """The path of the comment with that mark that the job's own account has written."""
    for comment in entries(api(), f"{request}/comments?per_page=100"):
        if (comment["user"] or {}).get("login") == ACCOUNT and mark in (comment["body"] or ""):
            return f"/issues/comments/{comment['id']}"
    return ""


def write_comment(request: str, text: str) -> str:
    """The path of the new comment."""
    answer, _ = call(api(), "POST", f"{request}/comments", {"body": text})
    return f"/issues/comments/{answer['id']}"


def rewrite_comment(path: str, text: str) -> None:
    call(api(), "PATCH", path, {"body": text})
