"""Whether a new version records itself: without that, every later update would begin again."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import PurePosixPath

from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError
from mlfactory.project import record
from mlfactory.project.record import CRUFT, PATTERN, Project
from mlfactory.render.result import Render


def fault(project: Project, theirs: Render, settings: Answers) -> str:
    """What is wrong with the record that a version brings, or an empty string. cruft's is written
    by us."""
    text = theirs.text(project.file)
    if project.kind == CRUFT:
        return ""
    if text is None:
        return f"it does not render {project.file}"
    try:
        after = record.with_text(project, text)
    except MlfactoryError as error:
        return error.message.removeprefix(f"{project.path / project.file} ")
    if after.version != theirs.facts.version:
        return f"it does not render {project.file}"
    answers = theirs.facts.answers
    names = [n for n in settings if n in answers and str(after.answers.get(n)) != str(answers[n])]
    return f"it does not write {', '.join(names)} into {project.file}" if names else ""


def hint(project: Project, theirs: Render) -> str:
    """How to get on: under the name that the record has now, or with the template mended."""
    names = [e.name for e in theirs.entries if fnmatch(PurePosixPath(e.name).name, PATTERN)]
    if other := next((name for name in names if name != project.file), ""):
        return (
            f"It records itself in {other}: git mv {project.file} {other} && git commit, "
            f"then: mlfactory update --answers-file {other}"
        )
    return (
        "Its authors bring back `{{ _copier_conf.answers_file }}.jinja` with "
        "`{{ _copier_answers | to_nice_yaml }}`; until then: mlfactory update --to another version"
    )


def warning(project: Project, theirs: Render) -> tuple[str, ...]:
    """The same where nothing is to be done yet."""
    wrong = fault(project, theirs, {})
    text = f"{theirs.facts.version} does not record itself, and cannot be updated to: {wrong}"
    return (text,) if wrong else ()


def check(project: Project, theirs: Render, settings: Answers) -> None:
    """Raises MlfactoryError for a version after which nobody would know which one it is."""
    if wrong := fault(project, theirs, settings):
        text = f"{theirs.facts.version} of {project.source} does not record itself: {wrong}"
        raise MlfactoryError(text, hint(project, theirs))
