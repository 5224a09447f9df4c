"""Who let a record of a promotion in."""

from collections.abc import Callable, Iterable

from ..forge.review import Review
from ..git import tries
from ..project import Project
from .promotions import PROMOTIONS


def origins(project: Project, record: str) -> list[tuple[str, str]]:
    """The commits that brought a record to this branch as it is, and who made each: the one that
    added it, and those that have changed it since.
    """
    file, form = f"{PROMOTIONS}/{record}.json", "--format=%H %an <%ae>"
    log = ("log", "--first-parent", form)
    added = tries(project.root, *log, "-1", "--diff-filter=A", "--", file)
    since = tries(project.root, *log, "--reverse", f"{added.partition(' ')[0]}..HEAD", "--", file)
    pairs = (line.partition(" ") for line in [added, *since.splitlines()])
    return [(commit, author) for commit, _, author in pairs]


def review_of_record(
    project: Project, record: str, review_of: Callable[[str], Review | None]
) -> Review | None:
    """Who let it in, of all the changes that made it what it is; where one of them lacks a second
    person, of that one. None where nobody can tell.
    """
    answers = [review_of(commit) for commit, _ in origins(project, record)]
    reviews = [one for one in answers if one]
    if own := next((one for one in reviews if one.is_own), None):
        return own
    return joined(reviews) if reviews else None


def joined(reviews: Iterable[Review]) -> Review:
    """All reviews as one."""
    reviews = [*reviews]
    approvers = dict.fromkeys(name for one in reviews for name in one.approvers)
    authors = dict.fromkeys(name for one in reviews for name in one.authors)
    return Review(tuple(approvers), tuple(authors))


def is_own(project: Project, review: Review | None) -> bool:
    """Whether a second person is missing; not where nobody can tell."""
    return review is not None and project.params.release.second_person and review.is_own
