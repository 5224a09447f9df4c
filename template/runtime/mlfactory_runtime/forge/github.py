"""GitHub, as a job of its Actions meets it: with the job's own token.

Address, repository and token stand in the job's environment (GITHUB_API_URL, GITHUB_REPOSITORY,
GITHUB_TOKEN, GITHUB_SHA, GITHUB_ACTOR, GITHUB_EVENT_NAME, GITHUB_RUN_ID, GITHUB_SERVER_URL).
"""

from .rest import ENV, Api, call, entries

ACCOUNT = "github-actions[bot]"  # whose a job's own token is


def api() -> Api:
    host = ENV.get("GITHUB_API_URL", "https://api.github.com")
    return Api(f"{host}/repos/{ENV['GITHUB_REPOSITORY']}", ENV["GITHUB_TOKEN"])


def commit() -> str:
    """The commit that the job is about."""
    return ENV["GITHUB_SHA"]


def file_page(ref: str, path: str) -> str:
    """The address of a file's page."""
    return f"{home()}/blob/{ref}/{path}"


def run_page() -> str:
    """The address of this run."""
    return f"{home()}/actions/runs/{ENV['GITHUB_RUN_ID']}"


def home() -> str:
    return f"{ENV.get('GITHUB_SERVER_URL', 'https://github.com')}/{ENV['GITHUB_REPOSITORY']}"


def approver(commit: str) -> str:
    """Who approved the pull request that a commit was merged by; else who merged it.

    Without one, who pushed it, where this job runs because of that push; else nobody is known.
    """
    place = api()
    for pull in entries(place, f"/commits/{commit}/pulls"):
        if not pull["merged_at"]:
            continue
        latest = {}
        for review in entries(place, f"/pulls/{pull['number']}/reviews?per_page=100"):
            if review["user"] and review["state"] != "COMMENTED":
                latest[review["user"]["login"]] = review["state"]
        if names := [f"@{name}" for name, state in latest.items() if state == "APPROVED"]:
            return ", ".join(names)
        if merger := call(place, "GET", f"/pulls/{pull['number']}")[0]["merged_by"]:
            return f"@{merger['login']}"
    is_push = ENV.get("GITHUB_EVENT_NAME") == "push" and commit == ENV["GITHUB_SHA"]
    return f"@{ENV['GITHUB_ACTOR']}" if is_push else ""


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
