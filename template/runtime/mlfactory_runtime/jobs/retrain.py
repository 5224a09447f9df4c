"""The job that retrains: when it is due, and what it proposes."""

from ..change import page_of
from ..files import short_hash
from ..forge.proposal import Proposal
from ..git import commit_of, dvc, git
from ..project import LOCK, Project
from ..records.comparison import Comparison
from ..records.monitoring import Monitored
from ..registry.tags import folder_of
from ..retrain.retrain import retrain
from ..visible import plain

JOB = "retrain"
DECIDE = (
    "To decide: merge this, and the model is the factory's; `factory register` and "
    "`factory promote` put it into use then. Close it, and this model is not proposed again. "
    "The job replaces what others commit on this branch."
)


def due(project: Project, result: Monitored | None) -> str:
    """What of `monitor.retrain` rings, by kind or name; nothing where no retraining is due."""
    alarms = [check for check in result.checks if check.status == "alarm"] if result else []
    names = {name for check in alarms for name in (check.kind, check.name)}
    return ", ".join(name for name in project.params.monitor.retrain if name in names)


def propose(project: Project, why: str = "") -> tuple[Proposal, str] | None:
    """Retrain, commit, and push to DVC's remote: the proposal and its patch, None without news.

    The branch is not pushed, which takes another right than all that is done here.
    """
    dvc(
        project.root,
        "pull",
        "--allow-missing",
        hint="give the job the remote's keys: README.md, Checks",
    )
    before = commit_of(project.root, "HEAD")
    attempt = retrain(project, why, commit=True)
    if attempt.comparison is None:
        return None
    dvc(project.root, "push", hint="give the job keys that may write to the remote")
    text = page_of(project, attempt.comparison, before=f"that of {attempt.comparison.a.label}")
    reason = f", because of {why}" if why else ""
    parts = (f"Trained anew on {plain(attempt.data)}{plain(reason)}.", text, DECIDE)
    proposal = Proposal(
        branch="/".join(filter(None, [JOB, folder_of(project)])),
        mark=mark_of(project),
        title=f"Retrain: {title(attempt.comparison)}",
        text="\n\n".join(parts),
    )
    return proposal, git(project.root, "format-patch", "--stdout", f"{before}..HEAD") + "\n"


def mark_of(project: Project) -> str:
    """What a proposal is known by: all that the new model is made of."""
    name = short_hash((project.root / LOCK).read_bytes())
    return f"<!-- kept by the job Retrain: {name} -->"


def title(record: Comparison) -> str:
    """The verdict, for who sees no more than a list of requests."""
    unsure = "nobody can tell whether the new model is better"
    return unsure if record.verdict == "undecided" else f"the new model is {record.verdict}"
