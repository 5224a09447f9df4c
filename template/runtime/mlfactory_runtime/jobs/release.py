"""The job that releases: an image of the version that a stage holds, and a record of where it went.

Each of its parts needs other rights, and a job gives them to that part alone.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from ..errors import FactoryError
from ..files import pretty
from ..forge.place import forge_or_none
from ..forge.review import Review
from ..git import commit_files, git, tries
from ..programs import output
from ..project import Project
from ..records.deployment import Deployment
from ..records.record import parse, read, write
from ..records.registry import Promotion
from ..registry.approval import is_own, review_of_record
from ..registry.artifact import version as name_of
from ..registry.models import message_json
from ..registry.promotions import PROMOTIONS
from ..registry.resolve import resolve
from ..registry.sbom import content
from ..registry.tags import STAGES, Tag, artifact, folder_of, stages
from .image import build_image

RELEASE, BILL, BRANCH = Path("release.json"), Path("release.cdx.json"), "deployments"
AGAIN = "mend it, and run the job Release again"


def due(project: Project) -> list[str]:
    """The stages that hold another version than was deployed there last."""
    current = stages(project)
    return [name for name in STAGES if name in current and is_due(project, current[name])]


def is_due(project: Project, tag: Tag) -> bool:
    last = deployment(project, tag.stage)
    return last is None or last.tag != tag.tag


def deployment(project: Project, stage: str) -> Deployment | None:
    """What was deployed on a stage last, as far as this clone knows."""
    name = f"{stage}.json"
    text = tries(project.root, "show", f"origin/{branch_of(project)}:{name}")
    return parse(Deployment, text, name) if text else None


def branch_of(project: Project) -> str:
    """The branch of the deployments; each factory of a repository has its own."""
    return "-".join(filter(None, [BRANCH, *folder_of(project).split("/")]))


def build(
    project: Project, stage: str, review_of: Callable[[str], Review | None] = lambda _: None
) -> Deployment:
    """Build what a stage holds: release.json and release.cdx.json say what came of it.

    FactoryError unless a merged record says so, which somebody else than its author approved.
    """
    (project.root / RELEASE).unlink(missing_ok=True)
    if not (tag := stages(project).get(stage)):
        raise FactoryError(f"no version is on the stage {stage}", "git fetch --tags")
    record, names = merged(project, tag), message_json(tag.message).get("approved_by")
    review = review_of_record(project, record.record, review_of)
    if is_own(project, review):
        message = f"nobody but its author approved {PROMOTIONS}/{record.record}.json"
        hint = "have another merge it, or set release.second_person: false in params.yaml"
        raise FactoryError(message, hint)
    version = resolve(project, stage)
    bill, image = content(project, version), build_image(project, version)
    place = forge_or_none()
    (project.root / BILL).write_text(bill, "utf-8")
    result = Deployment(
        name=artifact(project),
        stage=stage,
        version=record.version,
        commit=record.commit,
        tag=tag.tag,
        record=record.record,
        model=name_of(version.model),
        approved_by=review.names if review else names,
        image=image.name if image else None,
        digest=image.digest if image else None,
        bill=sha256(bill.encode()).hexdigest(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        run=place.run_page() if place else None,
    )
    write(project.root / RELEASE, result)
    return result


def merged(project: Project, tag: Tag) -> Promotion:
    """The record that a tag was made of, as the last commit has it. FactoryError without one."""
    content = message_json(tag.message)
    name = f"{PROMOTIONS}/{content.get('record')}.json"
    is_name = re.fullmatch(r"[\w/.-]+", name) and ".." not in name
    text = tries(project.root, "show", f"HEAD:./{name}") if is_name else ""
    if not text:
        message = f"{tag.tag} was made without a record that is merged here"
        hint = f"merge the request that brings it; or take it back: git push origin :{tag.tag}"
        raise FactoryError(message, hint)
    record = parse(Promotion, text, name)
    claim = parse(Promotion, json.dumps(content), tag.tag)
    own = record.model_copy(update={"approved_by": claim.approved_by})
    if claim != own or record.commit != tag.commit:
        message = f"{name} is not what the tag {tag.tag} says"
        raise FactoryError(message, "factory trail verify; look at who moved the tag")
    return record


def deploy(project: Project) -> tuple[Deployment, str]:
    """Run the script of `release.deploy` for what was built; gives what it printed, too."""
    result, name = release_here(project), project.params.release.deploy
    if not name:
        return result, ""
    if Path(name).is_absolute() or not (project.root / name).is_file():
        message = f"{name}, which release.deploy names, is no file of this repository"
        raise FactoryError(message, "write it, and commit it")
    env = {
        "RELEASE_STAGE": result.stage,
        "RELEASE_VERSION": result.version,
        "RELEASE_COMMIT": result.commit,
        "RELEASE_IMAGE": result.image or "",
        "RELEASE_DIGEST": result.digest or "",
        "RELEASE_MODEL": str(resolve(project, result.version).model),
    }
    text = output(project.root, "bash", f"./{name}", env=env, hint=AGAIN).decode(errors="replace")
    result = result.model_copy(update={"script": name})
    write(project.root / RELEASE, result)
    return result, text.strip()


def release_here(project: Project) -> Deployment:
    """What was built here last."""
    if result := read(Deployment, project.root / RELEASE):
        return result
    raise FactoryError(f"{RELEASE} is not here", "factory forge build STAGE")


def publish(project: Project) -> str:
    """Push the record of the deployment as a commit on its branch; gives the branch."""
    result, branch = release_here(project), branch_of(project)
    newest = f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
    tries(project.root, "fetch", "--quiet", "origin", newest)
    parent = tries(project.root, "rev-parse", "--verify", "--quiet", f"origin/{branch}") or None
    bill = (project.root / BILL).read_text("utf-8")
    files = {f"{result.stage}.json": pretty(result.model_dump()), f"{result.stage}.cdx.json": bill}
    top = Path(git(project.root, "rev-parse", "--show-toplevel"))
    message = f"{result.version} is on {result.stage}"
    commit = commit_files(top, files, message, parent, "factory")
    git(
        project.root, "push", "--quiet", "origin", f"{commit}:refs/heads/{branch}",
        hint="somebody else released meanwhile: run the job Release again",
    )  # fmt: skip
    return branch
