"""How often the holdout was looked at: the best of many looks is better than the truth.

Git remembers: every evaluation that was committed on any branch, and every experiment of DVC's,
which are commits of their own. An evaluation that was overwritten before any of these is forgotten.
"""

from ..errors import FactoryError
from ..git import git, tries
from ..project import EVALUATION, Project
from ..records.evaluation import Evaluation
from ..records.record import parse, read

FILE = f"./{EVALUATION.as_posix()}"


def looks(project: Project) -> int | None:
    """How many models were measured on the holdout of the current one; None if git cannot tell."""
    current = read(Evaluation, project.root / EVALUATION)
    if current is None or not tries(project.root, "ls-files", "--", FILE):
        return None
    records = [current, *earlier(project)]
    return len({measured(one) for one in records if holdout(one) == holdout(current)})


def earlier(project: Project) -> list[Evaluation]:
    """All evaluations that a commit or an experiment holds."""
    options = ("--all", "--full-history", "-m", "--raw", "--no-abbrev", "--format=")
    log = git(project.root, "log", *options, "--", FILE)
    blobs = {line.split()[3] for line in log.splitlines() if line.startswith(":")}
    records = []
    for blob in sorted(blobs):
        try:
            text = tries(project.root, "cat-file", "blob", blob)
            records.append(parse(Evaluation, text, EVALUATION.name))
        except FactoryError:  # a file that was taken away, or a conflict that was committed
            continue
    return records


def holdout(one: Evaluation) -> tuple[str | None, ...]:
    """What decides on the rows that are held out, as far as an evaluation tells."""
    return one.target, one.split.kind, one.split.cutoff, one.split.code


def measured(one: Evaluation) -> str:
    """The numbers of the model; who sees the same ones again has learned nothing new."""
    return str([(name, metric.value) for name, metric in sorted(one.models["model"].items())])


def looks_text(count: int) -> str:
    """What to say of so many looks."""
    if count == 1:
        return "the holdout was looked at once, for this model"
    return (
        f"the holdout was looked at for {count:,} models: the best of them looks better than it is"
    )
