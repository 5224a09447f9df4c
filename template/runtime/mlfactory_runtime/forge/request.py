"""The one request that is open while a job has something to propose."""

from pathlib import Path

from ..git import git, remote_of
from .place import forge
from .proposal import Proposal

LIMIT = 60_000  # characters, of which GitHub takes 65,536
PUSH = "look at the token's rights, and at the rules for that branch"


def keep_request(folder: Path, proposal: Proposal) -> str:
    """Push HEAD and open the request, or write the open one anew; says what was done.

    What stands in a request of that branch already is not proposed again: not while it is open, and
    not when somebody has closed it.
    """
    place = forge()
    requests = [*place.requests(proposal.branch)]
    if same := next((one for one in requests if proposal.mark in one.text), None):
        return f"{same.path} {'is open' if same.is_open else 'was decided'}, and holds this"
    ref = f"HEAD:refs/heads/{proposal.branch}"
    git(folder, "push", "--quiet", "--force", remote_of(folder), ref, hint=PUSH)
    text = f"{proposal.mark}\n\n{fitting(proposal.text)}"
    current = next((one for one in requests if one.is_open), None)
    if current and current.is_draft == proposal.draft:
        place.rewrite_request(current.path, proposal.title, text)
        return f"updated {current.path}"
    if current:  # no API makes one of the other
        place.close_request(current.path)
    path = place.open_request(proposal, text)
    if proposal.labels:
        place.label_request(path, proposal.labels)
    return f"opened {path}"


def fitting(text: str) -> str:
    """As much of a text as a forge takes, in whole lines, with a link to the rest."""
    if len(text) <= LIMIT:
        return text
    lines = text[:LIMIT].rpartition("\n")[0]
    return f"{lines}\n\n[The rest stands in the run]({forge().run_page()})."
