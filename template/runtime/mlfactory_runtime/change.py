"""What a change does to the model: the rows that its job runs on, and the page for who reviews it.

The change is the last commit; what it is compared with is the commit before, of a merge the branch
that is merged into. Of a merge request GitLab runs the branch as it is, and names the commit that
it began at.
"""

import json
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from .errors import FactoryError
from .files import write_json
from .forge.place import forge_or_none
from .gate.compare import measured, page
from .gate.shift import Shift, shifts
from .git import commit_of, dvc, git, tries
from .languages import of_record, say, writing_in
from .learn.synth import write
from .project import CATALOG, EVALUATION, LOCK, MODEL, PARAMS, REPORTS, SNAPSHOT, Project
from .records.comparison import Comparison
from .records.evaluation import Evaluation
from .records.record import read
from .registry.artifact import version
from .registry.resolve import Registered, exported, resolve
from .report.pages import render
from .settings.yaml import parse_yaml

NOT_GIVEN = Path(".factory/not_given.json")  # from the step with keys to that of the report
BEFORE, ROWS, SHOWN, CARD = "HEAD^1", 2000, 50, REPORTS / "model_card.md"
BASE_ENV = "CI_MERGE_REQUEST_DIFF_BASE_SHA"  # of a merge request on GitLab
KEYS = (  # what a job may have been given for the DVC remote
    "AWS_ACCESS_KEY_ID",
    "AZURE_STORAGE_CONNECTION_STRING",
    "GOOGLE_CREDENTIALS",
    "DVC_CONFIG_LOCAL",
)
NO_REMOTE, NOT_PULLED = "there is no DVC remote", "the data could not be pulled from the DVC remote"
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")


def rows(project: Project) -> str:
    """Pull the data, what was built of them, and the model before; or make rows up. Says why.

    FactoryError where a job has keys of the remote, and it does not give what is committed.
    """
    missing = pulled(project) if dvc(project.root, "remote", "list") else NO_REMOTE
    if missing:
        write(project, project.raw, ROWS)
    return missing


def pulled(project: Project) -> str:
    """Why the data could not be pulled."""
    tracked = git(project.root, "ls-files", "-z", "--", "*.dvc").split("\0")
    try:
        dvc(project.root, "pull", *filter(None, tracked))
        if not project.raw.exists():
            raise FactoryError(f"{project.params.data.path} is not among them")
    except FactoryError as error:
        if any(os.environ.get(name) for name in KEYS):
            message = f"{NOT_PULLED}, for which this job has keys: {error.message}"
            raise FactoryError(message, "dvc push, where they were added; or mend it") from error
        return NOT_PULLED
    with suppress(FactoryError):  # what was built before need not be built again
        dvc(project.root, "pull", "--allow-missing")
    write_json(project.root / NOT_GIVEN, not_given(project))
    with suppress(FactoryError):  # the report says what is missing
        model_before(project)
    return ""


def outs(project: Project) -> list[str]:
    """The files and folders that dvc.lock says the pipeline makes."""
    stages = parse_yaml(read_text(project, LOCK), LOCK).get("stages") or {}
    return [out["path"] for stage in stages.values() for out in stage.get("outs", ())]


def not_given(project: Project) -> list[str]:
    """Those that are DVC's to keep, and that its remote did not give: nobody else can pull them."""
    absent = [f"{path}/" for path in outs(project) if not (project.root / path).exists()]
    if not absent:
        return []
    plain = ("-c", "core.quotePath=false")
    names = tries(project.root, *plain, "check-ignore", "--", *absent).splitlines()
    return [name.removesuffix("/") for name in names]


def is_reproduced(project: Project) -> bool:
    """Whether the last commit holds what the pipeline has made of it now, to the byte."""
    if git(project.root, "diff", "--name-only", "HEAD", "--", "."):
        return False
    others = ("ls-files", "--others", "--exclude-standard", "--")
    return not git(project.root, *others, LOCK.as_posix(), *outs(project))


def report(project: Project, missing: str = "") -> tuple[str, bool]:
    """The page, as Markdown, and whether all is well: what is committed is what the pipeline makes
    of it, and others can pull it; a request brings no model that is worse, or that nothing speaks
    for.

    Of what is merged already a page says the same, and all is well: somebody has decided on it.
    """
    if missing:
        return made_up(project, missing), True
    is_whole, absent = is_reproduced(project), not_given_here(project)
    record, why = compared(project)
    text = page_of(project, record, why, is_whole=is_whole, absent=absent)
    is_well = is_whole and not absent
    return text, is_well and not (record and is_request() and is_refused(project, record))


def not_given_here(project: Project) -> list[str]:
    """What the remote did not give when this job pulled; nothing where it has not."""
    text = read_text(project, NOT_GIVEN)
    return [str(path) for path in json.loads(text)] if text else []


def is_request() -> bool:
    """Whether this is a job of a request, which somebody has to decide on."""
    place = forge_or_none()
    return bool(place and place.is_request())


def is_refused(project: Project, record: Comparison) -> bool:
    """Whether the gate, or the model's own evaluation, speaks against a new model."""
    return record.verdict == "worse" or bool(rejection(project))


def rejection(project: Project) -> str:
    """Why the model's own evaluation rejects it; empty where it does not."""
    evaluation = read(Evaluation, project.root / EVALUATION)
    return evaluation.reason if evaluation and evaluation.verdict != "accepted" else ""


def made_up(project: Project, missing: str) -> str:
    """The page of a run on rows that nobody has."""
    text = (
        "The pipeline ran on **made-up rows**, because {missing}.\n"
        "What it measured says nothing about the model, so it is not shown."
    )
    with writing_in(project.params.report.language):
        return say(text, missing=of_record(missing))


def page_of(
    project: Project,
    record: Comparison | None,
    why: str = "",
    *,
    before: str = "the model before",
    is_whole: bool = True,
    absent: Sequence[str] = (),
) -> str:
    """The page of the last commit: the verdict first, or why there is none."""
    content = {
        "is_whole": is_whole,
        "absent": ", ".join(absent),
        "rejected": rejection(project),
        "record": record,
        "before": before,
        "why": why,
        "changes": list(islice(changes(project), SHOWN)),
        "shifts": moved(project, record),
    }
    with writing_in(project.params.report.language):
        change = render(project, "change.md", content)
    pages = [
        change,
        page(project, record) if record else "",
        linked(project, read_text(project, CARD)),
    ]
    return "\n".join(pages)


def moved(project: Project, record: Comparison | None) -> list[Shift]:
    """The features whose training rows lie elsewhere than those of the model before."""
    if not (record and record.a.commit):
        return []
    with suppress(FactoryError):  # it has been compared, so it is at hand
        before = exported(project, record.a.label, record.a.version, record.a.commit)
        return shifts(before.model, project.model_folder)
    return []


def commit_before() -> str:
    """What the change is compared with, as git names it."""
    return os.environ.get(BASE_ENV) or BEFORE


def model_before(project: Project) -> Registered:
    """The model of the commit before. FactoryError where it cannot be had."""
    if not (commit := tries(project.root, "rev-parse", "--verify", "--quiet", commit_before())):
        raise FactoryError("there is no commit before")
    return exported(project, "the commit before", None, commit)


def compared(project: Project) -> tuple[Comparison | None, str]:
    """The model against the one before, or why they are not compared."""
    try:
        before, now = model_before(project), resolve(project, MODEL.as_posix())
        if version(before.model) == version(now.model):
            return None, "The model is the same as before."
        return measured(project, before, now), ""
    except FactoryError as error:
        return None, f"The model is not compared with the one before: {error.message}."


def changes(project: Project) -> Iterator[tuple[str, str, str, str]]:
    """Each entry of the settings, the catalog and the data's snapshot that differs: its file, its
    name, and what it was and is.
    """
    for file in (PARAMS, CATALOG, SNAPSHOT):
        was, now = (entries(text(project, file), file) for text in (read_before, read_text))
        for name in dict.fromkeys([*was, *now]):
            if was.get(name) != now.get(name):
                yield file.as_posix(), name, was.get(name, ""), now.get(name, "")


def read_before(project: Project, file: Path) -> str:
    """A file as the commit before holds it."""
    return tries(project.root, "show", f"{commit_before()}:./{file.as_posix()}")


def read_text(project: Project, file: Path) -> str:
    path = project.root / file
    return path.read_text("utf-8") if path.is_file() else ""


def entries(text: str, file: Path) -> dict[str, str]:
    """The values of a file of settings by their names in full, each as JSON."""
    return dict(flat(parse_yaml(text, file)))


def flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", json.dumps(value, ensure_ascii=False)


def linked(project: Project, text: str) -> str:
    """A page of reports/ whose links hold elsewhere, too, where there is a forge."""
    if not (forge := forge_or_none()):
        return text
    commit, folder = (
        commit_of(project.root, "HEAD"),
        git(project.root, "rev-parse", "--show-prefix"),
    )

    def full(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, REPORTS.as_posix(), link[1]))
        return f"]({forge.file_page(commit, path)})"

    return LINK.sub(full, text)
